/** A client of AutoDiscover over real sockets: what phones and Outlook send, and what no good client would. */
import { readdirSync, readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import {
  XmlBufferInputProvider,
  XmlDocument,
  XmlValidateError,
  XsdValidator,
  xmlRegisterInputProvider,
} from 'libxml2-wasm';

const schemas = 'http://schemas.microsoft.com/exchange/autodiscover';

/** The response schema of phones, and Outlook's. */
const mobileSync = `${schemas}/mobilesync/responseschema/2006`;
export const outlook = `${schemas}/outlook/responseschema/2006a`;

interface AutodiscoverCall {
  /** `https://host:port` or `http://host:port`. */
  readonly baseUrl: string;
  readonly ca?: string | undefined;
  readonly method?: string;
  readonly path?: string;
  /** `user:password`; none: no Authorization is sent. */
  readonly credentials?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface AutodiscoverAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
}

/** The request of a phone for an address. */
export function autodiscoverRequest(address: string, schema = mobileSync): string {
  const requestSchema = schema
    .replace('responseschema/2006a', 'requestschema/2006')
    .replace('response', 'request');
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${requestSchema}">
  <Request>
    <EMailAddress>${address}</EMailAddress>
    <AcceptableResponseSchema>${schema}</AcceptableResponseSchema>
  </Request>
</Autodiscover>`;
}

/** One request; an answer that is an Autodiscover document is validated against the schemas. */
export async function autodiscover(call: AutodiscoverCall): Promise<AutodiscoverAnswer> {
  const {
    baseUrl,
    method = 'POST',
    path = '/autodiscover/autodiscover.xml',
    credentials,
    headers,
    body,
  } = call;
  const url = new URL(path, baseUrl);
  const authorization =
    credentials === undefined
      ? {}
      : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  const options = {
    method,
    agent: false,
    headers: { 'Content-Type': 'text/xml', ...authorization, ...headers },
    ...(call.ca === undefined ? {} : { ca: call.ca }),
    checkServerIdentity: () => undefined,
  };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const answer = await new Promise<AutodiscoverAnswer>((resolve, reject) => {
    const outgoing = send(url, options, (incoming) => {
      buffer(incoming).then((bytes) => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: bytes.toString('utf8'),
          bytes,
        });
      }, reject);
    });
    outgoing.on('error', reject).end(body);
  });
  if (answer.text.includes('<Autodiscover')) assertValidXml(answer.text);
  return answer;
}

/** The text of the first element of this name; undefined if there is none. */
export function elementText(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

let validator: XsdValidator | undefined;

/** Asserts that a document is one of AutoDiscover's responses; throws with its faults. */
function assertValidXml(xml: string): void {
  const document = XmlDocument.fromString(xml);
  try {
    validator ??= compile();
    validator.validate(document);
  } catch (error) {
    if (!(error instanceof XmlValidateError)) throw error;
    throw new Error(`Not a valid AutoDiscover response: ${error.message}\n${xml}`, { cause: error });
  } finally {
    document.dispose();
  }
}

/** The driver imports by relative paths, which libxml2 asks of its input providers. */
function compile(): XsdValidator {
  const folder = new URL('../fixtures/eas/schemas/', import.meta.url);
  const files: Record<string, Uint8Array> = {};
  for (const name of readdirSync(new URL('linked/', folder))) {
    files[`linked/${name}`] = readFileSync(new URL(`linked/${name}`, folder));
  }
  xmlRegisterInputProvider(new XmlBufferInputProvider(files));
  const driver = XmlDocument.fromBuffer(readFileSync(new URL('eas-response.xsd', folder)));
  const compiled = XsdValidator.fromDoc(driver);
  driver.dispose();
  return compiled;
}

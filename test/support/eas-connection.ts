import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { commandCodes } from '#protocols/activesync/request-line';
import { decode } from '#protocols/activesync/wbxml/decode';
import type { Element } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { assertValid } from './eas-schema.ts';
import { tellExchanged, tellSpoken } from './spoken-channel.ts';

const PATH = '/Microsoft-Server-ActiveSync';
const WBXML = 'application/vnd.ms-sync.wbxml';
const MULTIPART = 'application/vnd.ms-sync.multipart';

interface EasConnectionOptions {
  /** `https://host:port`. */
  readonly baseUrl: string;
  /** The authority that signed the server's certificate, or that certificate; its host name is not checked. */
  readonly ca?: string | Buffer;
  readonly user: string;
  readonly password: string;
  readonly deviceId?: string;
  readonly deviceType?: string;
  readonly version?: ProtocolVersion;
  /** Sends the query in base64, from 12.1 on. */
  readonly base64Query?: boolean;
  readonly userAgent?: string;
  /** What DeviceInformation says. */
  readonly model?: string;
  /** Validates requests and responses against the schemas; default true. */
  readonly validate?: boolean;
}

/** What goes with one POST. */
export interface PostOptions {
  /** Further parameters of the query: SaveInSent, CollectionId, ItemId, LongId, Occurrence, AttachmentName. */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** For a request that is meant to be wrong; the response is still validated. */
  readonly validateRequest?: boolean;
  /** Asks ItemOperations for a multipart answer. */
  readonly acceptMultiPart?: boolean;
}

export interface EasResponse {
  /** HTTP's. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The decoded document; undefined for an empty answer or another content type. */
  readonly element: Element | undefined;
  /** The Status right under the root. */
  readonly rootStatus: number | undefined;
  /** The binary parts 1 and up of a multipart answer, at index 0 and up. */
  readonly parts: readonly Buffer[];
}

/** A device's HTTPS connection: queries, headers, policy key, WBXML; nothing of what the commands mean. */
export class EasConnection {
  protected readonly settled: EasConnectionOptions;
  version: ProtocolVersion;
  readonly deviceId: string;
  readonly deviceType: string;
  /** Sent with every POST; undefined sends none. */
  policyKey: number | undefined = 0;
  private readonly agent: Agent;

  constructor(options: EasConnectionOptions) {
    this.settled = options;
    this.version = options.version ?? '14.1';
    this.deviceId = options.deviceId ?? 'TESTDEVICE0001';
    this.deviceType = options.deviceType ?? 'TestPhone';
    this.agent = new Agent({
      keepAlive: true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      checkServerIdentity: () => undefined,
    });
  }

  /** Closes the connections that are kept open; hanging requests fail. */
  close(): void {
    this.agent.destroy();
  }

  /** The OPTIONS request (MS-ASHTTP): HTTP status and headers, and the versions and commands they list. */
  async options(): Promise<EasResponse & { readonly versions: string[]; readonly commands: string[] }> {
    const response = await this.send('OPTIONS', PATH, {}, undefined, undefined);
    const list = (name: string) => String(response.headers[name] ?? '').split(',');
    return { ...response, versions: list('ms-asprotocolversions'), commands: list('ms-asprotocolcommands') };
  }

  /**
   * One POST. Takes an element (sent as WBXML), raw bytes (as they are: message/rfc822 for the mail commands
   * below 14.0), or nothing. Request and response are validated, and an unknown tag in the response throws.
   */
  async post(
    command: string,
    body?: Element | Uint8Array | undefined,
    options: PostOptions = {},
  ): Promise<EasResponse> {
    const version = options.headers?.['MS-ASProtocolVersion'] ?? this.version;
    tellSpoken(command, version);
    const isRaw = body === undefined || body instanceof Uint8Array;
    if (!isRaw) tellExchanged({ direction: 'request', command, version, root: body });
    if (!isRaw && options.validateRequest !== false) this.assertValid('request', body, command);
    const bytes = isRaw ? body : encode(body);
    const headers = {
      ...this.headersOf(options),
      ...(bytes === undefined ? {} : { 'Content-Type': this.contentTypeOf(command, isRaw) }),
      ...options.headers,
    };
    const response = await this.send(
      'POST',
      `${PATH}?${this.queryOf(command, options)}`,
      headers,
      bytes,
      options.signal,
    );
    const { element } = response;
    if (element !== undefined) {
      tellExchanged({ direction: 'response', command, version, root: element });
      this.assertValid('response', element, command);
    }
    return response;
  }

  private assertValid(direction: 'request' | 'response', element: Element, command: string): void {
    if (this.settled.validate !== false) assertValid(direction, element, command, this.version);
  }

  private get usesBase64(): boolean {
    return this.settled.base64Query === true && isAtLeast(this.version, '12.1');
  }

  private contentTypeOf(command: string, isRaw: boolean): string {
    const isMail = isRaw && ['SendMail', 'SmartReply', 'SmartForward'].includes(command);
    return isMail && !isAtLeast(this.version, '14.0') ? 'message/rfc822' : WBXML;
  }

  private headersOf(options: PostOptions): Record<string, string> {
    if (this.usesBase64) return {};
    return {
      'MS-ASProtocolVersion': this.version,
      ...(this.policyKey === undefined ? {} : { 'X-MS-PolicyKey': String(this.policyKey) }),
      ...(options.acceptMultiPart === true ? { 'MS-ASAcceptMultiPart': 'T' } : {}),
    };
  }

  private queryOf(command: string, options: PostOptions): string {
    if (this.usesBase64) return this.base64QueryOf(command, options);
    const query = new URLSearchParams({
      Cmd: command,
      User: this.settled.user,
      DeviceId: this.deviceId,
      DeviceType: this.deviceType,
      ...options.query,
    });
    return query.toString();
  }

  /** MS-ASHTTP, Base64 Encoded Query Value. */
  private base64QueryOf(command: string, options: PostOptions): string {
    const block = (value: string | Buffer) => {
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.of(bytes.length), bytes]);
    };
    const key = Buffer.alloc(this.policyKey === undefined ? 0 : 4);
    if (this.policyKey !== undefined) key.writeUInt32LE(this.policyKey);
    const query = options.query ?? {};
    const flags = (query['SaveInSent'] === 'T' ? 1 : 0) | (options.acceptMultiPart === true ? 2 : 0);
    const tags = { AttachmentName: 0, CollectionId: 1, ItemId: 3, LongId: 4, Occurrence: 6 };
    const parameters = Object.entries(tags).flatMap(([name, tag]) => {
      const value = query[name];
      return value === undefined ? [] : [Buffer.of(tag), block(value)];
    });
    const bytes = Buffer.concat([
      Buffer.of(Math.round(Number(this.version) * 10), commandCodes[command] ?? 255, 0x09, 0x04),
      block(this.deviceId),
      block(key),
      block(this.deviceType),
      ...parameters,
      ...(flags === 0 ? [] : [Buffer.of(7, 1, flags)]),
    ]);
    return bytes.toString('base64');
  }

  private async send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EasResponse> {
    const { user, password, userAgent } = this.settled;
    const outgoing = request(new URL(path, this.settled.baseUrl), {
      method,
      agent: this.agent,
      headers: {
        Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        'User-Agent': userAgent ?? 'MailsteadTest/1.0',
        'Content-Length': String(body?.length ?? 0),
        ...headers,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    // An abort after the response began fails the body, not the request.
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
    if (incoming === undefined) throw new Error('No response');
    return readResponse(incoming, await buffer(incoming));
  }
}

function readResponse(incoming: IncomingMessage, body: Buffer): EasResponse {
  const status = incoming.statusCode ?? 0;
  const type = incoming.headers['content-type'];
  const parts = type === MULTIPART ? splitParts(body) : [body];
  const [document = body, ...binaries] = parts;
  const isWbxml = (type === WBXML || type === MULTIPART) && document.length > 0;
  const element = isWbxml ? decodeStrictly(document) : undefined;
  const rootStatus = element?.children.find((part) => part.tag.name === 'Status')?.text;
  return {
    status,
    headers: incoming.headers,
    body,
    element,
    rootStatus: rootStatus === undefined ? undefined : Number(rootStatus),
    parts: type === MULTIPART ? binaries : [],
  };
}

/** A server of ours never sends a tag that no code page has. */
function decodeStrictly(bytes: Buffer): Element {
  const { root, skipped } = decode(bytes);
  if (skipped.length > 0) throw new Error(`Unknown tags in a response: ${JSON.stringify(skipped)}`);
  return root;
}

/** MS-ASCMD, MultiPartResponse: the number of parts, then offset and length of each, all little-endian. */
function splitParts(body: Buffer): Buffer[] {
  return Array.from({ length: body.readUInt32LE(0) }, (_, index) => {
    const offset = body.readUInt32LE(4 + 8 * index);
    const length = body.readUInt32LE(8 + 8 * index);
    if (offset + length > body.length) throw new Error('A part beyond the end of a multipart response');
    return body.subarray(offset, offset + length);
  });
}

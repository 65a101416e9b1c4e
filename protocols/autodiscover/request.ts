import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** What a client asks: the settings for an address, in one of the schemas there are. */
export interface AutodiscoverRequest {
  readonly address: string;
  /** `other` is every schema that nobody has told of. */
  readonly schema: 'mobilesync' | 'outlook' | 'other';
}

/** AutodiscoverContentError is thrown for what is no AutoDiscover request; its message goes to the log. */
export class AutodiscoverContentError extends Error {
  override readonly name = 'AutodiscoverContentError';
}

/** A request has about a dozen tags and attributes, and is 3 levels deep. */
const maxTagsAndAttributes = 100;
const maxDepth = 10;

const parser = new XMLParser({
  transformTagName: (name) => name.replace(/^.*:/, '').toLowerCase(),
  ignoreAttributes: false,
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: maxDepth,
});

const attributeMark = '@_';

/**
 * readRequest reads a POX request (MS-ASCMD, Autodiscover). DOCTYPE, entities, too many tags and broken XML are
 * refused; names count in any letter case and in any namespace, as clients get both wrong. Throws
 * AutodiscoverContentError.
 */
export function readRequest(body: Uint8Array): AutodiscoverRequest {
  const root = childOf(parse(decodeUtf8(body)), 'autodiscover');
  const request = childOf(root, 'request');
  const address = textOf(request, 'emailaddress');
  if (address === undefined) throw new AutodiscoverContentError('no EMailAddress');
  return { address, schema: schemaOf(textOf(request, 'acceptableresponseschema') ?? namespacesOf(root)) };
}

function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
  } catch (cause) {
    throw new AutodiscoverContentError('the request is not UTF-8', { cause });
  }
}

function parse(xml: string): unknown {
  // Before any parser sees it: declarations are how a short text becomes a large one, or another file's.
  if (/<!(?!--|\[CDATA\[)/.test(xml)) throw new AutodiscoverContentError('a declaration in the request');
  // Parsing takes longer than linear time in their number.
  if (xml.split(/[<=]/).length > maxTagsAndAttributes) throw new AutodiscoverContentError('too many tags');
  const valid = XMLValidator.validate(xml);
  if (valid !== true) throw new AutodiscoverContentError(valid.err.msg.slice(0, 200));
  try {
    return parser.parse(xml);
  } catch (cause) {
    throw new AutodiscoverContentError('the request cannot be read', { cause });
  }
}

/** The only child of this name; there must be one. */
function childOf(parent: unknown, name: string): unknown {
  const child = membersOf(parent)[name];
  if (child === undefined || Array.isArray(child)) throw new AutodiscoverContentError(`not one ${name}`);
  return child;
}

/** The text of the only child of this name; undefined if there is none, or it is empty. */
function textOf(parent: unknown, name: string): string | undefined {
  if (membersOf(parent)[name] === undefined) return undefined;
  const child = childOf(parent, name);
  const text = typeof child === 'string' ? child : membersOf(child)['#text'];
  return typeof text === 'string' && text.trim() !== '' ? withReferences(text.trim()) : undefined;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The values of the root's attributes: its namespaces are among them. */
function namespacesOf(root: unknown): string {
  const attributes = Object.entries(membersOf(root)).filter(([name]) => name.startsWith(attributeMark));
  return attributes.map(([, value]) => String(value)).join(' ');
}

/** A line break within a long URL is no part of it: the guide itself prints such requests. */
function schemaOf(text: string): AutodiscoverRequest['schema'] {
  const schema = text.replace(/\s/g, '').toLowerCase();
  if (schema === '') throw new AutodiscoverContentError('no AcceptableResponseSchema');
  if (schema.includes('mobilesync')) return 'mobilesync';
  return schema.includes('/outlook/') ? 'outlook' : 'other';
}

const predefined: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** XML §4.1 and §4.6: character references and the five predefined entities; there are no others. */
function withReferences(text: string): string {
  return text.replace(/&([^;]*;?)/g, (reference, body: string) => {
    const name = body.slice(0, -1);
    const character = Object.hasOwn(predefined, name) ? predefined[name] : characterOf(name);
    if (!body.endsWith(';') || character === undefined) {
      throw new AutodiscoverContentError(`the reference ${reference.slice(0, 20)}`);
    }
    return character;
  });
}

function characterOf(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name) ?? [];
  const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
  return code >= 0x20 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : undefined;
}

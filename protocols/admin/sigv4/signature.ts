/** The computations of Signature Version 4, as every AWS service but S3 has them. */
import { createHash, createHmac } from 'node:crypto';
import type { Authorization } from './authorization.ts';

/** What is signed of a request, but for its body. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it was sent: path and query. */
  readonly target: string;
  /** Name and value by turns, as they were sent. */
  readonly rawHeaders: readonly string[];
}

/** The hex digits of SHA-256. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The signature that a request has to have; `amzDate` is `yyyymmddThhmmssZ`. 64 hex digits. */
export function signatureOf(
  request: RequestHead,
  body: Uint8Array,
  { date, region, service, scope, signedHeaders }: Omit<Authorization, 'accessKeyId' | 'signature'>,
  amzDate: string,
  secret: string,
): string {
  const canonical = canonicalRequest(request, body, signedHeaders);
  const text = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<Uint8Array | string>(hmac, `AWS4${secret}`);
  return Buffer.from(hmac(key, text)).toString('hex');
}

function hmac(key: Uint8Array | string, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

function canonicalRequest(
  { method, target, rawHeaders }: RequestHead,
  body: Uint8Array,
  signed: readonly string[],
): string {
  const [path = '', query = ''] = split(target, '?');
  const headers = headersOf(rawHeaders);
  return [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${(headers.get(name) ?? []).map(trimmed).join(',')}`),
    '',
    signed.join(';'),
    sha256(body),
  ].join('\n');
}

/** The path is encoded once more than it was sent. */
function canonicalPath(path: string): string {
  return (path === '' ? '/' : path).split('/').map(encoded).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => {
      const [name = '', value = ''] = split(pair, '=').map((text) => encoded(decoded(text)));
      return [name, value] as const;
    })
    .sort(([name, value], [otherName, otherValue]) => inOrder(name, otherName) || inOrder(value, otherValue))
    .map((pair) => pair.join('='))
    .join('&');
}

function inOrder(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 3986's unreserved characters stay as they are. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function split(text: string, at: string): readonly string[] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function trimmed(value: string): string {
  return value.trim().replace(/ +/g, ' ');
}

/** All values of each header, by its name in lower case, in the order they were sent. */
export function headersOf(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [rawHeaders[at + 1] ?? '']);
    else values.push(rawHeaders[at + 1] ?? '');
  }
  return headers;
}

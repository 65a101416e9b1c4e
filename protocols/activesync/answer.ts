import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { send } from '#protocols/http/response';
import type { Sent } from './request-record.ts';
import type { Element } from './wbxml/element.ts';
import { encode } from './wbxml/encode.ts';

/** On every answer: caches between us and the device keep nothing. */
export const commonHeaders = {
  'MS-Server-ActiveSync': '16.1',
  'Cache-Control': 'private',
} as const;

const compress = promisify(gzip);
const gzipFromBytes = 1024;

/** Answers with a document, compressed where that is asked for and pays; without one, with an empty 200. */
export async function sendDocument(
  request: IncomingMessage,
  response: ServerResponse,
  root: Element | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  if (root === undefined) return sent(response, { ...commonHeaders, ...headers }, new Uint8Array(0));
  const typed = { ...commonHeaders, ...headers, 'Content-Type': 'application/vnd.ms-sync.wbxml' };
  const bytes = encode(root);
  if (bytes.length < gzipFromBytes || !takesGzip(request)) return sent(response, typed, bytes);
  // Fast rather than small: most of the gain is in the first level.
  const packed = await compress(bytes, { level: constants.Z_BEST_SPEED });
  return sent(response, { ...typed, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }, packed);
}

/** Answers with a document and the parts it names (MS-ASCMD, MultiPart Response). */
export function sendMultipart(
  response: ServerResponse,
  root: Element,
  parts: readonly Uint8Array[],
  headers: Readonly<Record<string, string>> = {},
): Sent {
  const typed = { ...commonHeaders, ...headers, 'Content-Type': 'application/vnd.ms-sync.multipart' };
  return sent(response, typed, multipart([encode(root), ...parts]));
}

function sent(response: ServerResponse, headers: Readonly<Record<string, string>>, body: Uint8Array): Sent {
  send(response, 200, headers, body);
  return { bytes: body.byteLength, headers };
}

/** The count of the parts, the place and length of each, then the parts; all numbers are 32 bit, little-endian. */
function multipart(parts: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.alloc(4 + 8 * parts.length);
  header.writeUInt32LE(parts.length, 0);
  let offset = header.length;
  for (const [index, part] of parts.entries()) {
    header.writeUInt32LE(offset, 4 + 8 * index);
    header.writeUInt32LE(part.length, 8 + 8 * index);
    offset += part.length;
  }
  return Buffer.concat([header, ...parts], offset);
}

function takesGzip(request: IncomingMessage): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  return (
    /(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))?/.test(accepted) &&
    !/gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/.test(accepted)
  );
}

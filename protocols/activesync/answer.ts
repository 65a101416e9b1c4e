import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { send } from '#protocols/http/response';
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
): Promise<void> {
  if (root === undefined) return send(response, 200, { ...commonHeaders, ...headers });
  const typed = { ...commonHeaders, ...headers, 'Content-Type': 'application/vnd.ms-sync.wbxml' };
  const bytes = encode(root);
  if (bytes.length < gzipFromBytes || !takesGzip(request)) return send(response, 200, typed, bytes);
  // Fast rather than small: most of the gain is in the first level.
  const packed = await compress(bytes, { level: constants.Z_BEST_SPEED });
  send(response, 200, { ...typed, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }, packed);
}

/** Answers with a document and the parts it names (MS-ASCMD, MultiPart Response). */
export function sendMultipart(
  response: ServerResponse,
  root: Element,
  parts: readonly Uint8Array[],
  headers: Readonly<Record<string, string>> = {},
): void {
  const typed = { ...commonHeaders, ...headers, 'Content-Type': 'application/vnd.ms-sync.multipart' };
  send(response, 200, typed, multipart([encode(root), ...parts]));
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

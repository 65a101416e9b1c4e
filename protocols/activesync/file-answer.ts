import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { commonHeaders } from './answer.ts';
import type { Sent } from './request-record.ts';

/** An answer that is a file and no document (MS-ASCMD, GetAttachment). */
export interface FileAnswer {
  readonly type: string;
  /** Bytes: old Windows Mobile takes no chunked answer. */
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** RFC 2045 §5.1: a type and a subtype. */
const mediaType = /^[\w.+-]+\/[\w.+-]+$/;

/** A client that takes nothing for so long has gone, even if its connection has not: what it asked for is open meanwhile. */
const stalledMs = 120_000;

/**
 * Sends a file as fast as it is taken. A client that goes away, or takes nothing for `patienceMs`, ends it; throws what
 * reading the file throws.
 */
export async function sendFile(
  response: ServerResponse,
  { type, size, open }: FileAnswer,
  patienceMs = stalledMs,
): Promise<Sent> {
  const headers = {
    ...commonHeaders,
    'Content-Type': mediaType.test(type) ? type : 'application/octet-stream',
    'Content-Length': String(size),
    // What a stranger has sent must not run as a page of this server.
    'Content-Disposition': 'attachment',
    'X-Content-Type-Options': 'nosniff',
  };
  response.writeHead(200, headers);
  // With its end the connection has the time again that it may idle.
  response.setTimeout(patienceMs, () => response.destroy());
  try {
    await pipeline(open(), response);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return { bytes: size, headers };
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { HttpError } from './http-error.ts';

const inflate = promisify(gunzip);

/**
 * readBody reads a request's whole body. A body over `maxBytes`, declared, sent or inflated from gzip, is refused with
 * 413 as soon as that is known; an encoding other than gzip with 415 (RFC 9110 §8.4); one that breaks off or does not
 * inflate with 400. Throws HttpError.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const gzipped = encoding === 'gzip' || encoding === 'x-gzip';
  if (!gzipped && encoding !== 'identity' && encoding !== '') {
    throw new HttpError(415, 'Unsupported content encoding', { 'Accept-Encoding': 'gzip' });
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const body = await collect(request, maxBytes);
  return gzipped ? gunzipped(body, maxBytes) : body;
}

function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let total = 0;
    const brokenOff = () => reject(new HttpError(400, 'The request body broke off'));
    const settle = () => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError);
    };
    const onData = (chunk: Buffer) => {
      total += chunk.length;
      chunks.push(chunk);
      if (total <= maxBytes) return;
      settle();
      reject(tooLarge());
    };
    const onEnd = () => {
      settle();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, total));
    };
    const onClose = () => {
      settle();
      brokenOff();
    };
    const onError = () => brokenOff();
    if (request.destroyed && !request.readableEnded) return brokenOff();
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onError);
  });
}

async function gunzipped(body: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await inflate(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new HttpError(400, 'The request body is not gzip', {}, { cause });
  }
}

function tooLarge(): HttpError {
  return new HttpError(413, 'Content too large');
}

import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { type BodyHold, smallBytes } from './body-room.ts';
import { HttpError } from './http-error.ts';

/**
 * readBody reads a request's whole body. A body over `maxBytes`, declared, sent or inflated from gzip, is refused with
 * 413 as soon as that is known; an encoding other than gzip with 415 (RFC 9110 §8.4); one that breaks off or does not
 * inflate with 400. With a hold, one for which there is no room is refused with 503, before it is read if its length is
 * declared, and one that stalls with 408; the hold is the caller's to release. Throws HttpError.
 */
export async function readBody(request: IncomingMessage, maxBytes: number, hold?: BodyHold): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const gzipped = encoding === 'gzip' || encoding === 'x-gzip';
  if (!gzipped && encoding !== 'identity' && encoding !== '') {
    throw new HttpError(415, 'Unsupported content encoding', { 'Accept-Encoding': 'gzip' });
  }
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > maxBytes) throw tooLarge();
  hold?.take(declaredBytes);
  const body = await collect(request, new Gathered(declaredBytes, maxBytes, hold), hold);
  return gzipped ? gunzipped(body, maxBytes, hold) : body;
}

/** Bytes as they come: where many are announced they are copied once, to their place. */
class Gathered {
  readonly #maxBytes: number;
  readonly #hold: BodyHold | undefined;
  readonly #whole: Buffer | undefined;
  readonly #chunks: Buffer[] = [];
  #total = 0;

  constructor(declaredBytes: number, maxBytes: number, hold: BodyHold | undefined) {
    this.#maxBytes = maxBytes;
    this.#hold = hold;
    this.#whole = declaredBytes > smallBytes ? Buffer.allocUnsafeSlow(declaredBytes) : undefined;
  }

  get total(): number {
    return this.#total;
  }

  /** Throws HttpError. */
  add(chunk: Buffer): void {
    const total = this.#total + chunk.length;
    if (total > this.#maxBytes) throw tooLarge();
    this.#hold?.take(total);
    if (this.#whole === undefined) this.#chunks.push(chunk);
    else chunk.copy(this.#whole, this.#total);
    this.#total = total;
  }

  get bytes(): Buffer {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#total);
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined
      ? first
      : Buffer.concat(this.#chunks, this.#total);
  }
}

function collect(request: IncomingMessage, gathered: Gathered, hold: BodyHold | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let stall: NodeJS.Timeout | undefined;
    const settle = () => {
      clearInterval(stall);
      request.off('data', onData).off('end', onEnd).off('close', brokenOff).off('error', brokenOff);
    };
    const fail = (error: unknown) => {
      settle();
      reject(error);
    };
    const brokenOff = () => fail(new HttpError(400, 'The request body broke off'));
    const watch = () => {
      if (stall !== undefined || hold?.isCounted !== true) return;
      let seen = gathered.total;
      stall = setInterval(() => {
        if (gathered.total - seen < smallBytes) fail(new HttpError(408, 'The request body came too slowly'));
        seen = gathered.total;
      }, hold.stallMs).unref();
    };
    const onData = (chunk: Buffer) => {
      try {
        gathered.add(chunk);
        watch();
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = () => {
      settle();
      resolve(gathered.bytes);
    };
    if (request.destroyed && !request.readableEnded) return brokenOff();
    watch();
    request.on('data', onData).on('end', onEnd).on('close', brokenOff).on('error', brokenOff);
  });
}

async function gunzipped(body: Buffer, maxBytes: number, hold: BodyHold | undefined): Promise<Buffer> {
  const inflated = new Gathered(0, maxBytes, hold);
  const inflate = createGunzip();
  inflate.end(body);
  try {
    for await (const chunk of inflate) inflated.add(chunk);
  } catch (cause) {
    if (cause instanceof HttpError) throw cause;
    throw new HttpError(400, 'The request body is not gzip', {}, { cause });
  }
  return inflated.bytes;
}

function tooLarge(): HttpError {
  return new HttpError(413, 'Content too large');
}

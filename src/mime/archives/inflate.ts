import { Buffer } from 'node:buffer';
import { constants, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { ByteReader } from './byte-reader.ts';
import { ratioFromBytes, type Scope } from './inspection.ts';

const inputBytes = 16 * 1024;
const outputBytes = 64 * 1024;

/**
 * Unpacks a deflated stream (RFC 1951) from where `reader` stands and leaves it right behind the stream; what is broken
 * ends it. Runs beside the event loop. Throws FindingError when more comes out than the limits allow.
 */
export async function* inflate(reader: ByteReader, scope: Scope): AsyncGenerator<Uint8Array, void, void> {
  const engine = createInflateRaw({ chunkSize: outputBytes, finishFlush: constants.Z_SYNC_FLUSH });
  /** What was fed and is not known to be used. */
  let fed: Buffer[] = [];
  let fedBytes = 0;
  let out = 0;
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      resolve();
    };
    engine.once('end', end).on('error', end).once('close', end);
  });
  const feed = async (): Promise<void> => {
    while (!isOver) {
      const bytes = await reader.chunk(inputBytes);
      if (isOver) {
        reader.unread(bytes);
        return;
      }
      if (bytes.length === 0) break;
      fed = [...unused(fed, fedBytes - engine.bytesWritten), bytes];
      fedBytes += bytes.length;
      const written = new Promise<void>((resolve) => engine.write(bytes, () => resolve()));
      await Promise.race([written, ended]);
    }
    if (!isOver) engine.end();
  };
  let failure: unknown;
  const feeding = feed().catch((error: unknown) => {
    failure = error;
    engine.destroy();
  });
  try {
    for await (const piece of engine as AsyncIterable<Buffer>) {
      out += piece.length;
      scope.endIf(scope.usage.unpacked(piece.length));
      if (out > ratioFromBytes && out > engine.bytesWritten * scope.usage.limits.maxRatio)
        scope.endIf('too-large');
      yield piece;
    }
  } catch (error) {
    // A broken stream is as long as it is; what the source or the limits say goes on.
    if (!isZlibError(error)) throw error;
  } finally {
    isOver = true;
    const used = engine.bytesWritten;
    engine.destroy();
    await feeding;
    reader.unread(Buffer.concat(unused(fed, fedBytes - used)));
  }
  if (failure !== undefined) throw failure;
}

/** The last `length` bytes of the pieces. */
function unused(pieces: readonly Buffer[], length: number): Buffer[] {
  const rest: Buffer[] = [];
  for (let at = pieces.length - 1, left = length; at >= 0 && left > 0; at--) {
    const piece = pieces[at] ?? Buffer.alloc(0);
    rest.unshift(piece.subarray(Math.max(0, piece.length - left)));
    left -= piece.length;
  }
  return rest;
}

/** What the first bytes of a deflated stream unpack to; nothing when they are none. */
export function inflateStart(bytes: Uint8Array): Buffer {
  try {
    return inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

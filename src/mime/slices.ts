import { Buffer } from 'node:buffer';
import { setImmediate as othersTurn } from 'node:timers/promises';

/** So much is worked on at a time: some milliseconds of most that is done with bytes. */
const sliceBytes = 256 * 1024;

/**
 * The bytes of a large message in slices, one after the other: whatever else this process has to do gets its turn between
 * two of them. What is small comes at once.
 */
export async function* inSlices(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let sinceTurn = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      if (sinceTurn >= sliceBytes) {
        await othersTurn();
        sinceTurn = 0;
      }
      const slice = piece.subarray(at, at + sliceBytes - sinceTurn);
      yield slice;
      at += slice.length;
      sinceTurn += slice.length;
    }
  }
}

/** Bytes [start, end) of a stream. */
export async function* sliceOf(
  source: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for await (const piece of source) {
    const part = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (part.length > 0) yield part;
    at += piece.length;
    if (at >= end) return;
  }
}

/** Pieces of a message put together, as one. */
export async function joined(pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  const [only, ...others] = pieces;
  if (only !== undefined && others.length === 0) return only;
  const whole = Buffer.allocUnsafeSlow(sizeOf(pieces));
  let at = 0;
  for await (const slice of inSlices(pieces)) {
    whole.set(slice, at);
    at += slice.length;
  }
  return whole;
}

/** How many bytes they are together. */
export function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

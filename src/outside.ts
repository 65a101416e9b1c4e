import { randomFillSync } from 'node:crypto';
import type { Outside } from '#domain/outside';

/** Randomness is fetched in pieces of this size: a call of its own for each message costs more than the bytes. */
const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

/** Node takes a longer delay for none: whoever waits that long looks again when it is over. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock and randomness. */
export const systemOutside: Outside = {
  clock: {
    now: () => Date.now(),
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, Math.min(delayMs, longestTimerMs));
      return () => clearTimeout(timer);
    },
  },
  random: { bytes: randomBytes },
};

function randomBytes(length: number): Uint8Array {
  if (length > pool.length) {
    return randomFillSync(new Uint8Array(length));
  }
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Uint8Array.from(pool.subarray(used, used + length));
  // No byte is given twice, nor left to be read here.
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}

/** What ends lines in some bytes, and NUL, which no text has. */
export interface LineEnds {
  readonly lineFeeds: number;
  readonly carriageReturns: number;
  /** Line feeds right after a carriage return. */
  readonly pairs: number;
  readonly nuls: number;
  /** Line feeds right before a dot. */
  readonly dots: number;
}

const nul = 0x00;
const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
/** Fewer are not worth a view. */
const minBytes = 64;

/**
 * Counts in `bytes[from, to)`; the bytes before and behind that belong to its line feeds too, if `bytes` has them. Large
 * bodies pass here on their way in, so it reads four bytes at a time, and single ones only where one of them is low.
 */
export function countLineEnds(bytes: Uint8Array, from = 0, to = bytes.length): LineEnds {
  const counts = { lineFeeds: 0, carriageReturns: 0, pairs: 0, nuls: 0, dots: 0 };
  const start = from + (-(bytes.byteOffset + from) & 3);
  if (to - start < minBytes) {
    countSingly(bytes, from, to, counts);
    return counts;
  }
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (to - start) >> 2);
  countSingly(bytes, from, start, counts);
  const grouped = words.length - (words.length & 3);
  for (let w = 0; w < grouped; w += 4) {
    const low = lowIn(words[w]) | lowIn(words[w + 1]) | lowIn(words[w + 2]) | lowIn(words[w + 3]);
    if ((low & 0x80808080) === 0) continue;
    for (let v = w; v < w + 4; v++) {
      if ((lowIn(words[v]) & 0x80808080) === 0) continue;
      countSingly(bytes, start + 4 * v, start + 4 * v + 4, counts);
    }
  }
  countSingly(bytes, start + 4 * grouped, to, counts);
  return counts;
}

/** Whether each CR and LF of a chunk is half of a pair; the other half of a CR at its end is the next chunk's. */
export function areLineEndsWhole(
  chunk: Uint8Array,
  { lineFeeds, carriageReturns, pairs }: LineEnds,
  isAfterCr: boolean,
): boolean {
  if (isAfterCr && chunk[0] !== lf) return false;
  const begun = isAfterCr ? 1 : 0;
  const open = chunk[chunk.length - 1] === cr ? 1 : 0;
  return lineFeeds - begun === pairs && carriageReturns - open === pairs;
}

/** Has a high bit in the lowest of four bytes that is below 0x0e, and none where all are above it. */
function lowIn(word = 0): number {
  return (word - 0x0e0e0e0e) & ~word;
}

function countSingly(
  bytes: Uint8Array,
  from: number,
  to: number,
  counts: { -readonly [K in keyof LineEnds]: LineEnds[K] },
): void {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === lf) {
      counts.lineFeeds++;
      if (bytes[at - 1] === cr) counts.pairs++;
      if (bytes[at + 1] === dot) counts.dots++;
    } else if (byte === cr) counts.carriageReturns++;
    else if (byte === nul) counts.nuls++;
  }
}

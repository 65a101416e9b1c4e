import { createHash } from 'node:crypto';
import { areLineEndsWhole, type LineEnds } from './line-ends.ts';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;

/** Empty lines are hashed once content follows them; so many at a time. */
const maxHeldLineEnds = 512;
/** After so many of them in a row more are likely to follow. */
const minVisibleBytes = 12;
/** So many bytes are copied one by one: a call is dearer. */
const minCopiedBytes = 64;
const someLineEnds = Buffer.from('\r\n'.repeat(maxHeldLineEnds));

/**
 * RelaxedBodyHash is SHA-256 over a body in the relaxed canonicalization, taken in chunks (RFC 6376 §3.4.4). A bare CR or
 * LF is a line end, as it is on the wire: a client that sends DATA makes CR LF of it.
 */
export class RelaxedBodyHash {
  readonly #hash = createHash('sha256');
  /** Line ends that count only if content follows. */
  #lineEnds = 0;
  #isBlankBefore = false;
  #isAfterCr = false;
  #hasContent = false;
  #out = Buffer.allocUnsafe(0);
  #length = 0;

  /** Takes the next bytes, with what is known of them: lines that are whole and without blanks, as of base64, need no search. */
  update(chunk: Uint8Array, lineEnds?: LineEnds): void {
    const words = wordsOf(chunk);
    const isCanonical =
      lineEnds !== undefined &&
      areLineEndsWhole(chunk, lineEnds, this.#isAfterCr) &&
      !chunk.includes(SP) &&
      !chunk.includes(TAB);
    const contentEnd = isCanonical ? endOfContent(chunk) : 0;
    // A byte gives at most itself and the blank before it, or a line end.
    const room = 2 * (chunk.length + maxHeldLineEnds);
    if (this.#out.length < room) this.#out = Buffer.allocUnsafe(room);
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === CR || byte === LF) {
        if (byte === CR || !this.#isAfterCr) this.#lineEnds++;
        this.#isAfterCr = byte === CR;
        this.#isBlankBefore = false;
        continue;
      }
      this.#isAfterCr = false;
      if (byte === SP || byte === TAB) this.#isBlankBefore = true;
      else at = this.#putRun(chunk, at, isCanonical ? contentEnd : canonicalEnd(chunk, at, words)) - 1;
    }
    this.#flush();
  }

  /** Ends the body. */
  digest(): Buffer {
    if (this.#hasContent) this.#hash.update('\r\n');
    return this.#hash.digest();
  }

  /** Takes what is canonical as it stands, from a byte that is no blank up to another; gives where that ends. */
  #putRun(chunk: Uint8Array, from: number, end: number): number {
    if (this.#lineEnds > 0) this.#putLineEnds();
    const out = this.#out;
    if (this.#isBlankBefore) out[this.#length++] = SP;
    this.#isBlankBefore = false;
    this.#hasContent = true;
    if (end - from > minCopiedBytes) out.set(chunk.subarray(from, end), this.#length);
    else for (let at = from; at < end; at++) out[this.#length + at - from] = chunk[at] ?? 0;
    this.#length += end - from;
    return end;
  }

  /** The few that most lines have go with the other bytes: each call of the hash is dear. */
  #putLineEnds(): void {
    if (this.#lineEnds <= maxHeldLineEnds) {
      for (; this.#lineEnds > 0; this.#lineEnds--) {
        this.#out[this.#length++] = CR;
        this.#out[this.#length++] = LF;
      }
      return;
    }
    this.#flush();
    for (let left = 2 * this.#lineEnds; left > 0; left -= someLineEnds.length) {
      this.#hash.update(someLineEnds.subarray(0, left));
    }
    this.#lineEnds = 0;
  }

  #flush(): void {
    if (this.#length > 0) this.#hash.update(this.#out.subarray(0, this.#length));
    this.#length = 0;
  }
}

/** Where the line ends begin that a chunk ends with. */
function endOfContent(chunk: Uint8Array): number {
  let end = chunk.length;
  while (end > 0 && (chunk[end - 1] === CR || chunk[end - 1] === LF)) end--;
  return end;
}

/** The whole words of four bytes in a chunk, where memory has them. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array): Int32Array {
  const skipped = -byteOffset & 3;
  return skipped >= length
    ? new Int32Array(0)
    : new Int32Array(buffer, byteOffset + skipped, (length - skipped) >> 2);
}

/**
 * Where a run ends that begins with a byte of content, ends behind one, and is canonical: single spaces between words, CR
 * LF at the end of lines. Where nothing but visible bytes stands it reads four at a time.
 */
function canonicalEnd(chunk: Uint8Array, from: number, words: Int32Array): number {
  const skipped = -chunk.byteOffset & 3;
  const { length } = chunk;
  let end = from;
  let lowAt = from;
  for (let at = from; at < length; ) {
    const byte = chunk[at] ?? 0;
    if (byte > SP) {
      at++;
      if (at - lowAt >= minVisibleBytes && ((at - skipped) & 3) === 0) {
        at = skipped + 4 * visibleEnd(words, (at - skipped) >> 2);
      }
      end = at;
    } else if (byte === SP) {
      if (at + 1 === length || (chunk[at + 1] ?? 0) <= SP) break;
      lowAt = ++at;
    } else if (byte === CR) {
      if (chunk[at + 1] !== LF) break;
      at += 2;
      lowAt = at;
    } else if (byte === LF || byte === TAB) break;
    else end = ++at;
  }
  return end;
}

/** The first word from `from` on with a byte that is not above a space. */
function visibleEnd(words: Int32Array, from: number): number {
  let at = from;
  while (at < words.length && !hasLowByte(words[at])) at++;
  return at;
}

/** Whether one of four bytes is not above a space. */
function hasLowByte(word = 0): boolean {
  return ((word - 0x21212121) & ~word & 0x80808080) !== 0;
}

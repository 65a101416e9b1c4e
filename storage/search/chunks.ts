/**
 * The words of a segment in rows of about 8 KiB. In each, a word is how many bytes it begins with as the one before, how many
 * more it has, these, how many bytes its postings take, and these. Words are strings of bytes.
 */
import type { Bytes } from '../store.ts';
import { VarintReader, writeVarint } from './varint.ts';

const chunkBytes = 8 * 1024;

/** A row of words, and what tells it from the one before. */
export interface Chunk {
  readonly from: string;
  readonly bytes: Bytes;
}

/** Takes words in rising order and gives them in rows. */
export class ChunkWriter {
  #into: number[] = [];
  #from = '';
  /** In this row. */
  #last = '';
  /** In the row before. */
  #lastBefore = '';

  /** Gives a row when one is full. */
  add(word: string, postings: readonly number[]): Chunk | undefined {
    const full =
      this.#into.length > 0 && this.#into.length + postings.length > chunkBytes ? this.end() : undefined;
    if (this.#into.length === 0) this.#from = between(this.#lastBefore, word);
    const shared = sharedLength(this.#last, word);
    writeVarint(this.#into, shared);
    writeVarint(this.#into, word.length - shared);
    for (let n = shared; n < word.length; n++) this.#into.push(word.charCodeAt(n));
    writeVarint(this.#into, postings.length);
    for (const byte of postings) this.#into.push(byte);
    this.#last = word;
    return full;
  }

  /** What is left. */
  end(): Chunk | undefined {
    if (this.#into.length === 0) return undefined;
    const chunk = { from: this.#from, bytes: Uint8Array.from(this.#into) };
    this.#into = [];
    this.#lastBefore = this.#last;
    this.#last = '';
    return chunk;
  }
}

/** A word of a row, and where its postings stand. */
export interface WordEntry {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** The words of a row, in rising order. Throws RangeError for what is none. */
export function* wordsOfChunk(bytes: Bytes): Generator<WordEntry> {
  const from = new VarintReader(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let word = '';
  while (from.at < bytes.length) {
    const shared = from.next();
    const more = from.next();
    word = word.slice(0, shared) + text.toString('latin1', from.at, from.at + more);
    from.at += more;
    const length = from.next();
    yield { word, start: from.at, end: from.at + length };
    from.at += length;
  }
}

/** Calls back with the place of the postings of a word in a row, or of each word that begins so. */
export function findWord(
  bytes: Bytes,
  word: string,
  isPrefix: boolean,
  each: (start: number, end: number) => void,
): void {
  const from = new VarintReader(bytes);
  // So many bytes at the beginning of the entry before are those of the word; all of them, or its next one is less.
  let same = 0;
  while (from.at < bytes.length) {
    const shared = from.next();
    const more = from.next();
    const at = from.at;
    from.at += more;
    const length = from.next();
    const start = from.at;
    from.at += length;
    // The first byte that tells this entry from the word comes earlier than that of the one before: it is greater.
    if (shared < same) return;
    // Or not later, so that it is less too.
    if (shared > same && same < word.length) continue;
    let n = 0;
    while (n < more && same < word.length && bytes[at + n] === word.charCodeAt(same)) {
      n++;
      same++;
    }
    if (same < word.length) {
      if (n < more && (bytes[at + n] ?? 0) > word.charCodeAt(same)) return;
      continue;
    }
    if (n < more && !isPrefix) return;
    each(start, from.at);
    if (!isPrefix) return;
  }
}

/** In which rows words that are or begin with `word` may stand: first and last; `pieces` is the `from` of each row. */
export function chunksOf(pieces: readonly string[], word: string, isPrefix: boolean): [number, number] {
  const first = Math.max(0, lastNotAbove(pieces, word));
  if (!isPrefix) return [first, first];
  // Greater than every word that begins so, as the bytes of a word are below 0xff.
  return [first, Math.max(first, lastNotAbove(pieces, `${word}\u00ff`))];
}

function lastNotAbove(pieces: readonly string[], word: string): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle] ?? '') <= word) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function sharedLength(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a.charCodeAt(n) === b.charCodeAt(n)) n++;
  return n;
}

/** The shortest string greater than `before` that `word` begins with. */
function between(before: string, word: string): string {
  return word.slice(0, sharedLength(before, word) + 1);
}

import { Buffer } from 'node:buffer';

/** Longest header block of one part; what comes after it counts as body. */
const maxHeaderBlock = 256 * 1024;

/** Small enough for the pool of Buffer, large enough for most part headers. */
const initialBytes = 2_048;

const none = Buffer.alloc(0);

/** What a header line is: a field or its continuation, the end of the block, or perhaps a boundary line. */
type LineKind = 'field' | 'blank' | 'delimiter';

/** Gathers the lines of one header block after another, in one buffer that grows as far as needed. */
export class HeaderCollector {
  bytes: Buffer = none;
  length = 0;
  /** Where the last line taken starts. */
  lineStart = 0;
  /** Where the next line starts. */
  #next = 0;
  /** Where lines begin that are no fields and no field follows; -1 when there are none. */
  #junk = -1;

  get isFull(): boolean {
    return this.length >= maxHeaderBlock;
  }

  get endsWithCrLf(): boolean {
    return this.length > 1 && this.bytes[this.length - 2] === 0x0d;
  }

  /** Takes one line, or what the chunk and the block have room for of it; gives the offset after it. */
  append(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + maxHeaderBlock - this.length);
    let position = from;
    let length = this.length;
    while (position < to) {
      if (length === this.bytes.length) this.#grow(length);
      const byte = chunk[position++] ?? 0;
      this.bytes[length++] = byte;
      if (byte === 0x0a) break;
    }
    this.length = length;
    return position;
  }

  get isLineComplete(): boolean {
    return this.length > 0 && this.bytes[this.length - 1] === 0x0a;
  }

  #grow(used: number): void {
    const grown = Buffer.allocUnsafe(Math.max(initialBytes, 2 * used));
    this.bytes.copy(grown, 0, 0, used);
    this.bytes = grown;
  }

  /** Takes the line that was just completed. */
  takeLine(): LineKind {
    const start = this.#next;
    this.lineStart = start;
    this.#next = this.length;
    const first = this.bytes[start];
    if (first === 0x0a || (first === 0x0d && this.bytes[start + 1] === 0x0a)) return 'blank';
    if (first === 0x20 || first === 0x09) {
      // A line that only looks like a continuation: nothing stands before it.
      if (start === 0) this.#junk = 0;
      return 'field';
    }
    if (this.#isField(start)) {
      this.#junk = -1;
    } else {
      if (this.#junk < 0 && !this.#isMboxLine(start)) this.#junk = start;
      if (first === 0x2d && this.bytes[start + 1] === 0x2d) return 'delimiter';
    }
    return 'field';
  }

  /** Forgets the last line taken; it was a boundary line. */
  dropLine(): void {
    this.length = this.lineStart;
    this.#next = this.lineStart;
    if (this.#junk >= this.length) this.#junk = -1;
  }

  /** The block as text, one character per byte, and what at its end is body; ready for the next block. */
  finish(): { block: string; rest: Buffer } {
    const rest = this.#restStart();
    const result = {
      block: this.bytes.toString('latin1', 0, rest),
      rest: rest < this.length ? Buffer.from(this.bytes.subarray(rest, this.length)) : none,
    };
    this.length = 0;
    this.lineStart = 0;
    this.#next = 0;
    this.#junk = -1;
    return result;
  }

  #restStart(): number {
    if (this.#junk >= 0) return this.#junk;
    // The input ended, or the limit was reached, in the middle of a line that is no field.
    const incomplete = this.#next < this.length;
    const first = this.bytes[this.#next];
    if (!incomplete || first === 0x20 || first === 0x09 || this.#isField(this.#next)) return this.length;
    return first === 0x0d && this.length === this.#next + 1 ? this.length : this.#next;
  }

  /** RFC 5322 §2.2: printable ASCII, then a colon; white space before the colon is of old (§4.5). */
  #isField(start: number): boolean {
    for (let i = start; i < this.length; i++) {
      const byte = this.bytes[i] ?? 0;
      if (byte === 0x3a) return i > start;
      if (byte <= 0x20 || byte === 0x7f) return isBlank(byte) && this.#colonFollows(i, start);
    }
    return false;
  }

  #colonFollows(from: number, start: number): boolean {
    let i = from;
    while (isBlank(this.bytes[i]) && i < this.length) i++;
    return i < this.length && this.bytes[i] === 0x3a && from > start;
  }

  /** The line that mbox files put before a message. */
  #isMboxLine(start: number): boolean {
    const line = this.bytes.toString('latin1', start, Math.min(start + 6, this.length));
    return start === 0 && (line.startsWith('From ') || line === '>From ');
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

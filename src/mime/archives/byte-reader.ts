import { Buffer } from 'node:buffer';

const empty = Buffer.alloc(0);

/** Reads a stream of bytes forward, piece by piece, with a look ahead; holds what was looked at and not yet taken. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #data: Buffer = empty;
  /** What stands before is taken. */
  #at = 0;
  #isEnded = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, left where they are; fewer at the end. */
  async peek(length: number): Promise<Buffer> {
    if (this.#data.length - this.#at < length) await this.#fill(length);
    return this.#data.subarray(this.#at, this.#at + length);
  }

  /** Takes the next `length` bytes; fewer at the end. */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    this.#at += bytes.length;
    return bytes;
  }

  /** Takes a piece of at most `length` bytes, as they come; none at the end. */
  async chunk(length: number): Promise<Buffer> {
    if (this.#at === this.#data.length) await this.#fill(1);
    return this.read(Math.min(length, this.#data.length - this.#at));
  }

  /** Passes over `length` bytes, or as many as there are. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const { length: passed } = await this.chunk(left);
      if (passed === 0) return;
      left -= passed;
    }
  }

  /** Goes on to where these bytes stand; false, and at the end, when they do not. */
  async find(bytes: Buffer): Promise<boolean> {
    for (;;) {
      const at = this.#data.indexOf(bytes, this.#at);
      if (at >= 0) {
        this.#at = at;
        return true;
      }
      this.#at = Math.max(this.#at, this.#data.length - bytes.length + 1);
      if ((await this.peek(bytes.length)).length < bytes.length) return false;
    }
  }

  /** Puts back what was taken last. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#data = Buffer.concat([bytes, this.#data.subarray(this.#at)]);
    this.#at = 0;
  }

  /** What was looked at and not taken; it counts as taken then. */
  takeHeld(): Buffer {
    const held = this.#data.subarray(this.#at);
    this.#at = this.#data.length;
    return held;
  }

  /** Lets the source go. */
  async close(): Promise<void> {
    this.#isEnded = true;
    await this.#source.return?.();
  }

  async #fill(length: number): Promise<void> {
    const pieces = [this.#data.subarray(this.#at)];
    let total = this.#data.length - this.#at;
    while (total < length && !this.#isEnded) {
      const next = await this.#source.next();
      if (next.done) {
        this.#isEnded = true;
        break;
      }
      const piece = next.value;
      pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      total += piece.length;
    }
    const [first = empty, second] = pieces;
    this.#data = first.length === 0 && second && pieces.length === 2 ? second : Buffer.concat(pieces);
    this.#at = 0;
  }
}

/** The next bytes of a reader as a stream of their own. */
export class Section {
  readonly reader: ByteReader;
  readonly #outer: ByteReader;
  #left: number;

  constructor(outer: ByteReader, length: number) {
    this.#outer = outer;
    this.#left = length;
    this.reader = new ByteReader(this.#pieces());
  }

  /** Goes on behind the section, however much of it was read. */
  async skipRest(): Promise<void> {
    await this.reader.close();
    await this.#outer.skip(this.#left);
  }

  /** Goes on behind what was read of it. */
  giveBack(): void {
    this.#outer.unread(this.reader.takeHeld());
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, void> {
    while (this.#left > 0) {
      const piece = await this.#outer.chunk(this.#left);
      if (piece.length === 0) return;
      this.#left -= piece.length;
      yield piece;
    }
  }
}

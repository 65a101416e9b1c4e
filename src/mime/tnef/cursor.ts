import { Buffer } from 'node:buffer';
import { ByteReader } from '../archives/byte-reader.ts';

/** A TNEF stream that is none, is cut off, or passes a bound. */
export class TnefError extends Error {
  override readonly name = 'TnefError';
}

/** So much is passed over at a time. */
const pieceBytes = 64 * 1024;

/** Cursor reads a stream forward and knows where it is. What is not there is a TnefError. */
export class Cursor {
  readonly #reader: ByteReader;
  #at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#reader = new ByteReader(source);
  }

  /** Bytes that were passed. */
  get at(): number {
    return this.#at;
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#reader.peek(1)).length === 0;
  }

  /** The next `length` bytes, which are few. */
  async take(length: number): Promise<Buffer> {
    const bytes = await this.#reader.read(length);
    if (bytes.length < length) throw new TnefError('the stream is cut off');
    this.#at += length;
    // The piece of the stream that they stand in is not held for them.
    return Buffer.from(bytes);
  }

  /** The next number of 32 bits. */
  async number(): Promise<number> {
    return (await this.take(4)).readUInt32LE(0);
  }

  /** Passes over what stands before a place, behind which it cannot be. */
  async skipTo(place: number): Promise<void> {
    if (place < this.#at) throw new TnefError('a value is longer than what it stands in');
    while (this.#at < place) {
      const { length } = await this.#reader.chunk(Math.min(pieceBytes, place - this.#at));
      if (length === 0) throw new TnefError('the stream is cut off');
      this.#at += length;
    }
  }

  /** The bytes up to a place, as they come. */
  async *upTo(place: number): AsyncGenerator<Buffer, void, void> {
    while (this.#at < place) {
      const piece = await this.#reader.chunk(Math.min(pieceBytes, place - this.#at));
      if (piece.length === 0) return;
      this.#at += piece.length;
      yield piece;
    }
  }

  /** Lets the source go. */
  close(): Promise<void> {
    return this.#reader.close();
  }
}

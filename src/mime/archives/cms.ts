/** Signed S/MIME messages: RFC 5652 in the basic encoding rules of X.690. */
import { Buffer } from 'node:buffer';
import { ByteReader } from './byte-reader.ts';
import type { Scope } from './inspection.ts';

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
/** Made of pieces: X.690 §8.7.3. */
const OCTET_STRINGS = 0x24;
const OBJECT_IDENTIFIER = 0x06;
const EXPLICIT = 0xa0;
/** RFC 5652 §5.1, id-signedData, with its tag and length. */
const signedData = Buffer.from('06092a864886f70d010702', 'hex');
/** Values in values. */
const maxDepth = 50;
const pieceBytes = 64 * 1024;
const gatheredBytes = 16 * 1024;
/** Values between two turns for everybody else. */
const valuesAtATime = 256;

/** A tag and the length behind it; undefined where an end mark tells. X.690 §8.1.3. */
interface Head {
  readonly tag: number;
  readonly length: number | undefined;
}

/** Whether bytes begin as signed content does. */
export function isSignedData(start: Buffer): boolean {
  return start[0] === SEQUENCE && start.subarray(0, 16).includes(signedData);
}

/** Looks into the message that is signed: what readers show of an opaque-signed mail. What is broken ends it. */
export async function readSigned(
  reader: ByteReader,
  scope: Scope,
  reopen: (() => AsyncIterable<Uint8Array>) | undefined,
): Promise<void> {
  const again = reopen && (() => signedContent(new ByteReader(reopen()), scope));
  const content = new ByteReader(signedContent(reader, scope));
  try {
    await scope.inside('smime.eml', content, scope, again);
  } finally {
    await content.close();
  }
}

/** RFC 5652 §5.1, §5.2: the octets of eContent; nothing if the content stands elsewhere. */
async function* signedContent(reader: ByteReader, scope: Scope): AsyncGenerator<Uint8Array, void, void> {
  const values = new Values(reader, scope);
  for (const tag of [SEQUENCE, OBJECT_IDENTIFIER, EXPLICIT, SEQUENCE, 0x02, 0x31, SEQUENCE]) {
    const head = await values.head();
    if (head?.tag !== tag) return;
    const isEntered = tag === SEQUENCE || tag === EXPLICIT;
    if (!isEntered) await values.skip(head, 0);
  }
  const type = await values.head();
  if (type?.tag !== OBJECT_IDENTIFIER) return;
  await values.skip(type, 0);
  if ((await values.head())?.tag === EXPLICIT) yield* gathered(values.octets());
}

/** Pieces of a byte each would cost a thousand times as much. */
async function* gathered(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < gatheredBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  yield Buffer.concat(held);
}

class Values {
  readonly #reader: ByteReader;
  readonly #scope: Scope;
  #at = 0;
  #count = 0;

  constructor(reader: ByteReader, scope: Scope) {
    this.#reader = reader;
    this.#scope = scope;
  }

  /** Undefined at the end, and for what is no head. */
  async head(): Promise<Head | undefined> {
    if (++this.#count % valuesAtATime === 0) await this.#scope.rest();
    const [tag, first] = await this.#read(2);
    if (tag === undefined || first === undefined) return undefined;
    if (first < 0x80) return { tag, length: first };
    const size = first & 0x7f;
    if (size === 0) return { tag, length: undefined };
    const bytes = await this.#read(size);
    if (bytes.length < size || (size > 6 && bytes.subarray(0, -6).some((byte) => byte !== 0)))
      return undefined;
    return { tag, length: bytes.readUIntBE(Math.max(0, size - 6), Math.min(6, size)) };
  }

  /** Passes over a value. */
  async skip({ length }: Head, depth: number): Promise<void> {
    if (length !== undefined) {
      this.#at += length;
      await this.#reader.skip(length);
      return;
    }
    for (;;) {
      const head = await this.head();
      if (head === undefined || head.tag === 0 || depth >= maxDepth) return;
      await this.skip(head, depth + 1);
    }
  }

  /** The bytes of the octet string that comes, whole or in pieces of pieces. */
  async *octets(): AsyncGenerator<Uint8Array, void, void> {
    /** Where the strings that are open end; undefined where a mark tells. */
    const ends: (number | undefined)[] = [];
    do {
      const head = await this.head();
      if (head === undefined) return;
      const { tag, length } = head;
      if (tag === OCTET_STRINGS && ends.length < maxDepth) {
        ends.push(length === undefined ? undefined : this.#at + length);
      } else if (tag === OCTET_STRING && length !== undefined) {
        yield* this.#bytes(length);
      } else if (tag === 0 && ends.at(-1) === undefined) {
        ends.pop();
      } else return;
      while (ends.length > 0 && this.#at >= (ends.at(-1) ?? Number.POSITIVE_INFINITY)) ends.pop();
    } while (ends.length > 0);
  }

  async *#bytes(length: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = length; left > 0; ) {
      const piece = await this.#reader.chunk(Math.min(left, pieceBytes));
      if (piece.length === 0) return;
      left -= piece.length;
      this.#at += piece.length;
      yield piece;
    }
  }

  async #read(length: number): Promise<Buffer> {
    const bytes = await this.#reader.read(length);
    this.#at += bytes.length;
    return bytes;
  }
}

import { GatheredBytes } from '#mime/gathered-bytes';

const endOfHeader = Buffer.from('\r\n\r\n');

/** A header with the empty line that ends it, and what came behind it in the same chunk. */
interface WholeHeader {
  readonly header: Buffer;
  readonly rest: Uint8Array;
}

/** HeldHeader holds a message back until its header is whole; ContentCheck has bounded it. */
export class HeldHeader {
  readonly #held = new GatheredBytes();

  /** Takes the next bytes; gives the header once its end is among them, call no more then. */
  write(chunk: Uint8Array): WholeHeader | undefined {
    const from = Math.max(0, this.#held.length - endOfHeader.length + 1);
    this.#held.add(chunk);
    const { bytes } = this.#held;
    // A header without fields.
    const isEmpty = bytes[0] === 0x0d && bytes[1] === 0x0a;
    const at = isEmpty ? 0 : bytes.indexOf(endOfHeader, from);
    if (at < 0) return undefined;
    const end = isEmpty ? 2 : at + endOfHeader.length;
    return { header: bytes.subarray(0, end), rest: bytes.subarray(end) };
  }

  /** What is held of a message that ends before its header does. */
  end(): Buffer {
    return this.#held.bytes;
  }
}

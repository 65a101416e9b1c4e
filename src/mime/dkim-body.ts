import { createHash } from 'node:crypto';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;

/** Empty lines are hashed once content follows them; so many at a time. */
const maxHeldLineEnds = 512;
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

  update(chunk: Uint8Array): void {
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
      else at = this.#putWord(chunk, at) - 1;
    }
    this.#flush();
  }

  /** Ends the body. */
  digest(): Buffer {
    if (this.#hasContent) this.#hash.update('\r\n');
    return this.#hash.digest();
  }

  /** Takes what stands up to the next blank or line end; gives where that is. */
  #putWord(chunk: Uint8Array, from: number): number {
    if (this.#lineEnds > 0) this.#putLineEnds();
    const out = this.#out;
    let length = this.#length;
    if (this.#isBlankBefore) out[length++] = SP;
    this.#isBlankBefore = false;
    this.#hasContent = true;
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte <= SP && (byte === SP || byte === TAB || byte === CR || byte === LF)) break;
      out[length++] = byte;
    }
    this.#length = length;
    return at;
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

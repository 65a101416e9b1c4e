import { createHash } from 'node:crypto';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;

/** Empty lines are hashed once content follows them; so many at a time. */
const someLineEnds = Buffer.from('\r\n'.repeat(512));

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
    // A byte that is put gives at most itself and the blank before it.
    if (this.#out.length < 2 * chunk.length) this.#out = Buffer.allocUnsafe(2 * chunk.length);
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
      else this.#put(byte);
    }
    this.#flush();
  }

  /** Ends the body. */
  digest(): Buffer {
    if (this.#hasContent) this.#hash.update('\r\n');
    return this.#hash.digest();
  }

  #put(byte: number): void {
    if (this.#lineEnds > 0) this.#putLineEnds();
    if (this.#isBlankBefore) this.#out[this.#length++] = SP;
    this.#isBlankBefore = false;
    this.#hasContent = true;
    this.#out[this.#length++] = byte;
  }

  #putLineEnds(): void {
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

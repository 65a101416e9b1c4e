import { createHash, type Hash } from 'node:crypto';

const cr = 0x0d;
const lf = 0x0a;
const space = 0x20;
const tab = 0x09;
const someLineEnds = Buffer.from('\r\n'.repeat(4_096));

/** RFC 6376 §3.4. */
type Canonicalization = 'simple' | 'relaxed';

/**
 * CanonicalBody hashes a body once for all signatures that ask for the same canonicalization and hash, whatever their l=:
 * the body passes in chunks, its lines end with CR LF. RFC 6376 §3.4.3, §3.4.4, §3.4.5.
 */
export class CanonicalBody {
  readonly #isRelaxed: boolean;
  readonly #hash: Hash;
  /** The lengths that are asked for, the shortest last. */
  #lengths: number[] = [];
  readonly #digests = new Map<number, string>();
  #whole = '';
  #size = 0;
  /** Bytes of line ends that count only if something follows. */
  #heldBytes = 0;
  #hasBlank = false;

  constructor(canonicalization: Canonicalization, algorithm: 'sha1' | 'sha256') {
    this.#isRelaxed = canonicalization === 'relaxed';
    this.#hash = createHash(algorithm);
  }

  /** Bytes of the canonical body so far. */
  get size(): number {
    return this.#size;
  }

  /** Somebody will ask for the hash of so many bytes; call before the body. */
  expect(length: number): void {
    if (this.#lengths.includes(length)) return;
    this.#lengths = [...this.#lengths, length].sort((a, b) => b - a);
    this.#cut();
  }

  write(chunk: Uint8Array): void {
    if (this.#isRelaxed) this.#writeRelaxed(chunk);
    else this.#writeSimple(chunk);
  }

  end(): void {
    // An empty body is a line end in the simple form, and nothing in the relaxed one.
    if (!this.#isRelaxed || this.#size > 0) this.#put(someLineEnds.subarray(0, 2));
    this.#whole = this.#hash.digest('base64');
  }

  /** In base64, of the first `length` bytes, or of all if there are fewer; of all if not said. Call after `end`. */
  digest(length?: number): string {
    return (length === undefined ? undefined : this.#digests.get(length)) ?? this.#whole;
  }

  #writeSimple(chunk: Uint8Array): void {
    let end = chunk.length;
    while (end > 0 && (chunk[end - 1] === lf || chunk[end - 1] === cr)) end--;
    if (end > 0) {
      this.#heldBytes = this.#release(this.#heldBytes);
      this.#put(chunk.subarray(0, end));
    }
    this.#heldBytes += chunk.length - end;
  }

  #writeRelaxed(chunk: Uint8Array): void {
    const room = Math.min(this.#heldBytes, someLineEnds.length);
    const out = Buffer.allocUnsafe(chunk.length + 1 + room);
    let heldBytes = this.#heldBytes;
    let hasBlank = this.#hasBlank;
    let length = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === lf) {
        hasBlank = false;
        heldBytes += 2;
      } else if (byte === space || byte === tab) {
        hasBlank = true;
      } else if (byte !== cr) {
        // There is room for those of this chunk, and for some from before.
        if (length === 0 && heldBytes > someLineEnds.length) heldBytes = this.#release(heldBytes);
        for (; heldBytes > 0; heldBytes -= 2) {
          out[length++] = cr;
          out[length++] = lf;
        }
        if (hasBlank) out[length++] = space;
        hasBlank = false;
        out[length++] = byte;
      }
    }
    this.#heldBytes = heldBytes;
    this.#hasBlank = hasBlank;
    this.#put(out.subarray(0, length));
  }

  #release(heldBytes: number): 0 {
    for (let left = heldBytes; left > 0; left -= someLineEnds.length) {
      this.#put(someLineEnds.subarray(0, left));
    }
    return 0;
  }

  #put(bytes: Uint8Array): void {
    let rest = bytes;
    for (let next = this.#lengths.at(-1); next !== undefined; next = this.#lengths.at(-1)) {
      const missing = next - this.#size;
      if (missing > rest.length) break;
      this.#hash.update(rest.subarray(0, missing));
      this.#size += missing;
      rest = rest.subarray(missing);
      this.#cut();
    }
    if (rest.length === 0) return;
    this.#hash.update(rest);
    this.#size += rest.length;
  }

  /** Keeps the hash of what was put so far, if that is what somebody asked for. */
  #cut(): void {
    if (this.#lengths.at(-1) !== this.#size) return;
    this.#digests.set(this.#size, this.#hash.copy().digest('base64'));
    this.#lengths.pop();
  }
}

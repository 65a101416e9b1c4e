import { Buffer } from 'node:buffer';

/** Applies one transfer encoding, chunk by chunk, with lines of at most 76 characters that end with CR LF. RFC 2045 §6. */
export interface TransferEncoder {
  write(chunk: Uint8Array): Buffer;
  end(): Buffer;
}

const lineLength = 76;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;
const HYPHEN = 0x2d;
const hexDigits = Buffer.from('0123456789ABCDEF');

/** Bytes on one line of base64. */
const lineBytes = 57;

/** RFC 2045 §6.8. The last line has no line end. */
export class Base64Encoder implements TransferEncoder {
  #held: Buffer = Buffer.alloc(0);
  #isFirst = true;

  write(chunk: Uint8Array): Buffer {
    const bytes = Buffer.concat([this.#held, chunk]);
    const whole = bytes.length - (bytes.length % lineBytes);
    this.#held = bytes.subarray(whole);
    return this.#lines(bytes.subarray(0, whole));
  }

  end(): Buffer {
    return this.#lines(this.#held);
  }

  #lines(bytes: Buffer): Buffer {
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += lineBytes) {
      lines.push(`${this.#isFirst ? '' : '\r\n'}${bytes.toString('base64', at, at + lineBytes)}`);
      this.#isFirst = false;
    }
    return Buffer.from(lines.join(''), 'latin1');
  }
}

/** RFC 2045 §6.7: CR LF is a line break, a CR or LF alone is data. */
export class QuotedPrintableEncoder implements TransferEncoder {
  /** White space or CR whose meaning the next byte decides. */
  #held: number | undefined;
  #column = 0;

  write(chunk: Uint8Array): Buffer {
    // Every byte as three, and a soft line break for every 24 of them; the held one and its break besides.
    const out = Buffer.allocUnsafe(chunk.length * 3 + (Math.ceil(chunk.length / 24) + 2) * 3 + 6);
    let length = 0;
    for (const byte of chunk) {
      const held = this.#held;
      this.#held = undefined;
      if (held === CR && byte === LF) {
        out[length++] = CR;
        out[length++] = LF;
        this.#column = 0;
        continue;
      }
      // White space before a line end would be lost on the way.
      if (held !== undefined)
        length = this.#put(out, length, held, held !== CR && byte !== CR && byte !== LF);
      if (byte === CR || byte === SPACE || byte === TAB) this.#held = byte;
      else length = this.#put(out, length, byte, byte > SPACE && byte < 0x7f && byte !== EQUALS);
    }
    return out.subarray(0, length);
  }

  end(): Buffer {
    const out = Buffer.allocUnsafe(8);
    const length = this.#held === undefined ? 0 : this.#put(out, 0, this.#held, false);
    this.#held = undefined;
    return out.subarray(0, length);
  }

  #put(out: Buffer, at: number, byte: number, isPlain: boolean): number {
    let length = at;
    let isLiteral = isPlain;
    // The last place is for the `=` of a soft line break.
    if (this.#column + (isLiteral ? 1 : 3) >= lineLength) {
      out[length++] = EQUALS;
      out[length++] = CR;
      out[length++] = LF;
      this.#column = 0;
      // A line that begins here must not be the delimiter of a multipart around.
      if (byte === HYPHEN) isLiteral = false;
    }
    this.#column += isLiteral ? 1 : 3;
    if (isLiteral) {
      out[length++] = byte;
      return length;
    }
    out[length++] = EQUALS;
    out[length++] = hexDigits[byte >> 4] ?? 0;
    out[length++] = hexDigits[byte & 15] ?? 0;
    return length;
  }
}

import { Buffer } from 'node:buffer';
import { hexPair } from './encoded-word.ts';

/** Undoes one transfer encoding, chunk by chunk; never throws, what cannot be decoded is passed over or kept. */
interface TransferDecoder {
  write(chunk: Uint8Array): Buffer;
  end(): Buffer;
}

const empty = Buffer.alloc(0);

/**
 * The bytes of a part, streamed: undoes base64, quoted-printable or uuencode (any other encoding is
 * the identity) whatever the chunk borders.
 */
export async function* decodeTransfer(
  encoding: string,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const decoder = transferDecoder(encoding);
  for await (const chunk of source) {
    const decoded = decoder === undefined ? chunk : decoder.write(chunk);
    if (decoded.length > 0) yield decoded;
  }
  const rest = decoder?.end() ?? empty;
  if (rest.length > 0) yield rest;
}

/** The same for bytes that are all there. */
export function decodeTransferWhole(encoding: string, bytes: Uint8Array): Buffer {
  const decoder = transferDecoder(encoding);
  if (decoder === undefined) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoded = decoder.write(bytes);
  const rest = decoder.end();
  return rest.length === 0 ? decoded : Buffer.concat([decoded, rest]);
}

/** What undoes an encoding; undefined when it leaves the bytes as they are. */
export function transferDecoder(encoding: string): TransferDecoder | undefined {
  switch (encoding) {
    case 'base64':
      return new Base64Decoder();
    case 'quoted-printable':
      return new QuotedPrintableDecoder();
    case 'uuencode':
    case 'x-uuencode':
    case 'x-uue':
    case 'uue':
      return new UuDecoder();
    default:
      return undefined;
  }
}

const notBase64 = 0xff;
const padding = 0xfe;
const base64Values = new Uint8Array(256).fill(notBase64);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  base64Values[char.charCodeAt(0)] = value;
}
base64Values['='.charCodeAt(0)] = padding;

/**
 * RFC 2045 §6.8: characters outside the alphabet are ignored. Padding ends a group wherever it
 * stands, so that texts encoded piece by piece and put together decode as well.
 */
class Base64Decoder implements TransferDecoder {
  #bits = 0;
  #count = 0;

  write(chunk: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(Math.ceil((chunk.length * 3) / 4) + 3);
    let length = 0;
    let bits = this.#bits;
    let count = this.#count;
    for (let i = 0; i < chunk.length; i++) {
      const value = base64Values[chunk[i] ?? 0] ?? notBase64;
      if (value < 64) {
        bits = (bits << 6) | value;
        if (++count === 4) {
          out[length++] = bits >> 16;
          out[length++] = bits >> 8;
          out[length++] = bits;
          count = 0;
          bits = 0;
        }
      } else if (value === padding) {
        length = flushGroup(out, length, bits, count);
        count = 0;
        bits = 0;
      }
    }
    this.#bits = bits;
    this.#count = count;
    return out.subarray(0, length);
  }

  end(): Buffer {
    const out = Buffer.alloc(3);
    return out.subarray(0, flushGroup(out, 0, this.#bits, this.#count));
  }
}

/** The whole bytes in a group of two or three characters. */
function flushGroup(out: Buffer, length: number, bits: number, count: number): number {
  if (count < 2) return length;
  const aligned = bits << (6 * (4 - count));
  out[length] = aligned >> 16;
  if (count === 2) return length + 1;
  out[length + 1] = aligned >> 8;
  return length + 2;
}

/** Longest run of white space held back until it is known whether a line end follows. */
const maxHeldSpace = 1_024;

/** RFC 2045 §6.7. Malformed escapes are kept as they stand; white space at the end of a line is dropped (rule 3). */
class QuotedPrintableDecoder implements TransferDecoder {
  /** An escape, or white space, that the last chunk broke off. */
  #held: Buffer = empty;

  write(chunk: Uint8Array): Buffer {
    return this.#decode(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), false);
  }

  end(): Buffer {
    return this.#decode(this.#held, true);
  }

  #decode(bytes: Uint8Array, isLast: boolean): Buffer {
    const out = Buffer.allocUnsafe(bytes.length);
    let length = 0;
    let i = 0;
    this.#held = empty;
    while (i < bytes.length) {
      const byte = bytes[i] ?? 0;
      if (byte !== 0x3d && byte !== 0x20 && byte !== 0x09) {
        out[length++] = byte;
        i++;
        continue;
      }
      const isEscape = byte === 0x3d;
      // Nearly all white space is one space between two words.
      if (!isEscape && (bytes[i + 1] ?? 0) > 0x20) {
        out[length++] = byte;
        i++;
        continue;
      }
      const end = isEscape ? i + 1 : spaceEnd(bytes, i);
      const value = isEscape ? hexPair(bytes[end], bytes[end + 1]) : undefined;
      if (value !== undefined) {
        out[length++] = value;
        i = end + 2;
        continue;
      }
      const afterSpace = isEscape ? spaceEnd(bytes, end) : end;
      if (!isLast && isUndecided(bytes, i, afterSpace)) {
        this.#held = Buffer.from(bytes.subarray(i));
        break;
      }
      if (isEscape) {
        const next = lineEndAfter(bytes, afterSpace);
        if (next > afterSpace || (isLast && afterSpace === bytes.length)) i = next;
        else {
          out[length++] = byte;
          i++;
        }
      } else if (lineEndAfter(bytes, end) > end || (isLast && end === bytes.length)) {
        i = end;
      } else {
        out.set(bytes.subarray(i, end), length);
        length += end - i;
        i = end;
      }
    }
    return out.subarray(0, length);
  }
}

/** True when what follows decides, and has not come yet. */
function isUndecided(bytes: Uint8Array, from: number, afterSpace: number): boolean {
  if (afterSpace - from > maxHeldSpace) return false;
  const next = bytes[afterSpace];
  if (next === undefined) return true;
  if (next === 0x0d) return afterSpace + 1 === bytes.length;
  // `=A` at the end of a chunk.
  return (
    bytes[from] === 0x3d &&
    afterSpace === from + 1 &&
    afterSpace + 1 === bytes.length &&
    hexPair(next, next) !== undefined
  );
}

function spaceEnd(bytes: Uint8Array, from: number): number {
  let i = from;
  while (bytes[i] === 0x20 || bytes[i] === 0x09) i++;
  return i;
}

/** The offset after CR LF or LF at `from`; `from` when there is none. */
function lineEndAfter(bytes: Uint8Array, from: number): number {
  if (bytes[from] === 0x0a) return from + 1;
  return bytes[from] === 0x0d && bytes[from + 1] === 0x0a ? from + 2 : from;
}

/** Longest uuencoded line kept; the format allows 61 characters. */
const maxUuLine = 256;
/** A line may leave out the blanks it ends with, up to 45 zero bytes; more than these in all are not made of a text. */
const mostUuBytes = (encodedBytes: number) => 1024 * 1024 + 4 * encodedBytes;

/** uuencode as mail programs before MIME wrote it: lines between `begin` and `end`. */
class UuDecoder implements TransferDecoder {
  #line: Buffer = empty;
  #isEnded = false;
  #encodedBytes = 0;
  #bytes = 0;

  write(chunk: Uint8Array): Buffer {
    const pieces: Buffer[] = [];
    this.#encodedBytes += chunk.length;
    let from = 0;
    while (from < chunk.length && !this.#isEnded) {
      const lf = chunk.indexOf(0x0a, from);
      const end = lf < 0 ? chunk.length : lf;
      const piece = Buffer.from(chunk.buffer, chunk.byteOffset + from, Math.min(end - from, maxUuLine));
      if (this.#line.length === 0) this.#line = piece;
      else if (this.#line.length < maxUuLine) this.#line = Buffer.concat([this.#line, piece]);
      from = end + 1;
      if (lf >= 0) pieces.push(this.#takeLine());
    }
    // The chunk is the caller's again.
    this.#line = Buffer.from(this.#line);
    return Buffer.concat(pieces);
  }

  end(): Buffer {
    return this.#takeLine();
  }

  #takeLine(): Buffer {
    const line = this.#line;
    this.#line = empty;
    const text = line.toString('latin1').trimEnd();
    if (text === 'end') this.#isEnded = true;
    if (text === '' || text === 'end' || text.startsWith('begin ') || this.#isEnded) return empty;
    const size = ((line[0] ?? 0x20) - 0x20) & 0x3f;
    this.#bytes += size;
    if (this.#bytes > mostUuBytes(this.#encodedBytes)) {
      this.#isEnded = true;
      return empty;
    }
    const out = Buffer.alloc(size);
    for (let i = 0; i < size; i++) {
      const at = 1 + Math.floor(i / 3) * 4 + (i % 3);
      const high = uuValue(line[at]);
      const low = uuValue(line[at + 1]);
      out[i] =
        i % 3 === 0 ? (high << 2) | (low >> 4) : i % 3 === 1 ? (high << 4) | (low >> 2) : (high << 6) | low;
    }
    return out;
  }
}

function uuValue(code: number | undefined): number {
  return code === undefined || code < 0x20 ? 0 : (code - 0x20) & 0x3f;
}

import { Buffer } from 'node:buffer';
import { Readable, Transform } from 'node:stream';
import { areLineEndsWhole, countLineEnds } from '#mime/line-ends';

const cr = 0x0d;
const lf = 0x0a;
const dot = 0x2e;
const dotOfLine = Buffer.from('\n.');
const oneDot = Buffer.of(dot);

/**
 * DotStuffer makes the content of DATA of a message that comes in chunks: a dot more before each line that begins with
 * one, CR LF for every CR and LF that stands alone, and the line that ends it all. RFC 5321 §4.5.2, §2.3.8.
 */
export class DotStuffer {
  /** Before the first line it is as after any other. */
  #last = lf;
  #isEmpty = true;
  readonly #isPlain: boolean;

  /** `isPlain`: it is known that each CR and LF is half of a pair, and that no line begins with a dot. */
  constructor(isPlain = false) {
    this.#isPlain = isPlain;
  }

  write(chunk: Buffer): Buffer {
    const { length } = chunk;
    if (length === 0) return chunk;
    const stuffed = this.#isPlain ? chunk : this.#stuffed(chunk);
    this.#last = chunk[length - 1] ?? 0;
    this.#isEmpty = false;
    return stuffed;
  }

  /** What ends the content. */
  end(): Buffer {
    if (this.#last === cr) return Buffer.from('\n.\r\n');
    return Buffer.from(this.#last === lf && !this.#isEmpty ? '.\r\n' : '\r\n.\r\n');
  }

  #stuffed(chunk: Buffer): Buffer {
    const isWhole = areLineEndsWhole(chunk, countLineEnds(chunk), this.#last === cr);
    return isWhole ? this.#withDots(chunk) : this.#mended(chunk);
  }

  #withDots(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    if (chunk[0] === dot && this.#last === lf) pieces.push(oneDot);
    let from = 0;
    for (let at = chunk.indexOf(dotOfLine); at >= 0; at = chunk.indexOf(dotOfLine, from)) {
      pieces.push(chunk.subarray(from, at + 1), oneDot);
      from = at + 1;
    }
    return pieces.length === 0 ? chunk : Buffer.concat([...pieces, chunk.subarray(from)]);
  }

  /** The same with what line ends lack. */
  #mended(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(3 * chunk.length);
    let length = 0;
    let last = this.#last;
    for (const byte of chunk) {
      if (byte === lf && last !== cr) out[length++] = cr;
      if (byte !== lf && last === cr) out[length++] = lf;
      // A receiver that takes a bare CR for a line end must not find the end of the data behind it.
      if (byte === dot && (last === lf || last === cr)) out[length++] = dot;
      out[length++] = byte;
      last = byte;
    }
    return out.subarray(0, length);
  }
}

/**
 * A message for nodemailer to send. What it pipes a message through looks at each byte on its own; from the stream that is
 * made here it gets a DotStuffer in that one's place. A message that it reads in another way is stuffed by nodemailer.
 * `isPlain`: see DotStuffer.
 */
export function dataStream(content: AsyncIterable<Uint8Array>, isPlain = false): Readable {
  const stream = Readable.from(content);
  stream.pipe = (destination, options) => {
    if (destination instanceof Transform) stuffInstead(destination, new DotStuffer(isPlain));
    return Readable.prototype.pipe.call(stream, destination, options) as typeof destination;
  };
  return stream;
}

function stuffInstead(stuffing: Transform, stuffer: DotStuffer): void {
  stuffing._transform = (chunk: Uint8Array, _encoding, done) => {
    done(null, stuffer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)));
  };
  stuffing._flush = (done) => done(null, stuffer.end());
}

import { areLineEndsWhole, countLineEnds, type LineEnds } from '#mime/line-ends';
import { ReplyError } from './reply.ts';

const nul = 0x00;
const lf = 0x0a;
const cr = 0x0d;
const receivedLower = Buffer.from('received:');
const receivedUpper = Buffer.from('RECEIVED:');
/** More Received fields than this are a loop. RFC 5321 §6.3. */
const maxReceivedFields = 50;
/** RFC 5321 §4.5.3.1.6 asks for 1,000; what exists is longer, and is taken. */
const maxLineBytes = 64 * 1024;
const maxHeaderBytes = 256 * 1024;

/**
 * ContentCheck looks at a message as it comes in and finds what it may not be: lines that do not end with CR LF, NUL
 * (RFC 5321 §2.3.8, §4.1.1.4; RFC 5322 §2.3), lines and headers beyond all measure, and a header that tells of a loop.
 */
export class ContentCheck {
  /** The last chunk ended with CR: this one begins with LF. */
  #isAfterCr = false;
  /** The bytes of a line whose end has not come yet. */
  #begunBytes = 0;
  #isInHeader = true;
  #headerBytes = 0;
  /** How many bytes of this header line are read, and how many of them spell "received:" so far; -1 if it is another field. */
  #lineBytes = 0;
  #spelled = 0;
  #receivedFields = 0;

  /** Gives what it counted. Throws ReplyError at the first fault. */
  write(chunk: Uint8Array): LineEnds {
    const { length } = chunk;
    const lineEnds = countLineEnds(chunk);
    if (length === 0) return lineEnds;
    if (this.#isAfterCr && chunk[0] !== lf) throw bareLineEnd('CR');
    if (!this.#isClean(chunk, lineEnds)) this.#findFault(chunk);
    const lastLf = chunk.lastIndexOf(lf);
    this.#begunBytes = lastLf < 0 ? this.#begunBytes + length : length - lastLf - 1;
    this.#isAfterCr = chunk[length - 1] === cr;
    if (this.#begunBytes > maxLineBytes) throw tooLong('A line');
    for (let i = 0; i < length && this.#isInHeader; i++) this.#readHeader(chunk[i] ?? nul);
    return lineEnds;
  }

  /** Whether all line ends are whole and no line can be too long. */
  #isClean(chunk: Uint8Array, lineEnds: LineEnds): boolean {
    const first = chunk.indexOf(lf);
    return (
      areLineEndsWhole(chunk, lineEnds, this.#isAfterCr) &&
      lineEnds.nuls === 0 &&
      this.#begunBytes + first <= maxLineBytes &&
      chunk.length - first <= maxLineBytes
    );
  }

  #findFault(chunk: Uint8Array): void {
    const { length } = chunk;
    let lineStart = -this.#begunBytes;
    for (let i = 0; i < length; i++) {
      const byte = chunk[i];
      if (byte === lf) {
        if (i === 0 ? !this.#isAfterCr : chunk[i - 1] !== cr) throw bareLineEnd('LF');
        if (i - lineStart > maxLineBytes) throw tooLong('A line');
        lineStart = i + 1;
      } else if (byte === cr) {
        if (i + 1 < length && chunk[i + 1] !== lf) throw bareLineEnd('CR');
      } else if (byte === nul) throw new ReplyError(554, '5.6.0', 'Message contains NUL');
    }
  }

  #readHeader(byte: number): void {
    this.#headerBytes++;
    if (this.#headerBytes > maxHeaderBytes) throw tooLong('The header');
    if (byte === lf) {
      this.#isInHeader = this.#lineBytes > 0;
      this.#lineBytes = 0;
      this.#spelled = 0;
      return;
    }
    if (byte === cr) return;
    this.#lineBytes++;
    if (this.#spelled < 0) return;
    const isSpelled = byte === receivedLower[this.#spelled] || byte === receivedUpper[this.#spelled];
    this.#spelled = isSpelled ? this.#spelled + 1 : -1;
    if (this.#spelled < receivedLower.length) return;
    this.#spelled = -1;
    this.#receivedFields++;
    if (this.#receivedFields > maxReceivedFields) throw new ReplyError(554, '5.4.6', 'Routing loop detected');
  }
}

function tooLong(what: string): ReplyError {
  return new ReplyError(554, '5.6.0', `${what} is too long`);
}

function bareLineEnd(which: string): ReplyError {
  return new ReplyError(550, '5.6.11', `Message contains a bare ${which}, lines end with CR LF`);
}

import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

type Done = Parameters<SMTPStream['_feedDataStream']>[1];

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;

/**
 * Parser is smtp-server's parser with a reading of DATA of our own: one pass over each chunk, whatever it holds. The
 * library's yields to the event loop at every dot it takes away: a message of 25 MiB made of such lines costs it minutes.
 * Only CR LF . CR LF ends the message. RFC 5321 §4.1.1.4, §4.5.2.
 */
export class Parser extends SMTPStream {
  #isAtLineStart = true;
  #isAfterCr = false;
  /** A dot at the start of a line, and what came of the line after it: what follows tells what it means. */
  #held: Buffer = Buffer.alloc(0);

  override startDataMode(maxBytes?: number | string | null): ReturnType<SMTPStream['startDataMode']> {
    this.#isAtLineStart = true;
    this.#isAfterCr = false;
    this.#held = Buffer.alloc(0);
    return super.startDataMode(maxBytes);
  }

  override _feedDataStream(chunk: Buffer, done: Done): void {
    const input = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = Buffer.alloc(0);
    const kept: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < input.length) {
      if (this.#isAtLineStart && input[at] === dot) {
        const [next, afterNext] = [input[at + 1], input[at + 2]];
        if (next === undefined || (next === cr && afterNext === undefined)) break;
        if (next === cr && afterNext === lf) {
          kept.push(input.subarray(from, at));
          this.#end(kept, input.subarray(at + 3), done);
          return;
        }
        if (next === dot) {
          kept.push(input.subarray(from, at));
          from = ++at;
        }
      }
      at = this.#skipLine(input, at);
    }
    kept.push(input.subarray(from, at));
    this.#held = input.subarray(at);
    this.#emit(joined(kept), done);
  }

  /** Gives where the next line begins, or the end of the input, and notes what stands before it. */
  #skipLine(input: Buffer, at: number): number {
    const end = input.indexOf(lf, at);
    if (end < 0) {
      this.#isAtLineStart = false;
      this.#isAfterCr = input.at(-1) === cr;
      return input.length;
    }
    this.#isAtLineStart = end > at ? input[end - 1] === cr : this.#isAfterCr;
    this.#isAfterCr = false;
    return end + 1;
  }

  #end(kept: readonly Buffer[], rest: Buffer, done: Done): void {
    const last = joined(kept);
    this._countDataBytes(last.length);
    this._endDataMode(last, rest, done);
  }

  #emit(bytes: Buffer, done: Done): void {
    const stream = this._dataStream;
    this._countDataBytes(bytes.length);
    if (bytes.length === 0 || !stream?.writable || stream.write(bytes)) {
      done();
      return;
    }
    // One that was destroyed never drains, it only closes.
    const resume = () => {
      stream.off('drain', resume).off('close', resume);
      done();
    };
    stream.on('drain', resume).on('close', resume);
  }
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only = Buffer.alloc(0), ...others] = pieces;
  return others.length === 0 ? only : Buffer.concat(pieces);
}

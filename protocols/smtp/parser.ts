import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { CommandLines, type LineFault } from './command-lines.ts';

type Done = Parameters<SMTPStream['_feedDataStream']>[1];

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const lineOfDot = Buffer.from('\r\n.');

/** So many commands in one chunk are done before others have their turn. */
const maxCommandsAtOnce = 100;

/**
 * Parser is smtp-server's parser with a reading of our own. The library takes a bare LF for the end of a command; and in
 * DATA it yields to the event loop at every dot it takes away: a message of 25 MiB made of such lines costs it minutes.
 * This one makes one pass over each chunk, whatever it holds. Only CR LF . CR LF ends the message. RFC 5321 §4.1.1.4, §4.5.2.
 */
export class Parser extends SMTPStream {
  readonly #lines: CommandLines;
  /** A chunk is being worked on; what follows it waits in the stream. */
  #chunkBytes = 0;
  #isAtLineStart = true;
  #isAfterCr = false;
  /** A dot at the start of a line, and what came of the line after it: what follows tells what it means. */
  #held: Buffer = Buffer.alloc(0);

  constructor(options: { readonly maxCommandLength: number }) {
    super(options);
    this.#lines = new CommandLines(options.maxCommandLength);
  }

  /** Hears of a line that is no command; `done` goes on with the next. */
  onfault(_fault: LineFault, done: () => void): void {
    done();
  }

  /** The client has sent more than the command that is being done. */
  get hasMore(): boolean {
    return this.#lines.hasMore || this.writableLength > this.#chunkBytes;
  }

  /** The client has begun to talk. */
  get hasBegun(): boolean {
    return this.#lines.hasBegun || this.writableLength > 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: Done): void {
    const isOuter = this.#chunkBytes === 0;
    if (isOuter) this.#chunkBytes = chunk.length;
    const done: Done = (error) => {
      if (isOuter) this.#chunkBytes = 0;
      next(error);
    };
    if (this.isClosed || chunk.length === 0) done();
    else if (this._dataMode) this._feedDataStream(chunk, done);
    else {
      this.#lines.add(chunk);
      this.#doCommands(done);
    }
  }

  #doCommands(done: Done): void {
    for (let count = 0; ; count++) {
      if (this.isClosed) {
        done();
        return;
      }
      if (this._dataMode) {
        this._feedDataStream(this.#lines.takeRest(), done);
        return;
      }
      if (count === maxCommandsAtOnce) {
        setImmediate(() => this.#doCommands(done));
        return;
      }
      const next = this.#lines.next();
      if (next === undefined) {
        done();
        return;
      }
      let isDone = false;
      let isWaiting = false;
      const goOn = () => {
        isDone = true;
        if (isWaiting) this.#doCommands(done);
      };
      if ('line' in next) this.oncommand(next.line, goOn);
      else this.onfault(next.fault, goOn);
      if (!isDone) {
        isWaiting = true;
        return;
      }
    }
  }

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
      at = this.#skipLines(input, at);
    }
    kept.push(input.subarray(from, at));
    this.#held = input.subarray(at);
    this.#emit(joined(kept), done);
  }

  /** Gives where the next line begins that begins with a dot, or the end of the input, and notes what stands before it. */
  #skipLines(input: Buffer, at: number): number {
    // The CR came with the input before.
    if (this.#isAfterCr && input[at] === lf && input[at + 1] === dot) {
      this.#isAfterCr = false;
      this.#isAtLineStart = true;
      return at + 1;
    }
    const end = input.indexOf(lineOfDot, at);
    if (end >= 0) {
      this.#isAfterCr = false;
      this.#isAtLineStart = true;
      return end + 2;
    }
    const isLastLf = input.at(-1) === lf;
    this.#isAtLineStart = isLastLf && (at < input.length - 1 ? input.at(-2) === cr : this.#isAfterCr);
    this.#isAfterCr = input.at(-1) === cr;
    return input.length;
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

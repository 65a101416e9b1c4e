const nul = 0x00;
const lf = 0x0a;
const cr = 0x0d;
const none = Buffer.alloc(0);

/** What is wrong with a line: bare CR or LF in it, longer than allowed, or no text at all. */
export type LineFault = 'line-end' | 'too-long' | 'nul';

/** A command line without its end, or what is wrong with it. */
export type CommandLine = { readonly line: Buffer } | { readonly fault: LineFault };

/**
 * CommandLines cuts what a client sends into command lines. They end with CR LF and nothing else (RFC 5321 §2.3.8). Of a
 * line that is too long no more than the limit is kept.
 */
export class CommandLines {
  readonly #maxBytes: number;
  /** The beginning of a line whose end has not come yet. */
  #held: Buffer = none;
  #isTooLong = false;
  #input: Buffer = none;
  #at = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes; the lines of those before have been taken out. */
  add(input: Buffer): void {
    this.#input = input;
    this.#at = 0;
  }

  /** Something stands behind the line that was given last. */
  get hasMore(): boolean {
    return this.#at < this.#input.length;
  }

  /** A line has begun. */
  get hasBegun(): boolean {
    return this.#held.length > 0 || this.#isTooLong || this.hasMore;
  }

  /** The next line; undefined until its end has come. */
  next(): CommandLine | undefined {
    const end = this.#input.indexOf(lf, this.#at);
    const piece = this.#input.subarray(this.#at, end < 0 ? undefined : end + 1);
    this.#at += piece.length;
    // It will never become a command: TLS where none is spoken begins like this.
    if (piece.includes(nul)) return this.#give({ fault: 'nul' });
    const length = this.#held.length + piece.length;
    if (end < 0) {
      if (length > this.#maxBytes + 2) this.#isTooLong = true;
      this.#held = this.#isTooLong || piece.length === 0 ? this.#held : Buffer.concat([this.#held, piece]);
      return undefined;
    }
    if (this.#isTooLong || length > this.#maxBytes + 2) return this.#give({ fault: 'too-long' });
    const whole = this.#held.length > 0 ? Buffer.concat([this.#held, piece]) : piece;
    const line = whole.subarray(0, -2);
    const isWhole = whole.at(-2) === cr && !line.includes(cr);
    return this.#give(isWhole ? { line } : { fault: 'line-end' });
  }

  /** What is left, for who reads it as something else. */
  takeRest(): Buffer {
    const rest = this.#input.subarray(this.#at);
    this.#input = none;
    this.#at = 0;
    return rest;
  }

  #give(line: CommandLine): CommandLine {
    this.#held = none;
    this.#isTooLong = false;
    return line;
  }
}

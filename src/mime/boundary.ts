import { Buffer } from 'node:buffer';

/** A line longer than this is no boundary delimiter; RFC 2046 §5.1.1 allows 70 characters and white space. */
export const maxBoundaryLine = 512;

const lf = 0x0a;
const hyphen = 0x2d;
const lineOfHyphens = Buffer.from('\n--');

/** A multipart that is being read: which part it is, and the delimiter that its header named. */
interface OpenMultipart {
  readonly part: number;
  /** `--` and the boundary; undefined until the first line that looks like one, where the header named none. */
  delimiter: Buffer | undefined;
}

/** A delimiter line that was recognised: whose, and whether it is the closing one. */
export interface BoundaryMatch {
  readonly level: number;
  readonly part: number;
  readonly isClose: boolean;
}

/** A boundary line among other bytes; without `match` only its beginning, up to the end of them. */
interface FoundLine {
  readonly at: number;
  readonly match: BoundaryMatch | undefined;
  readonly next: number;
}

/** The multiparts that are open at the present place of a message, the outermost first. */
export class BoundaryStack {
  readonly #open: OpenMultipart[] = [];

  push(part: number, boundary: string | undefined): void {
    const delimiter = boundary === undefined ? undefined : Buffer.from(`--${boundary}`, 'latin1');
    this.#open.push({ part, delimiter });
  }

  /** Closes every multipart at `level` and inside it. */
  cut(level: number): void {
    this.#open.length = Math.min(this.#open.length, level);
  }

  /** The next boundary line from `from` on, or what at the end of the bytes may become one. */
  next(bytes: Buffer, from: number, atLineStart: boolean): FoundLine | undefined {
    if (this.#open.length === 0) return undefined;
    const { length } = bytes;
    let at = atLineStart && beginsWithHyphens(bytes, from) ? from : nextHyphens(bytes, from);
    while (at >= 0) {
      const end = bytes.indexOf(lf, at);
      if (end < 0 && length - at <= maxBoundaryLine) return { at, match: undefined, next: length };
      const match = end < 0 ? undefined : this.match(bytes, at, end + 1);
      if (match !== undefined) return { at, match, next: end + 1 };
      at = end < 0 ? -1 : nextHyphens(bytes, end);
    }
    return undefined;
  }

  /**
   * Finds the multipart that the line `bytes[from, to)` (with its line end) delimits, the innermost
   * first. RFC 2046 §5.1.1: delimiter, `--` when closing, then white space only.
   */
  match(bytes: Uint8Array, from: number, to: number): BoundaryMatch | undefined {
    const end = trimmedEnd(bytes, from, to);
    for (let level = this.#open.length - 1; level >= 0; level--) {
      const open = this.#open[level];
      if (open === undefined) continue;
      open.delimiter ??= guessDelimiter(bytes, from, end);
      const length = open.delimiter?.length ?? 0;
      if (open.delimiter === undefined || !startsWith(bytes, from, end, open.delimiter)) continue;
      if (from + length === end) return { level, part: open.part, isClose: false };
      if (from + length + 2 === end && bytes[end - 1] === 0x2d && bytes[end - 2] === 0x2d) {
        return { level, part: open.part, isClose: true };
      }
    }
    return undefined;
  }
}

function trimmedEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && isSpace(bytes[end - 1])) end--;
  return end;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function startsWith(bytes: Uint8Array, from: number, end: number, prefix: Uint8Array): boolean {
  if (end - from < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) {
    if (bytes[from + i] !== prefix[i]) return false;
  }
  return true;
}

/** A multipart whose header names no boundary: the first line of `--` and something without spaces must be it. */
function guessDelimiter(bytes: Uint8Array, from: number, end: number): Buffer | undefined {
  if (end - from < 4 || end - from > 252) return undefined;
  for (let i = from; i < end; i++) {
    if (isSpace(bytes[i])) return undefined;
  }
  return Buffer.from(bytes.subarray(from, end));
}

/** Whether two hyphens stand at `at`, or one that is the last byte. */
function beginsWithHyphens(bytes: Buffer, at: number): boolean {
  return bytes[at] === hyphen && (at + 1 === bytes.length || bytes[at + 1] === hyphen);
}

/** Where the next line begins that begins so, after a line feed at or behind `from`; -1 if none does. */
function nextHyphens(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(lineOfHyphens, from);
  if (at >= 0) return at + 1;
  const last = bytes.length - 1;
  return last > from && bytes[last] === hyphen && bytes[last - 1] === lf ? last : -1;
}

import { Buffer } from 'node:buffer';
import { type BoundaryMatch, BoundaryStack, maxBoundaryLine } from './boundary.ts';
import { HeaderCollector } from './header-collector.ts';
import { contentFieldAt, contentFieldLength } from './header-fields.ts';
import { countLineEnds, type LineEnds } from './line-ends.ts';
import { NameReader } from './name-reader.ts';
import { boundaryOf, isIdentity, isMessageType, type PartHeader, readPartHeader } from './part-header.ts';
import type { ScannedPart } from './scanned-part.ts';

/** The counters at one place of the message. */
interface Mark {
  readonly lineFeeds: number;
  readonly carriageReturns: number;
  readonly equalsSigns: number;
}

/** Beyond these a message is not taken apart any further; the rest counts as body of the part that holds it. */
export const maxParts = 1_000;
export const maxDepth = 50;

/** How far back from the present place single bytes can be looked up. */
const tailBytes = maxBoundaryLine + 64;

const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;
const linesOfC = [Buffer.from('\nC'), Buffer.from('\nc')];

/** What the scanner tells while it reads. */
export interface ScanListener {
  /** A part's header was read; `block` has one character per byte. Answers how many bytes of its body to keep. */
  onHeader(part: ScannedPart, index: number, block: string): number;
}

/**
 * Finds the parts of a message in one pass over its bytes, whatever the chunk borders: it keeps the
 * header block it is in (at most 256 KiB), a boundary line that is not complete, and what the
 * listener asked for. CR LF and bare LF both end a line. Broken input never throws.
 */
export class PartScanner {
  readonly parts: ScannedPart[] = [];
  readonly #listener: ScanListener;
  readonly #boundaries = new BoundaryStack();
  readonly #header = new HeaderCollector();
  /** The part whose body or header is being read; -1 before the first. */
  #current = -1;
  #inHeader = true;
  /** The last `tailBytes` bytes before the present chunk. */
  readonly #tail = Buffer.allocUnsafe(tailBytes);
  #tailLength = 0;
  #chunk: Uint8Array = this.#tail;
  /** What is known of the present chunk. */
  #lineEnds: LineEnds | undefined;
  /** Offset in the message of the present chunk's first byte. */
  #base = 0;
  #atLineStart = true;
  /** The beginning of a line that may become a boundary line. */
  #pending: Buffer | undefined;
  #lineFeeds = 0;
  #carriageReturns = 0;
  #equalsSigns = 0;
  /** How much of a Content- field the present line of a body begins with; -1 when with something else. */
  #fieldBytes = -1;
  #mayHoldFields = false;
  readonly #names = new NameReader();
  /** The counters at the start of each open part's body, by part. */
  readonly #marks: Mark[] = [];

  constructor(listener: ScanListener) {
    this.#listener = listener;
    this.#openPart(-1, 0);
  }

  /** Whether a line of a body begins as a Content- field does. */
  get mayHoldFields(): boolean {
    return this.#mayHoldFields;
  }

  /** Takes the next bytes of the message, with what is known of them; keeps no reference to `chunk`. */
  write(chunk: Uint8Array, lineEnds?: LineEnds): void {
    if (chunk.length === 0) return;
    const base = this.#base;
    this.#chunk = chunk;
    this.#lineEnds = lineEnds;
    let from = 0;
    if (this.#pending !== undefined) from = this.#resumePending(this.#pending, chunk, base);
    this.#run(chunk, base, from);
    this.#keepTail(chunk);
    this.#base = base + chunk.length;
    this.#chunk = this.#tail;
  }

  /** Ends the message: closes what is open and gives its size in bytes. */
  end(): number {
    const size = this.#base;
    while (this.#inHeader) this.#endHeader(size);
    if (this.#pending !== undefined) {
      const line = this.#pending;
      const start = size - line.length;
      this.#pending = undefined;
      const match = this.#boundaries.match(line, 0, line.length);
      if (match === undefined) this.#body(line, start, 0, true);
      else this.#onBoundary(match, start, size);
    }
    while (this.#inHeader) this.#endHeader(size);
    this.#closeDownTo(-1, size, size);
    return size;
  }

  #run(chunk: Uint8Array, base: number, from: number): void {
    let position = from;
    while (position < chunk.length) {
      position = this.#inHeader
        ? this.#headers(chunk, base, position)
        : this.#body(chunk, base, position, false);
    }
  }

  #headers(chunk: Uint8Array, base: number, from: number): number {
    let position = from;
    while (position < chunk.length && !this.#header.isFull) {
      position = this.#header.append(chunk, position);
      if (!this.#header.isLineComplete) break;
      this.#countLine(this.#header.endsWithCrLf);
      const kind = this.#header.takeLine();
      if (kind === 'blank') {
        this.#endHeader(base + position);
        return position;
      }
      if (kind === 'delimiter' && this.#headerBoundary(base + position)) return position;
    }
    if (this.#header.isFull) this.#endHeader(base + position);
    return position;
  }

  /** A boundary line where a header should go on: the part has no body, and perhaps no header. */
  #headerBoundary(lineEnd: number): boolean {
    const { bytes, lineStart, length } = this.#header;
    const match = this.#boundaries.match(bytes, lineStart, length);
    if (match === undefined) return false;
    const start = lineEnd - (length - lineStart);
    this.#uncountLine(this.#header.endsWithCrLf);
    this.#header.dropLine();
    this.#endHeader(start);
    while (this.#inHeader) this.#endHeader(start);
    this.#onBoundary(match, start, lineEnd);
    return true;
  }

  /** The header of the current part is complete, its body begins at `bodyStart`. */
  #endHeader(bodyStart: number): void {
    const index = this.#current;
    const part = this.parts[index];
    if (part === undefined) return;
    const isFull = this.#header.isFull;
    const { block, rest } = this.#header.finish();
    this.#inHeader = false;
    this.#atLineStart = true;
    // Lines at the end of the block that are no header fields are the body, its separator is missing.
    const start = bodyStart - rest.length;
    for (let i = 0; i < rest.length; i++) {
      if (rest[i] === LF) this.#uncountLine(rest[i - 1] === CR);
    }
    part.header = readPartHeader(block, this.#defaultType(part), this.#names);
    part.isHeaderCut = isFull || part.header.hasUnread;
    part.start = start;
    part.path = this.#pathOf(part);
    this.#marks[index] = {
      lineFeeds: this.#lineFeeds,
      carriageReturns: this.#carriageReturns,
      equalsSigns: this.#equalsSigns,
    };
    const keep = this.#listener.onHeader(part, index, block);
    if (keep > 0) part.captured = { limit: keep, pieces: [], length: 0 };
    this.#enter(part, index, start);
    if (rest.length > 0) this.#run(rest, start, 0);
  }

  /** Goes into what a part contains: the parts of a multipart, the message of a message/rfc822. */
  #enter(part: ScannedPart, index: number, start: number): void {
    if (part.depth >= maxDepth) return;
    if (part.header.type.startsWith('multipart/')) {
      this.#boundaries.push(index, boundaryOf(part.header));
    } else if (
      isMessageType(part.header.type) &&
      isIdentity(part.header.encoding) &&
      this.parts.length < maxParts
    ) {
      this.#openPart(index, start);
    }
  }

  /** Reads body lines from `from`; stops after a boundary line. `checked`: the first line is known to be none. */
  #body(chunk: Uint8Array, base: number, from: number, checked: boolean): number {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const atLineStart = this.#atLineStart && !checked;
    const found = this.#boundaries.next(bytes, from, atLineStart);
    const stop = found?.at ?? bytes.length;
    if (!this.#mayHoldFields) this.#lookForFields(bytes, from, stop, atLineStart);
    const isAll = chunk === this.#chunk && stop - from === chunk.length;
    const { lineFeeds, pairs } = (isAll ? this.#lineEnds : undefined) ?? countLineEnds(bytes, from, stop);
    this.#lineFeeds += lineFeeds;
    this.#carriageReturns += pairs;
    // The CR of the first line end may have come with the bytes before.
    if (from === 0 && stop > 0 && bytes[0] === LF && this.#byteAt(base - 1) === CR) this.#carriageReturns++;
    this.#atLineStart = stop < bytes.length || (from < bytes.length ? bytes.at(-1) === LF : atLineStart);
    this.#keep(bytes, from, stop);
    if (found === undefined) return bytes.length;
    if (found.match === undefined) this.#pending = Buffer.from(bytes.subarray(stop));
    else this.#onBoundary(found.match, base + stop, base + found.next);
    return found.next;
  }

  /** Looks for a line of `bytes[from, to)` that begins as a Content- field does; one broken off goes on in the next chunk. */
  #lookForFields(bytes: Buffer, from: number, to: number, atLineStart: boolean): void {
    const known = this.#fieldBytes;
    this.#fieldBytes = -1;
    if (from < to && (known >= 0 || atLineStart)) this.#lookForField(bytes, from, Math.max(0, known));
    const searched = bytes.subarray(0, to);
    for (const lineOfC of linesOfC) {
      for (let at = searched.indexOf(lineOfC, from); at >= 0; at = searched.indexOf(lineOfC, at + 2))
        this.#lookForField(bytes, at + 1, 0);
    }
  }

  #lookForField(bytes: Buffer, position: number, known: number): void {
    const found = contentFieldAt(bytes, position, known);
    if (found === contentFieldLength) this.#mayHoldFields = true;
    else if (found > 0) this.#fieldBytes = found;
  }

  /** Completes the line that the last chunk broke off; gives where to go on in this chunk. */
  #resumePending(pending: Buffer, chunk: Uint8Array, base: number): number {
    const lf = chunk.indexOf(LF);
    const take = Math.min(lf < 0 ? chunk.length : lf + 1, maxBoundaryLine);
    const line = Buffer.concat([pending, chunk.subarray(0, take)]);
    const start = base - pending.length;
    if (lf < 0 && line.length <= maxBoundaryLine) {
      this.#pending = line;
      return take;
    }
    this.#pending = undefined;
    const match = line.length <= maxBoundaryLine ? this.#boundaries.match(line, 0, line.length) : undefined;
    if (match === undefined) this.#body(line, start, 0, true);
    else this.#onBoundary(match, start, start + line.length);
    return take;
  }

  #onBoundary(match: BoundaryMatch, lineStart: number, lineEnd: number): void {
    let end = lineStart;
    this.#atLineStart = true;
    if (this.#byteAt(end - 1) === LF) end -= this.#byteAt(end - 2) === CR ? 2 : 1;
    this.#closeDownTo(match.part, end, lineStart);
    this.#countLine(this.#byteAt(lineEnd - 2) === CR);
    this.#current = match.part;
    if (match.isClose) {
      this.#boundaries.cut(match.level);
    } else if (this.parts.length < maxParts) {
      this.#boundaries.cut(match.level + 1);
      this.#openPart(match.part, lineEnd);
    } else {
      // Too many: from here on nothing is taken apart, the rest belongs to the parts that are open.
      this.#boundaries.cut(0);
    }
  }

  #openPart(parent: number, headerStart: number): void {
    const outer = this.parts[parent];
    if (outer !== undefined) outer.children++;
    this.#current = this.parts.length;
    this.#inHeader = true;
    this.parts.push({
      header: unread,
      path: '',
      headerStart,
      start: headerStart,
      end: headerStart,
      lines: 0,
      size: 0,
      parent,
      depth: outer === undefined ? 0 : outer.depth + 1,
      children: 0,
      ordinal: outer?.children ?? 1,
      captured: undefined,
      isHeaderCut: false,
    });
  }

  /** Ends the current part and those around it, up to `ancestor`, which stays open. */
  #closeDownTo(ancestor: number, end: number, lineStart: number): void {
    for (let index = this.#current; index > ancestor; ) {
      const [part, mark] = [this.parts[index], this.#marks[index]];
      if (part === undefined) return;
      part.end = Math.max(part.start, end);
      if (mark !== undefined) {
        part.lines = this.#lineFeeds - mark.lineFeeds + (this.#atLineStart ? 0 : 1);
        part.size = this.#decodedSize(part, mark, lineStart);
      }
      index = part.parent;
    }
  }

  #decodedSize(part: ScannedPart, mark: Mark, lineStart: number): number {
    if (part.header.encoding === 'quoted-printable') {
      return Math.max(0, part.end - part.start - 2 * (this.#equalsSigns - mark.equalsSigns));
    }
    if (part.header.encoding !== 'base64') return part.end - part.start;
    let padding = 0;
    for (let at = part.end - 1; at >= part.start && padding < 2; at--) {
      const byte = this.#byteAt(at);
      if (byte === EQUALS) padding++;
      else if (byte !== LF && byte !== CR && byte !== 0x20) break;
    }
    const lineEnds = this.#lineFeeds - mark.lineFeeds + this.#carriageReturns - mark.carriageReturns;
    return Math.max(0, Math.floor(((lineStart - part.start - lineEnds - padding) * 3) / 4));
  }

  /** Keeps and counts what the current part's body needs of `chunk[from, to)`. */
  #keep(chunk: Uint8Array, from: number, to: number): void {
    const part = this.parts[this.#current];
    if (part === undefined || to <= from) return;
    if (part.header.encoding === 'quoted-printable') {
      let count = 0;
      for (let i = from; i < to; i++) if (chunk[i] === EQUALS) count++;
      this.#equalsSigns += count;
    }
    const capture = part.captured;
    if (capture === undefined || capture.length >= capture.limit || part.children > 0) return;
    const piece = Buffer.from(chunk.subarray(from, Math.min(to, from + capture.limit - capture.length)));
    capture.pieces.push(piece);
    capture.length += piece.length;
  }

  #keepTail(chunk: Uint8Array): void {
    const tail = this.#tail;
    if (chunk.length >= tailBytes) {
      tail.set(chunk.subarray(chunk.length - tailBytes));
      this.#tailLength = tailBytes;
      return;
    }
    const kept = Math.min(this.#tailLength, tailBytes - chunk.length);
    tail.copyWithin(0, this.#tailLength - kept, this.#tailLength);
    tail.set(chunk, kept);
    this.#tailLength = kept + chunk.length;
  }

  /** The byte at an offset of the message, as far as it lies in the present chunk or just before it. */
  #byteAt(offset: number): number | undefined {
    if (this.#chunk !== this.#tail && offset >= this.#base) return this.#chunk[offset - this.#base];
    const index = offset - (this.#base - this.#tailLength);
    return index < 0 ? undefined : this.#tail[index];
  }

  #countLine(withCr: boolean): void {
    this.#lineFeeds++;
    if (withCr) this.#carriageReturns++;
  }

  #uncountLine(withCr: boolean): void {
    this.#lineFeeds--;
    if (withCr) this.#carriageReturns--;
  }

  /** RFC 2046 §5.1.5: in a digest what has no type is a message. */
  #defaultType(part: ScannedPart): string {
    return this.parts[part.parent]?.header.type === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
  }

  #pathOf(part: ScannedPart): string {
    const outer = this.parts[part.parent];
    const isMultipart = part.header.type.startsWith('multipart/');
    if (outer === undefined) return isMultipart ? 'TEXT' : '1';
    const prefix = outer.path === 'TEXT' ? '' : `${outer.path.replace(/\.TEXT$/, '')}.`;
    return isMessageType(outer.header.type) && isMultipart ? `${prefix}TEXT` : `${prefix}${part.ordinal}`;
  }
}

/** What stands in for a header until it is read. */
const unread: PartHeader = readPartHeader('', 'text/plain', new NameReader());

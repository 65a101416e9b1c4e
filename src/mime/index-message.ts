import { Buffer } from 'node:buffer';
import { bodyStructure } from './body-structure.ts';
import { conversationIdOf, conversationIndexOf } from './conversation.ts';
import { decodeText } from './decode-part.ts';
import type { LineEnds } from './line-ends.ts';
import { bytesForClass, messageClassOf } from './message-class.ts';
import { readMessageHeaders, readSubject } from './message-headers.ts';
import type { MessageHeaders, MessageIndex, MessagePart } from './message-index.ts';
import { isMessageType } from './part-header.ts';
import { PartScanner, type ScanListener } from './part-scanner.ts';
import { previewOfHtml, previewOfText } from './preview.ts';
import { isReadableText, plainTextOf } from './readable-text.ts';
import type { ScannedPart } from './scanned-part.ts';

/** Encoded bytes of the first texts kept for the preview. */
const previewSourceBytes = 16 * 1024;
/** How many parts of each kind (texts, calendars and reports) are kept from for preview and class. */
const maxCaptures = 4;
/** `begin 644 name` and `begin-base64 644 name`. */
const uuencodeLine = Buffer.from('\nbegin');

/**
 * Reads a raw message as it streams in, in chunks of any size, and gives its index at the end. Holds
 * a few hundred KB at most, whatever the message; broken messages are indexed as far as they go.
 */
export class MessageIndexer {
  readonly #scanner: PartScanner;
  #headers: MessageHeaders | undefined;
  readonly #embeddedSubjects = new Map<number, string>();
  #textCaptures = 0;
  #otherCaptures = 0;
  #mayHoldUuencode = false;
  /** The last bytes of the chunk before. */
  #lastBytes: Buffer = Buffer.from('\n');

  constructor() {
    const listener: ScanListener = {
      onHeader: (part, index, block) => this.#onHeader(part, index, block),
    };
    this.#scanner = new PartScanner(listener);
  }

  /** Takes the next bytes, with what is known of them; keeps no reference to `chunk`. */
  write(chunk: Uint8Array, lineEnds?: LineEnds): void {
    this.#scanner.write(chunk, lineEnds);
    this.#watchForUuencode(chunk);
  }

  /**
   * Ends the message and gives its index. `receivedMs` (since 1970) dates the conversation of a
   * message that has no Date.
   */
  end(receivedMs?: number): MessageIndex {
    const size = this.#scanner.end();
    const { parts } = this.#scanner;
    const headers = this.#headers ?? readMessageHeaders('');
    const structure = bodyStructure(parts, this.#embeddedSubjects);
    return {
      size,
      headers,
      messageClass: messageClassOf(parts, structure.calendar),
      parts: parts.map(messagePart),
      ...structure,
      mayHoldUuencode: this.#mayHoldUuencode,
      mayHoldFields: this.#scanner.mayHoldFields,
      preview: previewOf(parts, structure),
      conversationId: conversationIdOf(headers, receivedMs),
      conversationIndex: conversationIndexOf(headers, receivedMs),
    };
  }

  #watchForUuencode(chunk: Uint8Array): void {
    if (this.#mayHoldUuencode || chunk.length === 0) return;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const border = Buffer.concat([this.#lastBytes, bytes.subarray(0, uuencodeLine.length)]);
    this.#mayHoldUuencode = border.includes(uuencodeLine) || bytes.includes(uuencodeLine);
    const last = bytes.length < uuencodeLine.length ? border : bytes;
    this.#lastBytes = Buffer.from(last.subarray(-uuencodeLine.length));
  }

  /** Decides how much of a part's body is kept, and reads the header of the message itself. */
  #onHeader(part: ScannedPart, index: number, block: string): number {
    if (index === 0) this.#headers = readMessageHeaders(block);
    const parent = this.#scanner.parts[part.parent];
    if (parent !== undefined && isMessageType(parent.header.type))
      this.#embeddedSubjects.set(part.parent, readSubject(block));
    const forClass = bytesForClass(part.header.type);
    if (forClass > 0) return this.#otherCaptures++ < maxCaptures ? forClass : 0;
    // The root multipart is kept in case its boundary never comes: then its body is what people see.
    const isText = isReadableText(part.header.type) || index === 0;
    if (!isText || part.header.disposition === 'attachment') return 0;
    return this.#textCaptures++ < maxCaptures ? previewSourceBytes : 0;
  }
}

/** The preview: of the first plain text that stands for the HTML and says something, else of the HTML. */
function previewOf(
  parts: readonly ScannedPart[],
  { text, html }: { text: number[]; html: number[] },
): string {
  const alternatives = text.filter((index) => html.length === 0 || !html.includes(index));
  for (const index of [...alternatives, ...html]) {
    const part = parts[index];
    if (part?.captured === undefined) continue;
    const bytes = Buffer.concat(part.captured.pieces).subarray(0, part.end - part.start);
    const decoded = decodeText(part.header, bytes);
    const preview =
      part.header.type === 'text/html'
        ? previewOfHtml(decoded)
        : previewOfText(plainTextOf(part.header, decoded));
    if (preview !== '') return preview;
  }
  return '';
}

/** What is remembered of a scanned part. */
function messagePart(part: ScannedPart): MessagePart {
  const { header } = part;
  const result: { -readonly [K in keyof MessagePart]: MessagePart[K] } = {
    path: part.path,
    type: header.type,
    encoding: header.encoding,
    headerStart: part.headerStart,
    start: part.start,
    end: part.end,
    lines: part.lines,
    size: part.size,
    parent: part.parent,
  };
  if (header.charset !== undefined) result.charset = header.charset;
  if (header.disposition !== undefined) result.disposition = header.disposition;
  if (header.filename !== undefined) result.filename = header.filename;
  if (part.isHeaderCut) result.isHeaderCut = true;
  if (header.isEncodedTwice) result.isEncodedTwice = true;
  if (header.names !== undefined) result.names = header.names;
  if (header.contentId !== undefined) result.contentId = header.contentId;
  if (header.contentLocation !== undefined) result.contentLocation = header.contentLocation;
  if (header.method !== undefined) result.method = header.method;
  if (header.flowed !== undefined) result.flowed = header.flowed;
  return result;
}

import { Buffer } from 'node:buffer';
import { cleanHtml } from './clean-html.ts';
import { decodeTextInside } from './decode-part.ts';
import { dropHidden } from './hidden-html.ts';
import { declareUtf8, textOfHtml, textToFragment, textToHtml } from './html.ts';
import type { MessageIndex, MessagePart } from './message-index.ts';
import { plainTextOf } from './readable-text.ts';
import { stripHtml } from './strip-html.ts';
import { withoutAtEnd } from './trim-end.ts';
import { truncateHtml, truncateUtf8 } from './truncate.ts';

/** What of a part reading its text needs. */
export type TextPart = Pick<MessagePart, 'type' | 'encoding' | 'start' | 'end' | 'size'> & {
  readonly charset?: string | undefined;
  readonly flowed?: MessagePart['flowed'] | undefined;
  readonly inside?: MessagePart['inside'];
};

/** What of an index reading a body needs: the parts, and which of them are its text and its HTML. */
export type BodyIndex = Pick<MessageIndex, 'text' | 'html'> & { readonly parts: readonly TextPart[] };

/** Reads the encoded body of a part: the first `maxBytes` bytes of its range in the raw message, or all of it. */
export type ReadPart = (part: TextPart, maxBytes: number) => Promise<Uint8Array>;

export type BodyKind = 'plain' | 'html';

/** A body, perhaps cut. */
export interface BodyText {
  /** Plain text with CR LF line ends, or HTML that calls itself UTF-8. */
  readonly text: string;
  /** False when there is more than `text`. */
  readonly isWhole: boolean;
  /** Bytes of UTF-8 of the whole body: exact when it was read whole, else near. */
  readonly estimatedBytes: number;
}

/** The kind of body a message has of itself: HTML where there is some (MS-ASAIRS, NativeBodyType). */
export function nativeBodyKind(index: Pick<BodyIndex, 'html'>): BodyKind {
  return index.html.length > 0 ? 'html' : 'plain';
}

/**
 * The body of a message as plain text or HTML, converted where the message has only the other kind,
 * at most `maxBytes` bytes of UTF-8; only as much of the message is read as that needs. Rejects when
 * `readPart` does.
 */
export async function readBody(
  index: BodyIndex,
  kind: BodyKind,
  readPart: ReadPart,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Promise<BodyText> {
  if (kind === 'plain' && hasNoTextOfHtml(index)) return await readTextOfHtml(index, readPart, maxBytes);
  const isConverted = kind === 'html' && index.html.length === 0;
  const native = isConverted ? 'plain' : kind;
  // Three encoded bytes for one in quoted-printable, two in UTF-16.
  const source = await readNative(index, native, readPart, 6 * maxBytes + 4 * 1024);
  if (kind === 'plain' && index.html.length > 0 && source.isWhole && isBlank(source.text)) {
    return await readTextOfHtml(index, readPart, maxBytes);
  }
  // Nothing stays nothing: a document around it would be a text.
  const isMade = isConverted && !(source.isWhole && source.text === '');
  return cut(isMade ? { ...source, text: textToHtml(source.text) } : source, kind, maxBytes);
}

/** Whether no plain text stands for the HTML: what there is of it, as of a mailing list's foot, is part of both bodies. */
function hasNoTextOfHtml({ text, html }: Pick<BodyIndex, 'text' | 'html'>): boolean {
  return html.length > 0 && text.every((number) => html.includes(number));
}

/** Many newsletters have an alternative in which there is nothing. */
function isBlank(text: string): boolean {
  return !/[^\s\u200b-\u200f\u2060\ufeff]/.test(text);
}

/** So much of a message is read for a text that a picture may stand in front of. */
const widelyBytes = 4 * 1024 * 1024;

async function readTextOfHtml(index: BodyIndex, readPart: ReadPart, maxBytes: number): Promise<BodyText> {
  const near = await makeTextOfHtml(index, readPart, maxBytes, 20 * maxBytes + 256 * 1024);
  const isEnough = near.isWhole || Buffer.byteLength(near.text) > maxBytes - longestCharacter;
  return isEnough ? near : await makeTextOfHtml(index, readPart, maxBytes, 20 * maxBytes + widelyBytes);
}

/** Bytes of a character in UTF-8. */
const longestCharacter = 4;

/** What is plain text among the HTML stays as it is. */
async function makeTextOfHtml(
  index: BodyIndex,
  readPart: ReadPart,
  maxBytes: number,
  sourceBytes: number,
): Promise<BodyText> {
  let text = '';
  let isWhole = true;
  let estimatedBytes = 0;
  for (const number of index.html) {
    const part = index.parts[number];
    if (part === undefined) continue;
    isWhole &&= text.length <= maxBytes;
    if (!isWhole) {
      estimatedBytes += part.size;
      continue;
    }
    const only = { ...index, text: [number], html: [number] };
    const isHtml = part.type === 'text/html';
    const source = await readNative(only, isHtml ? 'html' : 'plain', readPart, sourceBytes);
    const made = isHtml ? textMadeOf(source, maxBytes) : source;
    text += text === '' || text.endsWith('\r\n') ? made.text : `\r\n${made.text}`;
    isWhole = made.isWhole;
    estimatedBytes += made.estimatedBytes;
  }
  return cut({ text, isWhole, estimatedBytes }, 'plain', maxBytes);
}

function textMadeOf(source: BodyText, maxBytes: number): BodyText {
  const made = textOfHtml(source.text, maxBytes + 1);
  // What was not read has about as much text in it.
  const share = source.isWhole ? 1 : Math.max(1, source.estimatedBytes / Math.max(1, source.text.length));
  const estimatedBytes = Math.round(made.estimatedBytes * share);
  return { text: made.text, isWhole: source.isWhole && made.isWhole, estimatedBytes };
}

/**
 * The same for a reader that shows it: HTML is cleaned of what a reader must not run (`cleanHtml`), and its size is that of
 * what is left. Rejects when `readPart` does.
 */
export async function readCleanBody(
  index: BodyIndex,
  kind: BodyKind,
  readPart: ReadPart,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Promise<BodyText> {
  if (kind === 'plain' || index.html.length === 0) return readBody(index, kind, readPart, maxBytes);
  const near = await readCleanHtml(index, readPart, maxBytes, 6 * maxBytes + 64 * 1024);
  // What is left out may be most of it: comments for word processors, styles. Then it is read whole.
  const { body } = near.isEnough ? near : await readCleanHtml(index, readPart, maxBytes);
  if (!showsNothing(body) || hasNoTextOfHtml(index)) return body;
  const text = await readBody({ ...index, html: [] }, 'plain', readPart, maxBytes);
  return text.isWhole && isBlank(text.text)
    ? body
    : await readBody({ ...index, html: [] }, 'html', readPart, maxBytes);
}

/** So long is HTML that shows nothing at the most: what surrounds a body. */
const emptyHtmlChars = 4 * 1024;

/** Some programs write an HTML without anything beside their text. */
function showsNothing({ text, isWhole }: BodyText): boolean {
  if (!isWhole || text.length > emptyHtmlChars || /<(?:img|hr|source)\b|background/i.test(text)) return false;
  return isBlank(stripHtml(dropHidden(text)));
}

async function readCleanHtml(
  index: BodyIndex,
  readPart: ReadPart,
  maxBytes: number,
  sourceBytes: number = Number.POSITIVE_INFINITY,
): Promise<{ readonly body: BodyText; readonly isEnough: boolean }> {
  const source = await readNative(index, 'html', readPart, sourceBytes);
  const clean = await cleanHtml(source.text, maxBytes);
  return {
    body: cut({ ...source, text: clean.html, isWhole: source.isWhole && clean.isWhole }, 'html', maxBytes),
    isEnough: source.isWhole || Buffer.byteLength(clean.html) > maxBytes,
  };
}

async function readNative(
  index: BodyIndex,
  kind: BodyKind,
  readPart: ReadPart,
  maxBytes: number,
): Promise<BodyText> {
  const text = new JoinedText(kind);
  let isWhole = true;
  let estimatedBytes = 0;
  for (const number of kind === 'plain' ? index.text : index.html) {
    const part = index.parts[number];
    if (part === undefined) continue;
    estimatedBytes += part.size;
    if (!isWhole) continue;
    // What stands inside something is read from the beginning of that.
    const encoded = await readPart(part, part.inside === undefined ? maxBytes : Number.POSITIVE_INFINITY);
    const decoded = await decodeTextInside(part, encoded, maxBytes);
    isWhole = decoded.isWhole && encoded.length >= part.end - part.start;
    const piece = readableText(part, decoded.text);
    // A character that the cut went through.
    text.add(isWhole ? piece : withoutAtEnd('\ufffd', piece), part);
  }
  return { text: text.whole(), isWhole, estimatedBytes };
}

function readableText(part: TextPart, text: string): string {
  if (part.type === 'text/html') return declareUtf8(text);
  return plainTextOf(part, text);
}

/** Puts the parts of a body after each other; a text among HTML becomes an element of its own. */
class JoinedText {
  readonly #kind: BodyKind;
  readonly #pieces: string[] = [];
  /** The end tags of the first HTML that has them: what follows stands before them. */
  #end = '';

  constructor(kind: BodyKind) {
    this.#kind = kind;
  }

  add(piece: string, { type }: TextPart): void {
    if (this.#kind === 'plain') {
      if (this.#pieces.at(-1)?.endsWith('\r\n') === false) this.#pieces.push('\r\n');
      if (piece !== '') this.#pieces.push(piece);
      return;
    }
    const html = type === 'text/html' ? piece : textToFragment(piece);
    const end = this.#end === '' ? bodyEnd(html) : html.length;
    this.#pieces.push(html.slice(0, end));
    this.#end ||= html.slice(end);
  }

  whole(): string {
    return this.#pieces.join('') + this.#end;
  }
}

/** Where the `</body>` stands that nothing but `</html>` follows; the length if there is none. */
function bodyEnd(html: string): number {
  const last = endTag(html.trimEnd());
  const body = last?.name === 'html' ? endTag(html.slice(0, last.at).trimEnd()) : last;
  return body?.name === 'body' ? body.at : html.length;
}

/** The end tag that a text without blanks at its end closes with. */
function endTag(text: string): { readonly name: string; readonly at: number } | undefined {
  const at = text.lastIndexOf('</');
  const [, name] = at < 0 ? [] : (/^<\/(\w+)\s*>$/.exec(text.slice(at)) ?? []);
  return name === undefined ? undefined : { name: name.toLowerCase(), at };
}

function cut(body: BodyText, kind: BodyKind, maxBytes: number): BodyText {
  const bytes = Buffer.byteLength(body.text, 'utf8');
  const text = kind === 'html' ? truncateHtml(body.text, maxBytes) : truncateUtf8(body.text, maxBytes);
  const isWhole = body.isWhole && text.length === body.text.length;
  return { text, isWhole, estimatedBytes: body.isWhole ? bytes : Math.max(bytes, body.estimatedBytes) };
}

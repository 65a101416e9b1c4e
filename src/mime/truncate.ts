import { Buffer } from 'node:buffer';

/** The longest beginning of `text` that is at most `maxBytes` of UTF-8, cut between two code points. */
export function truncateUtf8(text: string, maxBytes: number): string {
  // A UTF-16 unit is at least one byte and at most three.
  if (text.length * 3 <= maxBytes) return text;
  // Most texts are ASCII up to there.
  const start = text.slice(0, maxBytes);
  if (Buffer.byteLength(start) === start.length) return start;
  for (let end = 0, left = maxBytes; ; ) {
    const { read, written } = encoder.encodeInto(text.slice(end), scratch.subarray(0, left));
    end += read;
    left -= written;
    if (read === 0) return text.slice(0, end);
  }
}

const encoder = new TextEncoder();
/** What is encoded is counted and not read. */
const scratch = new Uint8Array(64 * 1024);

/**
 * The same for HTML: never inside a tag or a character reference, as far as one can tell; a tag
 * longer than the whole budget leaves nothing.
 */
export function truncateHtml(html: string, maxBytes: number): string {
  if (Buffer.byteLength(html, 'utf8') <= maxBytes) return html;
  let cut = truncateUtf8(html, maxBytes);
  const tag = cut.lastIndexOf('<');
  if (tag > cut.lastIndexOf('>') && /[a-z/!?]/i.test(html[tag + 1] ?? '')) cut = cut.slice(0, tag);
  // The longest reference of HTML has 33 characters.
  const reference = cut.lastIndexOf('&');
  if (reference >= 0 && cut.length - reference <= 33 && /^&(?:#?\w*)$/.test(cut.slice(reference))) {
    const rest = /^&#?\w*;/.exec(html.slice(reference, reference + 34));
    if (rest !== null && reference + rest[0].length > cut.length) cut = cut.slice(0, reference);
  }
  return cut;
}

/** The first `maxCharacters` code points of a text. */
export function truncateCharacters(text: string, maxCharacters: number): string {
  // A code point is one or two UTF-16 units.
  if (text.length <= maxCharacters) return text;
  let end = 0;
  for (let count = 0; count < maxCharacters && end < text.length; count++) {
    end += (text.codePointAt(end) ?? 0) < 0x10000 ? 1 : 2;
  }
  return text.slice(0, end);
}

/** How many code points a text has. */
export function countCharacters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at += (text.codePointAt(at) ?? 0) < 0x10000 ? 1 : 2;
  return count;
}

import { Buffer } from 'node:buffer';
import { dropHidden } from './hidden-html.ts';
import { stripHtml } from './strip-html.ts';
import { truncateUtf8 } from './truncate.ts';

/** Bytes of the preview a mailbox keeps of each message. */
const maxPreviewBytes = 2_048;

/** The beginning of a plain text as one reads it in a list: without links, quote marks and layout. */
export function previewOfText(text: string): string {
  let readable = text.slice(0, 4 * maxPreviewBytes);
  // Looking first is much cheaper than replacing, and most texts have few of these.
  if (readable.includes('://')) readable = readable.replace(/<?\bhttps?:\/\/[^\s<>"]{1,2000}>?/gi, ' ');
  if (readable.includes('[')) readable = readable.replace(/\[(?:cid|image|data):[^\]\s]{0,500}\]/gi, ' ');
  if (readable.includes('>')) readable = readable.replace(/^[> \t]*>/gm, ' ');
  readable = readable
    .slice(0, 2 * maxPreviewBytes)
    .replace(/--{3,}|__{3,}|=={3,}|\*\*{3,}|##{3,}|~~{3,}/g, ' ');
  return truncateUtf8(collapse(readable), maxPreviewBytes);
}

/** The same for HTML, which may be cut off anywhere: tags, styles, scripts, comments and images are left out. */
export function previewOfHtml(html: string): string {
  return previewOfText(stripHtml(dropHidden(html)));
}

/** One line: white space and invisible characters (the padding of newsletters) become single spaces. */
function collapse(text: string): string {
  const isAscii = Buffer.byteLength(text) === text.length;
  const visible = isAscii && !text.includes('\x7f') ? text : text.replace(invisible, ' ');
  return visible.replace(/\s{2,}|[^\S ]/g, ' ').trim();
}

// Not the zero width joiner, which holds emoji together.
const invisible =
  /(?:[\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffc]|\u034f)+/g;

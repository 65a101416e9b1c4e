import type { Buffer } from 'node:buffer';
import type { InsidePart } from '../message-index.ts';
import { decompressRtf, maxRtfBytes } from './compressed-rtf.ts';
import { rtfKind } from './rtf.ts';
import type { Place, TnefContent } from './scan.ts';

/** A text of a TNEF stream, as a part has it. */
export interface TnefText {
  readonly type: 'text/plain' | 'text/html';
  readonly charset: string | undefined;
  readonly inside: InsidePart;
}

/** The texts of a stream: at most one of each type. */
export interface TnefTexts {
  readonly texts: readonly TnefText[];
  /** False: there is a text that cannot be shown. */
  readonly isWhole: boolean;
}

/** A text is this long at the most, and stands that near to the beginning, in bytes. */
const maxTextBytes = 2 * 1024 * 1024;
const maxTextsEnd = 4 * 1024 * 1024;

/**
 * Decides which of a stream's texts are shown: its HTML and its plain text; in place of the one that is missing what is in its
 * RTF. `read` gives the bytes up to `textsEnd`.
 */
export async function textsOf(content: TnefContent, read: () => Promise<Buffer>): Promise<TnefTexts> {
  const { html, plain, rtf, textsEnd } = content;
  const places = [html, plain, rtf].filter((one) => one !== undefined);
  if (places.length === 0) return { texts: [], isWhole: true };
  if (textsEnd > maxTextsEnd || places.some(isLong)) return { texts: [], isWhole: false };
  const texts: TnefText[] = [];
  if (html !== undefined) texts.push({ type: 'text/html', charset: html.charset, inside: insideOf(html) });
  if (plain !== undefined)
    texts.push({ type: 'text/plain', charset: plain.charset, inside: insideOf(plain) });
  if (html !== undefined || rtf === undefined) return { texts, isWhole: true };
  const document = decompressRtf((await read()).subarray(rtf.from, rtf.to), maxRtfBytes);
  if (document === undefined) return { texts, isWhole: plain !== undefined };
  const kind = rtfKind(document);
  if (kind === 'html' || plain === undefined) {
    texts.push({ type: `text/${kind}`, charset: 'utf-8', inside: { ...insideOf(rtf), form: 'rtf' } });
  }
  return { texts, isWhole: true };
}

function isLong({ from, to }: Place): boolean {
  return to - from > maxTextBytes;
}

function insideOf({ from, to }: Place): InsidePart {
  return { from, to };
}

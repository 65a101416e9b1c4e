import { Buffer } from 'node:buffer';
import type { MailAddress } from './address.ts';
import { HeaderCollector } from './header-collector.ts';
import { fieldEnd, forEachField } from './header-fields.ts';

/** One header field as it stands in a message: its lower-case name, its raw value, and its bytes with line end. */
export interface RawField {
  readonly name: string;
  readonly value: string;
  readonly line: string;
}

/** A message taken apart: its header fields (one character per byte), its line end, its body untouched. */
export interface SplitMessage {
  readonly fields: readonly RawField[];
  readonly eol: '\r\n' | '\n';
  readonly body: Uint8Array;
}

/** Separates header and body; lines that are no fields are dropped, a missing empty line is made up for. */
export function splitMessage(raw: Uint8Array): SplitMessage {
  const collector = new HeaderCollector();
  let position = 0;
  while (position < raw.length && !collector.isFull) {
    position = collector.append(raw, position);
    if (!collector.isLineComplete || collector.takeLine() === 'blank') break;
  }
  const { block, rest } = collector.finish();
  const fields: RawField[] = [];
  for (let at = 0; at < block.length; ) {
    const end = fieldEnd(block, at);
    const line = block.slice(at, end);
    forEachField(line, (name, value) =>
      fields.push({ name, value, line: line.endsWith('\n') ? line : `${line}\r\n` }),
    );
    at = end;
  }
  const firstLf = block.indexOf('\n');
  const eol = firstLf > 0 && block[firstLf - 1] !== '\r' ? '\n' : '\r\n';
  return { fields, eol, body: raw.subarray(position - rest.length) };
}

/** A header block as bytes, with the empty line that ends it. */
export function headerBytes(lines: readonly string[], eol: string): Buffer {
  return Buffer.from(`${lines.join('')}${eol}`, 'latin1');
}

/** One mailbox as a header carries it: the name quoted, or in encoded words where it is not ASCII (RFC 2047 §5). */
export function encodeMailbox({ name, address }: MailAddress, eol: string): string {
  const clean = name.replace(/\p{Cc}+/gu, ' ').trim();
  const path = `<${encodePath(address)}>`;
  if (clean === '') return path;
  if (/^[ -~]*$/.test(clean)) return `"${clean.replace(/(["\\])/g, '\\$1')}" ${path}`;
  return `${encodedWords(clean, eol)} ${path}`;
}

/** An address as it stands in a header, one character per byte: what is beyond ASCII is UTF-8 (RFC 6532). */
export function encodePath(address: string): string {
  return Buffer.from(address.replace(/[\p{Cc}<>]/gu, ''), 'utf8').toString('latin1');
}

/** A text as an unstructured field carries it: as it stands if it is short ASCII, else in encoded words (RFC 2047). */
export function encodeText(text: string, eol: string): string {
  const clean = text.replace(/\p{Cc}+/gu, ' ').trim();
  return /^[ -~]{0,400}$/.test(clean) && !clean.includes('=?') ? clean : encodedWords(clean, eol);
}

/** Bytes of UTF-8 in one encoded word; with charset and encoding it stays below 75 characters. */
const wordBytes = 42;

/** A text in encoded words of UTF-8, each on a line of its own. RFC 2047. */
export function encodedWords(text: string, eol: string): string {
  const words: string[] = [];
  let piece = '';
  for (const char of text) {
    if (Buffer.byteLength(piece + char, 'utf8') > wordBytes) {
      words.push(piece);
      piece = '';
    }
    piece += char;
  }
  words.push(piece);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word, 'utf8').toString('base64')}?=`).join(`${eol} `);
}

/** RFC 5322 §3.3: `Mon, 16 Nov 2026 09:00:00 +0000`. */
export function formatDate(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

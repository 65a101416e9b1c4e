import type { Element } from './element.ts';
import { CHARSET_UTF8, END, HAS_CONTENT, OPAQUE, STR_I, SWITCH_PAGE } from './tokens.ts';

/** Below this length a loop over the characters beats a call into native code. */
const SHORT_TEXT = 48;

/** Up to this length room for three bytes a character is cheaper than counting the bytes. */
const MEDIUM_TEXT = 65_536;

/**
 * XML 1.0, Characters: what it forbids besides lone surrogates, as code units. Beyond Latin-1 this plain class
 * is two to three times faster than the Unicode one below.
 */
const FORBIDDEN = /[^\t\n\r -\ufffd]/;
const FORBIDDEN_OR_LONE = /[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/**
 * Encodes a document as WBXML (MS-ASWBXML). Characters that XML 1.0 forbids are left out of its strings, because
 * phones drop the whole answer over one. An element without content is a bare token.
 */
export function encode(root: Element): Uint8Array {
  const encoder = new Encoder(4 + sizeOf(root));
  encoder.writeHeader();
  encoder.writeElement(root);
  return encoder.written();
}

/** The size of an element in ASCII, a little more with page switches: one allocation is mostly enough. */
function sizeOf(element: Element): number {
  let size = 4 + element.text.length + 2;
  if (element.opaque !== undefined) size += 6 + element.opaque.length;
  for (const part of element.children) size += sizeOf(part);
  return size;
}

class Encoder {
  private buffer: Buffer;
  private position = 0;
  private page = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  written(): Uint8Array {
    return this.buffer.subarray(0, this.position);
  }

  /** WBXML 1.3, an unknown public identifier, UTF-8, no string table. */
  writeHeader(): void {
    this.buffer.set([0x03, 0x01, CHARSET_UTF8, 0x00]);
    this.position = 4;
  }

  writeElement(element: Element): void {
    const { tag, opaque, children } = element;
    const text = legalText(element.text);
    this.reserve(4);
    if (tag.page !== this.page) {
      this.writeByte(SWITCH_PAGE);
      this.writeByte(tag.page);
      this.page = tag.page;
    }
    const hasOpaque = opaque !== undefined && opaque.length > 0;
    if (text === '' && !hasOpaque && children.length === 0) {
      this.writeByte(tag.token);
      return;
    }
    this.writeByte(tag.token | HAS_CONTENT);
    if (text !== '') this.writeText(text);
    if (hasOpaque) this.writeOpaque(opaque);
    for (const part of children) this.writeElement(part);
    this.reserve(1);
    this.writeByte(END);
  }

  private writeText(text: string): void {
    this.reserve(2 + (text.length <= MEDIUM_TEXT ? text.length * 3 : Buffer.byteLength(text)));
    this.writeByte(STR_I);
    if (text.length > SHORT_TEXT || !this.writeAscii(text)) {
      this.position += this.buffer.write(text, this.position, 'utf8');
    }
    this.writeByte(0x00);
  }

  /** Writes a short text if it is ASCII; says whether it did. */
  private writeAscii(text: string): boolean {
    const { buffer, position } = this;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      buffer[position + index] = code;
    }
    this.position = position + text.length;
    return true;
  }

  private writeOpaque(bytes: Uint8Array): void {
    this.reserve(6 + bytes.length);
    this.writeByte(OPAQUE);
    this.writeInteger(bytes.length);
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** mb_u_int32: groups of seven bits, the highest first, the high bit set on all but the last. */
  private writeInteger(value: number): void {
    for (let shift = 28; shift > 0; shift -= 7) {
      if (value >= 2 ** shift) this.writeByte(((value >>> shift) & 0x7f) | 0x80);
    }
    this.writeByte(value & 0x7f);
  }

  private writeByte(byte: number): void {
    this.buffer[this.position++] = byte;
  }

  private reserve(size: number): void {
    const needed = this.position + size;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.position);
    this.buffer = larger;
  }
}

/** A text without the characters that XML 1.0 forbids; the same text when it has none. */
function legalText(text: string): string {
  if (text.length <= SHORT_TEXT && isPlain(text)) return text;
  return !FORBIDDEN.test(text) && text.isWellFormed() ? text : text.replace(FORBIDDEN_OR_LONE, '');
}

/** Whether a short text holds only printable ASCII, tabs and line ends. */
function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 ? code !== 0x09 && code !== 0x0a && code !== 0x0d : code > 0x7f) return false;
  }
  return true;
}

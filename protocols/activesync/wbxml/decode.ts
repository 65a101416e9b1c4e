import type { Tag } from './code-page.ts';
import { tagAt } from './code-pages/index.ts';
import type { Element } from './element.ts';
import {
  CHARSET_UTF8,
  END,
  ENTITY,
  HAS_ATTRIBUTES,
  HAS_CONTENT,
  OPAQUE,
  STR_I,
  SWITCH_PAGE,
} from './tokens.ts';

/** The bounds of a document. */
interface DecodeLimits {
  /** Of the whole document. */
  readonly maxBytes: number;
  /** Of nested elements, the root included. */
  readonly maxDepth: number;
  /** Of elements, strings and OPAQUE values together. */
  readonly maxElements: number;
  /** Of one inline string; unless it is given, all that the document may have. */
  readonly maxStringBytes: number;
}

const defaultLimits: Omit<DecodeLimits, 'maxStringBytes'> = {
  maxBytes: 64 * 1024 * 1024,
  maxDepth: 64,
  maxElements: 200_000,
};

/** A tag that no code page knows; it was left out of the document together with its content. */
interface SkippedTag {
  readonly page: number;
  readonly token: number;
  /** Of the token, in bytes from the start of the document. */
  readonly offset: number;
}

/** Of a document full of unknown tags only so many are listed. */
const MAX_SKIPPED = 100;

/** A decoded document. */
interface Decoded {
  readonly root: Element;
  readonly skipped: readonly SkippedTag[];
}

/** The bytes are not a WBXML document that we take: broken, cut short, beyond a bound, or with attributes. */
export class WbxmlContentError extends Error {
  override readonly name = 'WbxmlContentError';
  /** Where the fault is, in bytes from the start of the document. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

/**
 * Decodes a WBXML document (MS-ASWBXML). OPAQUE values are views of `bytes`; bytes after the root are ignored;
 * invalid UTF-8 is replaced (U+FFFD); unknown tags are left out with their content and listed in `skipped`.
 * Throws `WbxmlContentError`, and nothing else, for what is no such document or passes a bound.
 */
export function decode(bytes: Uint8Array, limits: Partial<DecodeLimits> = {}): Decoded {
  const { maxBytes } = { ...defaultLimits, ...limits };
  return new Decoder(bytes, { ...defaultLimits, maxStringBytes: maxBytes, ...limits }).decode();
}

/** Below this length a loop over the bytes beats a call into native code. */
const SHORT_STRING = 10;

const NO_CHILDREN: Element[] = [];

interface OpenElement extends Element {
  readonly tag: Tag;
  children: Element[];
  text: string;
  opaque: Uint8Array | undefined;
}

class Decoder {
  private readonly bytes: Buffer;
  private readonly limits: DecodeLimits;
  private readonly open: OpenElement[] = [];
  private readonly skipped: SkippedTag[] = [];
  private root: Element | undefined;
  private position = 0;
  private page = 0;
  private elements = 0;
  /** How many open elements are inside an unknown one, itself included. */
  private skippedDepth = 0;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    if (bytes.length > limits.maxBytes) throw new WbxmlContentError('a document too large', limits.maxBytes);
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limits = limits;
  }

  decode(): Decoded {
    this.readHeader();
    do this.readToken();
    while (this.open.length > 0 || this.skippedDepth > 0 || this.root === undefined);
    return { root: this.root, skipped: this.skipped };
  }

  /** WBXML 1.3, Document Structure: version, public identifier, charset, string table. */
  private readHeader(): void {
    const version = this.readByte();
    if (version < 0x01 || version > 0x03) this.fail('a version other than 1.1 to 1.3', 0);
    // A public identifier of 0 is followed by its place in the string table.
    if (this.readInteger() === 0) this.readInteger();
    const charsetOffset = this.position;
    if (this.readInteger() !== CHARSET_UTF8) this.fail('a charset other than UTF-8', charsetOffset);
    const tableOffset = this.position;
    if (this.readInteger() !== 0) this.fail('a string table', tableOffset);
  }

  private readToken(): void {
    const offset = this.position;
    const token = this.readByte();
    switch (token) {
      case SWITCH_PAGE:
        this.page = this.readByte();
        break;
      case END:
        this.close(offset);
        break;
      case STR_I:
        this.addText(this.readString(), offset);
        break;
      case OPAQUE:
        this.addOpaque(this.readOpaque(), offset);
        break;
      case ENTITY:
        this.addText(characterOf(this.readInteger()), offset);
        break;
      default:
        this.openTag(token, offset);
    }
  }

  private openTag(token: number, offset: number): void {
    const bare = token & 0x3f;
    if (bare <= 0x04) this.fail(`token 0x${token.toString(16)}, which ActiveSync does not use`, offset);
    if ((token & HAS_ATTRIBUTES) !== 0) this.fail('attributes', offset);
    if (this.open.length + this.skippedDepth >= this.limits.maxDepth) this.fail('nesting too deep', offset);
    this.count(offset);
    const hasContent = (token & HAS_CONTENT) !== 0;
    const tag = this.skippedDepth > 0 ? undefined : tagAt(this.page, bare);
    if (tag === undefined) {
      this.skip(bare, hasContent, offset);
      return;
    }
    const element: OpenElement = { tag, children: NO_CHILDREN, text: '', opaque: undefined };
    const parent = this.open.at(-1);
    if (parent === undefined) this.root = element;
    else if (parent.children === NO_CHILDREN) parent.children = [element];
    else parent.children.push(element);
    if (hasContent) this.open.push(element);
  }

  private skip(token: number, hasContent: boolean, offset: number): void {
    if (this.open.length === 0 && this.skippedDepth === 0) this.fail('an unknown root', offset);
    if (this.skippedDepth === 0 && this.skipped.length < MAX_SKIPPED) {
      this.skipped.push({ page: this.page, token, offset });
    }
    if (hasContent) this.skippedDepth++;
  }

  private close(offset: number): void {
    if (this.skippedDepth > 0) this.skippedDepth--;
    else if (this.open.pop() === undefined) this.fail('an END without an element', offset);
  }

  private addText(text: string, offset: number): void {
    this.count(offset);
    const element = this.open.at(-1);
    if (element === undefined) this.fail('text outside the root', offset);
    if (this.skippedDepth === 0) element.text += text;
  }

  private addOpaque(value: Uint8Array, offset: number): void {
    this.count(offset);
    const element = this.open.at(-1);
    if (element === undefined) this.fail('OPAQUE outside the root', offset);
    if (this.skippedDepth > 0) return;
    if (element.opaque !== undefined) this.fail('a second OPAQUE in one element', offset);
    element.opaque = value;
  }

  private count(offset: number): void {
    if (++this.elements > this.limits.maxElements) this.fail('too many elements', offset);
  }

  private readByte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) this.fail('the end of the document', this.position);
    this.position++;
    return byte;
  }

  /** mb_u_int32: groups of seven bits, the highest first, the high bit set on all but the last. */
  private readInteger(): number {
    const offset = this.position;
    let value = 0;
    for (let read = 0; read < 5; read++) {
      const byte = this.readByte();
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    return this.fail('an integer beyond 32 bits', offset);
  }

  private readString(): string {
    const short = this.readShortString();
    if (short !== undefined) return short;
    const start = this.position;
    const end = this.bytes.indexOf(0, start);
    if (end < 0) this.fail('the end of the document', this.bytes.length);
    if (end - start > this.limits.maxStringBytes) this.fail('a string too long', start);
    this.position = end + 1;
    return this.skippedDepth > 0 ? '' : this.bytes.toString('utf8', start, end);
  }

  /** Reads a string of a few ASCII characters; undefined, and nothing read, when it is another. */
  private readShortString(): string | undefined {
    const { bytes, position } = this;
    const limit = Math.min(SHORT_STRING, this.limits.maxStringBytes);
    let string = '';
    for (let length = 0; length <= limit; length++) {
      const byte = bytes[position + length];
      if (byte === 0) {
        this.position = position + length + 1;
        return string;
      }
      if (byte === undefined || byte > 0x7f) return undefined;
      string += String.fromCharCode(byte);
    }
    return undefined;
  }

  private readOpaque(): Uint8Array {
    const length = this.readInteger();
    const start = this.position;
    if (length > this.bytes.length - start) this.fail('the end of the document', this.bytes.length);
    this.position = start + length;
    return this.bytes.subarray(start, this.position);
  }

  private fail(reason: string, offset: number): never {
    throw new WbxmlContentError(reason, offset);
  }
}

/** The character of a code point; U+FFFD for what is no character. */
function characterOf(codePoint: number): string {
  const isCharacter = codePoint > 0 && codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return String.fromCodePoint(isCharacter ? codePoint : 0xfffd);
}

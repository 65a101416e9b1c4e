import { Buffer } from 'node:buffer';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { decodeCharset } from '../charset.ts';
import { charsetOfCodePage } from './code-page.ts';
import { characters, fontCodePages, hiddenDestinations } from './rtf-words.ts';

/** What an RTF document says. */
interface RtfText {
  readonly kind: 'plain' | 'html';
  readonly text: string;
  /** False when there is more of it. */
  readonly isWhole: boolean;
}

/** So many bytes are read before others have their turn. */
const bytesInTurn = 128 * 1024;
/** What stands deeper is not read. */
const maxDepth = 1_000;
const maxFonts = 4_096;
/** MS-OXRTFEX, Recognizing RTF Containing Encapsulation: among the first control words. */
const encapsulated =
  /^\s*\{\\rtf\d{0,4}\s?(?:\\[a-z]{1,32}-?\d{0,10}\s{0,3}){0,20}?\\from(html|text)(?![a-z])/i;
const encapsulatedWithin = 512;

/** What holds inside a group, and ends with it. */
interface Group {
  /** Nothing of it is shown. */
  isHidden: boolean;
  /** RTF specification, \v: hidden text. */
  isInvisible: boolean;
  isFontTable: boolean;
  /** MS-OXRTFEX, HTMLTAG Destination Group: it holds HTML as it stands. */
  isTag: boolean;
  /** MS-OXRTFEX, HTMLRTF Toggle Control Word: what is no part of the HTML. */
  isRtfOnly: boolean;
  codePage: number;
  /** Characters that stand for a \u in readers that do not know it. */
  fallbackLength: number;
}

/** The kind of text that readRtf gives of a document. */
export function rtfKind(rtf: Buffer): 'plain' | 'html' {
  const [, from] = encapsulated.exec(rtf.toString('latin1', 0, encapsulatedWithin)) ?? [];
  return from?.toLowerCase() === 'html' ? 'html' : 'plain';
}

/**
 * The HTML or the text that is encapsulated in an RTF document (MS-OXRTFEX); of any other its text. Never throws. Reading ends
 * when there are more than `maxChars` characters.
 */
export async function readRtf(rtf: Buffer, maxChars: number = Number.POSITIVE_INFINITY): Promise<RtfText> {
  const kind = rtfKind(rtf);
  const reader = new RtfReader(rtf, kind === 'html');
  let hasMore = true;
  do {
    hasMore = reader.readOn(bytesInTurn);
    if (hasMore) await othersTurn();
  } while (hasMore && reader.length <= maxChars);
  return { kind, text: reader.text(), isWhole: !hasMore };
}

const code = {
  cr: 0x0d,
  lf: 0x0a,
  open: 0x7b,
  close: 0x7d,
  backslash: 0x5c,
  hyphen: 0x2d,
  space: 0x20,
} as const;

class RtfReader {
  readonly #rtf: Buffer;
  readonly #isHtml: boolean;
  #at = 0;
  #group: Group = {
    isHidden: false,
    isInvisible: false,
    isFontTable: false,
    isTag: false,
    isRtfOnly: false,
    codePage: 1252,
    fallbackLength: 1,
  };
  readonly #outer: Group[] = [];
  readonly #fonts = new Map<number, number>();
  #font = 0;
  #codePage = 1252;
  #defaultFont = 0;
  /** A \* came: a destination that is not known is passed over. */
  #isIgnorable = false;
  /** Characters that stand for a \u that was read. */
  #toSkip = 0;
  readonly #pieces: string[] = [];
  #length = 0;
  /** Bytes of one code page, and whether they are HTML already. */
  readonly #run: Buffer;
  #runLength = 0;
  #runCodePage = 1252;
  #isRunTag = false;

  constructor(rtf: Buffer, isHtml: boolean) {
    this.#rtf = rtf;
    this.#isHtml = isHtml;
    this.#run = Buffer.allocUnsafe(rtf.length);
  }

  /** Reads about so many bytes; false at the end. */
  readOn(bytes: number): boolean {
    const end = Math.min(this.#rtf.length, this.#at + bytes);
    while (this.#at < end) if (!this.#readOne()) return false;
    return this.#at < this.#rtf.length;
  }

  /** About how many characters were read. */
  get length(): number {
    return this.#length + this.#runLength;
  }

  text(): string {
    this.#endRun();
    return this.#pieces.join('').toWellFormed();
  }

  /** False when there is nothing more to read. */
  #readOne(): boolean {
    const byte = this.#rtf[this.#at++] ?? 0;
    switch (byte) {
      case code.open:
        if (this.#outer.length >= maxDepth) return false;
        this.#outer.push(this.#group);
        this.#group = { ...this.#group };
        this.#toSkip = 0;
        return true;
      case code.close: {
        const outer = this.#outer.pop();
        // What stands behind the document is none of it.
        if (outer === undefined || this.#outer.length === 0) return false;
        this.#group = outer;
        this.#toSkip = 0;
        this.#isIgnorable = false;
        return true;
      }
      case code.backslash:
        this.#readControl();
        return true;
      case code.cr:
      case code.lf:
      case 0:
        return true;
      default:
        this.#putByte(byte);
        return true;
    }
  }

  #readControl(): void {
    const byte = this.#rtf[this.#at] ?? 0;
    if (isLetter(byte)) {
      this.#readWord();
      return;
    }
    this.#at++;
    switch (String.fromCharCode(byte)) {
      case "'": {
        const hex = this.#rtf.toString('latin1', this.#at, this.#at + 2);
        this.#at += 2;
        if (/^[\da-f]{2}$/i.test(hex)) this.#putByte(Number.parseInt(hex, 16));
        return;
      }
      case '*':
        this.#isIgnorable = true;
        return;
      case '~':
        this.#putCharacter(this.#isHtml ? '&nbsp;' : '\u00a0');
        return;
      case '_':
        this.#putCharacter(this.#isHtml ? '&shy;' : '-');
        return;
      case '\r':
      case '\n':
        this.#putCharacter('\r\n');
        return;
      case '{':
      case '}':
      case '\\':
        this.#putByte(byte);
        return;
      default:
    }
  }

  #readWord(): void {
    const from = this.#at;
    while (isLetter(this.#rtf[this.#at] ?? 0)) this.#at++;
    const word = this.#rtf.toString('latin1', from, Math.min(this.#at, from + 32));
    const numberFrom = this.#at;
    if (this.#rtf[this.#at] === code.hyphen) this.#at++;
    while (isDigit(this.#rtf[this.#at] ?? 0)) this.#at++;
    const digits = this.#rtf.toString('latin1', numberFrom, Math.min(this.#at, numberFrom + 11));
    const value = /\d/.test(digits) ? Number.parseInt(digits, 10) : undefined;
    if (this.#rtf[this.#at] === code.space) this.#at++;
    const isIgnorable = this.#isIgnorable;
    this.#isIgnorable = false;
    if (word === 'bin') {
      this.#at += Math.max(0, value ?? 0);
      return;
    }
    this.#apply(word, value, isIgnorable);
  }

  #apply(word: string, value: number | undefined, isIgnorable: boolean): void {
    const group = this.#group;
    if (word === 'htmltag' && this.#isHtml) {
      group.isTag = true;
      group.codePage = this.#codePage;
      return;
    }
    if (isIgnorable || hiddenDestinations.has(word)) {
      group.isHidden = true;
      group.isFontTable = word === 'fonttbl';
      return;
    }
    const character = characters[word];
    if (character !== undefined) {
      this.#putCharacter(character);
      return;
    }
    switch (word) {
      case 'u':
        if (value !== undefined) this.#putUnicode(value);
        return;
      case 'uc':
        group.fallbackLength = Math.min(Math.max(value ?? 1, 0), 16);
        return;
      case 'htmlrtf':
        group.isRtfOnly = value !== 0;
        return;
      case 'v':
        group.isInvisible = value !== 0;
        return;
      default:
        this.#applyFont(word, value ?? 0);
    }
  }

  #applyFont(word: string, value: number): void {
    const group = this.#group;
    switch (word) {
      case 'ansicpg':
        this.#codePage = value || 1252;
        group.codePage = this.#codePage;
        return;
      case 'mac':
        group.codePage = this.#codePage = 10000;
        return;
      case 'pc':
        group.codePage = this.#codePage = 437;
        return;
      case 'pca':
        group.codePage = this.#codePage = 850;
        return;
      case 'deff':
        this.#defaultFont = value;
        return;
      case 'f':
        if (group.isFontTable) this.#font = value;
        else if (!group.isTag) group.codePage = this.#fonts.get(value) ?? this.#codePage;
        return;
      case 'plain':
        group.isInvisible = false;
        if (!group.isTag) group.codePage = this.#fonts.get(this.#defaultFont) ?? this.#codePage;
        return;
      case 'fcharset':
        if (group.isFontTable) this.#setFont(fontCodePages[value]);
        return;
      case 'cpg':
        if (group.isFontTable) this.#setFont(value);
        return;
      default:
    }
  }

  #setFont(codePage: number | undefined): void {
    if (codePage !== undefined && this.#fonts.size < maxFonts) this.#fonts.set(this.#font, codePage);
  }

  #isShown(): boolean {
    const { isHidden, isInvisible, isTag, isRtfOnly } = this.#group;
    const isLeftOut = isTag ? false : this.#isHtml ? isRtfOnly : isInvisible;
    // Before its first group there is no document.
    return !isHidden && !isLeftOut && this.#outer.length > 0;
  }

  #putByte(byte: number): void {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    if (!this.#isShown()) return;
    const { codePage, isTag } = this.#group;
    if (codePage !== this.#runCodePage || isTag !== this.#isRunTag) {
      this.#endRun();
      this.#runCodePage = codePage;
      this.#isRunTag = isTag;
    }
    this.#run[this.#runLength++] = byte;
  }

  /** Text that is what it is in any code page. */
  #putCharacter(text: string): void {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    if (!this.#isShown()) return;
    this.#endRun();
    this.#push(text);
  }

  #putUnicode(value: number): void {
    const text = String.fromCharCode(value < 0 ? value + 0x10000 : value);
    this.#toSkip = 0;
    this.#putCharacter(this.#isHtml && !this.#group.isTag ? escaped(text) : text);
    this.#toSkip = this.#group.fallbackLength;
  }

  #endRun(): void {
    if (this.#runLength === 0) return;
    const bytes = this.#run.subarray(0, this.#runLength);
    const text = decodeCharset(bytes, charsetOfCodePage(this.#runCodePage));
    this.#push(this.#isHtml && !this.#isRunTag ? escaped(text) : text);
    this.#runLength = 0;
  }

  #push(text: string): void {
    this.#pieces.push(text);
    this.#length += text.length;
  }
}

/** What HTML holds as references stands in tags; what is left is text. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

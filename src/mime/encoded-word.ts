import { Buffer } from 'node:buffer';
import { canonicalCharset, decodeCharset, decodeUnlabelled } from './charset.ts';

/** RFC 2047 §2, with what broken senders write: spaces in the text, a language after `*` (RFC 2231 §5). */
const encodedWord = /=\?([^?\s]{1,64})\?([bq])\?([^?]*)\?=/gi;

/**
 * A header value as readable text: raw 8-bit bytes (one per character, as `latin1` gives them) and
 * encoded words are decoded (RFC 2047 §6.2: white space between two encoded words is dropped).
 * A character that a sender split over two words of one charset is put together again.
 */
export function decodeHeaderText(raw: string): string {
  const text = decodeRaw(raw);
  if (!text.includes('=?')) return text;
  let result = '';
  let last = 0;
  let run: { charset: string; pieces: Buffer[] } | undefined;
  const flush = (): void => {
    if (run !== undefined) result += decodeCharset(Buffer.concat(run.pieces), run.charset);
    run = undefined;
  };
  for (const match of text.matchAll(encodedWord)) {
    const between = text.slice(last, match.index);
    if (run === undefined || between.trim() !== '') {
      flush();
      result += between;
    }
    const charset = canonicalCharset(match[1]);
    const bytes = decodeWord(match[2] ?? '', match[3] ?? '');
    if (run !== undefined && run.charset !== charset) flush();
    run ??= { charset, pieces: [] };
    run.pieces.push(bytes);
    last = match.index + match[0].length;
  }
  flush();
  return result + text.slice(last);
}

/** The same as the most lenient reader takes it: a word without a charset, with a question mark in it, without its end. */
export function decodeBrokenWords(raw: string): string {
  const word = /=\?([^?]{0,64})\?([bq])\?(.*?)(?:\?=|$)/gis;
  return decodeRaw(raw).replace(word, (_, charset: string, encoding: string, text: string) =>
    decodeCharset(decodeWord(encoding, text), canonicalCharset(charset)),
  );
}

/** Raw header characters (one per byte): ASCII as it is, else ISO-2022-JP or UTF-8 if it is that, else windows-1252. */
export function decodeRaw(raw: string): string {
  const isPlain = !/[\u0080-\u00ff]/.test(raw) && !raw.includes('\u001b');
  return isPlain ? raw : decodeUnlabelled(Buffer.from(raw, 'latin1'));
}

function decodeWord(encoding: string, text: string): Buffer {
  if (encoding === 'B' || encoding === 'b') return Buffer.from(text, 'base64');
  // RFC 2047 §4.2: underscore is a space, =XX a byte. Text that was not ASCII in the raw header stays UTF-8.
  const source = Buffer.from(text, 'utf8');
  const out = Buffer.alloc(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i++) {
    const byte = source[i] ?? 0;
    if (byte === 0x5f) {
      out[length++] = 0x20;
    } else if (byte === 0x3d) {
      const value = hexPair(source[i + 1], source[i + 2]);
      if (value === undefined) {
        out[length++] = byte;
      } else {
        out[length++] = value;
        i += 2;
      }
    } else {
      out[length++] = byte;
    }
  }
  return out.subarray(0, length);
}

/** The byte that two hex digit characters stand for; undefined when they are none. */
export function hexPair(high: number | undefined, low: number | undefined): number | undefined {
  const h = hexDigit(high);
  const l = hexDigit(low);
  return h < 0 || l < 0 ? undefined : h * 16 + l;
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}

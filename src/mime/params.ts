import { Buffer } from 'node:buffer';
import { decodeCharset } from './charset.ts';
import { decodeBrokenWords, decodeHeaderText, decodeRaw, hexPair } from './encoded-word.ts';

/** A structured header: its value in lower case and its parameters, names in lower case, values decoded. */
export interface ParameterizedValue {
  readonly value: string;
  readonly params: ReadonlyMap<string, string>;
}

const maxParams = 100;
/** Who looks for a name looks further than anybody else. */
const maxParamsForNames = 5_000;

/**
 * A Content-Type or Content-Disposition value (RFC 2045 §5.1, RFC 2183). Parameters may be quoted or
 * not, be split and carry a charset (RFC 2231), hold encoded words or raw 8-bit text; of two equal
 * names the first counts. Takes one character per byte; never throws.
 */
export function parseParameterized(raw: string): ParameterizedValue {
  const semicolon = raw.indexOf(';');
  const value = stripComment(semicolon < 0 ? raw : raw.slice(0, semicolon))
    .trim()
    .toLowerCase();
  if (semicolon < 0) return { value, params: noParams };
  const plain = new Map<string, string>();
  const pieces = new Map<string, Map<number, Piece>>();
  for (const [name, text] of splitParams(raw, semicolon + 1)) {
    const star = name.indexOf('*');
    if (star < 0) {
      if (!plain.has(name)) plain.set(name, text);
    } else {
      addPiece(pieces, name, star, text);
    }
  }
  const params = new Map<string, string>();
  // A boundary is compared byte by byte and never decoded.
  for (const [name, text] of plain) params.set(name, name === 'boundary' ? text : decodeHeaderText(text));
  // RFC 2231 §3, §4: where both forms are given, the extended one is the better.
  for (const [name, list] of pieces) params.set(name, joinPieces(list));
  return { value, params };
}

/**
 * Every file name that a reader may find in a raw Content-Type or Content-Disposition value, for those who must not
 * miss one: each repetition and each way of writing it (RFC 2231 with and without its gaps, encoded words, escapes).
 * Takes one character per byte, folded or not; never throws.
 */
export function namesIn(raw: string): ReadonlySet<string> {
  const names = new Set<string>();
  if (!/name/i.test(raw)) return names;
  const texts = new Set<string>();
  for (const reading of readingsOf(raw)) addNamesOf(reading, names, texts);
  for (const text of texts) addForms(names, text);
  names.delete('');
  return names;
}

/** A folded value on one line, and what stricter readers make of it: folds, quoted pairs and comments taken out. */
function readingsOf(raw: string): ReadonlySet<string> {
  const line = raw.replace(/[\r\n]+/g, '');
  // RFC 5322 §3.2.1: a backslash goes, whatever it stands before; §3.2.2: so does a comment.
  return new Set([
    line,
    raw.replace(/[\r\n]+[ \t]*/g, ''),
    line.replace(/\\([^"\\])/g, '$1'),
    line.replace(/\([^()"]*\)/g, ''),
  ]);
}

/** `texts` are names that can still be read in several ways. */
function addNamesOf(raw: string, names: Set<string>, texts: Set<string>): void {
  const pieces = new Map<string, Map<number, Piece>>();
  const lastPieces = new Map<string, Map<number, Piece>>();
  for (const [name, text] of splitParams(raw, raw.indexOf(';') + 1, maxParamsForNames)) {
    const star = name.indexOf('*');
    if (star < 0 && name.endsWith('name')) texts.add(text);
    if (star < 0) continue;
    addPiece(pieces, name, star, text);
    addPiece(lastPieces, name, star, text, true);
    if (star === name.length - 1) names.add(joinPieces(new Map([[0, { text, extended: true }]])));
  }
  for (const list of [...pieces.values(), ...lastPieces.values()]) {
    names.add(joinPieces(list));
    names.add(joinPieces(withoutGap(list)));
  }
  // What is left of the rules, as the most lenient reader takes it.
  for (const [, text = ''] of raw.matchAll(/name\s*=([^;]*)/gi)) texts.add(text.replaceAll('"', ''));
  // RFC 2045 §5.1: what has no quotes ends at the first blank or comma.
  for (const [, star, text = ''] of raw.matchAll(/name(\*\d{0,4}\*?)?\s*=\s*([^"\s;,][^\s;,]*)/gi)) {
    if (star === undefined) texts.add(text);
    else names.add(joinPieces(new Map([[0, { text, extended: star.endsWith('*') }]])));
  }
}

function addForms(names: Set<string>, text: string): void {
  names.add(decodeHeaderText(text));
  names.add(decodeRaw(text));
  if (text.includes('=?')) names.add(decodeBrokenWords(text));
  if (text.includes('%')) names.add(decodeCharset(percentDecode(text), undefined));
}

/** RFC 2231 §3 counts from 0: a reader may stop where a number is missing. */
function withoutGap(list: ReadonlyMap<number, Piece>): ReadonlyMap<number, Piece> {
  const run = new Map<number, Piece>();
  for (let index = 0; ; index++) {
    const piece = list.get(index);
    if (piece === undefined) return run;
    run.set(index, piece);
  }
}

const noParams: ReadonlyMap<string, string> = new Map();

interface Piece {
  readonly text: string;
  readonly extended: boolean;
}

function addPiece(
  pieces: Map<string, Map<number, Piece>>,
  name: string,
  star: number,
  text: string,
  replace = false,
): void {
  const base = name.slice(0, star);
  const rest = name.slice(star + 1);
  const extended = rest === '' || rest.endsWith('*');
  const index = rest === '' || rest === '*' ? 0 : Number.parseInt(rest, 10);
  if (base === '' || !Number.isInteger(index) || index < 0) return;
  let list = pieces.get(base);
  if (list === undefined) {
    list = new Map();
    pieces.set(base, list);
  }
  if (replace || !list.has(index)) list.set(index, { text, extended });
}

function joinPieces(list: ReadonlyMap<number, Piece>): string {
  const ordered = [...list].sort(([a], [b]) => a - b).map(([, piece]) => piece);
  let charset: string | undefined;
  const bytes: Buffer[] = [];
  ordered.forEach((piece, index) => {
    let text = piece.text;
    if (piece.extended && index === 0) {
      const parts = /^([^']*)'[^']*'/.exec(text);
      if (parts !== null) {
        charset = parts[1];
        text = text.slice(parts[0].length);
      }
    }
    bytes.push(piece.extended ? percentDecode(text) : Buffer.from(text, 'latin1'));
  });
  const joined = Buffer.concat(bytes);
  if (charset !== undefined && charset !== '') return decodeCharset(joined, charset);
  // Without a charset the pieces may hold encoded words, cut anywhere.
  return decodeHeaderText(joined.toString('latin1'));
}

function percentDecode(text: string): Buffer {
  const out = Buffer.alloc(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const value = code === 0x25 ? hexPair(text.charCodeAt(i + 1), text.charCodeAt(i + 2)) : undefined;
    out[length++] = value ?? code;
    if (value !== undefined) i += 2;
  }
  return out.subarray(0, length);
}

/** Yields name and raw value of each `name=value`; white space, quotes and comments around them removed. */
function* splitParams(raw: string, from: number, limit = maxParams): Generator<[string, string]> {
  let i = from;
  for (let count = 0; i < raw.length && count < limit; count++) {
    const stop = /[=;]/g;
    stop.lastIndex = i;
    const at = stop.exec(raw)?.index ?? raw.length;
    const name = stripComment(raw.slice(i, at)).trim().toLowerCase();
    if (raw[at] !== '=') {
      i = at + 1;
      continue;
    }
    const [text, next] = readValue(raw, at + 1);
    if (name !== '') yield [name, text];
    i = next;
  }
}

/** Reads one value: a quoted string with its escapes, or everything up to the next semicolon. */
function readValue(raw: string, from: number): [string, number] {
  let i = from;
  while (raw[i] === ' ' || raw[i] === '\t') i++;
  if (raw[i] !== '"') {
    const semicolon = raw.indexOf(';', i);
    const end = semicolon < 0 ? raw.length : semicolon;
    return [stripComment(raw.slice(i, end)).trim(), end + 1];
  }
  let text = '';
  for (i++; i < raw.length && raw[i] !== '"'; i++) {
    // A backslash escapes a quote or itself; before anything else it is a careless Windows path.
    if (raw[i] === '\\' && (raw[i + 1] === '"' || raw[i + 1] === '\\')) i++;
    text += raw[i];
  }
  const semicolon = raw.indexOf(';', i);
  return [text, semicolon < 0 ? raw.length : semicolon + 1];
}

/** Removes a comment that ends an unquoted value: `7bit (really)`. */
function stripComment(text: string): string {
  const open = text.indexOf('(');
  return open > 0 && text.includes(')', open) ? text.slice(0, open) : text;
}

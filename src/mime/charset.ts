import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/** Labels seen in mail that neither the WHATWG list nor iconv-lite has, or that mean more than they say. */
const aliases: Readonly<Record<string, string>> = {
  'ansi_x3.4-1968': 'us-ascii',
  'ansi_x3.110-1983': 'us-ascii',
  ascii: 'us-ascii',
  iso646: 'us-ascii',
  'iso_646.irv:1991': 'us-ascii',
  'iso646-us': 'us-ascii',
  '646': 'us-ascii',
  'unicode-1-1-utf-7': 'utf-7',
  utf7: 'utf-7',
  unicode: 'utf-16',
  'ucs-2': 'utf-16',
  'iso-10646-ucs-2': 'utf-16',
  cp932: 'shift_jis',
  'x-ms-cp932': 'shift_jis',
  cp51932: 'euc-jp',
  'iso-2022-jp-1': 'iso-2022-jp',
  'iso-2022-jp-2': 'iso-2022-jp',
  'iso-2022-jp-3': 'iso-2022-jp',
  'iso-2022-jp-2004': 'iso-2022-jp',
  'iso-2022-jp-ms': 'iso-2022-jp',
  cp50220: 'iso-2022-jp',
  cp50221: 'iso-2022-jp',
  cp949: 'euc-kr',
  'ks_c_5601-1987': 'euc-kr',
  'ks_c_5601-1989': 'euc-kr',
  ksc5601: 'euc-kr',
  ksc_5601: 'euc-kr',
  'windows-949': 'euc-kr',
  uhc: 'euc-kr',
  gb2312: 'gb18030',
  'gb_2312-80': 'gb18030',
  gbk: 'gb18030',
  'x-gbk': 'gb18030',
  cp936: 'gb18030',
  'euc-cn': 'gb18030',
  'x-euc-cn': 'gb18030',
  csgb2312: 'gb18030',
  csbig5: 'big5',
  cseuckr: 'euc-kr',
  csksc56011987: 'euc-kr',
  csiso2022jp: 'iso-2022-jp',
  csshiftjis: 'shift_jis',
  cseucpkdfmtjapanese: 'euc-jp',
  cp950: 'big5',
  'big5-hkscs': 'big5',
  'x-x-big5': 'big5',
  'cn-big5': 'big5',
  'iso-8859-8-i': 'iso-8859-8',
  'iso-8859-8-e': 'iso-8859-8',
};

type Decode = (bytes: Buffer) => string;

const decoders = new Map<string, Decode | undefined>();
/** The same charset can be spelled in any number of ways. */
const maxDecoders = 1_000;
/** Labels of the WHATWG list that iconv-lite does not have, as it compares them: without anything but letters and digits. */
const onlyWhatwg = new Set(
  'unicode20utf8 xunicode20utf8 csiso88596e csiso88596i iso88596e iso88596i suneugreek csiso88598e visual csiso88598i logical csisolatin9 koi koi8 xmacroman dos874 xcp1250 xcp1251 xcp1252 xcp1253 xcp1254 xcp1255 xcp1256 xcp1257 xcp1258 xmaccyrillic xmacukrainian cseucpkdfmtjapanese xeucjp csiso2022jp iso2022jp unicodefffe csunicode iso10646ucs2 unicode unicodefeff'.split(
    ' ',
  ),
);

/**
 * Text of `bytes` by the charset label of a mail header. Never throws: an unknown label, or bytes
 * that the label cannot mean, are read as UTF-8 where they are UTF-8, else as windows-1252.
 */
export function decodeCharset(bytes: Uint8Array, label: string | undefined): string {
  const buffer = asBuffer(bytes);
  const name = canonicalCharset(label);
  const decode = decoderFor(name);
  return stripBom(decode === undefined ? decodeUnlabelled(buffer) : decode(buffer));
}

/** Text of bytes nobody labelled: ISO-2022-JP by its escapes, UTF-8 if they are valid UTF-8, else windows-1252. */
export function decodeUnlabelled(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  if (isJapanese(buffer)) return japaneseDecoder.decode(buffer);
  return isUtf8(buffer) ? buffer.toString('utf8') : windows1252(buffer);
}

const toKanji = [Buffer.from('\x1b$B'), Buffer.from('\x1b$@')];
const japaneseDecoder = new TextDecoder('iso-2022-jp');

/** RFC 1468: text of 7 bits that goes over to JIS X 0208. */
function isJapanese(bytes: Buffer): boolean {
  return toKanji.some((shift) => bytes.includes(shift)) && isAscii(bytes);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A charset label without quotes, white space and language, in lower case, aliases resolved; '' when there is none. */
export function canonicalCharset(label: string | undefined): string {
  if (label === undefined || label === '') return '';
  const known = canonicalNames.get(label);
  if (known !== undefined) return known;
  const name = canonicalName(label.slice(0, 64));
  // Senders choose the labels: the map holds a few hundred, which is more than there are charsets.
  if (canonicalNames.size < 500 && label.length < 64) canonicalNames.set(label, name);
  return name;
}

const canonicalNames = new Map<string, string>();

function canonicalName(label: string): string {
  const bare = label
    .toLowerCase()
    .replace(/["'\s]/g, '')
    .replace(/\*.*$/, '')
    .replace(/^x-(?=utf|iso-|windows-)/, '')
    .replace(/^(?:win|windows|cp|x-cp)[-_]?(?=125\d$|874$)/, 'windows-')
    .replace(/^iso_?8859/, 'iso-8859')
    .replace(/^utf_?(?=\d)/, 'utf-');
  return Object.hasOwn(aliases, bare) ? (aliases[bare] ?? bare) : bare;
}

function decoderFor(name: string): Decode | undefined {
  if (decoders.has(name)) return decoders.get(name);
  if (!isKnown(name)) return undefined;
  const decode = makeDecoder(name);
  // A label is the sender's: remember only those that lead somewhere, so that the map stays small.
  if (decode !== undefined && decoders.size < maxDecoders) decoders.set(name, decode);
  return decode;
}

/** Whether anybody can know the label: to ask for one that nobody knows costs an error, in each word of a header. */
function isKnown(name: string): boolean {
  const bare = name.replace(/:\d{4}$|[^0-9a-z]/g, '');
  return onlyWhatwg.has(bare) || (iconv.encodings !== null && bare in iconv.encodings);
}

// Loads what iconv-lite calls encodings.
iconv.encodingExists('utf-8');

function makeDecoder(name: string): Decode | undefined {
  switch (name) {
    case '':
    case 'us-ascii':
    case 'x-unknown':
    case 'unknown-8bit':
      return undefined;
    case 'utf-8':
    case 'utf8':
      return decodeUtf8;
    case 'utf-16':
      return decodeUtf16;
    // ICU's tables lack the ETEN and HKSCS characters of the one and the UHC characters of the other.
    case 'big5':
      return (bytes) => iconv.decode(bytes, 'big5');
    case 'euc-kr':
      return (bytes) => iconv.decode(bytes, 'cp949');
    default:
      return whatwgDecoder(name) ?? iconvDecoder(name);
  }
}

function whatwgDecoder(name: string): Decode | undefined {
  if (name === 'replacement' || name === 'x-user-defined') return undefined;
  try {
    const decoder = new TextDecoder(name);
    return (bytes) => decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function iconvDecoder(name: string): Decode | undefined {
  // iconv-lite also has transfer encodings (base64, hex) under the same roof.
  if (/^(?:base64|hex|binary|internal)/.test(name) || !iconv.encodingExists(name)) return undefined;
  return (bytes) => {
    try {
      return iconv.decode(bytes, name);
    } catch {
      return decodeUnlabelled(bytes);
    }
  };
}

/** UTF-8 as labelled; when more of it is broken than whole, the label lies and it is windows-1252. */
function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || isUtf8(bytes)) return text;
  let whole = 0;
  let broken = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0xfffd) broken++;
    else if (unit > 0x7f) whole++;
  }
  return broken > whole ? windows1252(bytes) : text;
}

/** RFC 2781 §4.3: by the byte order mark, else big-endian; a text full of NULs at odd offsets is little-endian all the same. */
function decodeUtf16(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16(bytes.subarray(2), 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16(bytes.subarray(2), 'utf-16be');
  let nulAtOdd = 0;
  let nulAtEven = 0;
  for (let i = 0; i < Math.min(bytes.length, 512); i++) {
    if (bytes[i] === 0) i % 2 === 0 ? nulAtEven++ : nulAtOdd++;
  }
  return utf16(bytes, nulAtOdd > nulAtEven ? 'utf-16le' : 'utf-16be');
}

function utf16(bytes: Buffer, encoding: 'utf-16le' | 'utf-16be'): string {
  return new TextDecoder(encoding).decode(bytes);
}

const windows1252Decoder = new TextDecoder('windows-1252');

function windows1252(bytes: Buffer): string {
  return windows1252Decoder.decode(bytes);
}

function stripBom(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

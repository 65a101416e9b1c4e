import { decodeCharset } from '../charset.ts';

/** Code pages that are not called `cp` and their number. */
const labels: Readonly<Record<number, string>> = {
  1200: 'utf-16le',
  1201: 'utf-16be',
  10000: 'macintosh',
  20127: 'us-ascii',
  20866: 'koi8-r',
  20932: 'euc-jp',
  21866: 'koi8-u',
  50220: 'iso-2022-jp',
  50221: 'iso-2022-jp',
  50222: 'iso-2022-jp',
  50225: 'iso-2022-kr',
  51932: 'euc-jp',
  51936: 'gb18030',
  51949: 'euc-kr',
  54936: 'gb18030',
  65000: 'utf-7',
  65001: 'utf-8',
};

/** The charset that a code page of Windows is; undefined for 0, which says nothing. */
export function charsetOfCodePage(codePage: number): string | undefined {
  if (codePage === 0) return undefined;
  const isLatin = codePage > 28590 && codePage < 28606;
  return labels[codePage] ?? (isLatin ? `iso-8859-${codePage - 28590}` : `cp${codePage}`);
}

/** MS-OXCDATA, PtypString8 and PtypString: a text up to its first NUL. */
export function decodeString(bytes: Uint8Array, charset: string | undefined): string {
  const [text = ''] = decodeCharset(bytes, charset).split('\0', 1);
  return text;
}

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { canonicalCharset, decodeCharset } from './charset.ts';
import { parseDate } from './date.ts';
import { decodeText } from './decode-part.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { endingsOf } from './file-ending.ts';
import { namesIn, parseParameterized } from './params.ts';
import { decodeTransfer, decodeTransferWhole } from './transfer.ts';

describe('decodeCharset', () => {
  it.each([
    ['"UTF-8"', 'utf-8'],
    ['unicode-1-1-utf-7', 'utf-7'],
    ['ANSI_X3.4-1968', 'us-ascii'],
    ['ISO_8859-1', 'iso-8859-1'],
    ['iso-8859-8-i', 'iso-8859-8'],
    ['KS_C_5601-1987', 'euc-kr'],
    ['cp932', 'shift_jis'],
    ['GB2312', 'gb18030'],
    ['cp1252', 'windows-1252'],
    ['csISO2022JP', 'iso-2022-jp'],
    ["utf-8*en'", 'utf-8'],
  ])('%s is %s', (label, expected) => {
    expect(canonicalCharset(label)).toBe(expected);
  });

  it('reads an unknown label as UTF-8 where it is that, else as windows-1252', () => {
    expect(decodeCharset(Buffer.from('größer'), 'x-unknown')).toBe('größer');
    expect(decodeCharset(Buffer.from('gr\xf6\xdfer \x80', 'latin1'), 'x-made-up')).toBe('größer €');
    expect(decodeCharset(Buffer.from('gr\xf6\xdfer', 'latin1'), '__proto__')).toBe('größer');
  });

  it('knows ISO-2022-JP that nobody labelled by its escapes', () => {
    const japanese = Buffer.from('a \u001b$BF|K\\8l\u001b(B b');
    for (const label of [undefined, 'us-ascii', 'x-made-up'])
      expect(decodeCharset(japanese, label)).toBe('a 日本語 b');
    expect(decodeCharset(Buffer.from('größer \u001b$B'), undefined)).toBe('größer \u001b$B');
  });

  it('does not believe a utf-8 label on windows-1252 bytes, but forgives one broken character', () => {
    expect(decodeCharset(Buffer.from('gr\xf6\xdfer', 'latin1'), 'utf-8')).toBe('größer');
    expect(decodeCharset(Buffer.concat([Buffer.from('größer ä'), Buffer.from([0xff])]), 'utf-8')).toBe(
      'größer ä\ufffd',
    );
  });

  it('knows what TextDecoder does not', () => {
    expect(decodeCharset(Buffer.from([0x81, 0x9b]), 'cp437')).toBe('ü¢');
    expect(decodeCharset(Buffer.from('+ZeVnLIqe-', 'latin1'), 'utf-7')).toBe('日本語');
    expect(decodeCharset(Buffer.from([0xfe, 0xff, 0, 0x41]), 'utf-16')).toBe('A');
    expect(decodeCharset(Buffer.from([0x41, 0, 0x42, 0]), 'utf-16')).toBe('AB');
  });

  it('knows what iconv-lite does not', () => {
    for (const label of [
      'x-mac-cyrillic',
      'koi',
      'dos-874',
      'logical',
      'sun_eu_greek',
      'x-cp1250',
      'csisolatin9',
    ])
      expect(decodeCharset(Buffer.from([0xe6]), label)).toBe(
        new TextDecoder(label).decode(Buffer.from([0xe6])),
      );
  });

  it('never throws on any label', () => {
    for (const label of [
      'base64',
      'hex',
      'internal',
      '',
      '"',
      'a'.repeat(1000),
      '\0',
      'utf-8\n',
      'constructor',
    ]) {
      expect(decodeCharset(Buffer.from('text'), label)).toBe('text');
    }
  });
});

describe('decodeHeaderText', () => {
  it.each([
    ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
    ['=?utf-8?q?a?= b', 'a b'],
    ['=?utf-8?q?a_b=20c?=', 'a b c'],
    ['=?utf-8?b?ww==?= =?utf-8?q?=A4?=', 'ä'],
    ['=?iso-8859-1*de?q?=E4?=', 'ä'],
    ['=?utf-8?q?with space?=', 'with space'],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    ['=?', '=?'],
    ['gr\xc3\xbcn', 'grün'],
    ['gr\xfcn', 'grün'],
  ])('%s', (raw, expected) => {
    expect(decodeHeaderText(raw)).toBe(expected);
  });
});

describe('parseParameterized', () => {
  it.each([
    ['text/plain; charset=utf-8', 'charset', 'utf-8'],
    ['TEXT/Plain ; Charset = "utf-8" (comment)', 'charset', 'utf-8'],
    ['a/b; name="a;b=c.txt"', 'name', 'a;b=c.txt'],
    ['a/b; name="C:\\dir\\x.txt"', 'name', 'C:\\dir\\x.txt'],
    ['a/b; name="say \\"hi\\".txt"', 'name', 'say "hi".txt'],
    ['a/b; name=with space.txt; x=y', 'name', 'with space.txt'],
    ["a/b; name*=utf-8''%e2%82%ac.txt", 'name', '€.txt'],
    ["a/b; name*1*=%20b; name*0*=utf-8''a", 'name', 'a b'],
    ['a/b; name*0="one "; name*1="two"', 'name', 'one two'],
    ['a/b; name*0="=?utf-8?q?=C3"; name*1="=A4?="', 'name', 'ä'],
    ['a/b; name=first; name=second', 'name', 'first'],
    ['a/b; name="unclosed', 'name', 'unclosed'],
    ['a/b;;; name=x', 'name', 'x'],
    ['a/b; boundary="=?utf-8?q?x?="', 'boundary', '=?utf-8?q?x?='],
  ])('%s', (raw, name, expected) => {
    expect(parseParameterized(raw).params.get(name)).toBe(expected);
  });
});

describe('parseDate', () => {
  it.each([
    ['Mon, 16 Nov 2026 09:00:00 +0100', '2026-11-16T08:00:00Z'],
    ['16 Nov 2026 09:00 EST (comment)', '2026-11-16T14:00:00Z'],
    ['Mon, 16 Nov 26 09:00:00 GMT', '2026-11-16T09:00:00Z'],
    ['Mon, 16-Nov-2026 9:00:00 -0330', '2026-11-16T12:30:00Z'],
    ['Fri, 1 Jan 99 00:00:00 +0000', '1999-01-01T00:00:00Z'],
  ])('%s', (text, expected) => {
    expect(parseDate(text)).toBe(Date.parse(expected));
  });

  it.each([
    '',
    'yesterday',
    '32 Nov 2026 09:00:00 +0000',
    '16 Foo 2026 09:00:00 +0000',
    '16 Nov 2026 25:00:00 +0000',
  ])('%j is none', (text) => {
    expect(parseDate(text)).toBeUndefined();
  });
});

async function streamed(encoding: string, bytes: Buffer, size: number): Promise<string> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  let text = '';
  for await (const piece of decodeTransfer(encoding, source())) text += Buffer.from(piece).toString('latin1');
  return text;
}

describe('decodeTransfer', () => {
  it.each([
    ['base64', 'SGVsbG8=', 'Hello'],
    ['base64', 'SGVs\r\nbG8', 'Hello'],
    ['base64', 'SGVsbG8=\r\nIQ==', 'Hello!'],
    ['base64', 'S*G-V_sb G8=', 'Hello'],
    ['base64', '=', ''],
    ['base64', 'A', ''],
    ['quoted-printable', 'a=3Db=\r\nc  \r\nd', 'a=bc\r\nd'],
    ['quoted-printable', 'a=\nb', 'ab'],
    ['quoted-printable', 'a= \t\r\nb', 'ab'],
    ['quoted-printable', 'a=ZZ=4', 'a=ZZ=4'],
    ['quoted-printable', 'a b \t c', 'a b \t c'],
    ['quoted-printable', 'end ', 'end'],
    ['quoted-printable', 'end=', 'end'],
    ['quoted-printable', '=c3=A4', '\xc3\xa4'],
    ['quoted-printable', 'a\r\rb =', 'a\r\rb '],
    ['x-uuencode', 'begin 644 a\r\n%2&5L;&\\\r\n`\r\nend\r\nafter', 'Hello'],
    ['8bit', 'as =3D it is', 'as =3D it is'],
    ['x-made-up', 'as it is', 'as it is'],
  ])('%s of %j, whatever the chunks', async (encoding, encoded, expected) => {
    const bytes = Buffer.from(encoded, 'latin1');
    expect(decodeTransferWhole(encoding, bytes).toString('latin1')).toBe(expected);
    for (const size of [1, 2, 3, 5, 1000]) expect(await streamed(encoding, bytes, size)).toBe(expected);
  });
});

describe('uuencode', () => {
  it('a line that leaves out the blanks at its end is filled up with zeros', () => {
    expect(decodeTransferWhole('uuencode', Buffer.from('M\nM\n#86)C\n'))).toEqual(
      Buffer.concat([Buffer.alloc(90), Buffer.from('abc')]),
    );
  });

  it('lines without characters do not make twenty times as many bytes of a large text', () => {
    const encoded = Buffer.alloc(4 * 1024 * 1024, 'M\n');
    expect(decodeTransferWhole('uuencode', encoded).length).toBeLessThan(18 * 1024 * 1024);
  });
});

describe('decodeText', () => {
  it('asks HTML without a charset for its meta element', () => {
    const bytes = Buffer.from('<meta charset="koi8-r"><p>\xf0\xd2\xc9', 'latin1');
    expect(decodeText({ type: 'text/html', encoding: '8bit' }, bytes)).toBe('<meta charset="koi8-r"><p>При');
    expect(decodeText({ type: 'text/html', encoding: '8bit', charset: 'windows-1251' }, bytes)).toContain(
      'рТЙ',
    );
  });
});

describe('names of files', () => {
  it('encoded words without an end cost no more than their length', () => {
    const text = '=?a?q? '.repeat(120_000);
    // U+2028, where a line ends for some patterns.
    expect(namesIn(`x; name="${text}\xe2\x80\xa8"`).size).toBeGreaterThan(0);
  });

  it('marks above and below a character cost no more than their number', () => {
    const name = `a.e${'\u0301\u0323'.repeat(900)}xe`;
    for (let n = 0; n < 30_000; n++) expect(endingsOf(name).size).toBe(1);
    expect([...endingsOf('a.e\u0301\u0323xe')]).toEqual(['.\u1eb9\u0301xe']);
  });
});

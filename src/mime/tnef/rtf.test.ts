import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { compressRtf } from '#test/support/tnef-writer';
import { decompressRtf } from './compressed-rtf.ts';
import { readRtf } from './rtf.ts';

const read = (text: string) => readRtf(Buffer.from(text, 'latin1'));
const html = async (inside: string) =>
  (await read(`{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0${inside}}`)).text;
const plain = async (inside: string) => (await read(`{\\rtf1\\ansi\\deff0${inside}}`)).text;
const fonts =
  '{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}{\\f1\\fcharset128 MS Gothic;}{\\f2\\fcharset204 Arial CYR;}}';

describe('HTML encapsulated in RTF', () => {
  // MS-OXRTFEX, Encapsulating HTML into RTF: the shape of the example there.
  test('is what it was: tags, texts between them, references, characters that are special in RTF', async () => {
    const rtf = [
      '{\\rtf1\\ANSI\\ansicpg1251\\fromhtml1 \\deff0',
      '{\\fonttbl {\\f0\\fmodern Courier New;}{\\f1\\fswiss Arial;}{\\f2\\fswiss\\fcharset0 Arial;}}',
      '{\\colortbl\\red0\\green0\\blue0;\\red0\\green0\\blue255;}',
      '{\\*\\htmltag64}',
      '\\uc1\\pard\\plain\\deftab360 \\f0\\fs24',
      '{\\*\\htmltag <HTML><head>\\par',
      '<style>p \\{font-family:Arial;\\}</style>\\par',
      '\\tab <!-- a comment -->\\par}',
      '{\\htmlrtf \\f1 \\htmlrtf0 Note. {\\*\\htmltag <b>}{\\htmlrtf \\b \\htmlrtf0 Bold{\\*\\htmltag </b>}} \\htmlrtf\\par\\htmlrtf0}',
      '\\htmlrtf \\par \\htmlrtf0',
      "{\\htmlrtf \\f1 \\htmlrtf0 References: {\\*\\htmltag &nbsp;}\\htmlrtf \\'a0\\htmlrtf0  {\\*\\htmltag &lt;}\\htmlrtf <\\htmlrtf0  {\\*\\htmltag &uml;}\\htmlrtf {\\f2\\'a8}\\htmlrtf0{\\*\\htmltag <br>\\par}\\htmlrtf\\line\\htmlrtf0",
      'special: \\{\\}\\\\{\\*\\htmltag <br>\\par}\\htmlrtf\\line\\htmlrtf0}',
      '{\\*\\mhtmltag <img src="rewritten">}{\\*\\htmltag </body>}',
      '}',
    ].join('\r\n');
    expect(await read(rtf)).toEqual({
      kind: 'html',
      isWhole: true,
      text: '<HTML><head>\r\n<style>p {font-family:Arial;}</style>\r\n\t<!-- a comment -->\r\nNote. <b>Bold</b> References: &nbsp; &lt; &uml;<br>\r\nspecial: {}\\<br>\r\n</body>',
    });
  });

  test.each([
    ['by the code page of its font', `${fonts}\\f1 \\'82\\'a0{\\f2\\'c6}\\'82\\'a2`, 'あЖい'],
    ['also of a font that is set among what is left out', `${fonts}\\htmlrtf\\f2\\htmlrtf0 \\'c6`, 'Ж'],
    ['in a tag by that of the document', `${fonts}\\f2{\\*\\htmltag <p title="\\'e9">}`, '<p title="é">'],
    [
      'by Unicode, without what stands for it',
      "\\uc1 \\u8364 ?\\u-3913\\'5f{\\uc0\\u228 x}{\\uc2\\u228 \\'61by}",
      '€\uf0b7äxäy',
    ],
    ['beyond the first plane', '\\u55357?\\u56832?', '😀'],
    [
      'by control words',
      '\\lquote a\\rquote\\ldblquote b\\rdblquote\\bullet\\endash\\emdash\\~\\_',
      '‘a’“b”•–—&nbsp;&shy;',
    ],
    ['as text, not as tags', 'a < b & c', 'a &lt; b &amp; c'],
  ])('has its characters %s', async (_name, inside, expected) => {
    expect(await html(inside)).toBe(expected);
  });
});

describe('the text of RTF', () => {
  test.each([
    ['paragraphs, lines, tabs and cells', 'a\\par b\\line c\\tab d\\cell e\\row', 'a\r\nb\r\nc\td\te\r\n'],
    [
      'without fonts, colours, styles, pictures and data',
      `${fonts}{\\colortbl;}{\\stylesheet{\\s1 Normal;}}{\\info{\\title T}}a{\\pict\\bin3 {}}}b{\\*\\unknown x}c`,
      'abc',
    ],
    ['without hidden text', '{\\v gone}a{\\v b\\v0 c}{\\v d\\plain e}', 'ace'],
    ['what a field shows', '{\\field{\\*\\fldinst HYPERLINK "x"}{\\fldrslt Link}}', 'Link'],
    ['beyond ASCII', `${fonts}\\f2\\'cf\\'f0`, 'Пр'],
  ])('has %s', async (_name, inside, expected) => {
    expect(await plain(inside)).toBe(expected);
  });

  test('that is encapsulated comes as it was', async () => {
    const rtf =
      '{\\rtf1\\ansi\\fromtext \\deff0{\\fonttbl{\\f0 Courier;}}\\uc1\\pard\\plain\\f0 a < b\\par c}';
    expect(await read(rtf)).toEqual({ kind: 'plain', text: 'a < b\r\nc', isWhole: true });
  });
});

describe('broken RTF', () => {
  const whole = `{\\rtf1\\ansi\\fromhtml1${fonts}{\\*\\htmltag <p>}\\'82\\'a0\\u8364 ?\\bin4 abcd text{\\*\\htmltag </p>}}tail`;

  test('that is cut off anywhere, and what stands behind it', async () => {
    for (let length = 0; length <= whole.length; length++) {
      const { text } = await read(whole.slice(0, length));
      expect(text).not.toContain('tail');
    }
    expect(await read('')).toEqual({ kind: 'plain', text: '', isWhole: true });
    expect((await read('no RTF')).text).toBe('');
  });

  test.each([
    ['groups', '{'.repeat(1_000_000)],
    ['backslashes', `{\\rtf1 ${'\\'.repeat(1_000_000)}`],
    ['changes of font', `{\\rtf1 ${'\\f1 a\\f0 b'.repeat(100_000)}}`],
    [
      'fonts',
      `{\\rtf1 {\\fonttbl${Array.from({ length: 50_000 }, (_, n) => `{\\f${n}\\fcharset2 a;}`).join('')}}}`,
    ],
    ['characters of Unicode', `{\\rtf1\\uc0 ${'\\u228'.repeat(200_000)}}`],
    ['long words', `{\\rtf1 \\${'a'.repeat(1_000_000)}}`],
    ['long numbers', `{\\rtf1 \\bin${'9'.repeat(100_000)} x}`],
  ])('%s without end cost bounded memory, and others have their turn', async (_name, rtf) => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const { text } = await read(rtf);
    clearInterval(timer);
    expect(text.length).toBeLessThan(rtf.length);
    if (rtf.length > 1_000_000) expect(turns).toBeGreaterThan(0);
  });
});

test('RTF with random faults, packed and not, is read as something and never throws', async () => {
  let state = 11;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const document = `{\\rtf1\\ansi\\ansicpg932\\fromhtml1${fonts}{\\*\\htmltag <p>}\\'82\\'a0\\u8364 ?\\uc2\\bin4 abcd{\\*\\x}\\htmlrtf a\\htmlrtf0 b}`;
  const packed = compressRtf(document);
  for (let run = 0; run < 500; run++) {
    const damaged = run % 2 === 0 ? Buffer.from(packed) : Buffer.from(document, 'latin1');
    for (let n = random(5); n >= 0; n--)
      damaged[(run % 2 === 0 ? 16 : 0) + random(damaged.length - 16)] = random(256);
    const rtf = run % 2 === 0 ? decompressRtf(damaged, 10_000) : damaged;
    expect((await readRtf(rtf ?? Buffer.alloc(0))).text.length).toBeLessThan(1_000);
  }
});

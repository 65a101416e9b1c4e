import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { readBody } from './body.ts';
import { unflow } from './flowed.ts';
import { declareUtf8, htmlToText, textToHtml, toCrLf } from './html.ts';
import { MessageIndexer } from './index-message.ts';
import { previewOfHtml, previewOfText } from './preview.ts';
import { truncateHtml, truncateUtf8 } from './truncate.ts';

describe('truncateUtf8', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abc', 2, 'ab'],
    ['aä', 2, 'a'],
    ['€€', 5, '€'],
    ['a😀b', 4, 'a'],
    ['a😀b', 5, 'a😀'],
    ['abc', 0, ''],
  ])('%s to %i bytes', (text, bytes, expected) => {
    expect(truncateUtf8(text, bytes)).toBe(expected);
  });
});

describe('truncateHtml', () => {
  it.each([
    ['<p>Hello</p>', 10, '<p>Hello'],
    ['<p>a &amp; b</p>', 7, '<p>a '],
    ['<p>a &amp; b</p>', 10, '<p>a &amp;'],
    ['<p>a & b and more</p>', 8, '<p>a & b'],
    ['<p>1 < 2 and more</p>', 8, '<p>1 < 2'],
    ['<p>short</p>', 100, '<p>short</p>'],
  ])('%s to %i bytes', (html, bytes, expected) => {
    expect(truncateHtml(html, bytes)).toBe(expected);
  });
});

describe('conversion', () => {
  it('turns HTML into plain text with CR LF, without scripts, styles and pictures', () => {
    const html =
      '<head><style>p{}</style></head><h1>Title</h1><p>One &amp; <b>two</b><br>three</p><script>x</script><img alt="no" src="x"><ul><li>a<li>b</ul>';
    expect(htmlToText(html)).toBe('Title\r\n\r\nOne & two\r\nthree\r\n\r\n * a\r\n * b');
  });

  it('leaves comments out as far as they go, whatever they end with', () => {
    const html =
      '<!--><p>One</p><!---><p>two</p><!-- -- x --!><p>three</p><!-- > --><p>four</p><!-- no end <p>x</p>';
    expect(htmlToText(html).split(/\s+/)).toEqual(['One', 'two', 'three', 'four']);
  });

  it.each([
    ['<table><tr><th>Item<th>Price</tr><tr><td>Tea<td>3 €</tr></table>', 'Item Price\r\nTea 3 €'],
    [
      '<p>Hello</p><table><tr><td><table><tr><td><p>One</p></td><td>two</td></tr></table></td></tr><tr><td>three</td></tr></table><p>Bye</p>',
      'Hello\r\n\r\nOne\r\n\r\ntwo\r\n\r\nthree\r\n\r\nBye',
    ],
    [
      '<center>One</center><center>two</center><dl><dt>Term<dd>What it is</dl>',
      'One\r\ntwo\r\nTerm\r\nWhat it is',
    ],
    ['<table><tr><td>One </td>\n<td>\n</td>\n<td> two</td></tr></table>', 'One two'],
  ])('keeps words apart that stand apart: %s', (html, text) => {
    expect(htmlToText(html)).toBe(text);
  });

  it('names the target of a link', () => {
    expect(htmlToText('<a href="https://example.org/x">here</a>')).toBe('here <https://example.org/x>');
  });

  it('is bounded by maxChars and survives hostile input', () => {
    expect(htmlToText('<p>abcdef</p>', 3)).toBe('abc');
    for (const piece of [
      '<div>',
      '<table><tr><td>',
      '<',
      '&',
      '<!--',
      '<style>',
      '<a href="',
      '<blockquote>',
      '</p>',
      '<div></b>',
    ]) {
      expect(htmlToText(piece.repeat(20_000)).length).toBeLessThan(200_000);
    }
  });

  it.each([
    ['blanks between words', `${'<p>'.repeat(90_000)}x${'\u00a0'.repeat(300_000)}x`],
    ['a start tag without end', '<style '.repeat(100_000)],
  ])('%s cost no more than their length', (_what, html) => {
    expect(htmlToText(html).length).toBeLessThanOrEqual(html.length);
  });

  it('turns plain text into HTML', () => {
    expect(textToHtml('a < b & "c"\r\n  d')).toBe(
      '<html><head><meta charset="utf-8"></head><body><div>a &lt; b &amp; &quot;c&quot;<br>\r\n &nbsp;d</div></body></html>',
    );
  });

  it('declares UTF-8 in meta elements of both kinds', () => {
    expect(
      declareUtf8('<meta charset="koi8-r"><META http-equiv=x content="text/html; charset=iso-8859-1">'),
    ).toBe('<meta charset="utf-8"><META http-equiv=x content="text/html; charset=utf-8">');
  });

  it('gives every line CR LF', () => {
    expect(toCrLf('a\nb\r\nc\rd')).toBe('a\r\nb\r\nc\r\nd');
  });
});

it.each([
  ['a \r\nb', false, 'a b'],
  ['a \r\nb', true, 'ab'],
  ['> a \r\n> b\r\n>> c', false, '> a b\r\n>> c'],
  ['a \r\n> b', false, 'a \r\n> b'],
  ['-- \r\nAnn', false, '-- \r\nAnn'],
  ['a \r\n-- \r\nAnn', false, 'a \r\n-- \r\nAnn'],
])('unflow %j, delsp %s', (text, delsp, expected) => {
  expect(unflow(text, delsp)).toBe(expected);
});

describe('preview', () => {
  it('leaves out links, quote marks and rulers', () => {
    expect(previewOfText('> Hi  there\r\n-------\r\nsee <https://example.org/long?x=1> [cid:pic] now')).toBe(
      'Hi there see now',
    );
  });

  it('reads HTML that is cut off anywhere', () => {
    expect(
      previewOfHtml('<head><title>no</title></head><p>One&nbsp;&uuml;&#8364;</p><style>x</style>two<a hr'),
    ).toBe('One ü€ two');
  });

  it('holds at most 2 KiB', () => {
    expect(Buffer.byteLength(previewOfText('äöü '.repeat(2_000)), 'utf8')).toBeLessThanOrEqual(2_048);
  });
});

describe('readBody', () => {
  const textOf = async (source: string, maxBytes?: number) => {
    const bytes = Buffer.from(source, 'latin1');
    const ofSource = new MessageIndexer();
    ofSource.write(bytes);
    const found = ofSource.end();
    const kind = found.html.length > 0 ? 'html' : 'plain';
    const { text } = await readBody(
      found,
      kind,
      async ({ start, end }, most) => bytes.subarray(start, Math.min(end, start + most)),
      maxBytes,
    );
    return text;
  };
  const mixed = (...parts: readonly string[]) =>
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`;

  it.each([
    ['<p>1</p></body> </HTML> ', '<p>1</p><div>2</div><p>3</p></body></body> </HTML> '],
    ['<p>1</p></body>', '<p>1</p><div>2</div><p>3</p></body></body>'],
    ['<p>1</p></body>x', '<p>1</p></body>x<div>2</div><p>3</p></body>'],
    ['<p>1</p></html>', '<p>1</p></html><div>2</div><p>3</p></body>'],
  ])('puts what follows %s before its end', async (first, expected) => {
    const html = (text: string) => `Content-Type: text/html\r\n\r\n${text}`;
    expect(await textOf(mixed(html(first), '\r\n2', html('<p>3</p></body>')))).toBe(expected);
  });

  it('blanks in HTML, and bytes of no character where it is cut, cost no more than their length', async () => {
    const html = `Content-Type: text/html\r\n\r\n</body>${' '.repeat(300_000)}x`;
    expect(await textOf(mixed(html, html))).toContain('</body>');
    const broken = `Content-Type: text/plain; charset=utf-8\r\n\r\n${'\xff'.repeat(599_000)}x${'\xff'.repeat(600_000)}`;
    expect((await textOf(broken, 100_000)).length).toBeLessThanOrEqual(100_000);
  });

  const raw = Buffer.from(
    `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from('ä€😀'.repeat(50_000)).toString('base64')}\r\n`,
  );
  const indexer = new MessageIndexer();
  indexer.write(raw);
  const index = indexer.end();

  it('reads only as much of a part as the cut needs', async () => {
    let read = 0;
    const body = await readBody(
      index,
      'plain',
      (part, maxBytes) => {
        read = Math.min(part.end - part.start, maxBytes);
        return Promise.resolve(raw.subarray(part.start, part.start + read));
      },
      500,
    );
    expect(read).toBeLessThan(10_000);
    expect(Buffer.byteLength(body.text)).toBeLessThanOrEqual(500);
    expect(body.text).toBe(`${'ä€😀'.repeat(55)}ä€`);
    expect(body.isWhole).toBe(false);
    expect(body.estimatedBytes).toBe(450_000);
  });

  it('says so when the body is whole', async () => {
    const body = await readBody(index, 'html', (part) => Promise.resolve(raw.subarray(part.start, part.end)));
    expect(body.isWhole).toBe(true);
    expect(body.estimatedBytes).toBe(Buffer.byteLength(body.text));
    expect(body.text).toContain('<body><div>ä€😀');
  });
});

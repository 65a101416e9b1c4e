import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { cleanCss } from './clean-css.ts';
import { cleanHtml } from './clean-html.ts';
import { truncateHtml } from './truncate.ts';

const clean = async (html: string) => (await cleanHtml(html)).html;

describe('cleanHtml leaves out', () => {
  test.each([
    ['a script', 'a<script>alert(1)</script>b', 'ab'],
    ['a script in capitals, with blanks', 'a<ScRiPt >alert("</b>")</sCrIpT\n>b', 'ab'],
    ['a script that never ends', 'a<script>alert(1)', 'a'],
    ['a script in a script', '<scr<script>ipt>alert(1)</script>', 'ipt&gt;alert(1)'],
    ['event handlers', '<p onclick="x()" ONLOAD=x on\u0000error=x>a</p>', '<p>a</p>'],
    ['an event handler behind a slash', '<img/onerror="alert(1)"/src="x">', '<img src="x" />'],
    ['an event handler before a stray quote', '<p title=a onclick=x">a</p>', '<p title="a">a</p>'],
    ['a link on a picture', '<img src="mailto:a@b">', '<img />'],
    ['event handlers of an SVG', '<svg/onload=alert(1)>a</svg>b', 'b'],
    ['SVG with scripts', '<svg><script>1</script><a xlink:href="javascript:1">t</a></svg>b', 'b'],
    ['MathML', '<math><mi xlink:href="javascript:1">t</mi></math>b', 'b'],
    ['a link to a script', '<a href="javascript:alert(1)">a</a>', '<a>a</a>'],
    ['the same in entities', '<a href="&#106;avascript&colon;alert(1)">a</a>', '<a>a</a>'],
    ['the same with blanks and controls', '<a href=" \u0001java\tscr\nipt:alert(1)">a</a>', '<a>a</a>'],
    ['vbscript', '<a href=VBScript:x>a</a>', '<a>a</a>'],
    ['a link to data', '<a href="data:text/html,<script>1</script>">a</a>', '<a>a</a>'],
    ['a picture that is no picture', '<img src="data:text/html;base64,PHA+">', '<img />'],
    ['a picture that is SVG', '<img src="data:image/svg+xml,<svg onload=1>">', '<img />'],
    ['a picture of several that is SVG', '<img srcset="data:image/svg+xml,x 1x">', '<img />'],
    ['the same behind another', '<img srcset="https://x.example/a 1x, data:image/svg+xml,x 2x">', '<img />'],
    ['the same behind blanks', `<img src="${' '.repeat(200)}d\nata:image/svg+xml,x">`, '<img />'],
    ['a file', '<img src="file:///etc/passwd"><a href="file:///x">a</a>', '<img /><a>a</a>'],
    ['an object and what is in it', '<object data=x.swf><b>a</b></object>b', 'b'],
    ['embed, applet', '<embed src=x.swf><applet code=x>a</applet>b', 'b'],
    ['a frame', '<iframe src="https://x.example/">a</iframe>b<frameset><frame src=x></frameset>', 'b'],
    ['a frame with a document of its own', '<iframe srcdoc="<script>1</script>"></iframe>b', 'b'],
    [
      'the tags of a form',
      '<form action=x><input name=p><b>a</b><button formaction=y>c</button></form>',
      '<b>a</b>c',
    ],
    ['a choice and a field', '<select><option>a</select><textarea><script>1</script></textarea>b', 'b'],
    ['a refresh', '<meta http-equiv=refresh content="0;url=https://x.example">a', 'a'],
    ['a cookie', '<meta http-equiv="Set-Cookie" content=a>a', 'a'],
    ['the base of addresses', '<base href="https://x.example/">a', 'a'],
    ['a style from elsewhere', '<link rel=stylesheet href="https://x.example/a.css">a', 'a'],
    ['a title', '<title>t<b></title>a', 'a'],
    ['comments', 'a<!-- <b> -->b<!-->c<!--->d<!-- e --!>f', 'abcdf'],
    ['conditional comments', 'a<!--[if mso]><script>1</script><p>x</p><![endif]-->b', 'ab'],
    ['the marks of a revealed condition', '<![if !mso]><b>a</b><![endif]>', '<b>a</b>'],
    ['what stands without scripts', '<noscript><img src=https://x.example/p></noscript>b', 'b'],
    [
      'a mutation by noscript',
      '<noscript><p title="</noscript><img src=x onerror=1>">',
      '<img src="x" />"&gt;',
    ],
    ['a tag whose name has a quote', '<p>a<b="</b>c<a href="x', '<p>ac</p>'],
    ['a quote inside a value', '<p a=b="c>d<b title="x', '<p>d</p>'],
    ['a quote in the name of an attribute', '<p ="c>d<b title="x', '<p>d</p>'],
    ['a mutation by a template', '<template><img src=x onerror=1></template>b', 'b'],
    ['a mutation by foreign content', '<math><mtext><table><mglyph><style><img src=x onerror=1>', ''],
    ['plain text to the end', 'a<plaintext><b>c', 'a'],
    ['an instruction', '<?xml version="1.0"?><?php echo 1 ?>a', 'a'],
    ['a tag that never ends', 'a<b onclick="x', 'a'],
    ['elements of word processors', '<o:p>a</o:p><v:shape>b</v:shape>', 'ab'],
    [
      'expressions in style',
      '<p style="color:red;width:expression(alert(1))">a</p>',
      '<p style="color:red;">a</p>',
    ],
    ['expressions between comments', '<p style="width:exp/**/ression(1)">a</p>', '<p>a</p>'],
    ['expressions in escapes', '<p style="width:\\65 xpression(1)">a</p>', '<p>a</p>'],
    [
      'bindings',
      '<p style="-moz-binding:url(x);behavior:url(x.htc);left:1px">a',
      '<p style="left:1px">a</p>',
    ],
    ['script addresses in style', '<p style="background:url(&quot;java\\0script:1&quot;)">a</p>', '<p>a</p>'],
    [
      'imports',
      '<style>@import url(https://x.example/a.css);p{left:1px}</style>',
      '<style>p{left:1px}</style>',
    ],
    ['imports in escapes', "<style>@\\69mport 'x';p{left:1px}</style>", '<style>p{left:1px}</style>'],
    [
      'a tag in style',
      '<style>a{content:"<img src=x>"}</style>',
      '<style>a{content:"\\3c img src=x>"}</style>',
    ],
    ['a style in a picture', '<svg><style><img src=x onerror=1></style></svg>b', 'b'],
  ])('%s', async (_, html, expected) => {
    expect(await clean(html)).toBe(expected);
  });
});

describe('cleanHtml keeps', () => {
  test.each([
    ['text and references', 'a &amp; b &lt;i&gt; &eacute; 1 < 2', 'a &amp; b &lt;i&gt; &eacute; 1 &lt; 2'],
    [
      'a table with its layout',
      '<table width="100%" cellpadding=0 bgcolor="#fff" style="color:#333"><tr><td nowrap align=left colspan=2>a</td></tr></table>',
      '<table width="100%" cellpadding="0" bgcolor="#fff" style="color:#333"><tr><td nowrap align="left" colspan="2">a</td></tr></table>',
    ],
    ['pictures of the message', '<img src="cid:a@b" alt="">', '<img src="cid:a@b" alt="">'],
    [
      'pictures from the network',
      '<img src="https://x.example/a?b=1&amp;c">',
      '<img src="https://x.example/a?b=1&amp;c">',
    ],
    ['pictures in place', '<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'],
    [
      'pictures of several sizes',
      '<img srcset="a 1x,b 2x, c.png 300w">',
      '<img srcset="a 1x, b 2x, c.png 300w" />',
    ],
    ['a picture behind a table', '<td background="cid:a">', '<td background="cid:a"></td>'],
    [
      'links',
      '<a href="https://x.example" target=_blank>a</a>',
      '<a href="https://x.example" target="_blank">a</a>',
    ],
    [
      'addresses and numbers',
      '<a href="mailto:a@b?x=1">a</a><a href="tel:+1">b</a>',
      '<a href="mailto:a@b?x=1">a</a><a href="tel:+1">b</a>',
    ],
    ['places in the message', '<a href="#x">a</a><a name=x></a>', '<a href="#x">a</a><a name="x"></a>'],
    [
      'a background from the network',
      '<p style="background:url(https://x.example/a.png)">',
      '<p style="background:url(https://x.example/a.png)"></p>',
    ],
    [
      'style for a screen',
      '<style type="text/css" media="screen and (max-width:600px)">p>a{left:1px}</style>',
      '<style media="screen and (max-width:600px)">p>a{left:1px}</style>',
    ],
    ['what closes itself', '<br/>a<img src="cid:x" />b<BR />', '<br/>a<img src="cid:x" />b<BR />'],
    [
      'a tag in a value, which is none',
      '<b title="<i class=">x" >y</i></b>',
      '<b title="&lt;i class=">x" &gt;y</b>',
    ],
    ['the writing of what is plain', '<P CLASS="x" >&eacute; &copy</P>', '<P CLASS="x" >&eacute; &copy</P>'],
    [
      'what stands behind a meta element that goes',
      '<table><tr><td><meta http-equiv=refresh content=0>a</td><td>b</td></tr></table>',
      '<table><tr><td>a</td><td>b</td></tr></table>',
    ],
    ['how it scrolls', '<p style="scroll-behavior:smooth">', '<p style="scroll-behavior:smooth"></p>'],
    ['the kind of document', '<!DOCTYPE html>\n<p>a', '<!DOCTYPE html>\n<p>a</p>'],
    [
      'its width',
      '<meta name="viewport" content="width=device-width">',
      '<meta name="viewport" content="width=device-width">',
    ],
  ])('%s', async (_, html, expected) => {
    expect(await clean(html)).toBe(expected);
  });

  test('the charset, as UTF-8', async () => {
    expect(await clean('<meta charset="windows-1252">')).toBe('<meta charset="utf-8" />');
    expect(await clean('<META HTTP-EQUIV="content-type" CONTENT="text/html; charset=koi8-r">')).toBe(
      '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />',
    );
  });
});

test('cleanCss leaves the rest of a block as it was', () => {
  const css = 'a{color:red;b:url(javascript:1);c:url("a;b")}@media x{d{e:f}}';
  expect(cleanCss(css)).toBe('a{color:red;c:url("a;b")}@media x{d{e:f}}');
  expect(cleanCss('a:expression(1){b:c}d{e:f}')).toBe('@media not all{b:c}d{e:f}');
  expect(cleanCss('<!-- a{b:c} -->')).toBe(' a{b:c} ');
  expect(cleanCss('a{b:url(')).toBe('a{b:url(');
});

const row = (n: number) =>
  `<tr><td style="color:#333"><a href="https://x.example/${n}?a=1&amp;b=2">Grüße ${n} 😀</a> &nbsp;text</td></tr>`;
const newsletter = `<html><head><style>p{}</style></head><body><div><table>${Array.from({ length: 3000 }, (_, n) => row(n)).join('')}</table></div><p>end</p></body></html>`;

test('a large document that is clean comes through as it is, wherever it was cut', async () => {
  const { html, isWhole } = await cleanHtml(newsletter);
  expect(isWhole).toBe(true);
  expect(html).toBe(newsletter);
});

test('a set of pictures that cannot be read goes, and nothing is printed', async () => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  for (const srcset of ['a 1q', 'a 0w', 'a 1x 2x', 'a 1x\u00a0', 'a (', 'a -1x, b', 'a,b 1x c']) {
    expect(await clean(`<img srcset="${srcset}">`)).toBe('<img />');
  }
  expect(printed).not.toHaveBeenCalled();
  printed.mockRestore();
});

test('cleaning stops soon after there is enough', async () => {
  for (const maxBytes of [0, 1, 500, 5_000, 100_000]) {
    const { html, isWhole } = await cleanHtml(newsletter, maxBytes);
    expect(isWhole).toBe(false);
    expect(Buffer.byteLength(html)).toBeGreaterThan(maxBytes);
    expect(Buffer.byteLength(html)).toBeLessThan(2 * maxBytes + 20_000);
    const whole = await clean(newsletter);
    expect(truncateHtml(html, maxBytes)).toBe(truncateHtml(whole, maxBytes));
  }
});

test('what is cut off by a limit of the work is never what keeps a script out', async () => {
  const attack = '<img src=x onerror=alert(1)><script>alert(1)</script><a href="javascript:1">a</a>';
  for (const before of [
    '<b>'.repeat(490),
    'x'.repeat(8190),
    '<p>a'.repeat(2047),
    '<style>a{}</style>'.repeat(600),
  ]) {
    const html = await clean(`${before}${attack.repeat(300)}`);
    expect(html).not.toMatch(/onerror|<script|javascript|alert/);
    expect(html).toContain('<img src="x" />');
  }
});

test('a tag with too many attributes has none, and one with a large picture has it', async () => {
  const many = Array.from({ length: 100_000 }, (_, n) => `a${n}=1`).join(' ');
  expect(await clean(`<p ${many}>a</p><b>c</b>`)).toBe('<p>a</p><b>c</b>');
  const picture = `<img src="data:image/png;base64,${'A'.repeat(2_000_000)}" />`;
  expect(await clean(picture)).toBe(picture);
});

/** The longest time between two turns of others, in units of what cleaning a slice takes: no absolute times. */
async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  return turns;
}

test.each([
  ['5 MB of a newsletter', newsletter.repeat(12), 300],
  ['100,000 elements in each other', `${'<div>'.repeat(100_000)}x`, 60],
  ['end tags that end nothing', '<b><i></u></s>'.repeat(50_000), 60],
  ['more tags than are kept', '<b>'.repeat(1_600_000), 60],
  ['comments', '<!-- -->'.repeat(600_000), 60],
  ['angle brackets', '< '.repeat(500_000), 60],
  ['open quotes', '<a b="'.repeat(800_000), 0],
  ['styles', '<style>a{b:url(x)}</style>'.repeat(40_000), 60],
  ['one large style', `<style>${'\\a{b:url("'.repeat(500_000)}</style>`, 0],
])(
  'hostile HTML is cleaned while others have their turn: %s',
  async (_, html, turns) => {
    expect(await turnsWhile(cleanHtml(html))).toBeGreaterThan(turns);
  },
  60_000,
);

test('elements deeper than browsers go lose their tags and keep their text', async () => {
  const html = await clean(`${'<div>'.repeat(3000)}deep${'</div>'.repeat(3000)}<p>end</p>`);
  expect(html.match(/<div>/g)).toHaveLength(500);
  expect(html.match(/<\/div>/g)).toHaveLength(500);
  expect(html).toMatch(/deep.*<p>end<\/p>/);
});

test('the hostile message of the fixtures keeps its text alone', async () => {
  const url = new URL('../../test/fixtures/mail/59-html-hostile.eml', import.meta.url);
  const html = await clean(readFileSync(url, 'utf8').replace(/^.*?\r?\n\r?\n/s, ''));
  expect(html).toContain('Deep text');
  expect(html).toContain('<p>Last &lt;word&gt;</p>');
  expect(html).not.toMatch(/alert|evil|script/);
});

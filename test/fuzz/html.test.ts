import sanitize, { type IOptions } from 'sanitize-html';
import { expect, test } from 'vitest';
import { cleanHtml } from '#mime/clean-html';
import { htmlPieces } from '#mime/html-pieces';
import { htmlRules } from '#mime/html-rules';
import { openAfterPlain } from '#mime/plain-html';
import { Choices } from '#test/support/choices';
import { casesOf } from './cases.ts';

/** What got past some cleaner once, and what such a thing is made of. */
const fragments: readonly string[] = [
  '<',
  '</',
  '>',
  '/>',
  '"',
  "'",
  '=',
  ' ',
  '\n',
  '\t',
  '\f',
  '\0',
  '`',
  '&',
  ';',
  '&#',
  '&#x6a;',
  '!',
  '--',
  '-->',
  '/',
  '\\',
  '<!--',
  '<!-->',
  '<!--->',
  '--!>',
  '<![CDATA[',
  ']]>',
  '<?',
  '<!',
  '<!DOCTYPE html>',
  '<![if mso]>',
  '<![endif]-->',
  '<script>',
  '</script>',
  '<script',
  '</script\n>',
  '<style>',
  '</style>',
  '<style media="screen">',
  '<title>',
  '</title>',
  '<textarea>',
  '</textarea>',
  '<xmp>',
  '</xmp>',
  '<noscript>',
  '</noscript>',
  '<iframe>',
  '</iframe>',
  '<noembed>',
  '<noframes>',
  '<svg>',
  '</svg>',
  '<svg/>',
  '<math>',
  '</math>',
  '<mtext>',
  '<mglyph>',
  '<foreignObject>',
  '<desc>',
  '<annotation-xml>',
  '<template>',
  '</template>',
  '<select>',
  '</select>',
  '<option>',
  '<object>',
  '</object>',
  '<plaintext>',
  '<frameset>',
  '<form action=x>',
  '</form>',
  '<input formaction="javascript:x">',
  '<button>',
  '<base href="//x/">',
  '<link rel=stylesheet href=x>',
  '<table>',
  '</table>',
  '<tr>',
  '<td>',
  '</td>',
  '<th>',
  '<caption>',
  '<p>',
  '</p>',
  '<p title="',
  '<b>',
  '</b>',
  '<i/>',
  '<br/>',
  '</br>',
  '<a href="javascript:alert(1)">',
  '<a href=&#106;avascript&colon;x>',
  '<a href="java\tscript:x">',
  '<a href="',
  '</a>',
  "<a href='https://x.example/?a=1&amp;b=<2>'>",
  '<A HREF=HTTPS://X.EXAMPLE/>',
  '<a href=" vbscript:x">',
  '<a href="java<!-- -->script:x">',
  '<img src=x onerror=alert(1)>',
  '<img src="data:text/html,x">',
  '<img src="data:image/png;base64,AA">',
  '<img/src=x/onerror=x>',
  '<image src="cid:a">',
  '<body onload=x>',
  '<div style="',
  'width:expression(1)',
  'expression&lpar;1&rpar;',
  'background:url(javascript:1)',
  '@import url(x);',
  '\\65 xpression(1)',
  '-moz-binding:url(x)',
  '/*',
  '*/',
  '{',
  '}',
  ' style=&quot;',
  ' onclick=x',
  ' srcset="data:x 1x"',
  '<meta http-equiv=refresh content="0;url=javascript:x">',
  '<meta charset=utf-7>',
  '<meta name=viewport content="a">',
  '<o:p>',
  '</o:p>',
  'text',
  'img src=x onerror=alert(1) ',
  'script>',
  '<p title="a<script">',
  'é😀\u2028',
  '&lt;script&gt;',
  '&nbsp;',
  '&amp;lt;',
  '<scr\0ipt>',
  '<p id=a id=b style=x style=y>',
  '<td background="javascript:x">',
];

function hostileHtml(choices: Choices): string {
  let html = '';
  for (let count = 1 + choices.below(30); count > 0; count--) html += choices.of(fragments);
  if (choices.oneIn(3)) {
    const at = choices.below(html.length);
    html = html.slice(0, at) + html.slice(at + 1 + choices.below(4));
  }
  return choices.oneIn(4) ? html.toUpperCase() : html;
}

const openers = [
  '',
  '',
  '',
  ' class="c"',
  ' CLASS=c',
  " id='i'",
  ' title="a &quot;b&quot; &lt;c&gt; &eacute;"',
  ' align=left',
  ' onclick="x()"',
  ' style="color:#333;font-family:&quot;Segoe UI&quot;"',
  ' style="width:expression(1);left:1px"',
  ' style=\'a:b("c")\'',
  ' dir="rtl" lang=ar',
  ' data-x="1"',
  ' title="1 > 0 & <b>"',
  ' nowrap',
  ' bgcolor="#fff" width="100%"',
  ' xmlns:o="urn:x"',
  ' class = "spaced" ',
];
const links = [
  'https://x.example/?a=1&amp;b=2',
  'https://x.example/?a=1&copy=2&reg',
  'mailto:a@b.example?subject=x&amp;body=y',
  '#top',
  '/x?a=1&b=2',
  'javascript:alert(1)',
  '&#x6A;avascript&#58;x',
  ' java&#10;script:x',
  'data:text/html,x',
  'tel:+1',
  'file:///x',
  'cid:a',
  'x.html',
];
const sources = [
  'cid:a@b',
  'https://x.example/a.png?b=1&amp;c',
  'data:image/png;base64,AA+/=',
  'data:image/svg+xml,x',
  'javascript:x',
  'x&#46;png',
];
const texts = [
  'text',
  ' a &amp; b ',
  '1 &lt; 2',
  'a > b',
  '&nbsp;',
  'Grüße &eacute;&#233;&#xe9; 😀',
  '\r\n',
  'AT&T',
  '&notanentity;',
  '&copy 2026',
  '<!-- c -->',
];

/** A document as programs write them: elements nest, and every one has its tags. */
function plainHtml(choices: Choices, depth: number): string {
  const attributes = () => `${choices.of(openers)}${choices.oneIn(4) ? choices.of(openers) : ''}`;
  const inside = () => (depth > 0 ? plainHtml(choices, depth - 1) : (choices.of(texts) ?? ''));
  const inline = () => `${choices.of(texts)}<span${attributes()}>${choices.of(texts)}</span>`;
  const kinds: readonly (() => string)[] = [
    () => choices.of(texts) ?? '',
    () => `<div${attributes()}>${inside()}${inside()}</div>`,
    () => `<DIV${attributes()}>${inside()}</DIV >`,
    () => `<p${attributes()}>${inline()}<br>${inline()}<br/>${inline()}<BR />${inline()}</p>`,
    () =>
      `<table${attributes()}><tbody><tr${attributes()}><td${attributes()}>${inside()}</td><th>${inside()}</th></tr></tbody></table>`,
    () => `<ul><li${attributes()}>${inside()}</li><li>${inline()}</li></ul>`,
    () => `<a href="${choices.of(links)}"${attributes()}>${choices.of(texts)}</a>`,
    () => `<a target=_blank href='${choices.of(links)}'>${choices.of(texts)}</a>`,
    () => `<img src="${choices.of(sources)}" alt=""${attributes()}>`,
    () => `<img alt="a" src='${choices.of(sources)}' width=1 />`,
    () => `<table background="${choices.of(sources)}"><tr><td>${inline()}</td></tr></table>`,
    () => `<o:p>${inline()}</o:p><form action="x">${inline()}<input name=a><button>b</button></form>`,
    () => `<script>"<b>"</script><object data=x>${inside()}</object><svg><path d="x"/><a>t</a></svg>`,
    () => `<select><option>a</option><option>b</option></select><iframe src=x></iframe><title>t</title>`,
    () =>
      '<meta charset="koi8-r"><meta name="viewport" content="width=1"><meta http-equiv=refresh content="0;x">',
  ];
  return Array.from({ length: 1 + choices.below(4) }, () => choices.of(kinds)?.() ?? '').join('');
}

const words = (text: string) => text.split(' ');
const tags = words(
  'html head body meta p p div div span b a a td td tr table tbody thead th ul li dd dt dl h1 h2 ruby rt rp section center ' +
    'br br hr img img col source font map area i u form button svg o:p select option title P DIV Br form',
);
const names = words(
  'style style class id href href src src background cite usemap srcset title alt nowrap NOWRAP Href content name onclick ' +
    'data-x xlink:href formaction charset',
);
const values = [
  ...links,
  ...links,
  ...sources,
  ...texts,
  'HTTPS://x.example/',
  ' https://x.example/',
  'https',
  '//x.example/a',
  'color:#333',
  'a:&quot;b&quot;',
  'width:expression(1)',
  'width:ex&#112;ression(1)',
  'background:url(https://x.example/a.png)',
  'background:url(java\\script:1)',
  'a 1x',
  '',
  '\0',
  'a\0',
  '"',
];
const ends = ['>', '>', '>', '>', '>', '>', '/>', ' />', ' >', '/ >', '\n>', '\f>', '', '">', '\u00a0>'];
const equals = ['="', '="', '="', '="', '="', '="', '="', '=', " = '", ''];
const blanks = [' ', ' ', ' ', ' ', ' ', '\n', '\t ', '\f', '/', '', '\u00a0', '\v'];

function tag(choices: Choices, name: string): string {
  let html = `<${name}`;
  for (let count = choices.below(3); count > 0; count--) {
    const [blank = '', equal = ''] = [choices.of(blanks), choices.of(equals)];
    const value = `${equal}${choices.of(values)}${equal.endsWith('"') ? '"' : ''}`;
    html += `${blank}${choices.of(names)}${equal === '' ? '' : value}`;
  }
  return html + choices.of(ends);
}

/** Elements in each other by chance, most of them written as they should be. */
function mixedHtml(choices: Choices): string {
  const open: string[] = [];
  let html = '';
  for (let count = 1 + choices.below(10); count > 0; count--) {
    const name = choices.of(tags) ?? '';
    const kind = choices.below(20);
    if (kind < 9) {
      html += tag(choices, name);
      if (!/^(?:br|hr|img|col|meta|source|area)$/i.test(name) || choices.oneIn(20)) open.push(name);
    } else if (kind < 16) html += `</${open.pop() ?? name}>`;
    else if (kind < 17) html += `</${name}${choices.of(ends)}`;
    else if (kind < 18 && choices.oneIn(5)) html += choices.of(fragments);
    else html += choices.of(texts);
  }
  return html;
}

const endMark = 'mailstead-end';

/** HTML by some rules, and what is open at its end. */
function sanitized(html: string, rules: IOptions): { html: string; open: readonly string[] } {
  const open: string[] = [];
  let atEnd: readonly string[] = [];
  const clean = sanitize(`${html}<${endMark}>`, {
    ...rules,
    // An attribute without a value harms nobody.
    nonBooleanAttributes: [],
    onOpenTag: (name) => {
      if (name === endMark) atEnd = [...open];
      open.push(name);
    },
    onCloseTag: () => open.pop(),
  });
  return { html: clean, open: atEnd };
}

/** Rules by which nothing has to go but the mark of the end. */
const everything: IOptions = {
  allowedTags: false,
  allowedAttributes: false,
  allowedSchemesAppliedToAttributes: [],
  allowVulnerableTags: true,
  selfClosing: htmlRules.selfClosing ?? [],
  parseStyleAttributes: false,
  exclusiveFilter: ({ tag }) => tag === endMark,
};

/** What sanitize-html makes of a document without style elements; undefined of others. */
function asSanitized(html: string): string | undefined {
  const pieces = [...htmlPieces(html, () => Number.POSITIVE_INFINITY)];
  if (pieces.some(({ kind }) => kind === 'style')) return undefined;
  return sanitize(pieces.map((piece) => piece.html).join(''), htmlRules);
}

const rewritten = (html: string) => sanitize(html, everything);

test('HTML: what passes as it stands is what sanitize-html finds nothing in', { timeout: 3_600_000 }, () => {
  for (const n of casesOf(20_000)) {
    const choices = new Choices(n);
    const html = choices.oneIn(4) ? hostileHtml(choices) : mixedHtml(choices);
    const open = openAfterPlain(html, []);
    if (open === undefined) continue;
    const what = `FUZZ_CASE=${n} ${JSON.stringify(html)}`;
    // Of sets of pictures all go to sanitize-html.
    expect(html, what).not.toMatch(/\0|<[^<>]*\ssrcset/i);
    expect(html.replaceAll(/<\/?[a-z][^<>]*>/gi, ''), what).not.toMatch(/[<>\0]/);
    const everythingKept = sanitized(html, everything);
    expect(sanitized(html, htmlRules).html, what).toBe(everythingKept.html);
    expect(open, what).toEqual(everythingKept.open);
  }
});

test('HTML: what does not pass comes as sanitize-html gives it', { timeout: 3_600_000 }, async () => {
  for (const n of casesOf(2_000)) {
    const choices = new Choices(n);
    const html = choices.oneIn(3) ? mixedHtml(choices) : hostileHtml(choices);
    const expected = asSanitized(html);
    if (expected === undefined || html.length > 1_000) continue;
    const cleaned = (await cleanHtml(html)).html.replace(/^\s*<!doctype html>/i, '');
    const what = `FUZZ_CASE=${n} ${JSON.stringify(html)}`;
    if (cleaned !== expected) expect(rewritten(cleaned), what).toBe(rewritten(expected));
  }
});

test('HTML: a document of many pieces, plain and other ones, comes as a whole', {
  timeout: 3_600_000,
}, async () => {
  for (const n of casesOf(30)) {
    const choices = new Choices(n);
    const html = Array.from({ length: 8 }, () => `<div>${plainHtml(choices, 4)}`).join('');
    const cleaned = (await cleanHtml(html)).html;
    const what = `FUZZ_CASE=${n} ${JSON.stringify(html)}`;
    expect(rewritten(cleaned), what).toBe(rewritten(asSanitized(html) ?? ''));
  }
});

import { compile } from 'html-to-text';
import { dropHidden } from './hidden-html.ts';
import { stripHtml } from './strip-html.ts';

/** Longest HTML whose structure is looked at, in characters; of longer ones only the text is taken. */
const maxStructured = 256 * 1024;
/** The same for the depth of its elements: building the tree takes time in the square of that. */
const maxDepth = 500;

const convert = compile({
  wordwrap: false,
  limits: { maxInputLength: maxStructured, maxDepth, maxChildNodes: 20_000, ellipsis: '' },
  selectors: [
    { selector: 'img', format: 'skip' },
    {
      selector: 'a',
      options: {
        hideLinkHrefIfSameAsText: true,
        ignoreHref: false,
        noAnchorUrl: true,
        linkBrackets: ['<', '>'],
      },
    },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});

/**
 * HTML as plain text with CR LF line ends, at most `maxChars` UTF-16 units. Hostile input (depth,
 * number of elements, size) costs bounded time; what lies beyond the bounds is left out. Where the
 * tree is too deep for structure, the text between the tags is given.
 */
export function htmlToText(html: string, maxChars: number = Number.POSITIVE_INFINITY): string {
  const visible = dropHidden(html);
  // Markup outweighs text: so much of it surely holds `maxChars`, and a preview does not pay for a newsletter.
  const enough = Math.max(64 * 1024, maxChars * 20);
  const source = visible.length > enough ? visible.slice(0, enough) : visible;
  const isPlainest = source.length > maxStructured || isDeeperThan(source, maxDepth);
  const text = isPlainest
    ? stripHtml(source)
        .replace(/[ \t]{2,}/g, ' ')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .join('\n')
    : convert(source);
  return toCrLf(text).slice(0, maxChars).toWellFormed();
}

/** Whether more elements than `limit` may be open at one place; an end tag counts only for a start tag of its name. */
function isDeeperThan(html: string, limit: number): boolean {
  const open = new Map<string, number>();
  let depth = 0;
  for (const match of html.matchAll(/<(\/?)([a-z][^\s/>]*)/gi)) {
    const name = match[2]?.toLowerCase() ?? '';
    const count = open.get(name) ?? 0;
    if (match[1] === '') {
      if (noEnd.has(name)) continue;
      open.set(name, count + 1);
      if (++depth > limit) return true;
    } else if (count > 0) {
      open.set(name, count - 1);
      depth--;
    }
  }
  return false;
}

/** Void elements of HTML: they hold nothing. */
const noEnd = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));

/** Plain text as an HTML document in UTF-8: characters escaped, line ends and spaces kept. */
export function textToHtml(text: string): string {
  return `<html><head><meta charset="utf-8"></head><body>${textToFragment(text)}</body></html>`;
}

/** Plain text as one HTML element. */
export function textToFragment(text: string): string {
  const escaped = text
    .replace(/[&<>"]/g, (char) => htmlEscapes[char] ?? char)
    .replace(/ {2}/g, ' &nbsp;')
    .replace(/\r?\n|\r/g, '<br>\r\n');
  return `<div>${escaped}</div>`;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** HTML whose `<meta>` elements say UTF-8, because a string that leaves the server is UTF-8. */
export function declareUtf8(html: string): string {
  return html.replace(/(<meta\b[^<>]{0,500}?\bcharset\s*=\s*["']?)[\w.:-]+/gi, '$1utf-8');
}

/** Plain text with every line end as CR LF. */
export function toCrLf(text: string): string {
  return text.replace(/\r\n|\n|\r/g, '\r\n');
}

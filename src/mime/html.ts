import { compile } from 'html-to-text';
import { dropHidden } from './hidden-html.ts';

/** Longest HTML that is converted, in characters; text beyond it is left out. */
const maxHtml = 2 * 1024 * 1024;

const convert = compile({
  wordwrap: false,
  limits: { maxInputLength: maxHtml, maxDepth: 200, maxChildNodes: 20_000, ellipsis: '' },
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
  const enough = Math.min(maxHtml, Math.max(64 * 1024, maxChars * 20));
  const text = convert(visible.length > enough ? visible.slice(0, enough) : visible);
  return toCrLf(text).slice(0, maxChars).toWellFormed();
}

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
  return html.replace(/(<meta\b[^>]{0,500}?\bcharset\s*=\s*["']?)[\w.:-]+/gi, '$1utf-8');
}

/** Plain text with every line end as CR LF. */
export function toCrLf(text: string): string {
  return text.replace(/\r\n|\n|\r/g, '\r\n');
}

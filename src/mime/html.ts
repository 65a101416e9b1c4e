import { Buffer } from 'node:buffer';
import { compile } from 'html-to-text';
import { dropHidden } from './hidden-html.ts';
import { stripHtml } from './strip-html.ts';

/** Longest HTML whose structure is looked at, in characters; of longer ones only the text is taken. */
const maxStructured = 256 * 1024;
/** The same for the depth of its elements: building the tree takes time in the square of that. */
const maxDepth = 500;
/** And for the number of elements and texts in one; what is beyond it would be left out. */
const maxChildNodes = 20_000;

/** Elements on a line of their own that html-to-text takes for words. */
const lines =
  'address caption center dd details dl dt fieldset figcaption figure legend menu summary tr'.split(' ');

const convert = compile({
  wordwrap: false,
  limits: { maxInputLength: maxStructured, maxDepth, maxChildNodes, ellipsis: '' },
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
    ...lines.map((selector) => ({
      selector,
      format: 'block',
      options: { leadingLineBreaks: 1, trailingLineBreaks: 1 },
    })),
    ...['td', 'th'].map((selector) => ({ selector, format: 'cell' })),
  ],
  formatters: {
    // What stands side by side in a table is not one word.
    cell: (element, walk, builder) => {
      walk(element.children, builder);
      builder.addInline(' ');
    },
  },
});

/** Plain text made of HTML. */
interface TextOfHtml {
  /** With CR LF line ends. */
  readonly text: string;
  /** False when there is more than `text`. */
  readonly isWhole: boolean;
  /** Bytes of UTF-8 of the whole text: exact when it was all made, else near. */
  readonly estimatedBytes: number;
}

/** HTML as plain text, at most `maxChars` UTF-16 units; see `textOfHtml`. */
export function htmlToText(html: string, maxChars: number = Number.POSITIVE_INFINITY): string {
  return textOfHtml(html, maxChars).text;
}

/**
 * HTML as plain text, at most `maxChars` UTF-16 units. Hostile input (depth, number of elements, size) costs bounded time:
 * where there is too much of it for structure, the text between the tags is given.
 */
export function textOfHtml(html: string, maxChars: number): TextOfHtml {
  const visible = withoutPictures(dropHidden(html));
  // Markup mostly outweighs text by less than that, and a preview does not pay for a newsletter.
  for (let enough = Math.max(64 * 1024, maxChars * 20); ; enough *= 8) {
    const isAll = visible.length <= enough;
    const text = toCrLf(bestText(isAll ? visible : visible.slice(0, enough)));
    if (!isAll && text.length < maxChars) continue;
    const share = isAll ? 1 : visible.length / enough;
    return {
      text: text.slice(0, maxChars).toWellFormed(),
      isWhole: isAll && text.length <= maxChars,
      estimatedBytes: Math.round(Buffer.byteLength(text) * share),
    };
  }
}

/** A picture that stands in its own address is no text, and may be longer than everything else. */
function withoutPictures(html: string): string {
  return html.includes('data:') ? html.replace(/(\bsrc\s*=\s*["']?data:)[^"'>]{256,}/gi, '$1') : html;
}

function bestText(html: string): string {
  if (html.length <= maxStructured && !isBeyondStructure(html)) return convert(html);
  return stripHtml(html)
    .replace(/[ \t]{2,}/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}

/**
 * Whether more elements than `maxDepth` may be open at one place, or more nodes than `maxChildNodes` stand in one; an end tag counts
 * only for a start tag of its name.
 */
function isBeyondStructure(html: string): boolean {
  const open = new Map<string, number>();
  let depth = 0;
  let elements = 0;
  for (const match of html.matchAll(/<(\/?)([a-z!?][^\s/>]*)/gi)) {
    const name = match[2]?.toLowerCase() ?? '';
    const count = open.get(name) ?? 0;
    if (match[1] !== '' && count > 0) {
      open.set(name, count - 1);
      depth--;
      continue;
    }
    // Each may have a text behind it.
    if (2 * ++elements >= maxChildNodes) return true;
    if (match[1] !== '' || noEnd.has(name) || /^[!?]/.test(name)) continue;
    open.set(name, count + 1);
    if (++depth > maxDepth) return true;
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

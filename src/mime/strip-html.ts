import { decodeReferences } from './character-references.ts';

/** Elements that begin and end on a line of their own. */
const blocks = new Set(
  'address article blockquote br center dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table td th tr ul'.split(
    ' ',
  ),
);

/**
 * The text between the tags of HTML, with a line end where a block begins or ends and the common
 * character references decoded: in one pass, whatever the input, where structure does not matter or
 * would cost too much.
 */
export function stripHtml(html: string): string {
  return decodeReferences(stripTags(html));
}

function stripTags(html: string): string {
  let text = '';
  let position = 0;
  while (position < html.length) {
    const open = html.indexOf('<', position);
    if (open < 0) return text + html.slice(position);
    text += html.slice(position, open);
    if (!/[a-z/!?]/i.test(html[open + 1] ?? '')) {
      text += '<';
      position = open + 1;
      continue;
    }
    const close = html.indexOf('>', open);
    if (close < 0) return text;
    const name = /^<\/?([a-z][a-z0-9]*)/i.exec(html.slice(open, open + 14))?.[1]?.toLowerCase();
    if (name !== undefined && blocks.has(name)) text += '\n';
    position = close + 1;
  }
  return text;
}

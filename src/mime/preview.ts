import { dropHidden } from './hidden-html.ts';
import { truncateUtf8 } from './truncate.ts';

/** Bytes of the preview a mailbox keeps of each message. */
const maxPreviewBytes = 2_048;

/** The beginning of a plain text as one reads it in a list: without links, quote marks and layout. */
export function previewOfText(text: string): string {
  let readable = text.slice(0, 4 * maxPreviewBytes);
  // Looking first is much cheaper than replacing, and most texts have few of these.
  if (readable.includes('://')) readable = readable.replace(/<?\bhttps?:\/\/[^\s<>"]{1,2000}>?/gi, ' ');
  if (readable.includes('[')) readable = readable.replace(/\[(?:cid|image|data):[^\]\s]{0,500}\]/gi, ' ');
  if (readable.includes('>')) readable = readable.replace(/^[> \t]*>/gm, ' ');
  readable = readable
    .slice(0, 2 * maxPreviewBytes)
    .replace(/--{3,}|__{3,}|=={3,}|\*\*{3,}|##{3,}|~~{3,}/g, ' ');
  return truncateUtf8(collapse(readable), maxPreviewBytes);
}

/** The same for HTML, which may be cut off anywhere: tags, styles, scripts, comments and images are left out. */
export function previewOfHtml(html: string): string {
  return previewOfText(decodeEntities(stripTags(dropHidden(html))));
}

/** Text between tags, in one pass over the input. */
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
    text += ' ';
    position = close + 1;
  }
  return text;
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  euro: '€',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
  ntilde: 'ñ',
  shy: '',
  zwnj: '',
  zwj: '',
};

/** The character references that are common in mail; others stay as they are. */
function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return Object.hasOwn(entities, name) ? (entities[name] ?? whole) : whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? '' : String.fromCodePoint(code);
    },
  );
}

/** One line: white space and invisible characters (the padding of newsletters) become single spaces. */
function collapse(text: string): string {
  const visible = /[^ -~\s]/.test(text) ? text.replace(invisible, ' ') : text;
  return visible.replace(/\s{2,}|[^\S ]/g, ' ').trim();
}

// Not the zero width joiner, which holds emoji together.
const invisible =
  /(?:[\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffc]|\u034f)+/g;

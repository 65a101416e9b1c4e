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
  return decodeEntities(stripTags(html));
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

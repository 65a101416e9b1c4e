import { cleanCss } from './clean-css.ts';
import {
  allowedAttributes,
  allowedTags,
  maxDepth,
  picture,
  urlAttributes,
  withPictures,
} from './html-rules.ts';

/** HTML standard, Void elements: those of them that are kept. */
const voidTags: ReadonlySet<string> = new Set('area br col hr img source wbr'.split(' '));

/** Elements whose end tag may be left out, and what ends them then (HTML standard, Optional tags), or for sanitize-html. */
const endedBy: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  (
    [
      [
        'p',
        'address article aside blockquote center details dir div dl fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 ' +
          'header hgroup hr main menu nav ol p pre section summary table ul',
      ],
      ['h1 h2 h3 h4 h5 h6', 'h1 h2 h3 h4 h5 h6'],
      ['td th', 'td th tr thead tbody tfoot'],
      ['tr', 'tr thead tbody tfoot'],
      ['thead tbody tfoot', 'td th thead tbody tfoot'],
      ['li', 'li'],
      ['dd dt', 'dd dt'],
      ['rt rp', 'rt rp'],
      ['a', 'a'],
      ['head', 'body'],
    ] as const
  ).flatMap(([names, enders]) => names.split(' ').map((name) => [name, new Set(enders.split(' '))])),
);

const tagName = /^[a-z][a-z\d]*/i;
/** An attribute up to its value's first character, or without a value. */
const attributeStart = /[ \t\r\n]+([a-z-]+)(?:(=")|(?=[ \t\r\n]|$))/iy;
const tagRest = /[ \t\r\n]*$/y;
const voidTagRest = /[ \t\r\n]*\/?$/y;

/** Beginnings that decide the scheme, whatever references to characters follow. */
const plainUrl = /^(?:https?:|cid:|#)/i;
const plainLink = /^(?:mailto|tel):/i;
/** What says what sanitize-html would make it say. */
const plainMeta =
  /^meta (?:charset="utf-8"|http-equiv="content-type" content="text\/html; charset=utf-8"|name="viewport" content="[\w ,.=-]+") ?\/?$/i;

/**
 * Whether sanitize-html has nothing to do in a piece of HTML: strictly written text and tags, well nested, that the
 * rules keep as they are. Takes the elements that are open before it, outermost first, and gives those behind it;
 * undefined if there may be something to clean. Takes time in proportion to the length.
 */
export function openAfterPlain(html: string, open: readonly string[]): readonly string[] | undefined {
  if (html.includes('\0')) return undefined;
  const elements = [...open];
  // Each `<` has its `>` before the next: neither stands in text or in a value.
  let greater = html.indexOf('>');
  for (let less = html.indexOf('<'); less >= 0; ) {
    const next = html.indexOf('<', less + 1);
    if (greater < less || (next >= 0 && next < greater)) return undefined;
    if (!takesPlainTag(html.slice(less + 1, greater), elements)) return undefined;
    greater = html.indexOf('>', greater + 1);
    less = next;
  }
  return greater < 0 ? elements : undefined;
}

/** Whether a tag, without its angle brackets, may stay as it stands behind those elements; keeps account of them. */
function takesPlainTag(tag: string, open: string[]): boolean {
  const parent = open.at(-1);
  if (tag.startsWith('/')) {
    open.pop();
    return parent !== undefined && allowedTags.has(parent) && tag.slice(1).toLowerCase() === parent;
  }
  const [written = ''] = tagName.exec(tag) ?? [];
  const name = written.toLowerCase();
  if (open.length >= maxDepth) return false;
  if (name === 'meta') return plainMeta.test(tag);
  if (!allowedTags.has(name) || endedBy.get(parent ?? '')?.has(name) === true) return false;
  if (!hasPlainAttributes(name, tag)) return false;
  if (!voidTags.has(name)) open.push(name);
  return true;
}

function hasPlainAttributes(name: string, tag: string): boolean {
  let at = name.length;
  while (at < tag.length) {
    attributeStart.lastIndex = at;
    const [all, attribute = '', value] = attributeStart.exec(tag) ?? [];
    if (all === undefined) break;
    const start = at + all.length;
    const end = value === undefined ? start : tag.indexOf('"', start);
    if (end < 0 || !isPlainValue(name, attribute.toLowerCase(), tag.slice(start, end))) return false;
    at = value === undefined ? start : end + 1;
  }
  const rest = voidTags.has(name) ? voidTagRest : tagRest;
  rest.lastIndex = at;
  return rest.test(tag);
}

function isPlainValue(element: string, attribute: string, value: string): boolean {
  if (!allowedAttributes.has(attribute) || attribute === 'srcset') return false;
  if (attribute === 'style') {
    const css = value.replaceAll('&quot;', '"');
    return !css.includes('&') && cleanCss(css) === css;
  }
  if (!urlAttributes.has(attribute) || plainUrl.test(value)) return true;
  if (!withPictures.has(element)) return plainLink.test(value);
  return (attribute === 'src' || attribute === 'background') && picture.test(value);
}

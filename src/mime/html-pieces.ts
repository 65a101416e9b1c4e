/** A piece of HTML that begins and ends between two tokens. */
export interface HtmlPiece {
  /** Style is the content of one style element, without its tags. */
  readonly kind: 'markup' | 'style';
  readonly html: string;
  /** Of a style element: its start tag. */
  readonly tag: string;
  /** About how many characters were read for it; where much is left out, there may be nothing else. */
  readonly readChars: number;
}

/** HTML standard, Parsing HTML documents: elements whose content is no markup. None of them is shown in a mail. */
const rawElements = new Set(
  'style script title textarea xmp iframe noembed noframes noscript plaintext'.split(' '),
);
const maxName = 12;
/** The longest reference of HTML has 33 characters. */
const maxReference = 34;
/** A text is not cut into shorter ones. */
const leastText = 2 * maxReference;
/** Longest tag with its attributes, in characters, but for a picture that stands in it. A longer one has no attributes. */
const maxTag = 16 * 1024;
/** Longest content of a style element; longer ones are left out. */
const maxStyle = 128 * 1024;
/** So many tags a document has at the most; of what follows there is the text. */
const maxTags = 200_000;
/** So much is read at a time, even if nothing of it is kept. */
const maxReadChars = 64 * 1024;

/**
 * Cuts HTML into pieces of about so many characters (asked for each), a tag never in two; comments (conditional ones with
 * what they hold), declarations, and scripts and their like are left out. Tags are told as the HTML standard does; time and
 * memory are in proportion to the length.
 */
export function* htmlPieces(html: string, pieceChars: () => number): Generator<HtmlPiece> {
  let kept: string[] = [];
  let length = 0;
  let tags = 0;
  let begun = 0;
  const piece = (at: number): HtmlPiece => {
    const made = { kind: 'markup', html: kept.join(''), tag: '', readChars: at - begun } as const;
    kept = [];
    length = 0;
    begun = at;
    return made;
  };
  for (let at = 0; at < html.length; ) {
    const token = nextToken(html, at, Math.max(leastText, pieceChars() - length));
    at = token.next;
    const isTooMuch = token.isTag === true && ++tags > maxTags;
    if (token.kept !== undefined && !isTooMuch) {
      kept.push(token.kept);
      length += token.kept.length;
    }
    if (token.style !== undefined && !isTooMuch) {
      if (length > 0) yield piece(at);
      yield { kind: 'style', ...token.style, readChars: token.style.html.length };
    }
    if (length >= pieceChars() || at - begun >= maxReadChars) yield piece(at);
  }
  if (length > 0) yield piece(html.length);
}

interface Token {
  /** Where the next one starts. */
  readonly next: number;
  /** What of it is kept as markup. */
  readonly kept?: string;
  readonly isTag?: boolean;
  /** A style element: its start tag and its content. */
  readonly style?: { readonly tag: string; readonly html: string };
}

function nextToken(html: string, start: number, maxText: number): Token {
  if (html[start] !== '<' || !isMarkup(html, start)) return textToken(html, start, maxText);
  if (html.startsWith('<!--', start)) return { next: endOfComment(html, start) };
  if (!/[a-z]/i.test(html[start + 1] === '/' ? (html[start + 2] ?? '') : (html[start + 1] ?? ''))) {
    return { next: after(html, '>', start) };
  }
  const { end, pictureChars } = endOfTag(html, start);
  // HTML standard, eof-in-tag: the tag is nothing.
  if (end < 0) return { next: html.length };
  const name = nameOf(html, start);
  if (html[start + 1] !== '/' && rawElements.has(name)) return rawToken(html, name, start, end);
  const isLong = end - start - pictureChars > maxTag;
  const [bare] = isLong ? (/^<\/?[a-z][^\t\n\f\r />]{0,30}/i.exec(html.slice(start, start + 40)) ?? []) : [];
  return { next: end, kept: bare === undefined ? html.slice(start, end) : `${bare}>`, isTag: true };
}

/** Whether a `<` begins a tag, a comment or a declaration. */
function isMarkup(html: string, at: number): boolean {
  return /[a-z/!?]/i.test(html[at + 1] ?? '');
}

function textToken(html: string, start: number, maxText: number): Token {
  const limit = Math.min(html.length, start + maxText);
  let end = html.indexOf('<', start + 1);
  while (end >= 0 && end < limit && !isMarkup(html, end)) end = html.indexOf('<', end + 1);
  const next = end >= 0 && end <= limit ? end : limit === html.length ? limit : textCut(html, limit);
  return { next, kept: html.slice(start, next).replaceAll('<', '&lt;') };
}

/** Not inside a character reference, and not inside a character. */
function textCut(html: string, limit: number): number {
  const reference = html.slice(limit - maxReference, limit).lastIndexOf('&');
  if (reference >= 0) return limit - maxReference + reference;
  return /[\ud800-\udbff]/.test(html[limit - 1] ?? '') ? limit + 1 : limit;
}

/** HTML standard, comment states: `<!-->` and `<!--->` are whole comments, and `--!>` ends one, too. */
function endOfComment(html: string, start: number): number {
  if (html.startsWith('>', start + 4)) return start + 5;
  if (html.startsWith('->', start + 4)) return start + 6;
  const end = /--!?>/g;
  end.lastIndex = start + 4;
  const match = end.exec(html);
  return match === null ? html.length : end.lastIndex;
}

function after(html: string, mark: string, start: number): number {
  const at = html.indexOf(mark, start);
  return at < 0 ? html.length : at + mark.length;
}

/**
 * Where a tag ends (HTML standard, from Tag name state on): a `>` in a quoted value does not end it; negative when it does not
 * end. And how many of its characters are a picture.
 */
function endOfTag(html: string, start: number): { end: number; pictureChars: number } {
  let pictureChars = 0;
  for (let at = past(tagName, html, start + 1); ; ) {
    at = past(betweenAttributes, html, at);
    if (html[at] === '>') return { end: at + 1, pictureChars };
    if (at >= html.length) return { end: -1, pictureChars };
    const named = past(attributeName, html, at);
    at = past(equalsSign, html, named);
    const quote = html[at];
    if (at === named) continue;
    if (quote !== '"' && quote !== "'") {
      at = past(unquotedValue, html, at);
      continue;
    }
    const close = html.indexOf(quote, at + 1);
    if (close < 0) return { end: -1, pictureChars };
    if (close - at > leastPicture && isPicture(html, at)) pictureChars += close - at;
    at = close + 1;
  }
}

const tagName = /[^\t\n\f\r >/]+|\/[^\t\n\f\r >/]*/y;
const betweenAttributes = /[\t\n\f\r /]+/y;
/** It may begin with the equals sign. */
const attributeName = /[^\t\n\f\r >/][^\t\n\f\r >/=]*/y;
const equalsSign = /[\t\n\f\r ]*=[\t\n\f\r ]*/y;
const unquotedValue = /[^\t\n\f\r >]+/y;

/** The place behind what stands at `at`, or `at` if that is something else. */
function past(what: RegExp, html: string, at: number): number {
  what.lastIndex = at;
  return what.test(html) ? what.lastIndex : at;
}

/** Smaller ones need no regard. */
const leastPicture = 1024;

function isPicture(html: string, quote: number): boolean {
  return /\ssrc\s?=\s?["']\s?data:image\/[^,]{1,20};base64,/i.test(html.slice(quote - 8, quote + 50));
}

function nameOf(html: string, start: number): string {
  return /^<([a-z][^\t\n\f\r />]*)/i.exec(html.slice(start, start + maxName))?.[1]?.toLowerCase() ?? '';
}

/** An element that holds text only; what is not closed reaches to the end. */
function rawToken(html: string, name: string, start: number, end: number): Token {
  if (name === 'plaintext') return { next: html.length };
  const close = new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, 'gi');
  close.lastIndex = end;
  const until = close.exec(html)?.index ?? html.length;
  const next = after(html, '>', until);
  const isStyle = name === 'style' && until - end <= maxStyle;
  return isStyle
    ? { next, isTag: true, style: { tag: html.slice(start, end), html: html.slice(end, until) } }
    : { next };
}

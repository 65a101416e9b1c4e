/** Where style cannot be taken as it is: what hides words, fetches styles, runs, or names a resource. */
const suspicious =
  /[\\<]|\/\*|-->|@\s*(?:import|charset|namespace)|expression|behavio|binding|script|url\s*\(|image-set|src\s*\(/i;

/** What old engines ran or fetched out of a style. */
const refused =
  /@\s*(?:import|charset|namespace)|expression\s*\(|(?:java|vb|live)script\s*:|(?:^|[\s{;])-?(?:ms-)?behaviou?r\s*:|-moz-binding|image-set\s*\(|(?:^|[^\w-])src\s*\(/;

/** Pictures may be fetched, as those of the HTML are; and what stands beside a message is its own. */
const allowedUrl = /^(?:https?:|cid:|data:image\/(?:png|jpe?g|gif|webp|bmp|avif)[;,]|[^:]*$|[/?#.])/;

/**
 * CSS, of a style element or attribute, without what runs (expression, behavior, -moz-binding, script URLs) and without
 * what brings other styles along (`@import`): declarations that hold such a thing are left out whole, and so are
 * comments. Takes time in proportion to its length.
 */
export function cleanCss(css: string): string {
  if (!suspicious.test(css)) return css;
  let clean = '';
  for (const { text, end } of statements(withoutComments(css))) {
    const isRefused = isDangerous(text);
    // A block that is not wanted must still end where it ends.
    if (!isRefused) clean += text + end;
    else if (end === '{') clean += '@media not all{';
    else if (end === '}') clean += end;
  }
  return clean.replaceAll('<', '\\3c ');
}

function isDangerous(statement: string): boolean {
  if (!suspicious.test(statement)) return false;
  // CSS Syntax, Check if two code points are a valid escape: `\65 xpression` is a word like any other.
  const plain = unescaped(statement).toLowerCase();
  if (refused.test(plain)) return true;
  return [...plain.matchAll(/url\s*\(\s*["']?\s*([^\s"')]{0,40})/g)].some(
    ([, start = '']) => !allowedUrl.test(start),
  );
}

function unescaped(css: string): string {
  return css.includes('\\')
    ? css.replace(/\\(?:([\da-f]{1,6})\s?|\r?\n|([\s\S]))/gi, (_, hex?: string, char?: string) => {
        const code = hex === undefined ? undefined : Number.parseInt(hex, 16);
        return code === undefined ? (char ?? '') : String.fromCodePoint(Math.min(code, 0x10ffff));
      })
    : css;
}

/** Without comments, and without the marks of an HTML comment around the whole. */
function withoutComments(css: string): string {
  const pieces: string[] = [];
  let at = 0;
  for (let open = css.indexOf('/*'); open >= 0; open = css.indexOf('/*', at)) {
    pieces.push(css.slice(at, open));
    const close = css.indexOf('*/', open + 2);
    at = close < 0 ? css.length : close + 2;
  }
  pieces.push(css.slice(at));
  return pieces.join('').replace(/<!-{2,}>*|-{2,}>+/g, '');
}

interface Statement {
  readonly text: string;
  /** What it ends with: `;`, `{`, `}` or nothing. */
  readonly end: string;
}

/** Cuts CSS where a statement ends, but not inside strings and brackets. */
function* statements(css: string): Generator<Statement> {
  // A string that is not closed on its line is none.
  const border = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|\\[\s\S]|[;{}()]/g;
  let start = 0;
  let depth = 0;
  for (const match of css.matchAll(border)) {
    const [mark] = match;
    if (mark === '(') depth++;
    else if (mark === ')') depth = Math.max(0, depth - 1);
    // A bracket that is never closed reaches no further than its block.
    if (!(mark === '}' || mark === '{' || (mark === ';' && depth === 0))) continue;
    depth = 0;
    yield { text: css.slice(start, match.index), end: mark };
    start = match.index + 1;
  }
  yield { text: css.slice(start), end: '' };
}

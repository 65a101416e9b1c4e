/** Where something begins whose content nobody reads. */
const hiddenStart = /<!--|<(style|script|head|title|template|noscript)(?=[\s>])/gi;

/** HTML without comments, scripts, styles and head, in one pass; what of these never ends reaches to the end. */
export function dropHidden(html: string): string {
  let visible = '';
  let position = 0;
  // A head that is not closed is the rule in careless HTML: what stands in it is looked at one by one.
  const hasHeadEnd = /<\/head[\s>]/i.test(html);
  hiddenStart.lastIndex = 0;
  for (let match = hiddenStart.exec(html); match !== null; match = hiddenStart.exec(html)) {
    const name = match[1]?.toLowerCase();
    if (name === 'head' && !hasHeadEnd) continue;
    const end = endOf(html, name, hiddenStart.lastIndex);
    visible += html.slice(position, match.index);
    if (end < 0) return visible;
    position = end;
    hiddenStart.lastIndex = end;
  }
  return visible + html.slice(position);
}

/** HTML standard, comment states: `<!-->` and `<!--->` are whole ones, and `--!>` ends one, too. */
function commentEnd(html: string, from: number): number {
  if (html.startsWith('>', from)) return from + 1;
  if (html.startsWith('->', from)) return from + 2;
  const end = /--!?>/g;
  end.lastIndex = from;
  return end.test(html) ? end.lastIndex : -1;
}

function endOf(html: string, name: string | undefined, from: number): number {
  if (name === undefined) return commentEnd(html, from);
  const open = html.indexOf('>', from);
  if (open < 0) return -1;
  const end = new RegExp(`</${name}[\\s>]`, 'gi');
  end.lastIndex = open;
  const found = end.exec(html);
  if (found === null) return -1;
  const close = html.indexOf('>', found.index);
  return close < 0 ? -1 : close + 1;
}

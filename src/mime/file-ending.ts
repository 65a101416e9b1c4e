/** How much of a name is looked at, from its end: no client shows more. */
const maxName = 2_000;

/** Characters that take no room: joiners, direction marks and overrides, variation selectors, controls. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu;

/** Marks above and below a character that nobody can tell from fewer; putting those in order takes the square of their number. */
const moreMarks = /(\p{M}{30})\p{M}+/gu;

/** Full stops of other scripts and dots that look like one, beside those that NFKC makes one of. */
const otherDots =
  /[\u3002\u0701\u0702\u06d4\ua4f8\ua60e\u{10a50}\u{1d16d}\u00b7\u2022\u2027\u2219\u22c5\u30fb]/gu;

/** What Windows drops at the end of a name, and what no file system takes there. */
const dropped = /[\s.\u2800"'`<>|?*:;/\\]/u;

/**
 * The endings, in lower case with their dot, that a client may see on a file of this name: compatibility forms, full
 * stops of other scripts and invisible characters as they look (UAX #15, UAX #44), without what is dropped at its end;
 * up to a NUL or a stream name as well (`a.exe:b`). Gives none for a name without an ending.
 */
export function endingsOf(name: string): ReadonlySet<string> {
  const endings = new Set<string>();
  addEndings(endings, name);
  const nul = name.indexOf('\0');
  if (nul >= 0) addEndings(endings, name.slice(0, nul));
  return endings;
}

function addEndings(endings: Set<string>, name: string): void {
  const seen = name
    .slice(-maxName)
    .replace(moreMarks, '$1')
    .normalize('NFKC')
    .replace(invisible, '')
    .replace(otherDots, '.')
    .toLowerCase();
  const path = trimmed(seen);
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  // One letter and a colon are a drive.
  const colon = file.indexOf(':', 2);
  for (const form of colon < 0 ? [file] : [file, trimmed(file.slice(0, colon))]) {
    const dot = form.lastIndexOf('.');
    if (dot >= 0) endings.add(form.slice(dot));
  }
}

/** A name without what is dropped at its end; takes no longer for a long one (a pattern that ends with $ would). */
export function trimmed(name: string): string {
  let end = name.length;
  while (end > 0 && dropped.test(name.charAt(end - 1))) end--;
  return name.slice(0, end);
}

/** A name as it can be told to a person: without what is invisible, its beginning and its ending where it is long. */
export function shownName(name: string, maxCharacters: number): string {
  const seen = [
    ...name
      .replace(invisible, '')
      .replace(/["\s]+/gu, ' ')
      .trim()
      .toWellFormed(),
  ];
  if (seen.length <= maxCharacters) return seen.join('');
  const end = Math.floor(maxCharacters / 2);
  return `${seen.slice(0, maxCharacters - end - 3).join('')}...${seen.slice(-end).join('')}`;
}

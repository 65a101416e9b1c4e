/** How much of a name is looked at, from its end: no client shows more. */
const maxName = 2_000;

/** Characters that take no room: joiners, direction marks and overrides, variation selectors, controls. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu;

/** Full stops of other scripts and dots that look like one, beside those that NFKC makes one of. */
const otherDots =
  /[\u3002\u0701\u0702\u06d4\ua4f8\ua60e\u{10a50}\u{1d16d}\u00b7\u2022\u2027\u2219\u22c5\u30fb]/gu;

/** What Windows drops at the end of a name, and what no file system takes there. */
const dropped = /[\s.\u2800"'`<>|?*:;]+$/u;

/**
 * The endings, in lower case with their dot, that a client may see on a file of this name: compatibility forms, full
 * stops of other scripts and invisible characters as they look (UAX #15, UAX #44), without what is dropped at its end;
 * up to a NUL or a stream name as well (`a.exe:b`). Gives none for a name without an ending.
 */
export function endingsOf(name: string): ReadonlySet<string> {
  const endings = new Set<string>();
  const add = (form: string): void => {
    const ending = endingOf(form.slice(-maxName));
    if (ending !== undefined) endings.add(ending);
  };
  add(name);
  const nul = name.indexOf('\0');
  if (nul >= 0) add(name.slice(0, nul));
  // A drive letter is no name.
  for (
    let colon = name.indexOf(':', 2);
    colon >= 0 && endings.size < 20;
    colon = name.indexOf(':', colon + 1)
  )
    add(name.slice(0, colon));
  return endings;
}

function endingOf(name: string): string | undefined {
  const seen = name.normalize('NFKC').replace(invisible, '').replace(otherDots, '.').toLowerCase();
  const file = seen.slice(Math.max(seen.lastIndexOf('/'), seen.lastIndexOf('\\')) + 1).replace(dropped, '');
  const dot = file.lastIndexOf('.');
  return dot < 0 ? undefined : file.slice(dot);
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

/** What stands in a text for what it cannot show: where links lead, and pictures; perhaps cut at the end of the text. */
const clutter =
  /[ \t]*<(?:https?|mailto|tel|ftp):[^\s<>]{1,4000}(?:>|$)|\[(?:cid|image|data|https?):[^\]\r\n]{0,4000}(?:\]|$)/gi;

/** Whether a text has addresses or names of pictures in brackets. */
export function hasLinks(text: string): boolean {
  return /<(?:https?|mailto|tel|ftp):|\[(?:cid|image|data|https?):/i.test(text);
}

/**
 * The beginning of a plain text for a list, without the addresses that stand in brackets beside their words and without the
 * names of pictures; lines that are empty then are left out. A text that has none is given back as it is.
 */
export function withoutLinks(text: string): string {
  if (!hasLinks(text)) return text;
  return text
    .split('\r\n')
    .map((line) => ({ line, clean: line.replace(clutter, '') }))
    .filter(({ line, clean }) => clean === line || clean.trim() !== '')
    .map(({ clean }) => clean)
    .join('\r\n');
}

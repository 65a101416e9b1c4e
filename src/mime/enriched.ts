/** RFC 1896, Formatting Commands; `<<` is a character. */
const command = /<<|<(\/?)([a-z0-9-]{1,60})>/gi;

/**
 * The text of text/enriched: without its commands and their parameters, a line end alone is a space, and of several
 * there is one less. RFC 1896. In one pass, whatever the input.
 */
export function unenriched(text: string): string {
  let plain = '';
  let at = 0;
  let parameters = 0;
  let unfilled = 0;
  const take = (end: number) => {
    if (parameters > 0) return;
    const piece = text.slice(at, end);
    plain += unfilled > 0 ? piece : filled(piece);
  };
  for (const match of text.matchAll(command)) {
    take(match.index);
    at = match.index + match[0].length;
    const name = match[2]?.toLowerCase();
    const step = match[1] === '' ? 1 : -1;
    if (name === undefined && parameters === 0) plain += '<';
    if (name === 'param') parameters = Math.max(0, parameters + step);
    if (name === 'nofill') unfilled = Math.max(0, unfilled + step);
  }
  take(text.length);
  return plain;
}

function filled(text: string): string {
  return text.replace(/(?:\r?\n)+/g, (ends) => '\r\n'.repeat(ends.split('\n').length - 2) || ' ');
}

/**
 * The text that people read in a calendar (RFC 5545 §3.8.1.5, DESCRIPTION): that of its first event, which may be cut off
 * anywhere. Empty if it says nothing, or is no calendar.
 */
export function descriptionOf(calendar: string): string {
  const lines = calendar.replace(/\r?\n[ \t]/g, '').split(/\r?\n/);
  const start = lines.findIndex((line) => /^BEGIN:VEVENT\s*$/i.test(line));
  if (start < 0) return '';
  let depth = 0;
  // An alarm in it has a description, too.
  const line = lines.slice(start + 1).find((one) => {
    if (/^BEGIN:/i.test(one)) depth++;
    if (/^END:/i.test(one)) depth--;
    return depth < 0 || (depth === 0 && /^DESCRIPTION[:;]/i.test(one));
  });
  if (line === undefined || depth < 0) return '';
  return unescaped(line.slice(valueAt(line)));
}

/** Behind the parameters, whose values may be quoted (RFC 5545 §3.1). */
function valueAt(line: string): number {
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"') isQuoted = !isQuoted;
    else if (line[at] === ':' && !isQuoted) return at + 1;
  }
  return line.length;
}

/** RFC 5545 §3.3.11, TEXT. */
function unescaped(text: string): string {
  return text.replace(/\\([nN\\;,])/g, (_all, sign: string) => (/n/i.test(sign) ? '\n' : sign));
}

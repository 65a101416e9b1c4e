/** formatTable writes rows under a heading, columns padded to their widest cell. */
export function formatTable(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(cell))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ''))));
  return cells
    .map(
      (row) =>
        `${row
          .map((text, column) => pad(text, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** formatFields writes a record as lines of name and value; what is absent has no line. */
export function formatFields(fields: Readonly<Record<string, unknown>>): string {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`).join('');
}

/** formatTime writes the API's epoch seconds for people; absent stays empty. */
export function formatTime(epochSeconds: unknown): string {
  if (typeof epochSeconds !== 'number') return '';
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/**
 * printable makes one line of a text: what a server stored of a device or a name must not steer the terminal, nor turn around
 * what stands beside it.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Marks that stand on the character before, and those that join or choose a form, take no place. */
const noPlace = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** East Asian wide and full-width characters (UAX #11), and emoji. */
const twoPlaces =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** widthOf counts the columns that a text takes on a terminal. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += noPlace.test(character) ? 0 : twoPlaces.test(character) ? 2 : 1;
  return width;
}

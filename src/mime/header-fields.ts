/** How many fields of one header block are looked at; a message with more hides nothing of use in them. */
const maxFields = 2_000;

/**
 * Calls `visit` with the lower-case name and the raw value (one character per byte, still folded) of
 * every header field of a block, in order (RFC 5322 §2.2). Lines that are no field are passed over.
 */
export function forEachField(
  block: string,
  visit: (name: string, rawValue: string) => void,
  limit = maxFields,
): void {
  let position = 0;
  for (let count = 0; position < block.length && count < limit; count++) {
    const end = fieldEnd(block, position);
    const colon = block.indexOf(':', position);
    if (colon > position && colon < end) {
      const name = block.slice(position, colon).trimEnd().toLowerCase();
      if (isFieldName(name)) visit(name, block.slice(colon + 1, end));
    }
    position = end;
  }
}

/** The offset after a field with all its folded lines. */
export function fieldEnd(block: string, from: number): number {
  let position = from;
  for (;;) {
    const lf = block.indexOf('\n', position);
    if (lf < 0) return block.length;
    position = lf + 1;
    const next = block.charCodeAt(position);
    if (next !== 0x20 && next !== 0x09) return position;
  }
}

/** A raw value on one line: folds undone, NUL and stray line ends removed, white space around it trimmed. */
export function unfold(rawValue: string): string {
  const text = rawValue.trim();
  return needsUnfolding.test(text) || text.includes('\0')
    ? text.replace(lineEnds, '').replaceAll('\0', '').replaceAll('\t', ' ')
    : text;
}

const needsUnfolding = /[\r\n\t]/;
const lineEnds = /[\r\n]+/g;

function isFieldName(name: string): boolean {
  if (name === '') return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return true;
}

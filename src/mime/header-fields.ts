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
  let colon = block.indexOf(':');
  for (let count = 0; position < block.length && count < limit; count++) {
    const end = fieldEnd(block, position);
    if (colon >= 0 && colon < position) colon = block.indexOf(':', position);
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

const contentField = [...'content-'].map((char) => char.charCodeAt(0));
export const contentFieldLength = contentField.length;

/** How much of `content-` stands at `from`, in any case, of which `known` bytes stood before; -1 for something else. */
export function contentFieldAt(bytes: Uint8Array, from: number, known = 0): number {
  const end = Math.min(contentFieldLength, known + bytes.length - from);
  for (let i = known; i < end; i++)
    if (((bytes[from + i - known] ?? 0) | 0x20) !== contentField[i]) return -1;
  return end;
}

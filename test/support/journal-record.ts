/** Reads a journal record as an archive does. */

interface JournalRecord {
  readonly header: string;
  /** The lines of the first part. */
  readonly lines: readonly string[];
  /** The header of the second part. */
  readonly partHeader: string;
  /** The message as it stands in the second part, one character a byte. */
  readonly original: string;
}

/** `raw` has one character for each byte. Throws for what is no record. */
export function journalRecord(raw: string): JournalRecord {
  const headerEnd = raw.indexOf('\r\n\r\n');
  const header = raw.slice(0, headerEnd);
  const boundary = /boundary="([^"]+)"/.exec(header)?.[1];
  if (!/^X-MS-Journal-Report:\s*$/m.test(header) || boundary === undefined)
    throw new Error(`no record: ${header}`);
  const parts = raw.slice(headerEnd + 2).split(`\r\n--${boundary}`);
  const [, text = '', message = '', end, ...more] = parts;
  if (end !== '--\r\n' || more.length > 0) throw new Error('not two parts');
  const [partHeader, original] = splitAt(message, '\r\n\r\n');
  const [, lines] = splitAt(text, '\r\n\r\n');
  return {
    header,
    lines: Buffer.from(lines, 'latin1').toString().split('\r\n').slice(0, -1),
    partHeader,
    original,
  };
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

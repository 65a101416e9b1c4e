import type { ReadRange } from './archives/inspect.ts';
import { decodeTransfer } from './decode-part.ts';
import { decodeRaw } from './encoded-word.ts';
import type { MessageIndex, MessagePart } from './message-index.ts';
import { namesIn } from './params.ts';

/** More than a name and the line after it. */
const overlap = 4_000;

/** POSIX.1-2017, uuencode: the line in front of a file, and the first line of the file. */
const uuencode = /\nbegin(-base64)? [0-7]{3,4} ([^\r\n]{1,1000})\r?\n([^\r\n]{1,1000})\r?(?=\n)/g;
/** A field that names a file, with its folded lines. */
const partField = /\ncontent-(?:type|disposition):([^\n]*(?:\n[ \t][^\n]*){0,50})/gi;

/**
 * The names of files that stand outside the parts of a message, and that some readers show all the same: uuencoded files in
 * a text, and parts of a multipart whose boundary is not the one that its header names. Reads nothing of a message that has
 * neither. `read` gives bytes of the raw message.
 */
export async function* strayNames(
  { parts, mayHoldUuencode }: MessageIndex,
  read: ReadRange,
): AsyncGenerator<string, void, void> {
  const containers = new Set(parts.map(({ parent }) => parent));
  for (const [at, part] of parts.entries()) {
    if (containers.has(at) || part.end <= part.start) continue;
    if (part.type.startsWith('multipart/')) yield* fieldNames(read(part.start, part.end));
    else if (mayHoldUuencode && part.type.startsWith('text/')) yield* uuencodedNames(part, read);
  }
}

async function* fieldNames(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  for await (const text of windows(source))
    for (const [, value = ''] of text.matchAll(partField)) yield* namesIn(value.replace(/[\r\n]+/g, ''));
}

async function* uuencodedNames(part: MessagePart, read: ReadRange): AsyncGenerator<string, void, void> {
  for await (const text of windows(decodeTransfer(part.encoding, read(part.start, part.end)))) {
    for (const [, isBase64, name = '', line = ''] of text.matchAll(uuencode))
      if (isBase64 !== undefined || isUuLine(line)) yield decodeRaw(name);
  }
}

/** Whether a line is as long as its first character says, give or take a blank and a checksum. */
function isUuLine(line: string): boolean {
  const bytes = (line.charCodeAt(0) - 0x20) & 0x3f;
  return bytes > 0 && Math.abs(1 + 4 * Math.ceil(bytes / 3) - line.length) <= 2;
}

/** A stream as texts of one character a byte that overlap, so that what is looked for is whole in one of them. */
async function* windows(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let kept = '\n';
  for await (const piece of source) {
    const text = kept + Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
    yield text;
    kept = text.slice(-overlap);
  }
  yield `${kept}\n`;
}

import { decodeTransfer } from './decode-part.ts';
import { decodeRaw } from './encoded-word.ts';
import { forEachField } from './header-fields.ts';
import type { MessageIndex, MessagePart } from './message-index.ts';
import { NameReader } from './name-reader.ts';
import type { ReadRange } from './open-part.ts';

import { isIdentity } from './part-header.ts';

/** More than a name and the line after it. */
const overlap = 4_000;
/** A header behind a delimiter is followed so far. */
const maxHeader = 256 * 1024;
/** Pieces between two turns for everybody else. */
const piecesAtATime = 2;

/** POSIX.1-2017, uuencode: the line in front of a file, and the first line of the file. */
const uuencode = /\nbegin(-base64)? +[0-7]{3,4} +([^ \r\n][^\r\n]{0,999})\r?\n([^\r\n]{1,1000})\r?(?=\n)/g;
/** A field that names a file, with its folded lines. */
const partField = /\ncontent-(?:type|disposition)[ \t]{0,100}:([^\n]*(?:\n[ \t][^\n]*){0,50})/gi;
/** A line that may be a delimiter, with the fields behind it. */
const delimitedHeader = /\n[ \t]{0,100}--[^\n]*(?:\n(?:[!-9;-~]+[ \t]*:|[ \t])[^\n]*)+/g;

/**
 * The names of files that stand outside the parts of a message, and that some readers show all the same: uuencoded files in
 * a text, and headers of parts behind a delimiter that is not the one its multipart names, however that comes about
 * (two Content-Type fields, two boundaries, a type or a boundary that can be read in two ways, an encoding around the
 * parts). Reads nothing of a message that has neither. `read` gives bytes of the raw message. Ends with undefined when there
 * is more than is read of one message.
 */
export async function* strayNames(
  { parts, size, mayHoldUuencode, mayHoldFields }: MessageIndex,
  read: ReadRange,
): AsyncGenerator<string | undefined, void, void> {
  const names = new NameReader();
  const containers = new Set(parts.map(({ parent }) => parent));
  for (const [at, part] of parts.entries()) {
    if (part.end <= part.start) continue;
    const isLeaf = !containers.has(at);
    if (isLeaf && mayHoldUuencode && part.type.startsWith('text/')) yield* uuencodedNames(part, read);
    if (!isComposite(part)) continue;
    if (isLeaf) yield* fieldNames(read(part.start, part.end), names);
    // RFC 2045 §6.4 forbids it.
    if (!isIdentity(part.encoding)) yield* fieldNames(decoded(part, read), names);
  }
  if (mayHoldFields) yield* delimitedNames(read(0, size), names);
}

/** RFC 2046 §5: what holds parts, or the beginning of a message. */
function isComposite({ type }: MessagePart): boolean {
  return type.startsWith('multipart/') || type === 'message/partial' || type === 'message/external-body';
}

function decoded({ encoding, start, end }: MessagePart, read: ReadRange): AsyncIterable<Uint8Array> {
  return decodeTransfer(encoding, read(start, end));
}

async function* fieldNames(
  source: AsyncIterable<Uint8Array>,
  names: NameReader,
): AsyncGenerator<string | undefined, void, void> {
  for await (const text of windows(source)) {
    for (const [, value = ''] of text.matchAll(partField)) {
      const found = names.read(value);
      if (found === undefined) return yield undefined;
      yield* found;
    }
  }
}

/** The names in fields that follow a delimiter; a text that speaks of such fields has none. */
async function* delimitedNames(
  source: AsyncIterable<Uint8Array>,
  names: NameReader,
): AsyncGenerator<string | undefined, void, void> {
  let kept = '\n';
  for await (const piece of pieces(source)) {
    const text = kept + piece;
    let open = text.length - Math.min(overlap, text.length);
    for (const { 0: block, index } of text.matchAll(delimitedHeader)) {
      const found = namesInHeader(block, names);
      if (found === undefined) return yield undefined;
      yield* found;
      // The line that follows may be one more field, cut in two.
      const isOpen = text.indexOf('\n', index + block.length + 1) < 0;
      if (isOpen && block.length < maxHeader) open = Math.min(open, index);
    }
    kept = text.slice(open);
  }
}

/** Undefined when there were too many. */
function namesInHeader(block: string, reader: NameReader): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  let isWhole = true;
  const visit = (name: string, value: string) => {
    if (name !== 'content-type' && name !== 'content-disposition') return;
    const found = reader.read(value);
    if (found === undefined) isWhole = false;
    else for (const one of found) names.add(one);
  };
  forEachField(block.slice(1), visit, block.length);
  return isWhole ? names : undefined;
}

async function* uuencodedNames(part: MessagePart, read: ReadRange): AsyncGenerator<string, void, void> {
  for await (const text of windows(decoded(part, read))) {
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
  for await (const piece of pieces(source)) {
    const text = kept + piece;
    yield text;
    kept = text.slice(-overlap);
  }
  yield `${kept}\n`;
}

/** A stream as texts of one character a byte; others have their turn now and then. */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let count = 0;
  for await (const { buffer, byteOffset, byteLength } of source) {
    if (++count % piecesAtATime === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    yield Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
  }
}

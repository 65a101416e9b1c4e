import { Buffer } from 'node:buffer';
import { decodeTransfer } from '../decode-part.ts';
import { MessageIndexer } from '../index-message.ts';
import type { MessageIndex, MessagePart } from '../message-index.ts';
import type { ReadRange } from '../open-part.ts';
import { isIdentity, isMessageType } from '../part-header.ts';
import { sliceOf } from '../slices.ts';
import { strayNames } from '../stray-names.ts';
import { isWhollyIndexed } from '../whole-index.ts';
import { ByteReader } from './byte-reader.ts';
import { readSigned } from './cms.ts';
import { readGzip } from './gzip.ts';
import { type Finding, FindingError, type InspectionOptions, Scope, Usage } from './inspection.ts';
import { type ArchiveKind, isArchiveName, sniff, sniffBytes } from './sniff.ts';
import { readTar } from './tar.ts';
import { readTnef } from './tnef.ts';
import { readZip } from './zip.ts';

/** A message in an archive is held whole up to so many bytes; of a larger one the archives are not looked into. */
const maxHeldMessage = 2 * 1024 * 1024;
/** Encoded bytes that surely decode to what sniffing needs. */
const encodedStart = 3 * sniffBytes;

/**
 * Looks into the archives among the parts of a message (zip, gzip, tar, TNEF, messages that are encoded, and archives in
 * these) and judges the names in them: the first that is wanted, or the first limit that is passed, ends it. Reads every
 * archive once, in pieces; what is broken or encrypted is read as far as it goes.
 */
export async function inspectMessage(
  index: MessageIndex,
  read: ReadRange,
  options: InspectionOptions,
): Promise<Finding | undefined> {
  try {
    await inspectParts(index, read, new Scope(new Usage(options), inspect));
    return undefined;
  } catch (error) {
    if (error instanceof FindingError) return error.finding;
    throw error;
  }
}

/** Whether there is anything that inspectMessage would look into; a message of texts without names costs no read. */
export async function holdsArchive({ parts }: MessageIndex, read: ReadRange): Promise<boolean> {
  for (const part of leavesOf(parts)) if (await isArchive(part, read)) return true;
  return false;
}

function leavesOf(parts: readonly MessagePart[]): readonly MessagePart[] {
  const containers = new Set(parts.map(({ parent }) => parent));
  return parts.filter((part, at) => !containers.has(at) && mayBeArchive(part));
}

async function inspectParts({ parts }: MessageIndex, read: ReadRange, scope: Scope): Promise<void> {
  for (const part of leavesOf(parts)) {
    if (!(await isArchive(part, read))) continue;
    const open = () => decodeTransfer(part.encoding, read(part.start, part.end));
    const content = new ByteReader(open());
    try {
      await inspect(nameOf(part), content, scope, open, part.type);
      await scope.rest();
    } finally {
      await content.close();
    }
  }
}

/** Of several names the one that says more of what it is. */
function nameOf({ filename, names = [], type }: MessagePart): string {
  return names.find(isArchiveName) ?? filename ?? names[0] ?? type;
}

/** A text without a name is what people read. */
function mayBeArchive({ type, names, disposition, start, end, encoding }: MessagePart): boolean {
  if (end - start < 20 || (isMessageType(type) && isIdentity(encoding))) return false;
  return names !== undefined || disposition === 'attachment' || !type.startsWith('text/');
}

async function isArchive(part: MessagePart, read: ReadRange): Promise<boolean> {
  const end = Math.min(part.end, part.start + encodedStart);
  const content = new ByteReader(decodeTransfer(part.encoding, read(part.start, end)));
  try {
    return sniffPart(await content.peek(sniffBytes), nameOf(part), part.type) !== undefined;
  } finally {
    await content.close();
  }
}

function sniffPart(start: Buffer, name: string, type: string) {
  return sniff(start, name, isMessageType(type) || /zip/.test(type) ? type : '');
}

/** Looks into something if it is an archive; whether it is. `reopen` reads it from its beginning again. */
async function inspect(
  name: string,
  content: ByteReader,
  scope: Scope,
  reopen?: () => AsyncIterable<Uint8Array>,
  type = '',
): Promise<boolean> {
  const kind = sniffPart(await content.peek(sniffBytes), name, type);
  if (kind === undefined) return false;
  await readArchive(kind, name, content, scope.enter(name, kind), reopen);
  return true;
}

async function readArchive(
  kind: ArchiveKind,
  name: string,
  content: ByteReader,
  scope: Scope,
  reopen: (() => AsyncIterable<Uint8Array>) | undefined,
): Promise<void> {
  switch (kind) {
    case 'zip':
      return readZip(content, scope);
    case 'gzip':
      return readGzip(content, name, scope);
    case 'tar':
      return readTar(content, scope);
    case 'tnef':
      return readTnef(content, scope);
    case 'signed':
      return readSigned(content, scope, reopen);
    case 'message':
      return readMessage(content, scope, reopen);
  }
}

/** Judges the names in a message that is the content of something, and looks into its archives. */
async function readMessage(
  content: ByteReader,
  scope: Scope,
  reopen: (() => AsyncIterable<Uint8Array>) | undefined,
): Promise<void> {
  const indexer = new MessageIndexer();
  let held: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const piece = await content.chunk(64 * 1024);
    if (piece.length === 0) break;
    indexer.write(piece);
    bytes += piece.length;
    if (bytes > maxHeldMessage) held = [];
    else held.push(Buffer.from(piece));
  }
  const index = indexer.end(0);
  for (const { names = [] } of index.parts) await scope.member(names);
  // What cannot be taken apart whole may hold anything.
  if (!isWhollyIndexed(index.parts)) scope.endIf('too-many');
  if (bytes <= maxHeldMessage) {
    const raw = Buffer.concat(held);
    await inspectWhole(index, (start, end) => of(raw.subarray(start, end)), scope);
  } else if (reopen !== undefined) {
    await inspectWhole(index, (start, end) => sliceOf(reopen(), start, end), scope);
  }
}

async function inspectWhole(index: MessageIndex, read: ReadRange, scope: Scope): Promise<void> {
  for await (const name of strayNames(index, read)) {
    if (name === undefined) scope.endIf('too-many');
    else await scope.member([name]);
  }
  await inspectParts(index, read, scope);
}

async function* of(bytes: Buffer): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

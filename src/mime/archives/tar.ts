import { Buffer } from 'node:buffer';
import { decodeUnlabelled } from '../charset.ts';
import { type ByteReader, Section } from './byte-reader.ts';
import type { Scope } from './inspection.ts';
import { isTarHeader } from './sniff.ts';

const blockBytes = 512;
/** A long name or a pax header is read so far. */
const maxNames = 64 * 1024;
/** Characters of all names that stand in front of one member, with what it takes to look at each. */
const maxExtended = 256 * 1024;
const nameCost = 16;
/** Digits of a length in a pax header. */
const maxDigits = 20;
/** Blocks between two looks at the clock. */
const blocksAtATime = 4_096;

/** Names and sizes from extension headers, for the member that follows. */
interface Extended {
  names: string[];
  size: number | undefined;
  /** Of the names, as they count. */
  length: number;
}

/**
 * Judges the names in a tar file (POSIX.1-2017, pax: ustar and pax; GNU long names) and looks into its members that are
 * archives. A block that is no header is passed over, so that members behind an end mark or a fault count, too.
 */
export async function readTar(reader: ByteReader, scope: Scope): Promise<void> {
  let extended: Extended = { names: [], size: undefined, length: 0 };
  for (let blocks = 1; ; blocks++) {
    if (blocks % blocksAtATime === 0) await scope.rest();
    const block = Buffer.from(await reader.read(blockBytes));
    if (block.length < blockBytes) return;
    if (!isTarHeader(block)) continue;
    const size = extended.size ?? numberAt(block, 124, 12);
    const type = String.fromCharCode(block[156] ?? 0);
    if ('LKxgX'.includes(type)) {
      await readExtension(reader, type, numberAt(block, 124, 12), extended);
      await scope.member([]);
      if (extended.length > maxExtended) scope.endIf('too-many');
      continue;
    }
    const names = type === '5' ? [] : [...extended.names, ...headerNames(block)];
    await scope.member(names.filter((name) => !name.endsWith('/')));
    // Links, devices and directories have no content, whatever they say.
    const isFile = type === '\0' || type === '0' || type === '7' || type === 'S';
    if (isFile && size > 0) await readContent(reader, names[0] ?? '', size, scope);
    extended = { names: [], size: undefined, length: 0 };
  }
}

async function readContent(reader: ByteReader, name: string, size: number, scope: Scope): Promise<void> {
  const content = new Section(reader, size);
  await scope.inside(name, content.reader, scope);
  await content.skipRest();
  await reader.skip(padding(size));
}

/** The long name (GNU type L) or the path and size records (pax types x and g) of the member that follows. */
async function readExtension(
  reader: ByteReader,
  type: string,
  size: number,
  extended: Extended,
): Promise<void> {
  const bytes = Buffer.from(await reader.read(Math.min(size, maxNames)));
  await reader.skip(size - bytes.length + padding(size));
  if (type === 'L') addName(extended, nameOf(bytes));
  if (type === 'L' || type === 'K') return;
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const isLength = space > at && space <= at + maxDigits;
    const length = isLength ? Number.parseInt(bytes.toString('latin1', at, space), 10) : 0;
    if (!(length > 0)) return;
    const record = bytes
      .subarray(space + 1, at + length)
      .toString('utf8')
      .replace(/\n$/, '');
    if (/^(?:path|GNU\.sparse\.name)=/.test(record)) addName(extended, record.slice(record.indexOf('=') + 1));
    if (record.startsWith('size=')) extended.size = safeSize(Number(record.slice(5)));
    at += length;
  }
}

function addName(extended: Extended, name: string): void {
  extended.names.push(name);
  extended.length += name.length + nameCost;
}

function headerNames(block: Buffer): readonly string[] {
  const name = nameOf(block.subarray(0, 100));
  const prefix = nameOf(block.subarray(345, 500));
  return prefix === '' ? [name] : [`${prefix}/${name}`, name];
}

function nameOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return decodeUnlabelled(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A number in octal digits, or binary where the first bit is set (GNU). */
function numberAt(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) {
    const high = block.subarray(offset + 1, offset + length - 6);
    return high.some((byte) => byte !== 0) ? 0 : safeSize(block.readUIntBE(offset + length - 6, 6));
  }
  return safeSize(Number.parseInt(block.toString('latin1', offset, offset + length).trim(), 8));
}

function safeSize(size: number): number {
  return Number.isSafeInteger(size) && size > 0 ? size : 0;
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

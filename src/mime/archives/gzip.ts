import { decodeUnlabelled } from '../charset.ts';
import { trimmed } from '../file-ending.ts';
import { ByteReader } from './byte-reader.ts';
import { inflate } from './inflate.ts';
import type { Scope } from './inspection.ts';

const headerBytes = 10;
const trailerBytes = 8;
const maxField = 64 * 1024;
/** How much of what is no archive is unpacked, to see whether it is a bomb. */
const probedBytes = 16 * 1024 * 1024;

/** Flags of RFC 1952 §2.3.1. */
const FHCRC = 0x02;
const FEXTRA = 0x04;
const FNAME = 0x08;
const FCOMMENT = 0x10;

/** Judges the name in a gzip file (RFC 1952) and the one it goes by without its `.gz`, and looks into what it unpacks to. */
export async function readGzip(reader: ByteReader, name: string, scope: Scope): Promise<void> {
  const plain = plainName(name);
  await scope.member([plain]);
  const content = new ByteReader(unpacked(reader, scope));
  try {
    const isArchive = await scope.inside(plain, content, scope);
    if (!isArchive) await content.skip(probedBytes);
  } finally {
    await content.close();
  }
}

/** RFC 1952 §2.2: the members one after the other are one file. */
async function* unpacked(reader: ByteReader, scope: Scope): AsyncGenerator<Uint8Array, void, void> {
  for (let count = 0; ; count++) {
    const header = await reader.read(headerBytes);
    if (header.length < headerBytes || header.readUIntBE(0, 3) !== 0x1f8b08) return;
    // To open one costs as much as an archive of its own.
    if (count > 0) scope.endIf(scope.usage.archive());
    const flags = header[3] ?? 0;
    if (flags & FEXTRA) {
      const length = await reader.read(2);
      await reader.skip(length.length < 2 ? 0 : length.readUInt16LE(0));
    }
    await scope.member(flags & FNAME ? [decodeUnlabelled(await readString(reader))] : []);
    if (flags & FCOMMENT) await readString(reader);
    if (flags & FHCRC) await reader.skip(2);
    yield* inflate(reader, scope);
    await reader.skip(trailerBytes);
  }
}

/** Bytes up to a NUL. */
async function readString(reader: ByteReader): Promise<Buffer> {
  const ahead = await reader.peek(maxField);
  const end = ahead.indexOf(0);
  const bytes = Buffer.from(ahead.subarray(0, end < 0 ? ahead.length : end));
  await reader.skip(bytes.length + 1);
  return bytes;
}

/** What gunzip calls the file. */
function plainName(name: string): string {
  return trimmed(name)
    .replace(/\.t(?:ar\.)?gz$/i, '.tar')
    .replace(/[.-]g?z$/i, '');
}

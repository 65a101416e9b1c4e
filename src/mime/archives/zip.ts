import { Buffer } from 'node:buffer';
import iconv from 'iconv-lite';
import { ByteReader, Section } from './byte-reader.ts';
import { inflate, inflateStart } from './inflate.ts';
import type { Scope } from './inspection.ts';
import { isArchiveName, sniff, sniffBytes } from './sniff.ts';

/** APPNOTE 4.3.7: a local file header. */
const localSignature = Buffer.from('PK\x03\x04', 'latin1');
const localBytes = 30;
/** APPNOTE 4.3.12: a header of the central directory. */
const centralBytes = 46;
/** Deflated bytes that surely unpack to what sniffing needs. */
const deflatedStart = 2 * sniffBytes;
const pieceBytes = 64 * 1024;
/** A name may have 64 KiB; more than its last bytes are nobody's to see. */
const maxNameBytes = 1_024;
/** Pieces between two turns for everybody else. */
const piecesAtATime = 4;

/**
 * Judges the names in a zip file (APPNOTE.TXT), and looks into its members that are archives. It believes no offset and no
 * size: every local header and every header of the central directory counts wherever it stands, so that a file which says
 * different things in different places, is cut short or has something in front of it is read as anybody might read it.
 */
export async function readZip(reader: ByteReader, scope: Scope): Promise<void> {
  const headers = new HeaderScanner();
  const watched = new ByteReader(watch(reader, headers, scope));
  while (await watched.find(localSignature)) {
    const header = await watched.read(localBytes);
    if (header.length < localBytes) break;
    const name = await watched.read(header.readUInt16LE(26));
    await watched.skip(header.readUInt16LE(28));
    await readMember(watched, { name: decodeNames(name)[0] ?? '', size: header.readUInt32LE(18) }, scope);
  }
  for (const names of headers.end()) await scope.member(names);
  // What a whole bomb says of itself; its members, unless archives, are never unpacked here.
  const { maxBytes, maxRatio } = scope.usage.limits;
  if (headers.unpackedBytes > maxBytes && headers.unpackedBytes > maxRatio * headers.seenBytes)
    scope.endIf('too-large');
}

/** Looks into a member. Its header may lie of how it is packed: it is taken as both. */
async function readMember(
  reader: ByteReader,
  { name, size }: { readonly name: string; readonly size: number },
  scope: Scope,
): Promise<void> {
  if (!isArchiveName(name) && !scope.usage.tries()) return;
  // Trying costs more than anything else here.
  await scope.rest();
  const packed = sniff(await inflatedStart(reader), name);
  if (packed !== undefined) {
    await unpack(reader, name, scope);
    return;
  }
  const stored = sniff(await reader.peek(sniffBytes), name);
  // A zip file that is only stored needs no opening: its headers are found among ours.
  if (stored === undefined || stored === 'zip' || size === 0) return;
  const content = new Section(reader, size);
  await scope.inside(name, content.reader, scope);
  content.giveBack();
}

/** What the next bytes unpack to, as far as sniffing needs; few bytes do mostly. */
async function inflatedStart(reader: ByteReader): Promise<Buffer> {
  const start = inflateStart(await reader.peek(sniffBytes / 2));
  if (start.length === 0 || start.length >= sniffBytes) return start.subarray(0, sniffBytes);
  return inflateStart(await reader.peek(deflatedStart)).subarray(0, sniffBytes);
}

async function unpack(reader: ByteReader, name: string, scope: Scope): Promise<void> {
  const content = new ByteReader(inflate(reader, scope));
  try {
    await scope.inside(name, content, scope);
  } finally {
    await content.close();
  }
}

/** Passes the bytes on, and judges the names in all headers that pass. */
async function* watch(
  reader: ByteReader,
  headers: HeaderScanner,
  scope: Scope,
): AsyncGenerator<Uint8Array, void, void> {
  for (let count = 1; ; count++) {
    const piece = await reader.chunk(pieceBytes);
    if (piece.length === 0) return;
    if (count % piecesAtATime === 0) await scope.rest();
    for (const names of headers.write(piece)) {
      if (headers.isOverlapping) scope.endIf('too-many');
      await scope.member(names);
    }
    yield piece;
  }
}

/** Finds the headers in the bytes of a zip file, in pieces of any size; holds one header at most (128 KiB). */
class HeaderScanner {
  #held: Buffer = Buffer.alloc(0);
  /** What the central directory says that its members unpack to. */
  unpackedBytes = 0;
  seenBytes = 0;
  #headerBytes = 0;

  /** Headers stand beside each other; those that lie in each other are there to be looked at for ever. */
  get isOverlapping(): boolean {
    return this.#headerBytes > 2 * this.seenBytes + 1024 * 1024;
  }

  /** The names in each header that is complete now. */
  *write(piece: Buffer): Generator<Iterable<string>, void, void> {
    this.seenBytes += piece.length;
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    this.#held = Buffer.alloc(0);
    for (let at = 0; ; ) {
      at = bytes.indexOf('PK', at, 'latin1');
      if (at < 0) {
        if (bytes.at(-1) === 0x50) this.#held = Buffer.from('P');
        return;
      }
      const end = headerEnd(bytes, at);
      if (end > bytes.length) {
        this.#held = Buffer.from(bytes.subarray(at));
        return;
      }
      if (end > at) yield this.#names(bytes.subarray(at, end));
      at += 2;
    }
  }

  /** The names in headers that were cut short. */
  *end(): Generator<Iterable<string>, void, void> {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    // What follows a cut header may be taken for a part of it.
    for (let at = 0; at >= 0; at = held.indexOf('PK', at + 2, 'latin1')) {
      const end = Math.min(headerEnd(held, at), held.length);
      if (end - at > localBytes) yield this.#names(held.subarray(at, end));
    }
  }

  #names(header: Buffer): readonly string[] {
    this.#headerBytes += header.length;
    const isCentral = header[2] === 0x01;
    const fixed = isCentral ? centralBytes : localBytes;
    if (header.length <= fixed) return [];
    const nameEnd = fixed + header.readUInt16LE(isCentral ? 28 : 26);
    const extra = header.subarray(nameEnd);
    if (isCentral) this.unpackedBytes += unpackedSize(header.readUInt32LE(24), extra);
    const names = [...decodeNames(header.subarray(fixed, nameEnd)), ...unicodePath(extra)];
    return names.filter((name) => !/[/\\]$/.test(name));
  }
}

/** Where the header that begins at `at` ends; `at` when there is none, beyond the bytes when more are needed to tell. */
function headerEnd(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) return bytes.length + 1;
  const isCentral = bytes[at + 2] === 0x01 && bytes[at + 3] === 0x02;
  if (!isCentral && !(bytes[at + 2] === 0x03 && bytes[at + 3] === 0x04)) return at;
  const fixed = isCentral ? centralBytes : localBytes;
  if (at + fixed > bytes.length) return bytes.length + 1;
  const lengths = at + (isCentral ? 28 : 26);
  return at + fixed + bytes.readUInt16LE(lengths) + bytes.readUInt16LE(lengths + 2);
}

/** APPNOTE 4.5.3: a size that does not fit its field is the first number of the extra field 1. */
function unpackedSize(size: number, extra: Buffer): number {
  if (size !== 0xffffffff) return size;
  const field = extraField(extra, 0x0001);
  return field !== undefined && field.length >= 8 ? Number(field.readBigUInt64LE(0)) : size;
}

/** APPNOTE 4.6.9: Info-ZIP Unicode Path. */
function unicodePath(extra: Buffer): readonly string[] {
  const field = extraField(extra, 0x7075);
  return field === undefined || field.length <= 5 ? [] : [field.subarray(5).toString('utf8')];
}

function extraField(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** Readers end a name at a NUL, or show its end. */
function decodeNames(name: Buffer): readonly string[] {
  const nul = name.indexOf(0);
  return [
    ...decoded(name.subarray(-maxNameBytes)),
    ...(nul < 0 || name.length <= maxNameBytes
      ? []
      : decoded(name.subarray(Math.max(0, nul - maxNameBytes), nul))),
  ];
}

/** APPNOTE, appendix D: UTF-8 or code page 437; not everybody follows the flag that tells which. */
function decoded(bytes: Buffer): readonly string[] {
  const utf8 = bytes.toString('utf8');
  return utf8.length === bytes.length ? [utf8] : [utf8, iconv.decode(bytes, 'cp437')];
}

/**
 * Order-preserving keys and partitions. A key is a kind byte and fixed-width big-endian fields, so that byte
 * order is the order of the tuple: 10 follows 9 and 256 follows 255.
 */
import type { EntityId, MailboxId, OrganizationId } from '#domain/ids';
import type { Bytes, Part, Range } from './store.ts';

/** The longest key any adapter takes, in bytes, without its partition. */
export const maxKeyBytes = 512;

/** A number in a key, with its width in bytes. */
interface NumberField {
  readonly width: 1 | 2 | 4 | 8;
  readonly value: number;
}

/** Makes a field of a key from a number, and reads it back from a key at an offset. */
interface NumberFieldType {
  (value: number): NumberField;
  readonly width: 1 | 2 | 4 | 8;
  read(key: Bytes, offset: number): number;
}

/** A field of a key: a number of fixed width, or bytes as they are (of fixed width unless last). */
export type KeyField = NumberField | Bytes;

function numberField(width: 1 | 2 | 4 | 8): NumberFieldType {
  const max = width === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1;
  const make = (value: number): NumberField => {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new RangeError(`a key field of ${width} bytes cannot hold ${value}`);
    }
    return { width, value };
  };
  return Object.assign(make, { width, read: (key: Bytes, offset: number) => readNumber(key, offset, width) });
}

/** Unsigned 8 bit. */
export const u8 = numberField(1);
/** Unsigned 16 bit, big-endian. */
export const u16 = numberField(2);
/** Unsigned 32 bit, big-endian. */
export const u32 = numberField(4);
/** Unsigned 64 bit, big-endian; safe integers only. */
export const u64 = numberField(8);

function readNumber(key: Bytes, offset: number, width: number): number {
  if (offset + width > key.length) {
    throw new RangeError(`a key of ${key.length} bytes has no ${width} bytes at ${offset}`);
  }
  let value = 0;
  for (let i = 0; i < width; i++) {
    value = value * 256 + (key[offset + i] ?? 0);
  }
  return value;
}

function writeNumber(into: Buffer, offset: number, field: NumberField): void {
  let rest = field.value;
  if (field.width === 8) {
    into.writeUInt32BE(Math.floor(rest / 0x1_0000_0000), offset);
    into.writeUInt32BE(rest % 0x1_0000_0000, offset + 4);
    return;
  }
  for (let i = offset + field.width - 1; i >= offset; i--) {
    into[i] = rest & 0xff;
    rest >>>= 8;
  }
}

/** A key: its kind (one ASCII character or a byte) and fields, in one allocation. Also makes prefixes of keys. */
export function key(kind: string | number, ...fields: readonly KeyField[]): Buffer {
  let length = 1;
  for (const field of fields) {
    length += field instanceof Uint8Array ? field.length : field.width;
  }
  const into = Buffer.allocUnsafe(length);
  into[0] = typeof kind === 'string' ? kind.charCodeAt(0) : kind;
  let offset = 1;
  for (const field of fields) {
    if (field instanceof Uint8Array) {
      into.set(field, offset);
      offset += field.length;
    } else {
      writeNumber(into, offset, field);
      offset += field.width;
    }
  }
  return into;
}

/** Greater than every key: for the end of a partition. */
const afterAllKeys: Bytes = Buffer.alloc(maxKeyBytes + 1, 0xff);

/** All keys that begin with `prefix`; an empty prefix is the whole partition. */
export function prefixRange(prefix: Bytes): Range {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) {
    end--;
  }
  if (end === 0) {
    return { gte: prefix, lt: afterAllKeys };
  }
  const lt = Buffer.from(prefix.subarray(0, end));
  lt[end - 1] = (lt[end - 1] ?? 0) + 1;
  return { gte: prefix, lt };
}

const idForms = [
  /^[mr]-([0-9a-f]{32})$/,
  /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/,
  /^([0-9a-f]{32})$/,
];

/** The 16 bytes of an id as the API shows it: `m-` or `r-` and 32 hex digits, a UUID, or the bare digits. */
export function idBytes(id: string): Buffer {
  for (const form of idForms) {
    const match = form.exec(id);
    if (match) {
      return Buffer.from(match.slice(1).join(''), 'hex');
    }
  }
  throw new RangeError('not an id of 16 bytes');
}

function hex16(bytes: Bytes): string {
  if (bytes.length !== 16) {
    throw new RangeError(`an id has 16 bytes, not ${bytes.length}`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
}

/** The organisation's id from its 16 bytes. */
export function organizationIdOf(bytes: Bytes): OrganizationId {
  return `m-${hex16(bytes)}` as OrganizationId;
}

/** RFC 9562 §4.1: bytes of this variant are no UUID, but the id of a resource (directory/resource.ts). */
const resourceVariant = 0b111;

/** An entity's id from its 16 bytes: a UUID (users, groups), or `r-` and hex digits for a resource. */
export function entityIdOf(bytes: Bytes): EntityId {
  const h = hex16(bytes);
  if ((bytes[8] ?? 0) >> 5 === resourceVariant) {
    return `r-${h}` as EntityId;
  }
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}` as EntityId;
}

function part(bytes: Buffer, organization: OrganizationId | undefined): Part {
  return { bytes, name: bytes.toString('latin1'), organization };
}

const system = part(key('S'), undefined);

/** `S`: the installation itself. No common write touches it. */
export function systemPart(): Part {
  return system;
}

/** `O<org>`: the directory and settings of an organisation. */
export function organizationPart(organization: OrganizationId): Part {
  return part(key('O', idBytes(organization)), organization);
}

/** `M<mailbox>`: everything in one mailbox. */
export function mailboxPart(organization: OrganizationId, mailbox: MailboxId): Part {
  return part(key('M', idBytes(mailbox)), organization);
}

/** `B<org><u8>`: references to large bodies whose id begins with this byte. */
export function blobPart(organization: OrganizationId, firstByte: number): Part {
  return part(key('B', idBytes(organization), u8(firstByte)), organization);
}

/** What the bytes of all partitions of an organisation's large bodies begin with. */
export function blobParts(organization: OrganizationId): Bytes {
  return key('B', idBytes(organization));
}

/** How many shards the outbound queue has. */
export const queueShards = 64;

/** `Q<u8>`: one shard of the outbound queue, 0 up to `queueShards` - 1. */
export function queuePart(shard: number): Part {
  if (shard >= queueShards) {
    throw new RangeError(`the queue has ${queueShards} shards, no shard ${shard}`);
  }
  return part(key('Q', u8(shard)), undefined);
}

/** Each partition once: what a transaction locks. */
export function uniqueParts(parts: readonly Part[]): Part[] {
  return [...new Map(parts.map((one) => [one.name, one])).values()];
}

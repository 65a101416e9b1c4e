import { Buffer } from 'node:buffer';
import { charsetOfCodePage, decodeString } from './code-page.ts';
import { type Cursor, TnefError } from './cursor.ts';
import { namedId } from './meeting-ids.ts';

/** MS-OXCDATA, Property Data Types. */
export const PropertyType = { String8: 0x001e, String: 0x001f, Object: 0x000d } as const;

/** A value: where it stands in the stream, and its first bytes. */
export interface Property {
  readonly type: number;
  readonly from: number;
  readonly to: number;
  /** At most `headBytes`. */
  readonly head: Buffer;
}

export type Properties = ReadonlyMap<number, Property>;

/** How many steps reading a stream may take: each attribute and each value is one. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  spend(): void {
    this.#left--;
    if (this.#left < 0) throw new TnefError('more attributes and properties than are read');
  }
}

/** Names, addresses and types are not longer. */
const headBytes = 2 * 1024;
const noBytes = Buffer.alloc(0);

/** MS-OXCDATA, Property Data Types: bytes of the values that have a size, padded to 4; the others tell theirs. */
export const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0x0001, 0],
  [0x0002, 4],
  [0x0003, 4],
  [0x0004, 4],
  [0x0005, 8],
  [0x0006, 8],
  [0x0007, 8],
  [0x000a, 4],
  [0x000b, 4],
  [0x0014, 8],
  [0x0040, 8],
  [0x0048, 16],
]);

/**
 * Reads a list of properties (MS-OXTNEF, MsgPropertyList) that ends at `end` or before, and gives those that are wanted, of
 * several values the first; a named one by its `namedId`. Throws TnefError.
 */
export async function readProperties(
  cursor: Cursor,
  end: number,
  wanted: ReadonlySet<number>,
  budget: Budget,
): Promise<Properties> {
  const found = new Map<number, Property>();
  const count = await cursor.number();
  for (let n = 0; n < count; n++) {
    budget.spend();
    const tag = await cursor.take(4);
    const [type, plainId] = [tag.readUInt16LE(0), tag.readUInt16LE(2)];
    const id = plainId >= 0x8000 ? await readName(cursor) : plainId;
    const value = await readValues(cursor, type, id !== undefined && wanted.has(id), budget);
    if (cursor.at > end) throw new TnefError('properties go beyond their attribute');
    if (id !== undefined && value !== undefined && !found.has(id)) found.set(id, value);
  }
  return found;
}

/** MS-OXTNEF, NamedPropSpec: a number in a set, or a text, which nobody asks for. */
async function readName(cursor: Cursor): Promise<number | undefined> {
  const set = await cursor.take(16);
  const isText = (await cursor.number()) === 1;
  const value = await cursor.number();
  if (!isText) return namedId(set.toString('hex'), value);
  await cursor.skipTo(cursor.at + padded(value));
  return undefined;
}

async function readValues(
  cursor: Cursor,
  type: number,
  isWanted: boolean,
  budget: Budget,
): Promise<Property | undefined> {
  const isMultiple = (type & 0x1000) !== 0;
  const plainType = type & 0x0fff;
  const size = fixedSizes.get(plainType);
  const count = isMultiple || size === undefined ? await cursor.number() : 1;
  let first: Property | undefined;
  for (let n = 0; n < count; n++) {
    budget.spend();
    const length = size ?? (await cursor.number());
    const from = cursor.at;
    const isKept = isWanted && n === 0;
    const head = isKept ? await cursor.take(Math.min(length, headBytes)) : noBytes;
    if (isKept) first = { type: plainType, from, to: from + length, head };
    await cursor.skipTo(from + padded(length));
  }
  return first;
}

function padded(length: number): number {
  return length + ((4 - (length % 4)) % 4);
}

/** The text of a property; undefined if there is none, or nothing in it. */
export function textOf(property: Property | undefined, codePage: number): string | undefined {
  if (property === undefined) return undefined;
  const charset = property.type === PropertyType.String ? 'utf-16le' : charsetOfCodePage(codePage);
  return decodeString(property.head, charset) || undefined;
}

/** The number of a property. */
export function numberOf(property: Property | undefined): number | undefined {
  return property === undefined || property.head.length < 4 ? undefined : property.head.readUInt32LE(0);
}

/** MS-DTYP, FILETIME: 100 ns since 1601; in milliseconds since 1970. */
export function timeOf(property: Property | undefined): number | undefined {
  if (property === undefined || property.head.length < 8) return undefined;
  const ms = Number(property.head.readBigUInt64LE(0) / 10_000n) - 11_644_473_600_000;
  return ms > 0 && ms < 4_102_444_800_000 ? ms : undefined;
}

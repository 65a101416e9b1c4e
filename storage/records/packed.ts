/** MessagePack bodies: records are packed as tuples, so that names of fields are not stored with every row. */
import { Packr } from 'msgpackr';
import type { Codec } from '../rows.ts';

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' });

/** Packs a plain value (arrays, maps, strings, numbers, bytes). */
export function pack(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** What was packed. */
function unpack(body: Uint8Array): unknown {
  return packr.unpack(body);
}

/** A codec for version 1 of a record: `toTuple` and `fromTuple` say which field stands where. */
export function packedCodec<T, Tuple>(
  toTuple: (value: T) => Tuple,
  fromTuple: (tuple: Tuple) => T,
): Codec<T> {
  return {
    version: 1,
    encode: (value) => pack(toTuple(value)),
    decode: (body) => fromTuple(unpack(body) as Tuple),
  };
}

/** A codec for version 1 of rows that are few and small: packed as they are, fields named. */
export function plainObject<T>(): Codec<T> {
  return packedCodec(
    (value: T) => value,
    (value: T) => value,
  );
}

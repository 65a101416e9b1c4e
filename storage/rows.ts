/** How a row of the layout is made: its key, its codec, and whether its value is sealed. */
import { type KeyField, key, prefixRange } from './keys.ts';
import { openPlain, plain } from './seal.ts';
import type { Bytes, Part, Range } from './store.ts';

/** A record's codec: writes the newest version, reads all older ones. */
export interface Codec<T> {
  /** 1 to 255, stored with each value. */
  readonly version: number;
  encode(value: T): Bytes;
  /** `version` is the one the value was written with. */
  decode(body: Bytes, version: number): T;
}

/** What seals values and opens them; see seal.ts. */
export interface Sealer {
  seal(part: Part, key: Bytes, codec: number, body: Bytes): Bytes;
  open(part: Part, key: Bytes, value: Bytes): { readonly codec: number; readonly body: Bytes };
}

/** A kind of row: typed keys and values. */
export interface Row<Fields extends readonly KeyField[], T> {
  readonly kind: string;
  key(...fields: Fields): Bytes;
  /** All rows of this kind whose first fields are these. */
  range(...fields: readonly KeyField[]): Range;
  encode(sealer: Sealer, part: Part, key: Bytes, value: T): Bytes;
  decode(sealer: Sealer, part: Part, key: Bytes, stored: Bytes): T;
}

/** A row whose value says more than ids, numbers and times: sealed with its organisation's key. */
export function sealedRow<Fields extends readonly KeyField[], T>(
  kind: string,
  codec: Codec<T>,
): Row<Fields, T> {
  return {
    kind,
    key: (...fields) => key(kind, ...fields),
    range: (...fields) => prefixRange(key(kind, ...fields)),
    encode: (sealer, part, k, value) => sealer.seal(part, k, codec.version, codec.encode(value)),
    decode: (sealer, part, k, stored) => {
      const { codec: version, body } = sealer.open(part, k, stored);
      return codec.decode(body, version);
    },
  };
}

/** A row of ids, numbers and times only: `[0][codec][body]` in clear. */
export function plainRow<Fields extends readonly KeyField[], T>(
  kind: string,
  codec: Codec<T>,
): Row<Fields, T> {
  return {
    kind,
    key: (...fields) => key(kind, ...fields),
    range: (...fields) => prefixRange(key(kind, ...fields)),
    encode: (_sealer, _part, _k, value) => {
      return plain(codec.version, codec.encode(value));
    },
    decode: (_sealer, _part, _k, stored) => {
      const { codec: version, body } = openPlain(stored);
      return codec.decode(body, version);
    },
  };
}

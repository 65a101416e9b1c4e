import type { Level as LevelDatabase } from 'level';
import type { Bytes, Part } from '../store.ts';

/** The database underneath: bytes to bytes. */
export type Level = LevelDatabase<Bytes, Bytes>;

/** What LevelDB stores a key of a partition under. */
export function levelKey(part: Part, key: Bytes): Buffer {
  const length = part.bytes.length;
  const joined = Buffer.allocUnsafe(length + key.length);
  joined.set(part.bytes, 0);
  joined.set(key, length);
  return joined;
}

/** Beyond so many keys, a thread reads them rather than the event loop. */
const maxKeysAtOnce = 16;

/** The values of keys of `levelKey`, in their order. */
export async function readMany(level: Level, keys: Buffer[]): Promise<(Bytes | undefined)[]> {
  return keys.length <= maxKeysAtOnce ? keys.map((key) => level.getSync(key)) : await level.getMany(keys);
}

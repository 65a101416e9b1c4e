import type { Bytes } from '../store.ts';

/** A key as a string that sorts and compares as its bytes do. */
export function latin1(key: Bytes): string {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.length);
  return bytes.toString('latin1');
}

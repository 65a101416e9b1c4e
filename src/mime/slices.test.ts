import { expect, test } from 'vitest';
import { inSlices, joined, sizeOf } from './slices.ts';

const pieces = [1, 300_000, 0, 1_000_000, 262_144].map((length, n) => Buffer.alloc(length, n));

test('slices are all bytes in their order, none larger than 256 KiB, and others get their turn between them', async () => {
  const slices: Uint8Array[] = [];
  let turns = 0;
  const count = () => {
    turns++;
    if (turns < 100) setImmediate(count);
  };
  setImmediate(count);
  for await (const slice of inSlices(pieces)) slices.push(slice);
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(Math.max(...slices.map(({ length }) => length))).toBe(262_144);
  expect(Buffer.concat(slices).equals(Buffer.concat(pieces))).toBe(true);
});

test('pieces are put together, one alone as it is', async () => {
  expect(Buffer.from(await joined(pieces)).equals(Buffer.concat(pieces))).toBe(true);
  expect(await joined(pieces.slice(0, 1))).toBe(pieces[0]);
  expect([(await joined([])).length, sizeOf(pieces), sizeOf([])]).toEqual([0, 1_562_145, 0]);
});

import { expect, test } from 'vitest';
import { GatheredBytes } from './gathered-bytes.ts';

test('pieces of any size become one, in room for twice as much at most', () => {
  const gathered = new GatheredBytes();
  expect(gathered.bytes).toHaveLength(0);
  const pieces = [0, 1, 5, 3_000, 1, 1, 0, 70_000, ...Array.from({ length: 5_000 }, () => 1)].map(
    (length, n) => Buffer.alloc(length, n % 251),
  );
  for (const piece of pieces) gathered.add(piece);
  expect(gathered.bytes.equals(Buffer.concat(pieces))).toBe(true);
  expect(gathered.length).toBe(78_008);
  expect(gathered.bytes.buffer.byteLength).toBeLessThanOrEqual(2 * gathered.length);
});

test('what was given may change afterwards', () => {
  const gathered = new GatheredBytes();
  const piece = Buffer.from('ab');
  gathered.add(piece);
  piece.fill(0);
  expect(gathered.bytes.toString()).toBe('ab');
});

import { expect, test } from 'vitest';
import { systemOutside } from './outside.ts';

test('random bytes are never given twice, whatever their number', () => {
  const seen = new Set<string>();
  for (let n = 0; n < 2000; n++) {
    seen.add(Buffer.from(systemOutside.random.bytes(16)).toString('hex'));
  }
  expect(seen.size).toBe(2000);
  for (const length of [0, 1, 4096, 4097, 100_000]) {
    expect(systemOutside.random.bytes(length)).toHaveLength(length);
  }
  expect(systemOutside.random.bytes(4097).some((byte) => byte !== 0)).toBe(true);
});

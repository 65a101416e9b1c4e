import { expect, test } from 'vitest';
import { fixedClock } from '#test/support/temp-store';
import { RateLimit } from './rate-limit.ts';

test('a key is remembered while 20,000 others come, and forgotten after 40,000', () => {
  const limit = new RateLimit(1, 60_000, fixedClock(0));
  const others = (from: number) => {
    for (let n = from; n < from + 19_000; n++) limit.take(`other ${n}`);
  };
  expect(limit.take('me')).toBe(true);
  others(0);
  expect(limit.take('me')).toBe(false);
  others(20_000);
  expect(limit.take('me')).toBe(false);
  for (let at = 40_000; at < 120_000; at += 20_000) others(at);
  expect(limit.take('me')).toBe(true);
});

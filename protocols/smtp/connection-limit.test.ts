import { expect, test } from 'vitest';
import { ConnectionLimit } from './connection-limit.ts';

test('an address has so many connections and no more, until one leaves', () => {
  const limit = new ConnectionLimit(2);
  expect([1, 2, 3].map(() => limit.enter('192.0.2.1'))).toEqual([true, true, false]);
  expect(limit.enter('192.0.2.2')).toBe(true);
  limit.leave('192.0.2.1');
  expect([1, 2].map(() => limit.enter('192.0.2.1'))).toEqual([true, false]);
});

test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('loopback (%s) has no limit', (address) => {
  const limit = new ConnectionLimit(0);
  expect(limit.enter(address)).toBe(true);
});

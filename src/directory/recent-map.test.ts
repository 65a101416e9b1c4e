import { expect, it } from 'vitest';
import { RecentMap } from './recent-map.ts';

it('keeps what was used last, and gives what had to go', () => {
  const map = new RecentMap<string, number>(2);
  expect(map.set('a', 1)).toBeUndefined();
  expect(map.set('b', 2)).toBeUndefined();
  expect(map.get('a')).toBe(1);
  expect(map.set('c', 3)).toBe(2);
  expect(map.get('b')).toBeUndefined();
  expect(map.set('a', 4)).toBeUndefined();
  expect(map.set('d', 5)).toBe(3);
  expect(map.get('a')).toBe(4);
  map.clear();
  expect(map.get('a')).toBeUndefined();
});

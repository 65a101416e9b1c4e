import { expect, test } from 'vitest';
import { key, u32 } from '../keys.ts';
import { everything, testPart } from '../store-fixtures.ts';
import { latin1 } from './latin1.ts';
import { Windows } from './windows.ts';

const part = testPart(1);
const keyOf = (n: number) => key('k', u32(n));

/** What is to be read of all rows, from and behind. */
function bounds(windows: Windows): readonly (string | undefined)[] {
  const look = windows.begin(part, everything);
  windows.abandon(look);
  return [look.range?.gte, look.range?.lt].map((bound) => bound && latin1(bound));
}

function put(windows: Windows, n: number): void {
  const change = { key: keyOf(n), value: Buffer.alloc(0) };
  windows.note(part, new Map([[latin1(change.key), change]]));
}

const behind = (n: number) => `${latin1(keyOf(n))}\0`;

test('a row that becomes durable during a look is looked for by the next one', () => {
  for (const found of [[], [5, 6]]) {
    const windows = new Windows();
    const look = windows.begin(part, everything);
    put(windows, 3);
    put(windows, 9);
    windows.end(look, found.map(keyOf), true);
    expect(bounds(windows)).toEqual([latin1(keyOf(3)), behind(9)]);
  }
});

test('what was found bounds the next look, and a new row widens it', () => {
  const windows = new Windows();
  windows.end(windows.begin(part, everything), [keyOf(5), keyOf(6)], true);
  expect(bounds(windows)).toEqual([latin1(keyOf(5)), behind(6)]);
  put(windows, 8);
  put(windows, 4);
  expect(bounds(windows)).toEqual([latin1(keyOf(4)), behind(8)]);
  windows.end(windows.begin(part, everything), [keyOf(6)], false);
  expect(bounds(windows)).toEqual([latin1(keyOf(6)), behind(8)]);
  windows.end(windows.begin(part, everything), [], true);
  expect(bounds(windows)).toEqual([undefined, undefined]);
  put(windows, 7);
  expect(bounds(windows)).toEqual([latin1(keyOf(7)), behind(7)]);
});

test('only so many ranges are remembered', () => {
  const windows = new Windows();
  for (let n = 0; n < 100; n++) {
    const range = { gte: keyOf(n), lt: keyOf(n + 1) };
    windows.end(windows.begin(part, range), [], true);
  }
  expect(windows.begin(part, { gte: keyOf(0), lt: keyOf(1) }).range).toBeDefined();
  expect(windows.begin(part, { gte: keyOf(99), lt: keyOf(100) }).range).toBeUndefined();
});

test('while they are few, the keys themselves are known', () => {
  const windows = new Windows();
  const known = () => {
    const look = windows.begin(part, everything);
    windows.abandon(look);
    return look.keys?.map(latin1);
  };
  expect(known()).toBeUndefined();
  windows.end(windows.begin(part, everything), [keyOf(5)], true);
  put(windows, 9);
  put(windows, 4);
  expect(known()).toEqual([4, 5, 9].map((n) => latin1(keyOf(n))));
  // Found the first two, and stopped there.
  windows.end(windows.begin(part, everything), [keyOf(5)], false);
  expect(known()).toEqual([5, 9].map((n) => latin1(keyOf(n))));
  for (let n = 10; n < 50; n++) put(windows, n);
  expect(known()).toBeUndefined();
  expect(bounds(windows)).toEqual([latin1(keyOf(5)), behind(49)]);
});

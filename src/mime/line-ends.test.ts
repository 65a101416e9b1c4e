import { expect, test } from 'vitest';
import { countLineEnds } from './line-ends.ts';

function countedSlowly(bytes: Uint8Array, from: number, to: number) {
  const places = Array.from({ length: to - from }, (_, n) => from + n);
  const those = (value: number) => places.filter((at) => bytes[at] === value);
  return {
    lineFeeds: those(0x0a).length,
    carriageReturns: those(0x0d).length,
    pairs: those(0x0a).filter((at) => bytes[at - 1] === 0x0d).length,
    nuls: those(0).length,
    dots: those(0x0a).filter((at) => bytes[at + 1] === 0x2e).length,
  };
}

test('line ends are counted wherever they stand, whatever is around them', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * below);
  };
  const some = [0x00, 0x09, 0x0a, 0x0d, 0x0e, 0x20, 0x2e, 0x41, 0x7f, 0x80, 0x8a, 0x8d, 0xff];
  for (let round = 0; round < 2_000; round++) {
    const whole = Uint8Array.from({ length: 64 + random(64) }, () => some[random(random(9) + 5)] ?? 0x41);
    const bytes = whole.subarray(random(8));
    const from = random(bytes.length);
    const to = from + random(bytes.length - from + 1);
    expect(countLineEnds(bytes, from, to)).toEqual(countedSlowly(bytes, from, to));
  }
});

test('none in none', () => {
  const none = { lineFeeds: 0, carriageReturns: 0, pairs: 0, nuls: 0, dots: 0 };
  expect(countLineEnds(new Uint8Array(0), 0, 0)).toEqual(none);
  expect(countLineEnds(new Uint8Array([0x0a]).subarray(1), 0, 0)).toEqual(none);
});

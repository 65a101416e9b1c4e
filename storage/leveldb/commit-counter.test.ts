import { Level as LevelDatabase } from 'level';
import { expect, it } from 'vitest';
import type { Bytes } from '../store.ts';
import { testFolder } from '../store-fixtures.ts';
import { commitKey, countCommits, keptCommits } from './commit-counter.ts';

it('counts the last 100,000 commits, and only those', async () => {
  const level = new LevelDatabase<Bytes, Bytes>(await testFolder(), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  const last = keptCommits + 500;
  const value = new Uint8Array();
  for (let from = 100; from <= last; from += 10_000) {
    const numbers = Array.from({ length: Math.min(10_000, last - from + 1) }, (_, i) => from + i);
    await level.batch(numbers.map((n) => ({ type: 'put', key: commitKey(n), value })));
  }
  expect(await countCommits(level, 1)).toEqual({ last, missing: 0 });
  await level.del(commitKey(500));
  expect(await countCommits(level, 1)).toEqual({ last, missing: 0 });
  await level.del(commitKey(501));
  await level.del(commitKey(70_000));
  expect(await countCommits(level, 1)).toEqual({ last, missing: 2 });
  expect(await countCommits(level, 70_000)).toEqual({ last, missing: 1 });
  expect(await countCommits(level, 70_001)).toEqual({ last, missing: 0 });
  expect(await countCommits(level, last + 1)).toEqual({ last, missing: 0 });
  await level.clear();
  expect(await countCommits(level, 1)).toEqual({ last: 0, missing: 0 });
  await level.close();
});

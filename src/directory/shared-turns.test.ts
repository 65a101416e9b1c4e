import { expect, test } from 'vitest';
import { SharedTurns } from './shared-turns.ts';

test('one runs at a time by key; all who come meanwhile share the next, also after one that failed', async () => {
  const turns = new SharedTurns<number>();
  const begun: ReturnType<typeof Promise.withResolvers<number>>[] = [];
  const work = () => {
    const one = Promise.withResolvers<number>();
    begun.push(one);
    return one.promise;
  };
  const first = turns.run('a', work);
  const later = [1, 2, 3].map(() => turns.run('a', work));
  const other = turns.run('b', work);
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(2);
  expect(await other).toBe(2);
  begun[0]?.reject(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  await expect.poll(() => begun.length).toBe(3);
  const last = turns.run('a', work);
  begun[2]?.resolve(3);
  expect(await Promise.all(later)).toEqual([3, 3, 3]);
  await expect.poll(() => begun.length).toBe(4);
  begun[3]?.resolve(4);
  expect(await last).toBe(4);
  void turns.run('a', work);
  expect(begun).toHaveLength(5);
});

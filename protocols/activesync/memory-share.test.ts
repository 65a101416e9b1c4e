import { expect, test } from 'vitest';
import { MemoryShare } from './memory-share.ts';

const MIB = 1024 * 1024;

test('large work waits its turn, small work does not, and what fails gives its share back', async () => {
  const share = new MemoryShare(10 * MIB);
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const start = (name: string, mib: number) =>
    share.hold(
      mib * MIB,
      () =>
        new Promise<void>((resolve, reject) => {
          begun.push(name);
          ends.set(name, (error) => (error === undefined ? resolve() : reject(error)));
        }),
    );
  const a = start('a', 6);
  const b = start('b', 30);
  const c = start('c', 2);
  const small = start('small', 1);
  expect(begun).toEqual(['a', 'small']);
  ends.get('a')?.(new Error('no'));
  await expect(a).rejects.toThrow('no');
  await expect.poll(() => begun).toEqual(['a', 'small', 'b']);
  ends.get('b')?.();
  await b;
  await expect.poll(() => begun).toEqual(['a', 'small', 'b', 'c']);
  ends.get('c')?.();
  await c;
  ends.get('small')?.();
  await small;
});

import { describe, expect, it } from 'vitest';
import { DirectorySync } from './directory-sync.ts';

/** A sync that ends when the test says so. */
function heldSync() {
  const begun: { directory: string; end: (error?: Error) => void }[] = [];
  const sync = new DirectorySync((directory) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    begun.push({ directory, end: (error) => (error === undefined ? resolve() : reject(error)) });
    return promise;
  });
  return { begun, sync };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('DirectorySync', () => {
  it('callers during a sync share the one that begins after it', async () => {
    const { begun, sync } = heldSync();
    const first = sync.sync('a');
    const others = [sync.sync('a'), sync.sync('a'), sync.sync('a')];
    let othersDone = false;
    const all = Promise.all(others).then(() => {
      othersDone = true;
    });
    begun[0]?.end();
    await first;
    await settled();
    expect([begun.length, othersDone]).toEqual([2, false]);
    begun[1]?.end();
    await all;
    expect(begun).toHaveLength(2);
  });

  it('directories do not wait for each other', () => {
    const { begun, sync } = heldSync();
    void sync.sync('a');
    void sync.sync('b');
    expect(begun.map(({ directory }) => directory)).toEqual(['a', 'b']);
  });

  it('a failure reaches those who waited for that sync only', async () => {
    const { begun, sync } = heldSync();
    const first = expect(sync.sync('a')).rejects.toThrow('disk');
    const second = sync.sync('a');
    begun[0]?.end(new Error('disk'));
    await first;
    await settled();
    begun[1]?.end();
    await second;
    const third = sync.sync('a');
    begun[2]?.end();
    await third;
    expect(begun).toHaveLength(3);
  });
});

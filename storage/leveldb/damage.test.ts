import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Level as LevelDatabase } from 'level';
import { expect, it, onTestFinished, vi } from 'vitest';
import { key, systemPart, u16, u32, u64 } from '../keys.ts';
import type { Bytes, Store } from '../store.ts';
import {
  allRows,
  eightBytes,
  everything,
  numberIn,
  seeded,
  testFolder,
  testPart,
} from '../store-fixtures.ts';
import {
  StoreClosedError,
  StoreDamagedError,
  StoreInUseError,
  StoreOpenError,
  StoreVersionError,
} from './errors.ts';
import { levelKey } from './level.ts';
import { type LevelStoreOptions, openLevelStore } from './open.ts';

const p = testPart(1);

async function open(path: string, options: Partial<LevelStoreOptions> = {}): Promise<Store> {
  const store = await openLevelStore(path, {
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}

/** A closed store with `count` commits of 500 bytes, each with the next number of one partition. */
async function writtenStore(count: number): Promise<{ folder: string; log: string }> {
  const folder = await testFolder();
  const store = await open(folder);
  await append(store, count);
  await store.close();
  const [log = ''] = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  return { folder, log: join(folder, log) };
}

async function append(store: Store, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await store.transact([p], async (tx) => {
      tx.put(p, key('c', u64(await tx.nextSeq(p))), Buffer.alloc(500));
    });
  }
}

async function numbers(store: Store): Promise<number[]> {
  return (await allRows(store, p, everything)).map(([k]) => u64.read(k, 1));
}

/** Where records of a LevelDB log end (its log_format.md): blocks of 32 KiB, headers of 7 bytes. */
function recordEnds(log: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at + 7 <= log.length; ) {
    const left = 32_768 - (at % 32_768);
    if (left < 7) {
      at += left;
      continue;
    }
    at += 7 + log.readUInt16LE(at + 4);
    ends.push(at);
  }
  return ends;
}

it('a log cut off at any byte opens, and holds exactly a prefix', async () => {
  const { folder, log } = await writtenStore(120);
  const whole = await readFile(log);
  const random = seeded(11);
  const ends = recordEnds(whole);
  const between = Array.from({ length: 40 }, () => random(whole.length));
  const cuts = [0, ...between, ...ends, ...ends.filter(() => random(3) === 0).map((end) => end - 1)].sort(
    (x, y) => x - y,
  );
  expect(whole.length).toBeGreaterThan(65_536);
  let before = 0;
  for (const size of cuts) {
    const copy = await testFolder();
    await cp(folder, copy, { recursive: true });
    await truncate(log.replace(folder, copy), size);
    const store = await open(copy);
    const found = await numbers(store);
    expect(found).toEqual(Array.from(found, (_, i) => i + 1));
    expect(found.length).toBeGreaterThanOrEqual(before);
    expect(await store.lastSeq(p)).toBe(found.length);
    before = found.length;
    await store.close();
    await rm(copy, { recursive: true });
  }
  expect(before).toBe(120);
}, 60_000);

it('a damaged block of the log is noticed, and the loss can be accepted once', async () => {
  for (const at of [10, 40_000]) {
    const { folder, log } = await writtenStore(200);
    const bytes = await readFile(log);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    await writeFile(log, bytes);
    await expect(open(folder)).rejects.toThrow(StoreDamagedError);
    await expect(open(folder)).rejects.toThrow('--accept-lost-commits');
    const accepted = await open(folder, { acceptLostCommits: true });
    expect(accepted.epoch).toBe(1);
    const left = await numbers(accepted);
    expect(left.length).toBeLessThan(200);
    const seq = await accepted.transact([p], (tx) => tx.nextSeq(p));
    expect(seq).toBeGreaterThan(200);
    await accepted.close();
    const again = await open(folder);
    expect(again.epoch).toBe(1);
    await append(again, 1);
    expect(await again.lastSeq(p)).toBe(seq + 1);
    expect(await numbers(again)).toEqual([...left, seq + 1]);
    await again.close();
  }
});

it('a store without CURRENT, or without a table, is refused and left as it is', async () => {
  const { folder } = await writtenStore(5);
  await (await open(folder)).close(); // turns the log into a table
  const current = await readFile(join(folder, 'CURRENT'));
  await rm(join(folder, 'CURRENT'));
  const names = await readdir(folder);
  await expect(open(folder)).rejects.toThrow(StoreDamagedError);
  expect(await readdir(folder)).toEqual(names);
  await writeFile(join(folder, 'CURRENT'), current);
  const store = await open(folder);
  expect(await numbers(store)).toEqual([1, 2, 3, 4, 5]);
  await store.close();
  for (const table of (await readdir(folder)).filter((name) => name.endsWith('.ldb'))) {
    await rm(join(folder, table));
  }
  await expect(open(folder)).rejects.toThrow(StoreDamagedError);
});

it('a first start that was cut short begins again; a file in the place of the folder is refused', async () => {
  const folder = await testFolder();
  await writeFile(join(folder, 'LOCK'), '');
  await writeFile(join(folder, 'MANIFEST-000001'), '');
  await append(await open(folder), 1);
  const file = join(await testFolder(), 'file');
  await writeFile(file, '');
  await expect(open(file)).rejects.toThrow(StoreOpenError);
});

it('a store is opened once: not again in this process, nor in another meanwhile', async () => {
  const folder = await testFolder();
  const store = await open(folder);
  await expect(open(folder)).rejects.toThrow(StoreInUseError);
  await expect(open(`${folder}/.`)).rejects.toThrow(StoreInUseError);
  const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [writer, folder, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  expect(await text(child.stdout)).toBe('StoreInUseError\n');
  await exited;
  await append(store, 1);
  await store.close();
  expect(await numbers(await open(folder))).toEqual([1]);
});

it('a store with rows that this program cannot read is refused', async () => {
  for (const [written, oldest] of [
    [2, 2],
    [0, 0],
  ] as const) {
    const { folder } = await writtenStore(1);
    const level = new LevelDatabase<Bytes, Bytes>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    const row = key(0, key(1), u16(written), u16(oldest), u32(0), u64(1));
    await level.put(levelKey(systemPart(), key('v')), row);
    await level.close();
    await expect(open(folder)).rejects.toThrow(StoreVersionError);
  }
});

it('after a write that failed, nothing is acknowledged or accepted any more', async () => {
  const fatal: unknown[] = [];
  const store = await open(await testFolder(), { onFatal: (error) => fatal.push(error) });
  await append(store, 1);
  const writes: unknown[] = [];
  const write = (how: unknown) => {
    writes.push(how);
    return Promise.reject(new Error('EIO'));
  };
  const broken = { put: () => broken, del: () => broken, write };
  const spy = vi.spyOn(LevelDatabase.prototype, 'batch').mockImplementation(() => broken as never);
  const gate = Promise.withResolvers<void>();
  const begun = (['now', 'soon', 'seen'] as const).map((urgency, n) =>
    store.transact(
      [testPart(2 + n)],
      async (tx) => {
        await gate.promise;
        tx.put(testPart(2 + n), key('c', u64(1)), eightBytes(1));
      },
      urgency,
    ),
  );
  const results = await Promise.allSettled([
    append(store, 1),
    append(store, 1),
    store.transact([p], numbersIn),
  ]);
  // What began before the failure is not said to be done after it, however urgent.
  gate.resolve();
  results.push(...(await Promise.allSettled<void>(begun)));
  spy.mockRestore();
  expect(results.map((r) => r.status === 'rejected' && r.reason instanceof StoreClosedError)).toEqual(
    Array(6).fill(true),
  );
  await expect(append(store, 1)).rejects.toThrow(StoreClosedError);
  expect(fatal).toHaveLength(1);
  expect(writes).toEqual([{ sync: true }]);
  expect(await numbers(store)).toEqual([1]);
});

function numbersIn(tx: Pick<Store, 'page'>): Promise<unknown> {
  return tx.page(p, everything);
}

it('sequence numbers stay in order with few heads in memory and small batches', async () => {
  const folder = await testFolder();
  const options = { maxHeads: 3, maxBatchBytes: 2000 };
  let store = await open(folder, options);
  const random = seeded(5);
  const taken = new Map<number, number>();
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const number = random(20);
        const part = testPart(number);
        await store.transact([part], async (tx) => {
          const seq = await tx.nextSeq(part);
          expect(seq).toBe((taken.get(number) ?? 0) + 1);
          taken.set(number, seq);
          tx.put(part, key('c', u64(seq)), Buffer.alloc(300));
        });
        const last = await store.lastSeq(part);
        // What lastSeq names can be read.
        expect(await store.get(part, key('c', u64(last)))).toBeDefined();
      }),
    );
    if (round === 5) {
      await store.close();
      store = await open(folder, options);
    }
  }
});

it('overwritten keys never come back under 100 readers (google/leveldb #320)', async () => {
  const keys = 5000;
  const store = await open(await testFolder(), { writeBufferSize: 256 * 1024, maxFileSize: 128 * 1024 });
  const newest = new Uint32Array(keys);
  const random = seeded(3);
  let written = 0;
  const writer = async () => {
    while (written < 200_000) {
      const start = written;
      written += 200;
      await store.transact([p], async (tx) => {
        for (let n = start; n < start + 200; n++) {
          const k = random(keys);
          newest[k] = n + 1;
          tx.put(p, key('k', u32(k)), Buffer.concat([eightBytes(n + 1), Buffer.alloc(40, n)]));
        }
      });
    }
  };
  const reader = async () => {
    while (written < 200_000) {
      const page = await store.page(p, { ...everything, gte: key('k', u32(random(keys))), limit: 50 });
      const tooNew = page.rows.filter(([k, v]) => numberIn(v) > (newest[u32.read(k, 1)] ?? 0));
      expect(tooNew).toEqual([]);
    }
  };
  await Promise.all([...Array.from({ length: 4 }, writer), ...Array.from({ length: 100 }, reader)]);
  const rows = await allRows(store, p, everything);
  expect(rows.map(([k, v]) => [u32.read(k, 1), numberIn(v)])).toEqual(
    [...newest].flatMap((n, k) => (n ? [[k, n]] : [])),
  );
}, 120_000);

/** The acceptance suite that every adapter of the Store port passes (storage/README.md). */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { key, maxKeyBytes, prefixRange, u8, u32, u64 } from './keys.ts';
import { type Bytes, ExistsError, type Part, type Reader, type Store } from './store.ts';
import { allRows, eightBytes, everything, numberIn, seeded, testFolder, testPart } from './store-fixtures.ts';

/** A store under test in a place of its own. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<Store>;
  /** Opens what `backup` made. */
  openBackup(path: string): Promise<Store>;
}

const a = testPart(1);
const b = testPart(2);
const nameOf = (k: Bytes) => Buffer.from(k).toString('latin1');

/** Runs the suite; `open` gives an empty store that is closed and gone after the test. */
export function storeSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: reads`, () => {
    it('pages give every row of a partition once, in byte order, both ways', async () => {
      const { store } = await open();
      const numbers = Array.from({ length: 2500 }, (_, i) => (i * 7919) % 2500);
      for (let i = 0; i < numbers.length; i += 500) {
        await store.transact([a, b], async (tx) => {
          for (const n of numbers.slice(i, i + 500)) {
            tx.put(a, key('k', u32(n)), eightBytes(n));
          }
          tx.put(b, key('k', u32(i)), eightBytes(i));
        });
      }
      const first = await store.page(a, everything);
      expect(first.rows.length).toBe(1000);
      expect(first.next).toBeDefined();
      for (const range of [
        everything,
        { ...everything, limit: 7 },
        { ...everything, limit: 999, reverse: true },
      ]) {
        const read = (await allRows(store, a, range)).map(([k, v]) => [u32.read(k, 1), numberIn(v)]);
        const sorted = numbers.map((n) => [n, n]).sort(([x = 0], [y = 0]) => (range.reverse ? y - x : x - y));
        expect(read).toEqual(sorted);
      }
      const middle = await store.page(a, { gte: key('k', u32(10)), lt: key('k', u32(13)), reverse: true });
      expect(middle.rows.map(([k]) => u32.read(k, 1))).toEqual([12, 11, 10]);
      expect(middle.next).toBeUndefined();
      expect((await store.page(a, { gte: key('k', u32(5)), lt: key('k', u32(5)) })).rows).toEqual([]);
    });

    it('a page stops after a mebibyte and says where to go on', async () => {
      const { store } = await open();
      for (let i = 0; i < 4; i++) {
        await store.transact([a], async (tx) => {
          for (let n = 0; n < 12; n++) {
            tx.put(a, key('k', u8(i), u8(n)), Buffer.alloc(65_536, n));
          }
        });
      }
      const page = await store.page(a, everything);
      expect(page.rows.length).toBeLessThanOrEqual(17);
      expect(page.next).toBeDefined();
      expect((await allRows(store, a, everything)).length).toBe(48);
      expect(
        (await store.transact([a], (tx) => allRows(tx, a, { ...everything, reverse: true }))).length,
      ).toBe(48);
    });

    it('point reads give what was written, many at once in the order asked', async () => {
      const { store, reopen } = await open();
      await store.transact([a], async (tx) => {
        for (let n = 0; n < 50; n++) {
          tx.put(a, key('k', u8(n)), eightBytes(n));
        }
        tx.put(a, key('e'), new Uint8Array());
      });
      const check = async (reader: Reader) => {
        const keys = [3, 99, 0, 49, 3].map((n) => key('k', u8(n)));
        expect((await reader.getMany(a, keys)).map((v) => v && numberIn(v))).toEqual([
          3,
          undefined,
          0,
          49,
          3,
        ]);
        expect(numberIn(await reader.get(a, key('k', u8(7))))).toBe(7);
        expect(await reader.get(a, key('e'))).toHaveLength(0);
        expect(await reader.get(b, key('k', u8(7)))).toBeUndefined();
        expect(await reader.getMany(a, [])).toEqual([]);
      };
      await check(store);
      await check(await reopen());
      await expect(store.get(a, key('e'))).rejects.toThrow('closed');
    });
  });

  describe(`${name}: transactions`, () => {
    it('see their own writes and those queued before them, as a model does', async () => {
      const { store } = await open();
      const model = new Map<string, number>();
      const random = seeded(7);
      const rangeFromModel = (from: string, to: string, reverse: boolean) => {
        const rows = [...model].filter(([k]) => k >= from && k < to).sort(([x], [y]) => (x < y ? -1 : 1));
        return reverse ? rows.reverse() : rows;
      };
      const transactions = Array.from({ length: 300 }, (_, t) =>
        store.transact([a], async (tx) => {
          for (let i = 0; i < 10; i++) {
            const k = key('k', u8(random(100)));
            if (random(3) === 0) {
              tx.del(a, k);
              model.delete(nameOf(k));
            } else {
              tx.put(a, k, eightBytes(t * 100 + i));
              model.set(nameOf(k), t * 100 + i);
            }
          }
          const [low = 0, high = 0] = [random(100), random(100)].sort((x, y) => x - y);
          const range = { gte: key('k', u8(low)), lt: key('k', u8(high)), limit: 1 + random(20) };
          const reverse = random(2) === 0;
          const rows = await allRows(tx, a, { ...range, reverse });
          expect(rows.map(([k, v]) => [nameOf(k), numberIn(v)])).toEqual(
            rangeFromModel(nameOf(range.gte), nameOf(range.lt), reverse),
          );
          const keys = Array.from({ length: random(40) }, () => key('k', u8(random(100))));
          const values = await tx.getMany(a, keys);
          expect(values.map((v) => v && numberIn(v))).toEqual(keys.map((k) => model.get(nameOf(k))));
        }),
      );
      await Promise.all(transactions);
      const rows = await allRows(store, a, everything);
      expect(rows.map(([k, v]) => [nameOf(k), numberIn(v)])).toEqual(rangeFromModel('', '\xff', false));
    });

    it('one that throws leaves nothing behind, and takes no sequence number', async () => {
      const { store } = await open();
      const failed = store.transact([a], async (tx) => {
        tx.put(a, key('k'), eightBytes(1));
        await tx.nextSeq(a);
        tx.touch(a, 1);
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
      expect(await store.get(a, key('k'))).toBeUndefined();
      expect(await store.transact([a], (tx) => tx.get(a, key('k')))).toBeUndefined();
      expect(await store.transact([a], (tx) => tx.nextSeq(a))).toBe(1);
    });

    it('one that only read, or refused, ends after what it read is durable', async () => {
      const { store } = await open();
      for (let n = 1; n <= 20; n++) {
        const write = store.transact([a], async (tx) => tx.put(a, key('k', u8(n)), eightBytes(n)));
        const read = store.transact([a], (tx) => tx.get(a, key('k', u8(n))));
        const refused = store.transact([a], (tx) => tx.insert(a, key('k', u8(n)), eightBytes(0)));
        await expect(refused).rejects.toThrow(ExistsError);
        expect(numberIn(await store.get(a, key('k', u8(n))))).toBe(n);
        expect(numberIn(await read)).toBe(n);
        await write;
      }
    });

    it('number each partition without a gap, across a restart', async () => {
      const { store, reopen } = await open();
      expect(await store.lastSeq(a)).toBe(0);
      const take = (from: Store) =>
        from.transact([b, a], async (tx) => [await tx.nextSeq(a), await tx.nextSeq(a), await tx.nextSeq(b)]);
      expect(await take(store)).toEqual([1, 1, 1]);
      expect(await store.transact([a], (tx) => tx.nextSeq(a))).toBe(2);
      expect(await take(store)).toEqual([3, 3, 2]);
      expect([await store.lastSeq(a), await store.lastSeq(b)]).toEqual([3, 2]);
      const again = await reopen();
      expect([await again.lastSeq(a), await again.lastSeq(b)]).toEqual([3, 2]);
      expect(await take(again)).toEqual([4, 4, 3]);
    });

    it('count one by one under 128 writers, in one partition and between two', async () => {
      const { store } = await open();
      const add = (p: Part, amount: number) => (tx: Reader & { put(p: Part, k: Bytes, v: Bytes): void }) =>
        tx.get(p, key('n')).then((v) => tx.put(p, key('n'), eightBytes(numberIn(v) + amount)));
      const seqs: number[] = [];
      await Promise.all(
        Array.from({ length: 128 }, async (_, writer) => {
          for (let i = 0; i < 10; i++) {
            await store.transact(writer % 2 ? [a, b] : [b, a], async (tx) => {
              await add(a, 1)(tx);
              await add(b, 2)(tx);
              seqs.push(await tx.nextSeq(b));
            });
          }
        }),
      );
      expect(numberIn(await store.get(a, key('n')))).toBe(1280);
      expect(numberIn(await store.get(b, key('n')))).toBe(2560);
      expect(seqs).toEqual(Array.from({ length: 1280 }, (_, i) => i + 1));
    });

    it('insert lets exactly one of many in', async () => {
      const { store } = await open();
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          store.transact([a], async (tx) => {
            await tx.insert(a, key('v'), eightBytes(n));
            return n;
          }),
        ),
      );
      const winners = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
      const errors = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
      expect(winners).toHaveLength(1);
      expect(errors.every((error) => error instanceof ExistsError)).toBe(true);
      expect(numberIn(await store.get(a, key('v')))).toBe(winners[0]);
      await store.transact([a], async (tx) => {
        tx.del(a, key('v'));
        await tx.insert(a, key('v'), eightBytes(99));
      });
      expect(numberIn(await store.get(a, key('v')))).toBe(99);
    });

    it('take what every adapter takes, and refuse more', async () => {
      const { store } = await open();
      const longKey = Buffer.alloc(maxKeyBytes, 0xfe);
      await store.transact([a], async (tx) => tx.put(a, longKey, Buffer.alloc(65_536, 1)));
      expect(await store.get(a, longKey)).toHaveLength(65_536);
      await store.transact([b], async (tx) => {
        for (let n = 0; n < 4000; n++) {
          tx.put(b, key('k', u32(n)), eightBytes(n));
        }
      });
      const tooMuch = [
        [Buffer.alloc(maxKeyBytes + 1), 1, 1],
        [Buffer.alloc(0), 1, 1],
        [key('k'), 65_537, 1],
        [key('k'), 1, 4001],
        [key('k'), 65_536, 32],
      ] as const;
      for (const [k, size, times] of tooMuch) {
        const refused = store.transact([a], async (tx) => {
          for (let n = 0; n < times; n++) {
            tx.put(a, k, Buffer.alloc(size));
          }
        });
        await expect(refused).rejects.toThrow('at most');
      }
      expect(await store.get(a, key('k'))).toBeUndefined();
    });

    it('touch only the partitions they list, and only until they end', async () => {
      const { store } = await open();
      await expect(store.transact([a], (tx) => tx.get(b, key('k')))).rejects.toThrow('not listed');
      const ended = await store.transact([a], async (tx) => ({ tx }));
      expect(() => ended.tx.put(a, key('k'), eightBytes(1))).toThrow('ended');
    });

    it('that run when the store is closed still end, and later ones are refused', async () => {
      const { store, reopen } = await open();
      const running = Array.from({ length: 20 }, (_, n) =>
        store.transact([a], async (tx) => tx.put(a, key('k', u8(n)), eightBytes(n))),
      );
      const reopened = reopen();
      await expect(store.transact([a], async () => undefined)).rejects.toThrow('closed');
      await Promise.all(running);
      expect(await allRows(await reopened, a, everything)).toHaveLength(20);
    });

    it('on one partition reach at least half the rate of as many partitions', async () => {
      const { store } = await open();
      const ratios: number[] = [];
      for (let round = 0; round < 5 && Math.max(0, ...ratios) < 0.5; round++) {
        const distinct = await rate(store, (writer) => testPart(1000 + writer));
        ratios.push((await rate(store, () => a)) / distinct);
      }
      expect(Math.max(...ratios)).toBeGreaterThanOrEqual(0.5);
    });
  });

  describe(`${name}: watch`, () => {
    it('is called once a commit is durable, and for nothing else', async () => {
      const { store } = await open();
      const heard: [string, number, Promise<boolean>][] = [];
      const unwatch = store.watch([a], (p, topic) => {
        heard.push([p.name, topic, store.get(p, key('t', u8(topic))).then((v) => v !== undefined)]);
      });
      const touch = (p: Part, topic: number) =>
        store.transact([p], async (tx) => {
          tx.put(p, key('t', u8(topic)), eightBytes(topic));
          tx.touch(p, topic);
          tx.touch(p, topic);
        });
      await touch(a, 1);
      await touch(b, 2);
      await store.transact([a], async (tx) => tx.put(a, key('x'), eightBytes(1)));
      const failed = store.transact([a], async (tx) => {
        tx.touch(a, 3);
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
      await Promise.all([touch(a, 4), touch(a, 5)]);
      unwatch();
      await touch(a, 6);
      expect(heard.map(([p, topic]) => [p, topic])).toEqual([1, 4, 5].map((topic) => [a.name, topic]));
      expect(await Promise.all(heard.map(([, , durable]) => durable))).toEqual([true, true, true]);
    });
  });

  describe(`${name}: deleteRange`, () => {
    it('deletes in steps that go on after a restart, and nothing beside the range', async () => {
      const { store, reopen } = await open();
      for (let i = 0; i < 5; i++) {
        await store.transact([a, b], async (tx) => {
          for (let n = 0; n < 500; n++) {
            tx.put(n === 0 ? b : a, key('k', u32(i * 500 + n)), eightBytes(n));
          }
          tx.put(a, key(i % 2 ? 'j' : 'l', u8(i)), eightBytes(i));
        });
      }
      const range = prefixRange(key('k'));
      const first = await store.deleteRange(a, range);
      expect(first.done).toBe(false);
      let step = { ...first };
      const again = await reopen();
      while (step.next) {
        step = await again.deleteRange(a, { ...range, gte: step.next });
      }
      expect(step.done).toBe(true);
      expect((await allRows(again, a, everything)).map(([k]) => nameOf(k)[0])).toEqual([
        'j',
        'j',
        'l',
        'l',
        'l',
      ]);
      expect(await allRows(again, b, everything)).toHaveLength(5);
    });
  });

  describe(`${name}: backup`, () => {
    it('under load opens, and is exactly a prefix of the history', async () => {
      const { store, openBackup } = await open();
      let acknowledged = 0;
      let stop = false;
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        while (!stop) {
          const own = testPart(100 + writer);
          await store.transact([a, own], async (tx) => {
            const seq = await tx.nextSeq(a);
            tx.put(a, key('c', u64(seq)), Buffer.alloc(500, writer));
            tx.put(own, key('c', u64(seq)), Buffer.alloc(500, writer));
          });
          acknowledged++;
        }
      });
      for (const round of [1, 2, 3]) {
        for (const enough = acknowledged + 200; acknowledged < enough; ) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        const before = acknowledged;
        const to = join(await testFolder(), `backup-${round}`);
        const info = await store.backup(to);
        expect(info.files).toBeGreaterThanOrEqual(3);
        const copy = await openBackup(to);
        const shared = (await allRows(copy, a, everything)).map(
          ([k, v]) => [u64.read(k, 1), v[0] ?? -1] as const,
        );
        expect(shared.map(([seq]) => seq)).toEqual(Array.from(shared, (_, i) => i + 1));
        expect(shared.length).toBeGreaterThanOrEqual(before);
        expect(await copy.lastSeq(a)).toBe(shared.length);
        for (let writer = 0; writer < 8; writer++) {
          const own = (await allRows(copy, testPart(100 + writer), everything)).map(([k]) => u64.read(k, 1));
          expect(own).toEqual(shared.filter(([, by]) => by === writer).map(([seq]) => seq));
        }
      }
      stop = true;
      await Promise.all(writers);
    });
  });
}

/** Durable transactions a second of 128 writers. */
async function rate(store: Store, partOf: (writer: number) => Part): Promise<number> {
  const start = performance.now();
  await Promise.all(
    Array.from({ length: 128 }, async (_, writer) => {
      for (let i = 0; i < 10; i++) {
        const p = partOf(writer);
        await store.transact([p], async (tx) => {
          tx.put(p, key('r', u64(await tx.nextSeq(p))), Buffer.alloc(100));
        });
      }
    }),
  );
  return 1280 / (performance.now() - start);
}

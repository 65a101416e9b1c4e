/** The part of the acceptance suite that is about queues: what need not be durable at once, and rows that come and go. */
import { describe, expect, it } from 'vitest';
import { key, u16, u32 } from './keys.ts';
import type { Range, Store, Tx } from './store.ts';
import { allRows, eightBytes, everything, numberIn, seeded, testPart } from './store-fixtures.ts';
import type { StoreUnderTest } from './store-suite.ts';

const a = testPart(1);
const queue = { ...everything, isQueue: true };
const put = (n: number) => async (tx: Tx) => tx.put(a, key('k', u32(n)), eightBytes(n));
const numbersOf = (rows: readonly (readonly [unknown, Uint8Array])[]) =>
  rows.map(([, value]) => numberIn(value));

/** Runs this part of the suite, as storeSuite. */
export function storeQueueSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: partitions`, () => {
    it('tell whether those that begin alike have a row, as it comes and goes', async () => {
      const { store } = await open();
      const b = testPart(2);
      const found = () =>
        Promise.all([a.bytes.subarray(0, -1), a.bytes, b.bytes].map((bytes) => store.hasRows(bytes)));
      expect(await found()).toEqual([false, false, false]);
      await store.transact([a], put(1));
      expect(await found()).toEqual([true, true, false]);
      await store.transact([a], async (tx) => tx.del(a, key('k', u32(1))));
      expect(await found()).toEqual([false, false, false]);
    });
  });

  describe(`${name}: urgency`, () => {
    it('what resolves once it is seen is seen by later transactions, and kept by the end', async () => {
      const { store, reopen } = await open();
      for (let n = 0; n < 10; n++) await store.transact([a], put(n), 'seen');
      expect(await store.transact([a], (tx) => tx.page(a, everything))).toMatchObject({
        rows: { length: 10 },
      });
      expect((await allRows(await reopen(), a, everything)).length).toBe(10);
    });

    it('what may wait is durable when it resolves, with or without company', async () => {
      const { store } = await open();
      await store.transact([a], put(1), 'soon');
      expect(numbersOf(await allRows(store, a, everything))).toEqual([1]);
      const soon = store.transact([a], put(2), 'soon');
      await store.transact([a], put(3));
      expect(numbersOf(await allRows(store, a, everything))).toEqual([1, 2, 3]);
      await soon;
    });

    it('what is urgent is durable before anybody who saw it goes on', async () => {
      const { store } = await open();
      const urgent = store.transact([a], put(1));
      const seen = await store.transact(
        [a],
        async (tx) => numbersOf((await tx.page(a, everything)).rows),
        'seen',
      );
      expect(seen).toEqual([1]);
      expect(numbersOf(await allRows(store, a, everything))).toEqual([1]);
      await urgent;
      const again = store.transact([a], put(2));
      await store.transact([a], put(3), 'seen');
      expect(numbersOf(await allRows(store, a, everything))).toContain(2);
      await again;
    });

    it('an error says so, however urgent', async () => {
      const { store } = await open();
      for (const urgency of ['soon', 'seen'] as const) {
        const failing = store.transact([a], () => Promise.reject(new Error('no')), urgency);
        await expect(failing).rejects.toThrow('no');
      }
      expect(await allRows(store, a, everything)).toEqual([]);
    });
  });

  describe(`${name}: queues`, () => {
    it.each([1, 2, 3])('show the rows that any other reader sees, seed %i', async (seed) => {
      const { store } = await open();
      const random = seeded(seed);
      const ranges: Range[] = [queue, { gte: key('k', u32(300)), lt: key('k', u32(600)), isQueue: true }];
      for (let round = 0; round < 150; round++) {
        const changes = Array.from({ length: 1 + random(4) }, () => changeAtRandom(store, random));
        const looks = ranges.map((range) => store.page(a, { ...range, limit: 1 + random(20) }));
        await Promise.all([...changes, ...looks]);
        // Now all of it is durable.
        await store.transact([a], put(2000));
        for (const range of ranges) {
          const limit = 1 + random(20);
          const { isQueue: _, ...plain } = range;
          const { rows: expected } = await store.page(a, { ...plain, limit });
          const found = await store.page(a, { ...range, limit });
          expect(found.rows).toEqual(expected);
          const seen = await store.transact([a], (tx) => tx.page(a, { ...range, limit }));
          expect(seen.rows).toEqual(expected);
          const isMore = (await store.page(a, { ...plain, limit: limit + 1 })).rows.length > limit;
          if (isMore) expect([found.next, seen.next]).not.toContain(undefined);
        }
      }
    });

    it('that are emptied and filled from either end lose nothing', async () => {
      const { store } = await open();
      const first = async () => numbersOf((await store.page(a, { ...queue, limit: 1 })).rows)[0];
      for (const n of [500, 501, 499, 10, 900, 5]) {
        await store.transact([a], put(n));
        expect(await first()).toBe(n < 500 ? n : 500);
        if (n < 500) await store.transact([a], async (tx) => tx.del(a, key('k', u32(n))));
      }
      for (const n of [500, 501, 900]) {
        expect(await first()).toBe(n);
        await store.transact([a], async (tx) => tx.del(a, key('k', u32(n))), 'seen');
        await store.transact([a], async (tx) => tx.put(a, key('j', u16(n)), eightBytes(0)));
        await store.transact([a], async (tx) => tx.del(a, key('j', u16(n))));
      }
      expect(await first()).toBeUndefined();
    });
  });
}

/** Some rows at the beginning go, and some come anywhere. */
async function changeAtRandom(store: Store, random: (below: number) => number): Promise<void> {
  const taken = random(12);
  const fresh = Array.from({ length: random(10) }, () => random(1000));
  const urgency = (['now', 'soon', 'seen'] as const)[random(3)] ?? 'now';
  await store.transact(
    [a],
    async (tx) => {
      const { rows } = await tx.page(a, { ...queue, limit: Math.max(1, taken) });
      for (const [k] of rows.slice(0, taken)) tx.del(a, k);
      for (const n of fresh) await put(n)(tx);
    },
    urgency,
  );
}

import { expect, test } from 'vitest';
import { tempDatabase } from '#test/support/temp-store';
import { firstRows } from './first-rows.ts';
import { key, u8 } from './keys.ts';
import { eightBytes, everything, numberIn, testPart } from './store-fixtures.ts';

test('the first rows are found behind some that are being deleted', async () => {
  const { store } = await tempDatabase({});
  const part = testPart(1);
  await store.transact([part], async (tx) => {
    for (let n = 0; n < 100; n++) tx.put(part, key('k', u8(n)), eightBytes(n));
  });
  const deleting = store.transact([part], async (tx) => {
    for (let n = 0; n < 50; n++) tx.del(part, key('k', u8(n)));
  });
  const found = await store.transact([part], (tx) => firstRows(tx, part, everything, 2));
  expect(found.map(([, value]) => numberIn(value))).toEqual([50, 51]);
  await deleting;
  expect((await firstRows(store, part, everything, 1)).map(([, value]) => numberIn(value))).toEqual([50]);
});

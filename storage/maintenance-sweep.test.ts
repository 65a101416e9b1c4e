import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { QueueId } from '#domain/ids';
import type { Item } from '#domain/item';
import { silentLogger } from '#telemetry/log';
import { countingStore } from '#test/support/counting-store';
import {
  addLarge,
  count,
  dayMs,
  enabledUser,
  failingOnce,
  hourMs,
  largeItem,
  openMaintained as open,
  partOf,
  traces,
} from '#test/support/maintenance';
import { mailboxRows } from './layout.ts';
import { Maintenance } from './maintenance.ts';

test("a deleted item's body loses its reference at once, its row after a day, its file a day later", async () => {
  const { database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const item = await largeItem(database, organization);
  const added = await addLarge(database, ref, item);
  await database.mail.transact([ref], (of) => of(ref).deleteItem(added));
  const left = () => traces(database, organization, item.blob);
  await run();
  expect(await left()).toEqual({ references: 0, row: true, file: true });
  expect(await count(database.store, partOf(ref), mailboxRows.task.range())).toBe(1);
  await run(23 * hourMs);
  expect(await left()).toEqual({ references: 0, row: true, file: true });
  await run(hourMs);
  expect(await left()).toEqual({ references: 0, row: false, file: true });
  await run(23 * hourMs);
  expect(await left()).toEqual({ references: 0, row: false, file: true });
  await run(hourMs);
  expect(await left()).toEqual({ references: 0, row: false, file: false });
});

test('a body stays as long as another mailbox or the queue has it', async () => {
  const { clock, database, directory, organization, run } = await open();
  const [alice, bob] = [
    (await enabledUser(directory, organization, 'alice')).ref,
    (await enabledUser(directory, organization, 'bob')).ref,
  ];
  const item = await largeItem(database, organization);
  const { blob, ...queued } = item;
  const message = {
    id: randomBytes(16).toString('hex') as QueueId,
    organization,
    acceptedMs: clock.now(),
    recipients: [alice.mailbox],
    item: queued,
  };
  await database.mail.enqueue([message]);
  const added = await Promise.all([alice, bob].map((ref) => addLarge(database, ref, item)));
  await database.mail.transact([alice], async (of) => of(alice).deleteItem(added[0] as Item));
  for (let day = 0; day < 3; day++) await run(dayMs);
  expect(await traces(database, organization, blob)).toEqual({ references: 2, row: true, file: true });
  await database.mail.transact([bob], async (of) => of(bob).deleteItem(added[1] as Item));
  for (let day = 0; day < 3; day++) await run(dayMs);
  expect(await traces(database, organization, blob)).toEqual({ references: 1, row: true, file: true });
  await database.mail.dequeue(message);
  for (let day = 0; day < 3; day++) await run(dayMs);
  expect(await traces(database, organization, blob)).toEqual({ references: 0, row: false, file: false });
});

test('a sweep reads little of an organisation without large bodies', async () => {
  const { clock, database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  await addLarge(database, ref, await largeItem(database, organization));
  await run();
  const { store, take } = countingStore(database.store);
  const sweep = async () => {
    clock.move(dayMs);
    await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
    return take();
  };
  const before = await sweep();
  expect(before).toBeGreaterThan(256);
  for (let n = 0; n < 5; n++) await directory.createOrganization({ alias: `other${n}` });
  expect((await sweep()) - before).toBeLessThan(5 * 5);
});

test('a file that no row ever named goes when it is a day old, and no other does', async () => {
  const { database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const orphans = await Promise.all(Array.from({ length: 20 }, () => largeItem(database, organization)));
  const kept = await Promise.all(Array.from({ length: 20 }, () => largeItem(database, organization)));
  for (const item of kept) await addLarge(database, ref, item);
  await run(dayMs - hourMs);
  expect(await database.blobs.list()).toHaveLength(40);
  await run(dayMs);
  const left = (await database.blobs.list()).map(({ id }) => Buffer.from(id).toString('hex'));
  expect(left).toEqual(kept.map(({ blob }) => Buffer.from(blob).toString('hex')).sort());
  expect(orphans).toHaveLength(20);
});

test('a sweep that was broken off among the rows removes no file within a day of it', async () => {
  const { clock, database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const items = await Promise.all(Array.from({ length: 30 }, () => largeItem(database, organization)));
  for (const item of items) {
    const added = await addLarge(database, ref, item);
    await database.mail.transact([ref], (of) => of(ref).deleteItem(added));
  }
  await run();
  let rows = 0;
  const store = failingOnce(database.store, ([part]) => part?.name.startsWith('B') === true && ++rows > 10);
  const broken = new Maintenance({ ...database, store, clock, log: silentLogger });
  clock.move(dayMs);
  await expect(broken.runDue(clock.now())).rejects.toThrow('cut off');
  await run(dayMs - hourMs);
  expect(await database.blobs.list()).toHaveLength(30);
  await run(hourMs);
  expect((await database.blobs.list()).length).toBeLessThan(30);
  await run(dayMs);
  expect(await database.blobs.list()).toEqual([]);
});

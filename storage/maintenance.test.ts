import { expect, test } from 'vitest';
import { silentLogger } from '#telemetry/log';
import {
  addLarge,
  count,
  enabledUser,
  failingOnce,
  hourMs,
  largeItem,
  openMaintained as open,
  partOf,
} from '#test/support/maintenance';
import { mailboxRows } from './layout.ts';
import { Maintenance } from './maintenance.ts';

test('a mailbox whose tasks fail holds up no other, and is tried again', async () => {
  const { clock, database, directory, organization, run } = await open();
  const [alice, bob] = [
    await enabledUser(directory, organization, 'alice'),
    await enabledUser(directory, organization, 'bob'),
  ];
  for (const { ref } of [alice, bob]) {
    const added = await addLarge(database, ref, await largeItem(database, organization));
    await database.mail.transact([ref], (of) => of(ref).deleteItem(added));
  }
  const tasks = ({ ref }: typeof alice) => count(database.store, partOf(ref), mailboxRows.task.range());
  const store = failingOnce(database.store, (parts) =>
    parts.some(({ name }) => name === partOf(alice.ref).name),
  );
  await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
  expect([await tasks(alice), await tasks(bob)]).toEqual([2, 1]);
  await run();
  expect([await tasks(alice), await tasks(bob)]).toEqual([1, 1]);
});

test('it runs at the start, every hour after that, and not after it is stopped', async () => {
  const { clock, database } = await open();
  let runs = Promise.withResolvers<void>();
  let count = 0;
  const blobs = new Proxy(database.blobs, {
    get(target, name) {
      if (name !== 'list') return Reflect.get(target, name);
      return async () => {
        count++;
        runs.resolve();
        throw new Error('no files today');
      };
    },
  });
  const scheduled = Promise.withResolvers<void>();
  const noting = {
    now: clock.now,
    after: (delayMs: number, callback: () => void) => {
      const cancel = clock.after(delayMs, callback);
      scheduled.resolve();
      return cancel;
    },
  };
  const maintenance = new Maintenance({ ...database, blobs, clock: noting, log: silentLogger });
  maintenance.start();
  await runs.promise;
  await scheduled.promise;
  expect(count).toBe(1);
  runs = Promise.withResolvers();
  clock.move(hourMs - 1);
  clock.move(1);
  await runs.promise;
  expect(count).toBe(2);
  await maintenance.stop();
  clock.move(10 * hourMs);
  expect(count).toBe(2);
});

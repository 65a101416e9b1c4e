import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Device } from '#domain/device';
import type { DeviceId, MailboxRef } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { FolderSync, type SyncAnswer } from '#domain/sync';
import { count, dayMs, enabledUser, inbox, openMaintained as open } from '#test/support/maintenance';
import { newItem } from '#test/support/new-item';
import type { Database } from './database.ts';
import { StoredDiaries } from './diary-store.ts';
import { queueRows } from './layout.ts';
import { taskShard } from './tasks.ts';
import { StoredTraces } from './trace-store.ts';

const phone = 'phone1' as DeviceId;
const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });

test('delivery markers go after their 30 days, at the next weekly visit', async () => {
  const { database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  await run(3 * dayMs);
  await database.mail.transact([ref], async (of) => of(ref).putMarker('first', 'x'));
  await run(4 * dayMs);
  await database.mail.transact([ref], async (of) => of(ref).putMarker('second', 'x'));
  const reader = database.mail.mailbox(ref);
  for (let week = 2; week <= 4; week++) await run(7 * dayMs);
  expect(await reader.marker('first')).toBe('x');
  await run(7 * dayMs);
  expect([await reader.marker('first'), await reader.marker('second')]).toEqual([undefined, 'x']);
  await run(7 * dayMs);
  expect(await reader.marker('second')).toBeUndefined();
});

const device = (id: DeviceId, lastSyncMs: number): Device => ({
  id,
  type: 'Test',
  information: {},
  userAgent: '',
  protocolVersion: '14.1',
  policyKey: 7,
  wipe: 'none',
  wipeAccountOnly: false,
  firstSyncMs: lastSyncMs,
  lastSyncMs,
});

/** Devices that synchronise the Inbox of one mailbox. */
function syncing(database: Database, ref: MailboxRef, clock: { now(): number; after(): () => void }) {
  const random = { bytes: (length: number) => randomBytes(length) };
  const folderSync = new FolderSync(new Mailbox(database.mail, ref), clock, random);
  const seen = (id: DeviceId) =>
    database.mail.transact([ref], async (of) => of(ref).putDevice(device(id, clock.now())));
  return {
    seen,
    async prime(id: DeviceId): Promise<string> {
      await seen(id);
      return folderSync.prime(id, inbox, '');
    },
    sync(id: DeviceId, key: string): Promise<SyncAnswer> {
      return folderSync.sync({
        device: id,
        folder: inbox,
        key,
        options: undefined,
        rules: () => ({ filterDays: 0, serverWins: true, cost: () => 1 }),
        windowSize: 100,
        answerBytes: 1000,
        getChanges: true,
        commands: [],
      });
    },
  };
}

test('what a device held is forgotten when it has not come for 60 days; the device is not', async () => {
  const { clock, database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const devices = syncing(database, ref, { now: clock.now, after: () => () => undefined });
  const tablet = 'tablet1' as DeviceId;
  const keys = { phone: await devices.prime(phone), tablet: await devices.prime(tablet) };
  const reader = database.mail.mailbox(ref);
  await database.mail.transact([ref], async (of) => {
    of(ref).putFolderSyncState(phone, { nonce: 'n', number: 1, seq: 1 });
    of(ref).putCachedRequests(phone, { ping: { heartbeatSeconds: 60, folders: ['1'] } });
    // Left over from a device that was removed.
    of(ref).putFolderSyncState('gone' as DeviceId, { nonce: 'n', number: 1, seq: 1 });
  });
  for (let week = 1; week <= 8; week++) {
    await run(7 * dayMs);
    await devices.seen(tablet);
  }
  expect(await reader.folderSyncStates('gone' as DeviceId)).toEqual([]);
  expect(await reader.folderSyncStates(phone)).toHaveLength(1);
  expect(await reader.syncStates(phone, inbox)).toHaveLength(1);
  await run(7 * dayMs);
  expect(await reader.syncStates(phone, inbox)).toEqual([]);
  expect(await reader.folderSyncStates(phone)).toEqual([]);
  expect(await reader.cachedRequests(phone)).toEqual({});
  expect(await reader.device(phone)).toMatchObject({ id: phone, policyKey: 7 });
  await expect(devices.sync(phone, keys.phone)).rejects.toEqual(refused('sync/invalid-key'));
  expect((await devices.sync(tablet, keys.tablet)).key).toBe(keys.tablet);
});

test('old changes go as far as no device needs them, to the very number', async () => {
  const { clock, database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const devices = syncing(database, ref, { now: clock.now, after: () => () => undefined });
  const add = (subject: string) =>
    database.mail.transact([ref], (of) => of(ref).addItem(inbox, newItem(subject, clock.now())));
  for (let n = 0; n < 5; n++) await add(`before ${n}`);
  const first = await devices.sync(phone, await devices.prime(phone));
  expect(first.changes).toHaveLength(5);
  const reader = database.mail.mailbox(ref);
  const [state] = await reader.syncStates(phone, inbox);
  const stands = state?.seq ?? 0;
  for (let n = 0; n < 5; n++) await add(`after ${n}`);
  const logged = async () => (await reader.changes(inbox, 0, 100)).rows.map(({ seq }) => seq);
  expect(await logged()).toHaveLength(10);

  // The phone comes every week, but never synchronises this folder. Its state, and what comes after it, stays.
  for (let week = 1; week <= 5; week++) {
    await run(7 * dayMs);
    await devices.seen(phone);
    expect(await logged()).toHaveLength(10);
  }
  await run(7 * dayMs);
  expect(await reader.changesCompleteFrom(inbox)).toBe(stands);
  expect((await logged())[0]).toBe(stands);
  expect(await logged()).toHaveLength(6);

  // A state at that number is served whole, one below it refused.
  const answer = await devices.sync(phone, first.key);
  expect(answer.changes.map((change) => ('item' in change ? change.item.envelope.subject : ''))).toEqual(
    Array.from({ length: 5 }, (_, n) => `after ${n}`),
  );
  const other = 'other' as DeviceId;
  const lowered = { ...(state ?? missing()), nonce: 'o', number: 1 };
  const put = (seq: number) =>
    database.mail.transact([ref], async (of) => of(ref).putSyncState(other, inbox, { ...lowered, seq }));
  await put(stands);
  expect((await devices.sync(other, 'o.1')).changes).toHaveLength(5);
  await put(stands - 1);
  await expect(devices.sync(other, 'o.1')).rejects.toEqual(refused('sync/invalid-key'));
});

test('in a mailbox where nothing happens any more, a device can still begin', async () => {
  const { clock, database, directory, organization, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const devices = syncing(database, ref, { now: clock.now, after: () => () => undefined });
  for (let n = 0; n < 3; n++) {
    await database.mail.transact([ref], (of) => of(ref).addItem(inbox, newItem(`${n}`, clock.now())));
  }
  for (let week = 1; week <= 10; week++) await run(7 * dayMs);
  const reader = database.mail.mailbox(ref);
  expect((await reader.changes(inbox, 0, 100)).rows).toHaveLength(1);
  expect(await reader.changesCompleteFrom(inbox)).toBe(await reader.lastSeq());
  const { changes } = await devices.sync(phone, await devices.prime(phone));
  expect(changes.map(({ kind }) => kind)).toEqual(['add', 'add', 'add']);
});

test('each mailbox has one pointer to its next visit; one that is gone has none', async () => {
  const { database, directory, organization, run } = await open();
  const alice = await enabledUser(directory, organization, 'alice');
  const pointers = () => count(database.store, taskShard(alice.ref), queueRows.mailboxTask.range());
  for (let week = 1; week <= 3; week++) {
    await run(7 * dayMs);
    expect(await pointers()).toBe(1);
  }
  await directory.deregisterFromWorkMail(organization, 'alice');
  await run(30 * dayMs);
  await run(7 * dayMs);
  expect(await pointers()).toBe(0);
});

function missing(): never {
  throw new Error('there is no state');
}

test('a diary goes with a device that does not come for 60 days, a trace some days after its requests', async () => {
  const { database, directory, organization, clock, run } = await open();
  const { ref } = await enabledUser(directory, organization, 'alice');
  const { seen } = syncing(database, ref, { now: () => clock.now(), after: () => () => undefined });
  const [diaries, traces] = [new StoredDiaries(database), new StoredTraces(database)];
  const common = { atMs: clock.now(), durationMs: 1, command: 'Sync', version: '14.1' };
  const entry = { ...common, policyKey: 'NONE', bytesIn: 0, bytesOut: 0, collections: [] } as const;
  const traced = { ...common, url: '', requestHeaders: [], request: '', answerHeaders: [], answer: '' };
  await seen(phone);
  await diaries.append(ref, phone, [entry], 100);
  await traces.add(ref, phone, traced);
  const kept = async () => [
    (await diaries.newest(ref, phone, 1)).length,
    (await traces.read(ref, phone, undefined, 1)).rows.length,
  ];
  await run(7 * dayMs);
  expect(await kept()).toEqual([1, 1]);
  await run(7 * dayMs);
  expect(await kept()).toEqual([1, 0]);
  for (let week = 3; week <= 10; week++) await run(7 * dayMs);
  expect(await kept()).toEqual([0, 0]);
});

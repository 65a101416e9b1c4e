import { expect, test } from 'vitest';
import { StoredDiaries } from '#storage/diary-store';
import { silentLogger } from '#telemetry/log';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import type { DeviceId, MailboxRef } from './ids.ts';
import { type DiaryEntry, type DiaryStore, SyncDiary } from './sync-diary.ts';

const minuteMs = 60_000;
const phone = 'phone1' as DeviceId;

const entry = (atMs: number, more: Partial<DiaryEntry> = {}): DiaryEntry => ({
  atMs,
  durationMs: 3,
  command: 'Sync',
  version: '14.1',
  httpStatus: 200,
  policyKey: 'CURRENT',
  bytesIn: 10,
  bytesOut: 20,
  collections: [],
  ...more,
});

const full: Partial<DiaryEntry> = {
  waitedMs: 5,
  status: 2,
  error: 'a reason',
  moreCollections: 4,
  collections: [
    { id: '1', keyIn: 'a', keyOut: 'b', status: 1, received: 2, sent: 3, isMoreAvailable: true },
    { id: '2', isMoreAvailable: false },
  ],
};

async function open() {
  const clock = fixedClock(1_000);
  const database = await tempDatabase({ clock });
  const ref = await tempMailbox(database, tempOrganization(database));
  const store = new StoredDiaries(database);
  const appended: number[] = [];
  const counted: DiaryStore = {
    append: (owner, device, entries, keep) => {
      appended.push(entries.length);
      return store.append(owner, device, entries, keep);
    },
    newest: (owner, device, limit) => store.newest(owner, device, limit),
    remove: (owner, device) => store.remove(owner, device),
  };
  const make = (maxBytes?: number) => new SyncDiary({ store: counted, clock, log: silentLogger }, maxBytes);
  const meet = (device = phone) =>
    database.mail.transact([ref], async (of) =>
      of(ref).putDevice({
        id: device,
        type: 'Test',
        information: {},
        userAgent: '',
        protocolVersion: '14.1',
        wipe: 'none',
        wipeAccountOnly: false,
        firstSyncMs: 0,
        lastSyncMs: 0,
      }),
    );
  await meet();
  return { clock, database, ref, store, appended, diary: make(), make, meet };
}

const times = (entries: readonly DiaryEntry[]) => entries.map(({ atMs }) => atMs);

test('requests are written down together once a minute, and held no longer', async () => {
  const { clock, ref, store, appended, diary } = await open();
  for (let n = 1; n <= 30; n++) diary.note(ref, phone, entry(n, full));
  expect(appended).toEqual([]);
  expect(diary.heldBytes).toBeGreaterThan(0);
  clock.move(minuteMs);
  await diary.stop();
  expect([appended, diary.heldBytes]).toEqual([[30], 0]);
  const newest = await store.newest(ref, phone, 100);
  expect(times(newest)).toEqual(Array.from({ length: 30 }, (_, n) => 30 - n));
  expect(newest[0]).toEqual(entry(30, full));
});

test('the last hundred are kept, in whatever portions they came', async () => {
  const { ref, store, diary, database } = await open();
  let atMs = 0;
  for (const portion of [1, 99, 7, 60, 1, 100, 3]) {
    for (let n = 0; n < portion; n++) diary.note(ref, phone, entry(++atMs));
    const recent = await diary.recent(ref, phone);
    const expected = Array.from({ length: Math.min(100, atMs) }, (_, n) => atMs - n);
    expect(times(recent)).toEqual(expected);
  }
  // Rows of old ones do not stay.
  expect((await store.newest(ref, phone, 1000)).length).toBeLessThan(200);
  const reopened = new StoredDiaries(database);
  expect(times(await reopened.newest(ref, phone, 2))).toEqual([atMs, atMs - 1]);
});

test('a device that asks a thousand times a minute holds a hundred', async () => {
  const { ref, appended, diary } = await open();
  for (let n = 1; n <= 1000; n++) diary.note(ref, phone, entry(n));
  const held = diary.heldBytes;
  for (let n = 1; n <= 1000; n++) diary.note(ref, phone, entry(n));
  expect(diary.heldBytes).toBe(held);
  await diary.stop();
  expect(appended).toEqual([100]);
});

test('all devices together hold a bounded number of bytes, also while nothing can be written', async () => {
  const { clock, ref } = await open();
  const disk = Promise.withResolvers<void>();
  const written: number[] = [];
  const slow: DiaryStore = {
    append: (_ref, _device, [first]) => {
      written.push(first?.atMs ?? Number.NaN);
      return disk.promise;
    },
    newest: async () => [],
    remove: async () => undefined,
  };
  const diary = new SyncDiary({ store: slow, clock, log: silentLogger }, 10_000);
  for (let n = 0; n < 1000; n++) {
    diary.note(ref, `phone${n}` as DeviceId, entry(n, full));
    expect(diary.heldBytes).toBeLessThanOrEqual(10_000);
  }
  disk.resolve();
  await diary.stop();
  // What was noted first is given up.
  expect(written.length).toBeLessThan(50);
  expect(written).toContain(999);
});

test('when much is held it is written down before the minute is over', async () => {
  const { ref, make, appended, store } = await open();
  const diary = make(10_000);
  for (let n = 1; n <= 15; n++) diary.note(ref, phone, entry(n));
  expect(appended).toEqual([]);
  for (let n = 16; n <= 20; n++) diary.note(ref, phone, entry(n));
  await expect.poll(() => appended).not.toEqual([]);
  await diary.stop();
  expect(times(await store.newest(ref, phone, 100))).toEqual(Array.from({ length: 20 }, (_, n) => 20 - n));
});

test('what is noted while the minute before is being written comes after it', async () => {
  const { ref, diary } = await open();
  for (let n = 1; n <= 20; n++) {
    diary.note(ref, phone, entry(n));
    void diary.recent(ref, phone);
  }
  expect(times(await diary.recent(ref, phone))).toEqual(Array.from({ length: 20 }, (_, n) => 20 - n));
});

test('a device that is not there gets none; a forgotten one begins anew', async () => {
  const { ref, database, diary } = await open();
  const unknown = 'unknown' as DeviceId;
  diary.note(ref, unknown, entry(1));
  expect(await diary.recent(ref, unknown)).toEqual([]);
  diary.note(ref, phone, entry(1));
  await diary.recent(ref, phone);
  diary.note(ref, phone, entry(2));
  await diary.forget(ref, phone);
  expect([await diary.recent(ref, phone), diary.heldBytes]).toEqual([[], 0]);
  await database.mail.transact([ref], (of) => of(ref).deleteDevice(phone));
  diary.note(ref, phone, entry(3));
  expect(await diary.recent(ref, phone)).toEqual([]);
});

test('one that cannot be written down is logged and does not stop the others', async () => {
  const { clock, ref, store, meet } = await open();
  const broken = 'broken' as DeviceId;
  await meet(broken);
  const failing: DiaryStore = {
    append: (owner: MailboxRef, device, entries, keep) =>
      device === broken ? Promise.reject(new Error('no disk')) : store.append(owner, device, entries, keep),
    newest: (owner, device, limit) => store.newest(owner, device, limit),
    remove: (owner, device) => store.remove(owner, device),
  };
  const logged: string[] = [];
  const log = { ...silentLogger, error: (event: string) => void logged.push(event) };
  const diary = new SyncDiary({ store: failing, clock, log });
  for (const device of [broken, phone]) diary.note(ref, device, entry(1));
  await diary.stop();
  expect(logged).toEqual(['device.diary.failed']);
  expect(await diary.recent(ref, phone)).toHaveLength(1);
});

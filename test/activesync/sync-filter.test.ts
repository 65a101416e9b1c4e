import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { forms } from '#test/support/eas-versions';
import { fixedClock } from '#test/support/temp-store';
import {
  answered,
  elsewhere,
  expectNothing,
  preference,
  putAt,
  startPhone,
  syncRaw,
  told,
  versions,
} from './sync-phone.ts';

const dayMs = 24 * 3_600_000;
const startMs = Date.UTC(2026, 10, 22, 12);
/** One message for each of these ages in days. */
const ages = [0, 1, 2, 4, 8, 15, 31, 100];

async function startWithAges(version: (typeof versions)[number]) {
  const clock = fixedClock(startMs);
  const started = await startPhone(version, { clock });
  for (const age of ages) await putAt(started.server, `${age} days`, startMs - age * dayMs);
  return { ...started, clock };
}

const filter = (type: number) => [el(AirSync.FilterType, type)];

describe.each(versions)('%s', (version) => {
  test('FilterType shows so many days; narrowed and widened with the same key', async () => {
    const { phone, inbox } = await startWithAges(version);
    const subjects = () =>
      [...phone.collection(inbox).items.values()].map((item) => textOf(item, Email.Subject)).sort();
    const upTo = (days: number) =>
      ages
        .filter((age) => age <= days)
        .map((age) => `${age} days`)
        .sort();
    for (const [type, days] of [
      [1, 1],
      [3, 7],
      [5, 30],
      [2, 3],
      [4, 14],
      [0, 1000],
      [1, 1],
      [0, 1000],
    ] as const) {
      await phone.syncAll(inbox, { options: filter(type), windowSize: 2 });
      expect(subjects(), `FilterType ${type}`).toEqual(upTo(days));
      expectNothing(phone, (await phone.sync(inbox)).response);
    }
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('as days pass, mail leaves by SoftDelete, and stays on the server', async () => {
    const { server, phone, inbox, clock } = await startWithAges(version);
    await phone.syncAll(inbox, { options: filter(3) });
    expect(phone.collection(inbox).items.size).toBe(4);
    clock.move(4 * dayMs);
    const { commands: left } = await phone.sync(inbox);
    expect(told(left).map(([kind]) => kind)).toEqual(['SoftDelete']);
    expectNothing(phone, (await phone.sync(inbox)).response);
    clock.move(30 * dayMs);
    const { commands: rest } = await phone.sync(inbox);
    expect(told(rest).map(([kind]) => kind)).toEqual(['SoftDelete', 'SoftDelete', 'SoftDelete']);
    expect(phone.collection(inbox).items.size).toBe(0);
    const { items } = await server.database.mail.mailbox(server.alice.mailbox).usage();
    expect(items).toBe(ages.length);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('what happens to mail outside the filter is not told of', async () => {
    const { server, phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox, { options: filter(1) });
    const old = await putAt(server, 'old', startMs - 5 * dayMs);
    await elsewhere(server).mark(old, { read: true });
    expectNothing(phone, (await phone.sync(inbox)).response);
    await elsewhere(server).remove(old);
    expectNothing(phone, (await phone.sync(inbox)).response);
  });
});

describe.each(forms)('%s', (version) => {
  test('FilterType: what changed while it was narrowed is known when it is widened before all SoftDeletes were told', async () => {
    const { server, phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox);
    const items = () => phone.collection(inbox).items;
    const [changed = ''] = [...items()].find(([, item]) => textOf(item, Email.Subject) === '8 days') ?? [];
    const id = Number(changed.slice(2)) as ItemId;
    const { mark, remove } = elsewhere(server);
    await mark(id, { read: true });
    await phone.sync(inbox, { options: filter(2), windowSize: 1 });
    await phone.syncAll(inbox, { options: filter(0) });
    expect(textOf(items().get(changed), Email.Read)).toBe('1');
    // It goes out and comes in again: the device would be told of it whole.
    await server.database.mail.transact([server.alice.mailbox], async (of) => {
      const tx = of(server.alice.mailbox);
      for (const folder of [3, 1]) {
        const item = (await tx.item(1 as FolderId, id)) ?? (await tx.item(3 as FolderId, id));
        if (item !== undefined) await tx.moveItem(item, folder as FolderId);
      }
    });
    await mark(id, { read: false });
    const { commands: narrowed } = await phone.sync(inbox, { options: filter(2), windowSize: 1 });
    expect(told(narrowed)).toEqual([['SoftDelete', changed]]);
    await phone.syncAll(inbox, { options: filter(0) });
    expect(textOf(items().get(changed), Email.Read)).toBe('0');
    expect(items().size).toBe(ages.length);
    await remove(id);
    await phone.syncAll(inbox, { options: filter(3) });
    expect([...items().keys()]).not.toContain(changed);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('FilterType 8 on mail answers Status 4 and leaves the key; 9, and what is no number, Status 4', async () => {
    const { phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox);
    const { syncKey } = phone.collection(inbox);
    const response = await syncRaw(phone, [phone.collectionElement(inbox, { options: filter(8) })]);
    expect(answered(response)).toMatchObject([{ id: inbox, status: 4 }]);
    expect((await phone.sync(inbox, { syncKey: '0', options: filter(8) })).status).toBe(4);
    for (const wrong of ['9', '-1', 'week']) {
      const options = [el(AirSync.FilterType, wrong)];
      const refused = await syncRaw(phone, [phone.collectionElement(inbox, { options })]);
      expect(refused.rootStatus, wrong).toBe(4);
    }
    expectNothing(phone, (await phone.sync(inbox, { syncKey })).response);
  });
});

test('a FilterType that another class of folder does not know is not held against the client', async () => {
  const { phone } = await startWithAges('14.1');
  for (const [folder, type] of [
    [8, 2],
    [7, 8],
    [9, 5],
  ] as const) {
    const id = phone.folder(folder);
    expect((await phone.sync(id, { options: filter(type) })).status).toBe(1);
    expect((await phone.sync(id, { options: filter(type) })).status).toBe(1);
  }
});

describe.each(['12.1', '14.1', '16.1'] as const)('%s', (version) => {
  test('MaxEmailAgeFilter of the policy narrows what the client asks for', async () => {
    const { server, phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox);
    expect(phone.collection(inbox).items.size).toBe(ages.length);
    const policy = { settings: { MaxEmailAgeFilter: 3 }, allowNonProvisionableDevices: false } as const;
    await server.policies.put(server.organization, 'organization', policy);
    await phone.provision();
    await phone.syncAll(inbox);
    expect(phone.collection(inbox).items.size).toBe(4);
    await phone.syncAll(inbox, { options: filter(5) });
    expect(phone.collection(inbox).items.size).toBe(4);
    await phone.syncAll(inbox, { options: filter(1) });
    expect(phone.collection(inbox).items.size).toBe(2);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });
});

test.each(['12.0', '12.1', '14.1', '16.1'] as const)(
  '%s: Options of a folder that finds no room in the answer stay in force',
  async (version) => {
    const { phone, inbox, server } = await startWithAges(version);
    const trash = phone.folder(4);
    await phone.syncAll(inbox);
    await phone.syncAll(trash);
    for (const name of ['one', 'two']) await server.deliver(name, Number(trash));
    const full = await syncRaw(
      phone,
      [phone.collectionElement(trash), phone.collectionElement(inbox, { options: filter(1) })],
      el(AirSync.WindowSize, 2),
    );
    expect(answered(full)[0]).toMatchObject({ id: trash, commands: 2 });
    phone.applySync(trash, full);
    phone.applySync(inbox, full);
    expect(phone.collection(inbox).items.size).toBe(ages.length);
    expect((await phone.syncAll(inbox)).size).toBe(2);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  },
);

test('Options replace those before as a whole', async () => {
  const { phone, inbox } = await startWithAges('14.1');
  await phone.syncAll(inbox, { options: filter(1), body: { type: 1, truncationSize: 4 } });
  expect(phone.collection(inbox).items.size).toBe(2);
  await phone.syncAll(inbox, { body: { type: 1, truncationSize: 5 } });
  expect(phone.collection(inbox).items.size).toBe(ages.length);
});

describe.each(['12.1', '14.0', '16.1'] as const)('%s', (version) => {
  test('two Options of one class, or two of which none is for SMS, answer Status 4', async () => {
    const { phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox);
    const options = (name?: string) =>
      el(AirSync.Options, name === undefined ? undefined : el(AirSync.Class, name));
    for (const [pair, status] of [
      [['Email', 'Email'], 4],
      [[undefined, undefined], 4],
      [['SMS', 'SMS'], 4],
      [['Email', 'Calendar'], 4],
      [['Email', 'Fax'], 4],
      [['Email', 'SMS', 'Email'], 4],
      [['SMS', 'Email'], undefined],
      [[undefined, 'SMS'], undefined],
    ] as const) {
      const { tag, children } = phone.collectionElement(inbox);
      const response = await syncRaw(phone, [el(tag, ...children, ...pair.map(options))]);
      // Below 14.0 there is no SMS, nor a second Options.
      expect(response.rootStatus, pair.join()).toBe(isAtLeast(version, '14.0') ? status : 4);
      phone.applySync(inbox, response);
    }
  });
});

describe.each(['12.0', '14.1', '16.1'] as const)('%s', (version) => {
  test('BodyPreference: two of one Type and children out of order answer Status 4, values that cannot be Status 6', async () => {
    const { phone, inbox } = await startWithAges(version);
    await phone.syncAll(inbox);
    const { TruncationSize, AllOrNone, Preview } = AirSyncBase;
    for (const [status, options] of [
      [4, [preference(1), preference(1)]],
      [4, [preference(1, [TruncationSize, 5], [AllOrNone, 'maybe'])]],
      [4, [preference(1, [AllOrNone, true], [AllOrNone, true])]],
      [4, [preference(1, [AllOrNone, true], [TruncationSize, 5])]],
      [4, [preference(1, [Preview, 5], [AllOrNone, true])]],
      [4, [el(AirSync.MIMESupport, 3)]],
      [4, [el(AirSync.MIMETruncation, 9)]],
      [4, [el(AirSync.Conflict, 2)]],
      [4, [el(AirSync.FilterType, 9)]],
      [4, [el(AirSync.MaxItems, 5)]],
      [6, [preference(5)]],
      [6, [el(AirSyncBase.BodyPreference)]],
      [6, [preference(1, [TruncationSize, '-1'])]],
      [6, [preference(1, [TruncationSize, 'all'])]],
      [6, [preference(1, [TruncationSize, 1], [TruncationSize, 1])]],
      [6, [preference(1, [Preview, 256])]],
    ] as const) {
      const response = await syncRaw(phone, [phone.collectionElement(inbox, { options })]);
      expect(phone.applySync(inbox, response).status).toBe(status);
    }
    expectNothing(phone, (await phone.sync(inbox)).response);
  });
});

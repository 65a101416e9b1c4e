import { describe, expect, test } from 'vitest';
import { ChangeKind } from '#domain/change';
import type { FolderId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Contacts } from '#protocols/activesync/wbxml/code-pages/contacts';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, childrenOf, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { folderCommands } from './folder-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';
import { statuses, untilWaiting } from './sync-phone.ts';

const versions = ['14.0', '14.1', '16.0', '16.1'] as const;

async function start(version: '12.1' | (typeof versions)[number] = '14.1') {
  const server = await startEndpoint({ quickHeartbeat: version === '12.1' });
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  return { server, phone };
}

let sent = 0;

/** Sends a message from the phone, with its copy in Sent Items. */
async function write(phone: EasClient, to: string, { cc = '', saveInSent = true } = {}): Promise<void> {
  const copies = cc === '' ? [] : [`Cc: ${cc}`];
  const head = [
    'From: alice@example.test',
    `To: ${to}`,
    ...copies,
    'Subject: x',
    `Message-ID: <m${sent++}@x>`,
  ];
  await phone.sendMail([...head, '', 'x'].join('\r\n'), { saveInSent });
}

const maxItems = (count: number): Element => el(AirSync.MaxItems, count);
const valuesOf = (properties: Element | undefined) =>
  Object.fromEntries((properties?.children ?? []).map((one) => [one.tag.name, one.text]));
const addresses = (items: ReadonlyMap<string, Element>): (string | undefined)[] =>
  [...items.values()].map((item) => textOf(item, Contacts.Email1Address)).sort();

describe.each(versions)('%s', (version) => {
  test('FolderSync: the recipient cache is a folder RI of type 19, told once', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const request = (key: string) => el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, key));
    const { element } = await phone.command('FolderSync', request('0'));
    const changes = child(element, FolderHierarchy.Changes);
    const adds = childrenOf(changes, FolderHierarchy.Add);
    expect(integerOf(changes, FolderHierarchy.Count)).toBe(adds.length);
    const types = adds.filter((one) => textOf(one, FolderHierarchy.Type) === '19');
    expect(types.map(valuesOf)).toEqual([
      { ServerId: 'RI', ParentId: '0', DisplayName: 'RecipientInfo', Type: '19' },
    ]);
    const again = await phone.command('FolderSync', request(textOf(element, FolderHierarchy.SyncKey) ?? ''));
    expect(textOf(again.element, FolderHierarchy.Changes, FolderHierarchy.Count)).toBe('0');
  });

  test('Sync: whom the user wrote to, with four properties; one written to again is a Delete and an Add', async () => {
    const { phone } = await start(version);
    await write(phone, '"Bob B." <bob@example.test>');
    const [[serverId, properties] = []] = [...(await phone.syncAll('RI'))];
    expect(serverId).toMatch(/^RI:\d+$/);
    expect(valuesOf(properties)).toEqual({
      Email1Address: '"Bob B." <bob@example.test>',
      FileAs: 'Bob B.',
      Alias: 'bob',
      WeightedRank: String(Math.floor(Date.now() / 3_600_000)),
    });
    await write(phone, '"Robert" <bob@example.test>');
    const { commands } = await phone.sync('RI');
    expect(commands?.children.map(({ tag }) => tag.name)).toEqual(['Delete', 'Add']);
    expect(addresses(await phone.syncAll('RI'))).toEqual(['"Robert" <bob@example.test>']);
  });

  test('Sync: Add, Change and Delete of a client answer Status 6, Fetch 8, and nothing changes', async () => {
    const { phone } = await start(version);
    await write(phone, 'bob@example.test');
    const [id = ''] = [...(await phone.syncAll('RI')).keys()];
    const data = el(AirSync.ApplicationData, el(Contacts.FileAs, 'x'));
    const commands = [
      el(AirSync.Add, el(AirSync.ClientId, 'c'), data),
      el(AirSync.Change, el(AirSync.ServerId, id), data),
      el(AirSync.Delete, el(AirSync.ServerId, id)),
      el(AirSync.Fetch, el(AirSync.ServerId, id)),
    ];
    const collection = phone.collectionElement('RI', { commands });
    const { element } = await phone.post('Sync', el(AirSync.Sync, el(AirSync.Collections, collection)), {
      validateRequest: false,
    });
    const answer = child(element, AirSync.Collections, AirSync.Collection);
    expect(statuses(child(answer, AirSync.Responses))).toEqual([
      'Add c 6',
      `Change ${id} 6`,
      `Delete ${id} 6`,
      `Fetch ${id} 8`,
    ]);
    phone.collection('RI').reset();
    expect(addresses(await phone.syncAll('RI'))).toEqual(['bob@example.test']);
  });

  test('Sync MaxItems: so many of those written to last; GetItemEstimate counts by it', async () => {
    const { phone } = await start(version);
    for (const name of ['bob', 'alice']) await write(phone, `${name}@example.test`);
    await write(phone, 'bob.alias@example.test');
    const options = [maxItems(2)];
    expect(addresses(await phone.syncAll('RI', { options }))).toEqual([
      'alice@example.test',
      'bob.alias@example.test',
    ]);
    const estimateOf = async (count: number) => {
      const { SyncKey, Options } = AirSync;
      const { Collections, Collection, CollectionId, Response, Estimate } = GetItemEstimate;
      const key = el(SyncKey, phone.collection('RI').syncKey);
      const asked = el(Collection, key, el(CollectionId, 'RI'), el(Options, maxItems(count)));
      const body = el(GetItemEstimate.GetItemEstimate, el(Collections, asked));
      const { element } = await phone.command('GetItemEstimate', body);
      return textOf(element, Response, Collection, Estimate);
    };
    expect([await estimateOf(2), await estimateOf(3), await estimateOf(1)]).toEqual(['0', '1', '1']);
    const all = await phone.syncAll('RI', { options: [maxItems(3)] });
    expect(all.size).toBe(3);
    const one = await phone.syncAll('RI', { options: [maxItems(1)] });
    expect(addresses(one)).toEqual(['bob.alias@example.test']);
  });
});

test('FolderSync: the recipient cache has another name where a folder has its own, and the folder keeps it', async () => {
  const { server, phone } = await start('12.1');
  const { mailbox } = server.alice;
  const folder = await server.database.mail.transact([mailbox], async (of) => {
    const [tx, parent] = [of(mailbox), 0 as FolderId];
    const [id, seq] = [await tx.nextFolderId(), await tx.seq()];
    tx.putFolder({ id, parent, type: 12, name: 'recipientinfo', created: seq, changed: seq });
    await tx.logHierarchy(ChangeKind.Add, id);
    return String(id);
  });
  await phone.folderSync();
  const told = async (by: EasClient) => {
    const request = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, by.folderKey));
    const { element } = await by.command('FolderSync', request);
    const names = childrenOf(child(element, FolderHierarchy.Changes), FolderHierarchy.Add).map((one) =>
      textOf(one, FolderHierarchy.DisplayName),
    );
    return names.filter((name) => name?.toLowerCase().includes('recipient'));
  };
  phone.version = '14.1';
  expect(await told(phone)).toEqual(['Recipient Information Cache']);
  const fresh = server.phone('14.1', { deviceId: 'fresh' });
  await fresh.provision();
  expect(await told(fresh)).toEqual(['recipientinfo', 'Recipient Information Cache']);
  await fresh.folderSync();
  const { update } = folderCommands(fresh);
  expect([await update(folder, '0', 'RecipientInfo'), await update(folder, '1', 'RecipientInfo')]).toEqual([
    1, 1,
  ]);
  expect(await update(folder, '0', 'RecipientInfo')).toBe(2);
});

test('FolderSync: the recipient cache is told once to a device that had its folders before, in 12.1', async () => {
  const { phone } = await start('12.1');
  const tell = async (key: string) => {
    const { element } = await phone.command(
      'FolderSync',
      el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, key)),
    );
    const adds = childrenOf(child(element, FolderHierarchy.Changes), FolderHierarchy.Add);
    return { key: textOf(element, FolderHierarchy.SyncKey) ?? '', adds: adds.map(valuesOf) };
  };
  phone.version = '14.1';
  const lost = await tell(phone.folderKey);
  expect(lost.adds).toMatchObject([{ ServerId: 'RI', Type: '19' }]);
  expect(await tell(phone.folderKey)).toEqual(lost);
  expect(await tell(lost.key)).toEqual({ key: lost.key, adds: [] });
});

test('12.1: there is no recipient cache: FolderSync does not tell, Sync answers 12, GetItemEstimate 2, Ping hears nothing of it', async () => {
  const { phone } = await start('12.1');
  expect(phone.recipientCache).toBeUndefined();
  expect((await phone.sync('RI')).status).toBe(12);
  expect((await phone.getItemEstimate('RI', { syncKey: '1' })).status).toBe(2);
  // A device that knows it from a newer version would ask for ever, were it told 7.
  expect((await phone.ping(['RI'], 60)).status).toBe(1);
});

test('Sync: a repeated request, whose answer was lost, has the same answer', async () => {
  const { phone } = await start();
  await write(phone, 'bob@example.test');
  await phone.sync('RI');
  const first = await phone.sync('RI', { syncKey: phone.collection('RI').syncKey });
  const key = phone.collection('RI').syncKey;
  const before = first.commands?.children.map((one) => textOf(one, AirSync.ServerId));
  expect(before).toHaveLength(1);
  phone.collection('RI').reset();
  await phone.sync('RI');
  const lost = phone.collection('RI').syncKey;
  const once = await phone.sync('RI', { syncKey: lost });
  const keyOnce = phone.collection('RI').syncKey;
  phone.collection('RI').items.clear();
  const twice = await phone.sync('RI', { syncKey: lost });
  expect(phone.collection('RI').syncKey).toBe(keyOnce);
  expect(keyOnce).not.toBe(key);
  const idsOf = (commands: Element | undefined) =>
    commands?.children.map((one) => textOf(one, AirSync.ServerId));
  expect(idsOf(twice.commands)).toEqual(idsOf(once.commands));
  await write(phone, 'alice@example.test');
  phone.collection('RI').items.clear();
  expect((await phone.sync('RI', { syncKey: lost })).commands?.children).toHaveLength(2);
  expect(phone.collection('RI').syncKey).not.toBe(keyOnce);
});

test('Sync: an unknown key answers Status 3, and nothing to tell is an empty answer', async () => {
  const { phone } = await start();
  expect((await phone.sync('RI', { syncKey: 'abc.1' })).status).toBe(3);
  await phone.syncAll('RI');
  expect((await phone.sync('RI')).response.body).toHaveLength(0);
});

test('Sync WindowSize: no more at a time, and MoreAvailable as long as there is more', async () => {
  const { phone } = await start();
  await write(phone, 'bob@example.test, alice@example.test', { cc: 'bob.alias@example.test' });
  await phone.sync('RI');
  const first = await phone.sync('RI', { windowSize: 2 });
  expect([first.commands?.children.length, first.moreAvailable]).toEqual([2, true]);
  const second = await phone.sync('RI', { windowSize: 2 });
  expect([second.commands?.children.length, second.moreAvailable]).toEqual([1, false]);
});

test('Sync GetChanges 0 tells nothing and loses nothing', async () => {
  const { phone } = await start();
  await write(phone, 'bob@example.test');
  await phone.sync('RI');
  expect((await phone.sync('RI', { getChanges: false })).commands).toBeUndefined();
  expect((await phone.syncAll('RI')).size).toBe(1);
});

test.each([
  ['of another class', [el(AirSync.Class, 'Email')]],
  ['with a MaxItems that is no number', [el(AirSync.MaxItems, 'x')]],
  ['with a MaxItems of 0', [el(AirSync.MaxItems, 0)]],
])('Sync: Options %s answer Status 4', async (_what, options) => {
  const { phone } = await start();
  const collection = phone.collectionElement('RI', { options });
  const { element, rootStatus } = await phone.post(
    'Sync',
    el(AirSync.Sync, el(AirSync.Collections, collection)),
    { validateRequest: false },
  );
  const answer = child(element, AirSync.Collections, AirSync.Collection);
  expect(integerOf(answer, AirSync.Status) ?? rootStatus).toBe(4);
});

test.each<[string, number, Element]>([
  ['ConversationMode', 103, el(AirSync.ConversationMode, true)],
  ['Options of another Class', 103, el(AirSync.Options, el(AirSync.Class, 'Email'))],
  ['a Class beside MaxItems', 103, el(AirSync.Options, el(AirSync.Class, 'Email'), maxItems(1))],
  ['Options of Class Contacts', 1, el(AirSync.Options, el(AirSync.Class, 'Contacts'))],
  ['ConversationMode 0', 1, el(AirSync.ConversationMode, false)],
  ['MaxItems', 1, el(AirSync.Options, maxItems(1))],
])('GetItemEstimate: the recipient cache: %s answers Status %i', async (_what, status, asked) => {
  const { phone } = await start();
  await phone.syncAll('RI');
  const { Collections, Collection, CollectionId, Response, Status } = GetItemEstimate;
  const key = el(AirSync.SyncKey, phone.collection('RI').syncKey);
  const collection = el(Collection, key, el(CollectionId, 'RI'), asked);
  const body = el(GetItemEstimate.GetItemEstimate, el(Collections, collection));
  const { element, rootStatus } = await phone.command('GetItemEstimate', body, { validateRequest: false });
  expect(integerOf(element, Response, Status) ?? rootStatus).toBe(status);
});

describe.each(['14.0', '16.1'] as const)('%s', (version) => {
  test('Ping and a waiting Sync hear of a recipient', async () => {
    const { server, phone } = await start(version);
    const other = server.phone('14.1', { deviceId: 'other' });
    await other.provision();
    await phone.syncAll('RI');
    const ping = phone.ping(['RI'], 60);
    await untilWaiting(server);
    await write(other, 'bob@example.test');
    expect(await ping).toMatchObject({ status: 2, folders: ['RI'] });
    expect((await phone.syncAll('RI')).size).toBe(1);
    const waiting = phone.sync('RI', { heartbeatSeconds: 60 });
    await untilWaiting(server);
    await write(other, 'alice@example.test');
    expect((await waiting).commands?.children.map(({ tag }) => tag.name)).toEqual(['Add']);
  });
});

test('an empty Sync repeats one of the recipient cache', async () => {
  const { phone } = await start();
  await write(phone, 'bob@example.test');
  await phone.syncAll('RI');
  await write(phone, 'alice@example.test');
  const { element } = await phone.post('Sync');
  const commands = child(element, AirSync.Collections, AirSync.Collection, AirSync.Commands);
  expect(childrenOf(commands, AirSync.Add)).toHaveLength(1);
});

test('a message that is not kept in Sent Items says nothing, and received mail neither', async () => {
  const { server, phone } = await start();
  await write(phone, 'bob@example.test', { saveInSent: false });
  await server.receive('From: x@example.org\r\nTo: y@example.org\r\n\r\nx');
  expect((await phone.syncAll('RI')).size).toBe(0);
});

/** What is left of the cache after messages that a program put into Sent Items. */
async function remembered({ database, alice }: TestServer) {
  return (await database.mail.mailbox(alice.mailbox).recipientCache()).recipients;
}

test('the cache stays small: of a large message the first twenty, of all the last hundred', async () => {
  const { server, phone } = await start();
  const list = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => `r${from + n}@elsewhere.example`).join(', ');
  await write(phone, list(0, 45));
  expect(await remembered(server)).toHaveLength(20);
  for (let n = 1; n <= 5; n++) await write(phone, list(100 * n, 20));
  const recipients = await remembered(server);
  expect(recipients).toHaveLength(100);
  expect(recipients[0]?.address).toBe('r500@elsewhere.example');
  expect(recipients.some(({ address }) => address === 'r0@elsewhere.example')).toBe(false);
});

test('MaxItems of another folder answers Sync Status 4 and GetItemEstimate Status 2', async () => {
  const { phone } = await start();
  await phone.syncAll('1');
  const options = [maxItems(5)];
  expect((await phone.sync('1', { options })).status).toBe(4);
  const { SyncKey, Options } = AirSync;
  const { Collections, Collection, CollectionId, Response, Status } = GetItemEstimate;
  const key = el(SyncKey, phone.collection('1').syncKey);
  const asked = el(Collection, key, el(CollectionId, '1'), el(Options, ...options));
  const body = el(GetItemEstimate.GetItemEstimate, el(Collections, asked));
  const { element } = await phone.command('GetItemEstimate', body);
  expect(textOf(element, Response, Status)).toBe('2');
});

describe.each(['14.0', '16.1'] as const)('%s', (version) => {
  test('nothing is moved there: ItemOperations Move answers 105, MoveItems 2; folder commands answer 3', async () => {
    const { server, phone } = await start(version);
    const serverId = await server.receive('From: x@example.org\r\nSubject: a\r\n\r\nx');
    await phone.syncAll('1');
    const move = el(
      ItemOperations.Move,
      el(ItemOperations.ConversationId, Buffer.alloc(16)),
      el(ItemOperations.DstFldId, 'RI'),
      el(ItemOperations.Options, el(ItemOperations.MoveAlways)),
    );
    const { element } = await phone.command('ItemOperations', el(ItemOperations.ItemOperations, move));
    const { Response, Move, Status } = ItemOperations;
    expect(textOf(element, Response, Move, Status)).toBe('105');
    const [moved] = await phone.moveItems({ item: serverId, from: '1', to: 'RI' });
    expect(moved?.status).toBe(2);
    const deletion = el(
      FolderHierarchy.FolderDelete,
      el(FolderHierarchy.SyncKey, phone.folderKey),
      el(FolderHierarchy.ServerId, 'RI'),
    );
    expect((await phone.command('FolderDelete', deletion)).rootStatus).toBe(3);
    expect(textOf([...(await phone.syncAll('1')).values()][0], Email.Subject)).toBe('a');
  });
});

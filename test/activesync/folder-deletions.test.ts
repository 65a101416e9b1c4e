import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { deliverItem } from '#domain/inbox-rules';
import { Mailbox } from '#domain/mailbox';
import { MailboxPreferences } from '#domain/mailbox-preferences';
import { findItem } from '#protocols/activesync/find-item';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { child, childrenOf, el, integerOf } from '#protocols/activesync/wbxml/element';
import { mailboxPart, prefixRange, u32 } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import { Maintenance } from '#storage/maintenance';
import { silentLogger } from '#telemetry/log';
import type { EasClient } from '#test/support/eas-client';
import { forms } from '#test/support/eas-versions';
import { newItem } from '#test/support/new-item';
import { systemOutside } from '../../src/outside.ts';
import { changeFolder, folderCommands, folderVersions, startFolderPhone } from './folder-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';
import { untilWaiting } from './sync-phone.ts';

const inbox = '1';
const trash = '3';

/** A phone that holds a folder of its own with three messages. */
async function startFilled(server?: TestServer, version: (typeof folderVersions)[number] = '14.1') {
  const started = await startFolderPhone(version, server === undefined ? {} : { server });
  const { phone } = started;
  const id = await folderCommands(phone).create('Filled');
  const items: ItemId[] = [];
  for (let n = 0; n < 3; n++) items.push(await started.server.deliver(`mail ${n}`, Number(id)));
  await phone.syncAll(id);
  return { ...started, id, serverIds: items.map((item) => `${id}:${item}`) };
}

/** What the maintenance does at once after a deletion. */
function maintain({ database }: TestServer): Promise<void> {
  const { clock } = systemOutside;
  return new Maintenance({ ...database, clock, log: silentLogger }).runDue(clock.now());
}

const usageOf = ({ database, alice }: TestServer) => database.mail.mailbox(alice.mailbox).usage();

/** How many rows there are about a folder: its items, its list, its changes, what devices hold of it. */
async function rowsAbout({ database, alice }: TestServer, id: string): Promise<number> {
  const part = mailboxPart(alice.organization, alice.mailbox.mailbox);
  const folder = u32(Number(id));
  const ranges = [mailboxRows.folder, mailboxRows.item, mailboxRows.place, mailboxRows.change].map((row) =>
    row.range(folder),
  );
  let rows = 0;
  for (const range of ranges) rows += (await database.store.page(part, range)).rows.length;
  const states = await database.store.page(part, mailboxRows.syncState.range());
  return rows + states.rows.filter(([key]) => u32.read(key, 17) === Number(id)).length;
}

function emptyFolderContents(phone: EasClient, id: string, subfolders: boolean) {
  return phone.command(
    'ItemOperations',
    el(
      ItemOperations.ItemOperations,
      el(
        ItemOperations.EmptyFolderContents,
        el(AirSync.CollectionId, id),
        subfolders ? el(ItemOperations.Options, el(ItemOperations.DeleteSubFolders)) : undefined,
      ),
    ),
  );
}

describe.each(folderVersions)('%s', (version) => {
  test('FolderDelete: what the folder held is gone for good, and its room is given back', async () => {
    const { server, phone, id } = await startFilled(undefined, version);
    const before = await usageOf(server);
    expect(before.items).toBe(3);
    expect(await folderCommands(phone).remove(id)).toBe(1);
    await maintain(server);
    expect(await usageOf(server)).toEqual({ bytes: 0, items: 0 });
    expect(await rowsAbout(server, id)).toBe(0);
    expect((await phone.syncAll(trash)).size).toBe(0);
  });

  test('Sync: a folder that another device deleted answers Status 12, after FolderSync it is forgotten', async () => {
    const { server, phone, id } = await startFilled(undefined, version);
    const { phone: tablet } = await startFolderPhone('14.1', { server, deviceId: 'tablet' });
    expect(await folderCommands(tablet).remove(id)).toBe(1);
    for (const isSwept of [false, true]) {
      if (isSwept) await maintain(server);
      expect((await phone.sync(id)).status).toBe(12);
      expect((await phone.getItemEstimate(id)).status).toBe(2);
    }
    await phone.folderSync();
    expect(phone.folders.has(id)).toBe(false);
  });

  test('FolderUpdate: a folder moved below Deleted Items keeps its messages, and its devices their keys', async () => {
    const { server, phone, id } = await startFilled(undefined, version);
    expect(await folderCommands(phone).update(id, trash, 'Filled')).toBe(1);
    await server.deliver('one more', Number(id));
    const key = phone.collection(id).syncKey;
    expect((await phone.syncAll(id)).size).toBe(4);
    expect(phone.collection(id).syncKey).not.toBe(key);
  });
});

test('FolderDelete: the items are gone at once, though their rows are not', async () => {
  const { server, phone, id, serverIds } = await startFilled();
  expect(await folderCommands(phone).remove(id)).toBe(1);
  expect(await rowsAbout(server, id)).toBeGreaterThan(0);
  const [serverId = ''] = serverIds;
  expect((await phone.fetch({ collectionId: id, serverId })).status).toBe(6);
  const move = el(Move.Move, el(Move.SrcMsgId, serverId), el(Move.SrcFldId, id), el(Move.DstFldId, inbox));
  const back = el(Move.Move, el(Move.SrcMsgId, '1:1'), el(Move.SrcFldId, inbox), el(Move.DstFldId, id));
  const { element } = await phone.command('MoveItems', el(Move.MoveItems, move, back));
  const statuses = childrenOf(element, Move.Response).map((one) => integerOf(one, Move.Status));
  expect(statuses).toEqual([1, 2]);
  expect((await phone.syncAll(inbox)).size).toBe(0);
  const mailbox = new Mailbox(server.database.mail, server.alice.mailbox);
  const place = { folder: Number(id) as FolderId, item: Number(serverId.split(':')[1]) as ItemId };
  expect(await findItem(mailbox.reader, place)).toBeUndefined();
  expect(await mailbox.moveItems([place.item], place.folder, 1 as FolderId)).toEqual(['not-found']);
});

describe.each(forms)('%s', (version) => {
  test('FolderDelete: a waiting Sync of the folder answers Status 12, a waiting Ping 7; who deleted it is not told', async () => {
    const { server, phone, id } = await startFilled(undefined, version);
    const { phone: tablet } = await startFolderPhone('14.1', { server, deviceId: 'tablet' });
    const { phone: watch } = await startFolderPhone(version, { server, deviceId: 'watch' });
    await tablet.syncAll(id);
    await tablet.syncAll(inbox);
    const ended = new AbortController();
    const waiting = [
      tablet.sync(id, { waitMinutes: 30 }),
      watch.ping([id, inbox], 3540),
      phone.ping([id, inbox], 3540, ended.signal),
    ] as const;
    await untilWaiting(server, 3);
    await folderCommands(phone).remove(id);
    expect((await waiting[0]).status).toBe(12);
    expect((await waiting[1]).status).toBe(7);
    await maintain(server);
    expect(server.endpoint.waiting).toBe(1);
    ended.abort();
    await expect(waiting[2]).rejects.toThrow();
  });
});

test('Ping: an older list with a folder that is gone answers Status 7 until FolderSync, then waits for the rest', async () => {
  const server = await startEndpoint({ quickHeartbeat: true });
  const { phone, id } = await startFilled(server);
  expect((await phone.ping([id, inbox], 60)).status).toBe(1);
  const { phone: tablet } = await startFolderPhone('14.1', { server, deviceId: 'tablet' });
  await folderCommands(tablet).remove(id);
  for (let n = 0; n < 2; n++) expect((await phone.ping()).status).toBe(7);
  await phone.folderSync();
  expect((await phone.ping()).status).toBe(1);
  expect((await phone.ping([id, inbox], 60)).status).toBe(7);
});

test('FolderDelete: a rule that moves mail to the folder leaves it in the Inbox', async () => {
  const { server, phone } = await startFilled();
  const { mailbox } = server.alice;
  const preferences = new MailboxPreferences(server.database.mail, systemOutside.random);
  const rule = {
    name: 'Bills',
    enabled: true,
    conditions: {},
    exceptions: {},
    actions: { moveToFolder: 'Bills' },
    stopProcessing: false,
  };
  await preferences.putMailRules(mailbox, [rule], () => false);
  await phone.folderSync();
  const [id = ''] = [...phone.folders].find(([, { displayName }]) => displayName === 'Bills') ?? [];
  const deliver = async () => {
    const place = (await preferences.of(mailbox))?.rules[0]?.actions.moveToFolder?.folder ?? (0 as FolderId);
    const plan = { folder: place, isRead: false, passedOn: undefined, reply: undefined };
    await server.database.mail.transact([mailbox], (of, outbound) =>
      deliverItem(of(mailbox), outbound, newItem('x', Date.now()), plan),
    );
  };
  await deliver();
  expect((await phone.syncAll(id)).size).toBe(1);
  expect(await folderCommands(phone).remove(id)).toBe(1);
  await deliver();
  await maintain(server);
  await deliver();
  expect((await phone.syncAll(inbox)).size).toBe(2);
  expect((await usageOf(server)).items).toBe(5);
});

test('ItemOperations: EmptyFolderContents with DeleteSubFolders takes the folders below, without it they stay', async () => {
  const { server, phone, id } = await startFilled();
  const { create } = folderCommands(phone);
  const below = await create('Below', id);
  const deep = await create('Deep', below);
  await server.deliver('deep down', Number(deep));
  expect((await emptyFolderContents(phone, id, false)).rootStatus).toBe(1);
  expect((await phone.syncAll(id)).size).toBe(0);
  expect((await phone.syncAll(deep)).size).toBe(1);
  for (let n = 0; n < 2; n++) {
    const { element } = await emptyFolderContents(phone, id, true);
    const [answer] = childrenOf(child(element, ItemOperations.Response), ItemOperations.EmptyFolderContents);
    expect(integerOf(answer, ItemOperations.Status)).toBe(1);
  }
  await phone.folderSync();
  expect([id, below, deep].map((one) => phone.folders.has(one))).toEqual([true, false, false]);
  await maintain(server);
  expect(await usageOf(server)).toEqual({ bytes: 0, items: 0 });
});

test('ItemOperations: EmptyFolderContents of a large folder, asked twice at once and beside a Sync, answers Status 1 and tells each item once', async () => {
  const { server, phone, id } = await startFilled();
  const { database, alice } = server;
  for (let n = 0; n < 500; n += 100) {
    await database.mail.transact([alice.mailbox], async (of) => {
      const tx = of(alice.mailbox);
      for (let m = n; m < n + 100; m++) await tx.addItem(Number(id) as FolderId, newItem(`${m}`, m));
    });
  }
  expect((await phone.syncAll(id, { windowSize: 512 })).size).toBe(503);
  const answers = await Promise.all([
    emptyFolderContents(phone, id, true),
    emptyFolderContents(phone, id, true),
    phone.syncAll(id, { windowSize: 50 }),
  ]);
  expect([answers[0].rootStatus, answers[1].rootStatus]).toEqual([1, 1]);
  expect((await phone.syncAll(id, { windowSize: 50 })).size).toBe(0);
  expect(await usageOf(server)).toEqual({ bytes: 0, items: 0 });
});

test('FolderDelete of a folder with thousands of items: answered with one commit, emptied in steps that leave others their turn', async () => {
  const { server, phone, id } = await startFilled();
  const { database, alice } = server;
  for (let n = 0; n < 2000; n += 100) {
    await database.mail.transact([alice.mailbox], async (of) => {
      for (let m = n; m < n + 100; m++)
        await of(alice.mailbox).addItem(Number(id) as FolderId, newItem(`${m}`, m));
    });
  }
  const reader = database.mail.mailbox(alice.mailbox);
  const before = await reader.lastSeq();
  expect(await folderCommands(phone).remove(id)).toBe(1);
  expect((await reader.lastSeq()) - before).toBe(1);
  const emptied = maintain(server);
  expect(await folderCommands(phone).create('Meanwhile')).not.toBe('');
  await server.deliver('meanwhile');
  expect((await reader.usage()).items).toBeGreaterThan(1);
  await emptied;
  expect((await reader.usage()).items).toBe(1);
  expect(await rowsAbout(server, id)).toBe(0);
});

test('FolderDelete: a server that ends before the folder is empty goes on after its start, and a running one at once', async () => {
  const { server, phone, id } = await startFilled();
  expect(await folderCommands(phone).remove(id)).toBe(1);
  const { clock } = systemOutside;
  const maintenance = new Maintenance({ ...server.database, clock, log: silentLogger });
  const empty = async () => {
    while ((await usageOf(server)).items > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  maintenance.start();
  await empty();
  const second = await folderCommands(phone).create('Second');
  await server.deliver('second', Number(second));
  expect(await folderCommands(phone).remove(second)).toBe(1);
  await empty();
  await maintenance.stop();
  expect(await rowsAbout(server, id)).toBe(0);
});

test('FolderDelete: a repeated request does nothing to what came after it', async () => {
  const { server, phone, id } = await startFilled();
  const sent = { key: phone.folderKey, id };
  const answer = await changeFolder(phone, 'FolderDelete', sent);
  await maintain(server);
  expect(await changeFolder(phone, 'FolderDelete', sent)).toEqual(answer);
  await maintain(server);
  const part = mailboxPart(server.alice.organization, server.alice.mailbox.mailbox);
  const { rows } = await server.database.store.page(part, prefixRange(Buffer.from('T')));
  expect(rows.length).toBe(1);
});

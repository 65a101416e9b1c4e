import { expect, onTestFinished, test, vi } from 'vitest';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { child, childrenOf, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { StoredMailbox } from '#storage/mailbox-reader';
import type { EasClient } from '#test/support/eas-client';
import { folderCommands, startFolderPhone } from './folder-phone.ts';

const { Folder, DisplayName, ServerId, ParentId, Type, Status, FolderSync, SyncKey } = FolderHierarchy;

const old = ['2.5', '12.0', '12.1'] as const;

async function hierarchyOf(phone: EasClient): Promise<string[]> {
  const { element } = await phone.command('GetHierarchy');
  return childrenOf(element, Folder).map((one) =>
    [ServerId, ParentId, Type, DisplayName].map((tag) => textOf(one, tag)).join(' '),
  );
}

/** Status and ServerId of the answer. */
async function collection(phone: EasClient, command: string, query: Readonly<Record<string, string>>) {
  const { element } = await phone.command(command, undefined, { query });
  return { status: integerOf(element, Status), id: textOf(child(element, Folder), ServerId) };
}

test.each(old)('GetHierarchy in %s: every folder of mail, and no other; without a body', async (version) => {
  const { phone } = await startFolderPhone(version);
  const { create } = folderCommands(phone);
  await create('Dates', '0', 13);
  const top = await create('Top');
  const below = await create('Below', top);
  expect(await hierarchyOf(phone)).toEqual([
    '1 0 2 Inbox',
    '2 0 3 Drafts',
    '3 0 4 Deleted Items',
    '4 0 5 Sent Items',
    '5 0 6 Outbox',
    '6 0 12 Junk E-mail',
    `${top} 0 12 Top`,
    `${below} ${top} 12 Below`,
  ]);
});

test.each(old)(
  'CreateCollection, MoveCollection, DeleteCollection in %s: Status 1 and the ServerId, and FolderSync tells all devices',
  async (version) => {
    const { phone } = await startFolderPhone(version);
    const made = await collection(phone, 'CreateCollection', { CollectionName: 'Über uns', ParentId: '1' });
    expect(made.status).toBe(1);
    const id = made.id ?? '';
    await phone.folderSync();
    expect(phone.folders.get(id)).toEqual({ parentId: '1', displayName: 'Über uns', type: 12 });
    const moved = { CollectionId: id, ParentId: '0', CollectionName: 'Renamed' };
    expect(await collection(phone, 'MoveCollection', moved)).toEqual({ status: 1, id });
    await phone.folderSync();
    expect(phone.folders.get(id)).toEqual({ parentId: '0', displayName: 'Renamed', type: 12 });
    expect(await collection(phone, 'DeleteCollection', { CollectionId: id })).toEqual({ status: 1, id });
    await phone.folderSync();
    expect(phone.folders.has(id)).toBe(false);
  },
);

test.each(old)(
  'CreateCollection, MoveCollection, DeleteCollection in %s: the statuses of FolderCreate, FolderUpdate and FolderDelete',
  async (version) => {
    const { phone } = await startFolderPhone(version);
    const id = await folderCommands(phone).create('Mine');
    for (const [command, query, status] of [
      ['CreateCollection', { CollectionName: 'mine' }, 2],
      ['CreateCollection', { CollectionName: 'New', ParentId: '999' }, 5],
      ['CreateCollection', { CollectionName: 'New', ParentId: 'RI' }, 3],
      ['CreateCollection', { CollectionName: ' ' }, 10],
      ['CreateCollection', {}, 10],
      ['MoveCollection', { CollectionId: id, CollectionName: 'Inbox' }, 2],
      ['MoveCollection', { CollectionId: '1', CollectionName: 'Inbox 2' }, 2],
      ['MoveCollection', { CollectionId: '999', CollectionName: 'New' }, 4],
      ['MoveCollection', { CollectionId: id, CollectionName: 'New', ParentId: id }, 5],
      ['MoveCollection', { CollectionId: id }, 10],
      ['DeleteCollection', { CollectionId: '1' }, 3],
      ['DeleteCollection', { CollectionId: '999' }, 4],
      ['DeleteCollection', {}, 4],
    ] as const) {
      expect(await collection(phone, command, query), `${command} ${JSON.stringify(query)}`).toEqual({
        status,
        id: undefined,
      });
    }
  },
);

test('GetHierarchy, CreateCollection, MoveCollection, DeleteCollection: with a document HTTP 400; from 14.0 on 137 or HTTP 501', async () => {
  const { phone } = await startFolderPhone('12.1');
  for (const command of ['GetHierarchy', 'CreateCollection', 'MoveCollection', 'DeleteCollection']) {
    const document = el(FolderSync, el(SyncKey, '0'));
    for (const version of old) {
      phone.version = version;
      expect((await phone.post(command, document, { validateRequest: false })).status).toBe(400);
    }
    for (const version of ['14.0', '14.1', '16.0', '16.1'] as const) {
      phone.version = version;
      const { status, rootStatus } = await phone.post(command);
      expect([status, rootStatus]).toEqual(command === 'GetHierarchy' ? [501, undefined] : [200, 137]);
    }
  }
});

test.each(old)('GetHierarchy in %s: a failure is HTTP 500', async (version) => {
  const { server, phone } = await startFolderPhone(version);
  const failing = vi.spyOn(StoredMailbox.prototype, 'folders').mockRejectedValue(new Error('no disk'));
  onTestFinished(() => failing.mockRestore());
  expect((await phone.post('GetHierarchy')).status).toBe(500);
  failing.mockRestore();
  expect(await hierarchyOf(phone)).not.toEqual([]);
  expect(server.endpoint.waiting).toBe(0);
});

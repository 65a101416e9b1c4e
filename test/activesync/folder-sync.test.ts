import { describe, expect, test } from 'vitest';
import { ChangeKind } from '#domain/change';
import { rootFolder } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { forms } from '#test/support/eas-versions';
import { startEndpoint, type TestServer } from './server.ts';

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const request = (key?: string) =>
  el(FolderHierarchy.FolderSync, key === undefined ? undefined : el(FolderHierarchy.SyncKey, key));

/** Makes, renames or deletes a folder of alice, as another client would. */
async function change(
  { database, alice }: TestServer,
  kind: ChangeKind,
  folder: { id: number; parent?: number; name?: string },
): Promise<void> {
  const id = folder.id as FolderId;
  await database.mail.transact([alice.mailbox], async (of) => {
    const tx = of(alice.mailbox);
    const seq = await tx.seq();
    if (kind === ChangeKind.Delete) tx.deleteFolder(id);
    else {
      const before = await tx.folder(id);
      const parent = (folder.parent ?? before?.parent ?? 0) as FolderId;
      const created = before?.created ?? seq;
      tx.putFolder({ id, parent, type: 12, name: folder.name ?? 'x', created, changed: seq });
    }
    await tx.logHierarchy(kind, id);
  });
}

describe.each(versions)('%s', (version) => {
  test('key 0 gives the whole tree, and the key then nothing, again and again', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    expect(await phone.folderSync()).toBe(1);
    expect([...phone.folders.values()].map(({ type }) => type)).toEqual(
      expect.arrayContaining([2, 3, 4, 5, 6, 7, 8, 9]),
    );
    const key = phone.folderKey;
    for (let n = 0; n < 3; n++) {
      const { element } = await phone.command('FolderSync', request(key));
      expect(textOf(element, FolderHierarchy.SyncKey)).toBe(key);
      expect(textOf(element, FolderHierarchy.Changes, FolderHierarchy.Count)).toBe('0');
    }
  });

  test('what others change is told once; a lost answer is told again', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    const key = phone.folderKey;
    await change(server, ChangeKind.Add, { id: 50, name: 'Below', parent: 51 });
    await change(server, ChangeKind.Add, { id: 51, name: 'Above' });
    await change(server, ChangeKind.Add, { id: 52, name: 'Came and went' });
    await change(server, ChangeKind.Delete, { id: 52 });
    const lost = await phone.command('FolderSync', request(key));
    const adds = childrenOf(child(lost.element, FolderHierarchy.Changes), FolderHierarchy.Add);
    expect(adds.map((add) => textOf(add, FolderHierarchy.ServerId))).toEqual(['51', '50']);
    expect(await phone.folderSync()).toBe(1);
    expect(phone.folders.get('50')).toMatchObject({ displayName: 'Below', parentId: '51' });
    expect(phone.folders.has('52')).toBe(false);
    await change(server, ChangeKind.Change, { id: 50, name: 'Renamed', parent: 0 });
    await change(server, ChangeKind.Delete, { id: 51 });
    await phone.folderSync();
    expect(phone.folders.get('50')).toMatchObject({ displayName: 'Renamed', parentId: '0' });
    expect(phone.folders.has('51')).toBe(false);
    const again = await phone.command('FolderSync', request(phone.folderKey));
    expect(textOf(again.element, FolderHierarchy.Changes, FolderHierarchy.Count)).toBe('0');
  });

  test('FolderSync: a new folder comes before the Update of what was moved into it, and what moved out of a deleted one before that', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    for (const id of [50, 51, 52]) await change(server, ChangeKind.Add, { id, parent: id === 51 ? 50 : 0 });
    await phone.folderSync();
    const key = phone.folderKey;
    const many = Array.from({ length: 300 }, (_, n) => 100 + n);
    for (const id of [55, 54, ...many])
      await change(server, ChangeKind.Add, { id, parent: id === 55 ? 54 : 0 });
    await change(server, ChangeKind.Change, { id: 54, parent: 52 });
    await change(server, ChangeKind.Change, { id: 51, parent: 55 });
    await change(server, ChangeKind.Delete, { id: 50 });
    const { element } = await phone.command('FolderSync', request(key));
    const told = child(element, FolderHierarchy.Changes)?.children ?? [];
    const all = told.map((one) => `${one.tag.name} ${textOf(one, FolderHierarchy.ServerId)}`);
    expect(all.slice(1)).toEqual([
      'Add 54',
      'Add 55',
      'Update 51',
      'Delete 50',
      ...many.map((id) => `Add ${id}`),
    ]);
  });

  test('a key that names nothing answers Status 9, none at all 10; neither has a key', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    for (const [sent, status] of [
      ['nonsense', 9],
      ['1', 9],
      ['.0', 9],
      ['x'.repeat(65), 9],
      ['', 10],
      [undefined, 10],
    ] as const) {
      const { element, rootStatus } = await phone.post('FolderSync', request(sent), {
        validateRequest: false,
      });
      expect(rootStatus).toBe(status);
      expect(element?.children.length).toBe(1);
    }
  });

  test('FolderSync: the elements of the answer, and of an Add, an Update and a Delete in it', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await change(server, ChangeKind.Add, { id: 50, name: 'To be renamed' });
    await change(server, ChangeKind.Add, { id: 51, name: 'To be deleted' });
    await phone.folderSync();
    await change(server, ChangeKind.Change, { id: 50, name: 'Renamed' });
    await change(server, ChangeKind.Delete, { id: 51 });
    await change(server, ChangeKind.Add, { id: 52, name: 'New', parent: 50 });
    const { element } = await phone.command('FolderSync', request(phone.folderKey));
    expect(element?.children.map(({ tag }) => tag.name)).toEqual(['Status', 'SyncKey', 'Changes']);
    const read = ({ tag, text, children }: Element): unknown[] => [
      tag.name,
      ...(children.length > 0 ? children.map(read) : [text]),
    ];
    expect(child(element, FolderHierarchy.Changes)?.children.map(read)).toEqual([
      ['Count', '3'],
      ['Update', ['ServerId', '50'], ['ParentId', '0'], ['DisplayName', 'Renamed'], ['Type', '12']],
      ['Delete', ['ServerId', '51']],
      ['Add', ['ServerId', '52'], ['ParentId', '50'], ['DisplayName', 'New'], ['Type', '12']],
    ]);
  });

  test('FolderSync: without a body it is refused with 101, below 14.0 with HTTP 400', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const { status, rootStatus } = await phone.post('FolderSync');
    expect([status, rootStatus]).toEqual(isAtLeast(version, '14.0') ? [200, 101] : [400, undefined]);
  });
});

describe.each(forms)('%s', (version) => {
  test('key 0 ends the life of older keys, and folders keep their ids', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    const [old, ids] = [phone.folderKey, [...phone.folders.keys()]];
    await change(server, ChangeKind.Add, { id: 60, name: 'New' });
    await phone.folderSync();
    phone.folderKey = '0';
    await phone.folderSync();
    expect([...phone.folders.keys()]).toEqual([...ids, '60']);
    expect((await phone.command('FolderSync', request(old))).rootStatus).toBe(9);
  });

  test('FolderSync: a folder whose type changed is a Delete and an Add, other changes of it are an Update', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await change(server, ChangeKind.Add, { id: 50, name: 'Dates' });
    await change(server, ChangeKind.Add, { id: 51, name: 'Below', parent: 50 });
    await phone.folderSync();
    await change(server, ChangeKind.Change, { id: 51, name: 'Renamed' });
    await server.database.mail.transact([server.alice.mailbox], async (of) => {
      const tx = of(server.alice.mailbox);
      const id = 50 as FolderId;
      const seq = await tx.seq();
      tx.putFolder({ id, parent: rootFolder, type: 13, name: 'Dates', created: seq, changed: seq });
      await tx.logHierarchy(ChangeKind.Delete, id);
      await tx.logHierarchy(ChangeKind.Add, id);
    });
    const { element } = await phone.command('FolderSync', request(phone.folderKey));
    const told = child(element, FolderHierarchy.Changes)?.children ?? [];
    expect(told.map((one) => [one.tag.name, textOf(one, FolderHierarchy.ServerId)])).toEqual([
      ['Count', undefined],
      ['Update', '51'],
      ['Delete', '50'],
      ['Add', '50'],
    ]);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { maxFolderDepth, maxFolders } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { child, childrenOf, el, textOf } from '#protocols/activesync/wbxml/element';
import { StoredMailboxTx } from '#storage/mailbox-tx';
import { forms } from '#test/support/eas-versions';
import { changeFolder, folderCommands, folderVersions, startFolderPhone, treeOf } from './folder-phone.ts';
import type { TestServer } from './server.ts';

const { FolderSync, SyncKey, Changes, Count, Add, Delete, ServerId } = FolderHierarchy;
const root = '0';
const inbox = '1';
const trash = '3';

const foldersOf = async ({ database, alice }: TestServer) => database.mail.mailbox(alice.mailbox).folders();
const namesOf = async (server: TestServer) => (await foldersOf(server)).slice(10).map(({ name }) => name);

/** A second phone of alice. */
const another = (server: TestServer, version = '14.1' as const) =>
  startFolderPhone(version, { server, deviceId: 'tablet' });

describe.each(folderVersions)('%s', (version) => {
  test('FolderCreate: answers Status 1, a new SyncKey and ServerId; the next FolderSync has nothing, another device the Add', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { phone: tablet } = await another(server);
    const sent = { key: phone.folderKey, parent: inbox, name: 'Projekte Ω 🗂', type: 12 };
    const made = await changeFolder(phone, 'FolderCreate', sent);
    expect(made).toMatchObject({ status: 1, names: ['Status', 'SyncKey', 'ServerId'] });
    expect(made.key).not.toBe(phone.folderKey);
    const { element } = await phone.command('FolderSync', el(FolderSync, el(SyncKey, made.key)));
    expect(textOf(element, SyncKey)).toBe(made.key);
    expect(textOf(element, Changes, Count)).toBe('0');
    await tablet.folderSync();
    expect(tablet.folders.get(made.serverId ?? '')).toEqual({
      parentId: inbox,
      displayName: 'Projekte Ω 🗂',
      type: 12,
    });
  });

  test('FolderUpdate: renames and moves, Status 1 and a new SyncKey; another device is told an Update', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { create, update } = folderCommands(phone);
    const [above, below] = [await create('Above'), await create('Below')];
    const { phone: tablet } = await another(server);
    const sent = { key: phone.folderKey, id: below, parent: above, name: 'New name' };
    const updated = await changeFolder(phone, 'FolderUpdate', sent);
    expect(updated).toMatchObject({
      status: 1,
      names: ['Status', 'SyncKey'],
    });
    phone.folderKey = updated.key ?? '';
    await phone.folderSync();
    expect(phone.folders.get(below)?.displayName).toBe('Below');
    await tablet.folderSync();
    expect(tablet.folders.get(below)).toEqual({ parentId: above, displayName: 'New name', type: 12 });
    expect(await update(below, above, 'new NAME')).toBe(1);
  });

  test('FolderDelete: the folder and those below it are gone, Status 1 and a new SyncKey; another device is told each once', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { create } = folderCommands(phone);
    const top = await create('Top');
    const middle = await create('Middle', top);
    const bottom = await create('Bottom', middle);
    const { phone: tablet } = await another(server);
    const gone = await changeFolder(phone, 'FolderDelete', { key: phone.folderKey, id: top });
    expect(gone).toMatchObject({ status: 1, names: ['Status', 'SyncKey'] });
    const { element } = await phone.command('FolderSync', el(FolderSync, el(SyncKey, gone.key)));
    expect(textOf(element, Changes, Count)).toBe('0');
    const told = await tablet.command('FolderSync', el(FolderSync, el(SyncKey, tablet.folderKey)));
    const deleted = childrenOf(child(told.element, Changes), Delete).map((one) => textOf(one, ServerId));
    expect(deleted).toEqual([bottom, middle, top]);
    expect(await namesOf(server)).toEqual([]);
  });

  test('FolderCreate: types 1 and 12 to 17 are made, 2 to 11, 18, 19 and nonsense answer Status 10', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { create } = folderCommands(phone);
    for (const type of [1, 12, 13, 14, 15, 16, 17]) await create(`Type ${type}`, root, type);
    const types = (await foldersOf(server)).slice(10).map(({ type }) => type);
    expect(types).toEqual([12, 12, 13, 14, 15, 16, 17]);
    for (const type of [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 19, 255, -12, '', 'mail', undefined]) {
      const sent = { key: phone.folderKey, parent: root, name: 'x', ...(type === undefined ? {} : { type }) };
      const { status, names } = await changeFolder(phone, 'FolderCreate', sent, false);
      expect([type, status, names]).toEqual([type, 10, ['Status']]);
    }
  });

  test('FolderCreate, FolderUpdate, FolderDelete: without SyncKey or another element Status 10, with a wrong SyncKey 9; no SyncKey comes back', async () => {
    const { server, phone } = await startFolderPhone(version);
    const id = await folderCommands(phone).create('Mine');
    const key = phone.folderKey;
    const whole = {
      FolderCreate: { key, parent: root, name: 'New', type: 12 },
      FolderUpdate: { key, id, parent: root, name: 'New' },
      FolderDelete: { key, id },
    } as const;
    for (const [command, sent] of Object.entries(whole)) {
      for (const left of Object.keys(sent)) {
        const cut = Object.fromEntries(Object.entries(sent).filter(([name]) => name !== left));
        for (const less of [cut, { ...cut, [left]: '' }]) {
          const answer = await changeFolder(phone, command as keyof typeof whole, less, false);
          expect([command, left, answer.status, answer.names]).toEqual([command, left, 10, ['Status']]);
        }
      }
      for (const wrong of ['0', '1', 'nonsense', 'x'.repeat(65)]) {
        const answer = await changeFolder(
          phone,
          command as keyof typeof whole,
          { ...sent, key: wrong },
          false,
        );
        expect([command, answer.status, answer.names]).toEqual([command, 9, ['Status']]);
      }
    }
    expect(await namesOf(server)).toEqual(['Mine']);
  });

  test('FolderCreate, FolderUpdate, FolderDelete: without a body refused with 101, below 14.0 with HTTP 400', async () => {
    const { server, phone } = await startFolderPhone(version);
    for (const command of ['FolderCreate', 'FolderUpdate', 'FolderDelete']) {
      const { status, rootStatus } = await phone.post(command);
      expect([status, rootStatus]).toEqual(isAtLeast(version, '14.0') ? [200, 101] : [400, undefined]);
    }
    expect(await namesOf(server)).toEqual([]);
  });

  test('FolderCreate, FolderUpdate: a name that is taken in the same parent answers Status 2, in another one it is free', async () => {
    const { phone } = await startFolderPhone(version);
    const { create, update } = folderCommands(phone);
    const [first, second] = [await create('Name'), await create('Name', inbox)];
    const key = phone.folderKey;
    for (const name of ['Name', 'NAME', ' name ', 'inbox']) {
      const sent = { key, parent: root, name, type: 12 };
      const { status, names } = await changeFolder(phone, 'FolderCreate', sent);
      expect([status, names]).toEqual([2, ['Status']]);
    }
    const sent = { key, id: second, parent: root, name: 'Name' };
    expect(await changeFolder(phone, 'FolderUpdate', sent)).toMatchObject({ status: 2, names: ['Status'] });
    expect(await update(first, trash, 'Name')).toBe(1);
    expect(await update(second, root, 'Name')).toBe(1);
    expect(await update(second, root, 'Name')).toBe(1);
    // FolderSync tells the recipient cache by it.
    for (const name of ['RecipientInfo', 'recipientINFO ']) {
      const made = { key: phone.folderKey, parent: root, name, type: 12 };
      expect(await changeFolder(phone, 'FolderCreate', made)).toMatchObject({ status: 2, names: ['Status'] });
      expect(await update(second, root, name)).toBe(2);
      expect(await update(first, trash, name)).toBe(1);
      expect(await update(first, root, name)).toBe(2);
    }
    await create('Caf\u00e9');
    const other = { key: phone.folderKey, parent: root, name: 'Cafe\u0301', type: 12 };
    expect((await changeFolder(phone, 'FolderCreate', other)).status).toBe(2);
  });

  test('FolderCreate, FolderUpdate: a parent that does not exist answers Status 5, the recipient cache 3', async () => {
    const { phone } = await startFolderPhone(version);
    const id = await folderCommands(phone).create('Mine');
    const key = phone.folderKey;
    for (const [parent, status] of [
      ['999', 5],
      ['nonsense', 5],
      ['4294967296', 5],
      ['RI', 3],
    ] as const) {
      const made = await changeFolder(phone, 'FolderCreate', { key, parent, name: 'New', type: 12 });
      const moved = await changeFolder(phone, 'FolderUpdate', { key, id, parent, name: 'New' });
      expect([made.status, moved.status]).toEqual([status, status]);
    }
  });

  test('FolderUpdate, FolderDelete: a folder that does not exist answers Status 4, the recipient cache 3', async () => {
    const { phone } = await startFolderPhone(version);
    const key = phone.folderKey;
    for (const [id, status] of [
      ['999', 4],
      ['0', 4],
      ['1:1', 4],
      ['RI', 3],
    ] as const) {
      const moved = await changeFolder(phone, 'FolderUpdate', { key, id, parent: root, name: 'New' });
      const deleted = await changeFolder(phone, 'FolderDelete', { key, id });
      expect([id, moved.status, deleted.status]).toEqual([id, status, status]);
    }
  });

  test('FolderUpdate, FolderDelete: a special folder answers Status 2 and 3, and stays', async () => {
    const { phone } = await startFolderPhone(version);
    const key = phone.folderKey;
    for (const type of [2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      const id = phone.folder(type);
      const moved = await changeFolder(phone, 'FolderUpdate', { key, id, parent: root, name: 'Other' });
      const deleted = await changeFolder(phone, 'FolderDelete', { key, id });
      expect([type, moved.status, deleted.status]).toEqual([type, 2, 3]);
    }
    const before = treeOf(phone);
    phone.folderKey = '0';
    await phone.folderSync();
    expect(treeOf(phone)).toEqual(before);
  });

  test('FolderUpdate: into itself or below itself answers Status 5', async () => {
    const { phone } = await startFolderPhone(version);
    const { create, update } = folderCommands(phone);
    const top = await create('Top');
    const bottom = await create('Bottom', await create('Middle', top));
    for (const parent of [top, bottom]) expect(await update(top, parent, 'Top')).toBe(5);
    expect(await update(bottom, root, 'Bottom')).toBe(1);
    expect(await update(top, bottom, 'Top')).toBe(1);
  });

  test('FolderCreate, FolderUpdate: names of 1 to 256 characters are taken, longer ones, blanks and control characters answer Status 10', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { create, update } = folderCommands(phone);
    const id = await create('🗂'.repeat(256));
    expect(await update(id, root, 'é'.repeat(256))).toBe(1);
    const key = phone.folderKey;
    for (const name of ['x'.repeat(257), '🗂'.repeat(257), ' ', '\u00a0', 'a\nb', 'a\u0085b']) {
      const made = await changeFolder(phone, 'FolderCreate', { key, parent: root, name, type: 12 }, false);
      const moved = await changeFolder(phone, 'FolderUpdate', { key, id, parent: root, name }, false);
      expect([name, made.status, moved.status]).toEqual([name, 10, 10]);
    }
    expect(await namesOf(server)).toEqual(['é'.repeat(256)]);
  });

  test('FolderCreate: a mailbox full of folders, or a place too deep, answers 151 (below 14.0 HTTP 500)', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { create, update } = folderCommands(phone);
    let parent = root;
    for (let depth = 1; depth <= maxFolderDepth; depth++) parent = await create(`Depth ${depth}`, parent);
    const top = await create('Top');
    await create('Below', top);
    const post = (at: string) =>
      phone.post(
        'FolderCreate',
        el(
          FolderHierarchy.FolderCreate,
          el(SyncKey, phone.folderKey),
          el(FolderHierarchy.ParentId, at),
          el(FolderHierarchy.DisplayName, 'One too many'),
          el(FolderHierarchy.Type, 12),
        ),
      );
    const isOld = !isAtLeast(version, '14.0');
    const refused = isOld ? { status: 500 } : { status: 200, rootStatus: 151 };
    expect(await post(parent)).toMatchObject(refused);
    if (!isOld) expect(await update(top, '39', 'Top')).toBe(151);
    expect(await update(top, '38', 'Top')).toBe(1);
    if (version !== '14.1') return;
    await server.addFolders(maxFolders - (await foldersOf(server)).length - 1);
    expect(await post(root)).toMatchObject({ rootStatus: 1 });
    await phone.folderSync();
    expect(await post(inbox)).toMatchObject(refused);
  });
});

describe('a lost answer', () => {
  test.each(folderVersions)(
    'FolderCreate in %s: repeated with the key before it makes no second folder, and has the same answer',
    async (version) => {
      const { server, phone } = await startFolderPhone(version);
      const sent = { key: phone.folderKey, parent: root, name: 'Once', type: 12 };
      const lost = await changeFolder(phone, 'FolderCreate', sent);
      for (let n = 0; n < 3; n++) expect(await changeFolder(phone, 'FolderCreate', sent)).toEqual(lost);
      expect(await namesOf(server)).toEqual(['Once']);
      const again = await changeFolder(phone, 'FolderCreate', { ...sent, key: lost.key ?? '' });
      expect(again.status).toBe(2);
    },
  );

  test.each(folderVersions)(
    'FolderUpdate and FolderDelete in %s: repeated with the key before them have the same answer',
    async (version) => {
      const { server, phone } = await startFolderPhone(version);
      const id = await folderCommands(phone).create('Mine');
      const update = { key: phone.folderKey, id, parent: inbox, name: 'Renamed' };
      const updated = await changeFolder(phone, 'FolderUpdate', update);
      expect(await changeFolder(phone, 'FolderUpdate', update)).toEqual(updated);
      const sent = { key: updated.key ?? '', id };
      const deleted = await changeFolder(phone, 'FolderDelete', sent);
      expect(deleted.status).toBe(1);
      expect(await changeFolder(phone, 'FolderDelete', sent)).toEqual(deleted);
      expect(await namesOf(server)).toEqual([]);
    },
  );

  describe.each(forms)('%s', (version) => {
    test('FolderCreate: a phone that gives up and asks for the tree is told the folder it made', async () => {
      const { phone } = await startFolderPhone(version);
      const sent = { key: phone.folderKey, parent: root, name: 'Unheard of', type: 12 };
      const lost = await changeFolder(phone, 'FolderCreate', sent);
      await phone.folderSync();
      expect(phone.folders.get(lost.serverId ?? '')?.displayName).toBe('Unheard of');
      await phone.folderSync();
    });
  });

  test('FolderDelete: a phone that gives up and asks for the tree is told that the folder is gone', async () => {
    const { phone } = await startFolderPhone();
    const id = await folderCommands(phone).create('Mine');
    await changeFolder(phone, 'FolderDelete', { key: phone.folderKey, id });
    await phone.folderSync();
    expect(phone.folders.has(id)).toBe(false);
  });

  test('FolderCreate: another request with the key before is done, and what was lost is told', async () => {
    const { server, phone } = await startFolderPhone();
    const sent = { key: phone.folderKey, parent: root, name: 'Lost', type: 12 };
    const lost = await changeFolder(phone, 'FolderCreate', sent);
    const made = await folderCommands(phone).create('Other');
    expect(phone.folderKey).not.toBe(lost.key);
    await phone.folderSync();
    expect([...phone.folders.keys()].slice(10)).toEqual([made, lost.serverId]);
    expect(await namesOf(server)).toEqual(['Lost', 'Other']);
    const old = await changeFolder(phone, 'FolderCreate', { ...sent, key: lost.key ?? '', name: 'Third' });
    expect(old.status).toBe(9);
  });
});

describe.each(forms)('%s', (version) => {
  test('FolderCreate: what others changed before it is not lost, and comes with the next FolderSync', async () => {
    const { server, phone } = await startFolderPhone(version);
    const { phone: tablet } = await another(server);
    const [mine, theirs] = [folderCommands(phone), folderCommands(tablet)];
    await theirs.create('Theirs');
    const own = await mine.create('Mine');
    await theirs.create('Theirs too');
    expect(await mine.update(own, inbox, 'Mine still')).toBe(1);
    await phone.folderSync();
    await tablet.folderSync();
    expect(treeOf(phone)).toEqual(treeOf(tablet));
    expect((await foldersOf(server)).map(({ name }) => name).slice(10)).toEqual([
      'Theirs',
      'Mine still',
      'Theirs too',
    ]);
    await phone.folderSync();
  });
});

test('FolderCreate: a phone that never asks for the changes of others has to start over (Status 9)', async () => {
  const { server, phone } = await startFolderPhone();
  const { create, remove } = folderCommands(phone);
  await server.addFolders(1);
  let made = 0;
  await expect(
    (async () => {
      for (; made < 1000; made++) await remove(await create('Again'));
    })(),
  ).rejects.toThrow('answered 9');
  expect(made).toBe(250);
});

test('FolderDelete of more folders than one transaction takes: done with one answer, and cut off halfway it is repeated', async () => {
  const { server, phone } = await startFolderPhone();
  const top = await folderCommands(phone).create('Top');
  await server.addFolders(2000, Number(top) as FolderId);
  await phone.folderSync();
  expect(phone.folders.size).toBe(2011);
  // The server fails in the second transaction of the deletion.
  const { putFolderSyncState } = StoredMailboxTx.prototype;
  let parts = 0;
  const failing = vi.spyOn(StoredMailboxTx.prototype, 'putFolderSyncState').mockImplementation(function (
    this: StoredMailboxTx,
    ...given
  ) {
    if (++parts === 2) throw new Error('the server ended');
    putFolderSyncState.apply(this, given);
  });
  const sent = { key: phone.folderKey, id: top };
  expect((await changeFolder(phone, 'FolderDelete', sent)).status).toBe(111);
  failing.mockRestore();
  expect((await foldersOf(server)).length).toBe(1211);
  const done = await changeFolder(phone, 'FolderDelete', sent);
  expect(done.status).toBe(1);
  expect(await changeFolder(phone, 'FolderDelete', sent)).toEqual(done);
  expect((await foldersOf(server)).length).toBe(10);
  const { element } = await phone.command('FolderSync', el(FolderSync, el(SyncKey, done.key)));
  expect(textOf(element, Changes, Count)).toBe('0');
  expect(childrenOf(child(element, Changes), Add)).toEqual([]);
});

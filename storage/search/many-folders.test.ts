import { expect, test } from 'vitest';
import { ChangeKind } from '#domain/change';
import { FolderType, rootFolder } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import type { Item } from '#domain/item';
import { scanMailbox } from '#domain/search/scan';
import { found, mailOf, openSite, queryOf, textIn } from '#test/support/indexed-site';
import { mailboxRows } from '../layout.ts';
import type { Range, Reader, Store, Tx } from '../store.ts';
import { StoredIndexes } from './stored-indexes.ts';
import { extendIndex } from './tend-index.ts';

const inbox = 1 as FolderId;
const madeFolders = 200;

type Site = Awaited<ReturnType<typeof openSite>>;

const mails = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) =>
    mailOf({ subject: `mail ${from + n}`, text: `word${(from + n) % 10} text`, receivedMs: from + n + 1 }),
  );

async function openWithFolders() {
  const site = await openSite();
  const folders = await site.database.mail.transact([site.ref], async (of) => {
    const made: FolderId[] = [];
    const seq = await of(site.ref).seq();
    for (let n = 0; n < madeFolders; n++) {
      const id = await of(site.ref).nextFolderId();
      const type = FolderType.UserMail;
      of(site.ref).putFolder({ id, parent: rootFolder, type, name: `${n}`, created: seq, changed: seq });
      await of(site.ref).logHierarchy(ChangeKind.Add, id);
      made.push(id);
    }
    return made;
  });
  return { site, folders };
}

/** The store, which counts what is read of it: pages of items, and rows in transactions. */
function counting(store: Store) {
  const reads = { pages: 0, rows: 0 };
  const counted = <T extends Reader>(reader: T): T =>
    new Proxy(reader, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const range = args[1] as Range | undefined;
          if (name === 'page' && range?.gte[0] === mailboxRows.item.range().gte[0]) reads.pages++;
          if (name === 'get') reads.rows++;
          return value.apply(target, args);
        };
      },
    });
  const proxied = new Proxy(counted(store), {
    get(target, name) {
      if (name !== 'transact') return Reflect.get(target, name);
      const transact: Store['transact'] = (parts, decide, ...rest) =>
        store.transact(parts, (tx: Tx) => decide(counted(tx)), ...rest);
      return transact;
    },
  });
  return { store: proxied, reads };
}

async function expectSame(site: Site, text: string, folders: readonly FolderId[]): Promise<void> {
  const query = queryOf(textIn(text), folders);
  const expected = await found(scanMailbox, site.mailbox, query);
  expect(await found(site.finder, site.mailbox, query), text).toEqual(expected);
}

test('an index asks each folder once for thousands of items, and not for each segment', async () => {
  const { site, folders } = await openWithFolders();
  for (const folder of folders.slice(0, 20)) await site.add(mails(100), folder);
  const { store, reads } = counting(site.database.store);
  await extendIndex({ ...site.run, store }, site.ref);
  expect((await site.segments()).reduce((sum, { count }) => sum + count, 0)).toBe(2000);
  expect(reads.pages).toBeLessThan(2 * madeFolders);
  await expectSame(site, 'word3', [inbox, ...folders]);
});

test('items that go, move and change while they are put into the index cost no look into every folder', async () => {
  const { site, folders } = await openWithFolders();
  const items = await site.add(mails(400));
  const to = folders.at(-1) ?? inbox;
  const change = () =>
    site.database.mail.transact([site.ref], async (of) => {
      const some = (from: number, end: number) => items.slice(from, end) as readonly Item[];
      for (const item of some(0, 60)) await of(site.ref).deleteItem(item);
      for (const item of some(60, 120)) await of(site.ref).moveItem(item, to);
      const changed = mailOf({ subject: 'changed', text: 'otherwise' });
      for (const item of some(120, 130)) await of(site.ref).replaceItem(item, changed);
    });
  const { store, reads } = counting(site.database.store);
  // When the Inbox has been asked, and most of the folders behind it.
  let pagesBefore = madeFolders - 5;
  const changing = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        const isItems = (args[1] as Range | undefined)?.gte?.[0] === mailboxRows.item.range().gte[0];
        if (name === 'page' && isItems && --pagesBefore === 0) await change();
        return await value.apply(target, args);
      };
    },
  });
  await extendIndex({ ...site.run, store: changing }, site.ref);
  expect(pagesBefore).toBeLessThanOrEqual(0);
  expect(reads.rows).toBeLessThan(500);
  const all = [inbox, ...folders];
  for (const text of ['word3', 'otherwise', 'mail 90', 'mail 5', 'text']) await expectSame(site, text, all);
  expect(await found(site.finder, site.mailbox, queryOf(textIn('text'), [to]))).toHaveLength(60);
});

test('a search looks into no folder for new mail if there is none, and into the first ones if it is there', async () => {
  const { site, folders } = await openWithFolders();
  await site.add(mails(100));
  await site.extend();
  const { store, reads } = counting(site.database.store);
  const { sealer } = site.database;
  const indexes = new StoredIndexes({ store, sealer, now: () => site.clock.now() });
  const rest = async () => (await (await indexes.open(site.ref))?.rest([inbox, ...folders], 2048))?.length;
  expect(await rest()).toBe(0);
  expect(reads.pages).toBe(0);
  await site.add(mails(5, 100));
  expect(await rest()).toBe(5);
  expect(reads.pages).toBeLessThan(100);
  await site.add(mails(1, 105), folders.at(-1));
  expect(await rest()).toBe(6);
  await expectSame(site, 'word3', [inbox, ...folders]);
});

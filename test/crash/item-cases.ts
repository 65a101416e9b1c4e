/** What phones ask of a server that is killed meanwhile: many items at a time. */
import { ChangeKind } from '#domain/change';
import { FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { MessageIndexer } from '#mime/index-message';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { newItem } from '#test/support/new-item';
import { add, letter } from '../activesync/drafts-phone.ts';
import { freeText, searchMail } from '../activesync/search-phone.ts';
import {
  type CrashCase,
  countFault,
  expectSame,
  numbers,
  place,
  put,
  putRaw,
  size,
  text,
} from './crash-case.ts';

const deleteTree: CrashCase = {
  name: 'FolderDelete of a tree',
  group: 'items',
  writesKib: 2900 * (size.messages / 5000),
  fill: async (database, person) => {
    const { ref } = person;
    const ids = await database.mail.transact([ref], async (of) => {
      const tx = of(ref);
      const [ids, seq]: [FolderId[], number] = [[], await tx.seq()];
      for (const n of numbers(size.folders)) {
        const id = await tx.nextFolderId();
        const parent = ids[Math.floor((n - 1) / 3)] ?? (0 as FolderId);
        tx.putFolder({
          id,
          parent,
          type: FolderType.UserMail,
          name: `tree ${n}`,
          created: seq,
          changed: seq,
        });
        await tx.logHierarchy(ChangeKind.Add, id);
        ids.push(id);
      }
      return ids;
    });
    const each = Math.floor(size.messages / size.folders);
    for (const id of ids)
      await put(
        database,
        person,
        id,
        numbers(each).map((n) => newItem(`${id} ${n}`, n)),
      );
    for (const id of ids.slice(0, 10))
      await putRaw(database, person, id, `Subject: large\r\n\r\n${text(40_000)}`);
  },
  begin: async ({ phone }) => {
    const one = await phone('one');
    await phone('two', '14.1');
    const root = [...one.folders].find(([, { displayName }]) => displayName === 'tree 0')?.[0] ?? '';
    const step = async () => {
      const request = el(
        FolderHierarchy.FolderDelete,
        el(FolderHierarchy.SyncKey, one.folderKey),
        el(FolderHierarchy.ServerId, root),
      );
      const { element, rootStatus } = await one.command('FolderDelete', request);
      expectSame('FolderDelete', rootStatus, 1);
      one.folderKey = textOf(element, FolderHierarchy.SyncKey) ?? '';
      // A phone drops what stands below.
      for (const [id, { displayName }] of one.folders)
        if (displayName.startsWith('tree')) one.folders.delete(id);
    };
    const check: Awaited<ReturnType<CrashCase['begin']>>['check'] = ({ folders }) =>
      folders.some(({ name }) => name.startsWith('tree')) ? ['the tree is there'] : [];
    return { steps: [step], check };
  },
};

const manyDrafts: CrashCase = {
  name: 'a Sync that adds more drafts than a transaction holds',
  group: 'items',
  writesKib: 35 * size.drafts,
  begin: async ({ phone }) => {
    const one = await phone('one');
    const drafts = one.folder(3);
    await one.syncAll(drafts);
    const people = (n: number) =>
      numbers(240).map((m) => `somebody.${n}.${m}@${'long-name.'.repeat(4)}example.test`);
    const commands = numbers(120).map((n) =>
      add(`c${n}`, ...letter('one of many', el(Email.Cc, people(n).join()))),
    );
    const step = async () => {
      const { status, responses } = await one.sync(drafts, { commands });
      expectSame('Sync', [status, responses?.children.length], [1, commands.length]);
    };
    return { steps: [step], check: (own) => countFault(own, 'one of many', place.drafts, commands.length) };
  },
};

const moveMany: CrashCase = {
  name: 'MoveItems of hundreds',
  group: 'items',
  writesKib: 0.65 * size.moved,
  fill: (database, person) =>
    put(
      database,
      person,
      place.inbox,
      numbers(size.moved).map((n) => newItem('moved', n)),
    ),
  begin: async ({ phone }) => {
    const one = await phone('one');
    const other = await phone('two', '14.1');
    const [from, to] = [one.folder(2), one.folder(4)];
    const held = [...(await one.syncAll(from)).keys()];
    await other.syncAll(from);
    const step = async () => {
      const results = await one.moveItems(...held.map((item) => ({ item, from, to })));
      expectSame('MoveItems', [...new Set(results.map(({ status }) => status))], [3]);
    };
    return {
      steps: [step],
      check: (own) => [
        ...countFault(own, 'moved', place.trash, size.moved),
        ...countFault(own, 'moved', undefined, size.moved),
      ],
    };
  },
};

const emptyLarge: CrashCase = {
  name: 'EmptyFolderContents of a large folder',
  group: 'items',
  writesKib: 0.2 * size.emptied,
  fill: (database, person) =>
    put(
      database,
      person,
      place.trash,
      numbers(size.emptied).map((n) => newItem('emptied', n)),
    ),
  begin: async ({ phone }) => {
    const one = await phone('one');
    await one.syncAll(one.folder(4), { windowSize: 512 });
    const request = el(
      ItemOperations.ItemOperations,
      el(
        ItemOperations.EmptyFolderContents,
        el(AirSync.CollectionId, one.folder(4)),
        el(ItemOperations.Options, el(ItemOperations.DeleteSubFolders)),
      ),
    );
    const step = async () => {
      const { element } = await one.command('ItemOperations', request);
      const answer = child(element, ItemOperations.Response, ItemOperations.EmptyFolderContents);
      expectSame('EmptyFolderContents', integerOf(answer, ItemOperations.Status), 1);
    };
    return { steps: [step], check: (own) => countFault(own, 'emptied', undefined, 0) };
  },
};

const inConversation = (n: number) =>
  `Message-ID: <m${n}@example.test>\r\nReferences: <root@example.test>\r\nSubject: talk\r\n\r\nText\r\n`;

const moveConversation: CrashCase = {
  name: 'ItemOperations Move of a conversation for always',
  group: 'items',
  writesKib: 110,
  fill: async (database, person) => {
    const items = numbers(300).map((n) => ({
      ...newItem('talk', n),
      conversationId: conversationOf(inConversation(0)),
    }));
    await put(database, person, place.inbox, items.slice(0, 200));
    await put(database, person, place.sent, items.slice(200, 210));
    await put(database, person, place.junk, items.slice(210));
  },
  begin: async ({ phone, site, person }) => {
    const one = await phone('one');
    await one.syncAll(one.folder(2), { windowSize: 512 });
    const request = el(
      ItemOperations.ItemOperations,
      el(
        ItemOperations.Move,
        el(ItemOperations.ConversationId, conversationOf(inConversation(0))),
        el(ItemOperations.DstFldId, one.folder(4)),
        el(ItemOperations.Options, el(ItemOperations.MoveAlways)),
      ),
    );
    const step = async () => {
      const { element } = await one.command('ItemOperations', request);
      const answer = child(element, ItemOperations.Response, ItemOperations.Move);
      expectSame('Move', integerOf(answer, ItemOperations.Status), 1);
    };
    const later = () => site.deliver(person, inConversation(1));
    return {
      steps: [step, later],
      check: (own) => [
        ...countFault(own, 'talk', place.inbox, 0),
        ...countFault(own, 'talk', place.sent, 10),
        // A delivery whose answer was lost is repeated by its sender, and is another one.
        ...(own.items.filter(({ folder }) => folder === place.trash).length === 292
          ? []
          : countFault(own, 'talk', place.trash, 291)),
      ],
    };
  },
};

const searchIndex: CrashCase = {
  name: 'the search index is made',
  group: 'items',
  writesKib: 200,
  fill: (database, person) =>
    put(
      database,
      person,
      place.inbox,
      numbers(size.found).map((n) => newItem(n % 50 === 0 ? 'needle' : `hay ${n}`, n)),
    ),
  begin: async ({ phone }) => {
    const one = await phone('one');
    const step = async () => {
      const { status, subjects } = await searchMail(one, [freeText('needle')]);
      expectSame('Search', [status, subjects.length], [1, size.found / 50]);
    };
    return { steps: numbers(10).map(() => step), check: () => [] };
  },
};

function conversationOf(raw: string): Uint8Array {
  const indexer = new MessageIndexer();
  indexer.write(Buffer.from(raw));
  return indexer.end(0).conversationId;
}

export const itemCases: readonly CrashCase[] = [
  deleteTree,
  manyDrafts,
  moveMany,
  emptyLarge,
  moveConversation,
  searchIndex,
];

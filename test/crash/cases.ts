/** What phones ask of a server that is killed meanwhile. */
import { ChangeKind } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { prepare } from '#domain/prepare';
import { itemFor } from '#domain/recipients';
import { MessageIndexer } from '#mime/index-message';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, childrenOf, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { newItem } from '#test/support/new-item';
import { smartMail } from '#test/support/smart-mail';
import {
  add,
  attachments,
  body,
  change,
  file,
  letter,
  references,
  removedFile,
  send,
} from '../activesync/drafts-phone.ts';
import { freeText, searchMail } from '../activesync/search-phone.ts';
import { type CrashCase, countFault, expectSame, numbers, patiently, put } from './crash-case.ts';

const inbox = defaultFolder(FolderType.Inbox);
const draftsFolder = defaultFolder(FolderType.Drafts);
const trash = defaultFolder(FolderType.DeletedItems);
const sentItems = defaultFolder(FolderType.SentItems);
const size =
  process.env['CRASH_LARGE'] === undefined
    ? { folders: 60, messages: 900 }
    : { folders: 200, messages: 5000 };

/** So many bytes of lines. */
const text = (bytes: number) => `${'0123456789'.repeat(7)}\r\n`.repeat(bytes / 72);

const deleteTree: CrashCase = {
  name: 'FolderDelete of a tree',
  group: 'items',
  writesKib: 1000,
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

const fiveMegabytes = 5 * 1024 * 1024;

const largeDraft: CrashCase = {
  name: 'a draft with large files is added, changed and sent',
  group: 'files',
  writesKib: 1000,
  begin: async ({ phone, friend }) => {
    const one = await phone('one');
    const [drafts, subject] = ['3', 'a large draft'].map((word) => (word === '3' ? one.folder(3) : word)) as [
      string,
      string,
    ];
    await one.syncAll(drafts);
    const files = ['a', 'b', 'c', 'd'].map((name) => file(name, `${name}.bin`, name.repeat(fiveMegabytes)));
    const [a, b, c, d] = files as [
      (typeof files)[0],
      (typeof files)[0],
      (typeof files)[0],
      (typeof files)[0],
    ];
    const to = el(Email.To, friend.address);
    let id = '';
    let names: Record<string, string> = {};
    const sync = async (command: ReturnType<typeof add>, wanted: readonly unknown[]) => {
      const { status, responses } = await one.sync(drafts, { commands: [command] });
      expectSame(
        'Sync',
        [status, ...(responses?.children ?? []).map((child) => textOf(child, AirSync.Status))],
        [1, ...wanted],
      );
      return responses;
    };
    const adding = add('c1', ...letter(subject, to, body(1, 'Text'), attachments(a, b, c)));
    const steps = [
      async () => {
        const responses = await sync(adding, ['1']);
        id = textOf(responses, AirSync.Add, AirSync.ServerId) ?? '';
        names = references(child(responses, AirSync.Add));
        expectSame('files', Object.keys(names), ['a', 'b', 'c']);
      },
      async () => {
        const more = attachments(removedFile(names['a'] ?? ''), removedFile(names['b'] ?? ''), d);
        const responses = await sync(change(id, more), ['1']);
        expectSame('files', Object.keys(references(child(responses, AirSync.Change))), ['d']);
      },
      async () => {
        await sync(change(id, to, send), ['1']);
      },
    ];
    return {
      steps,
      check: (own, friends) => [
        ...countFault(own, subject, draftsFolder, 0),
        ...countFault(own, subject, sentItems, 1),
        ...countFault(friends, subject, inbox, 1),
        ...own.items
          .filter(({ envelope }) => envelope.subject === subject)
          .filter(({ attachments: held }) => held.map(({ name }) => name).join() !== 'c.bin,d.bin')
          .map(({ attachments: held }) => `sent with ${held.map(({ name }) => name)}`),
      ],
    };
  },
};

const manyDrafts: CrashCase = {
  name: 'a Sync that adds more drafts than a transaction holds',
  group: 'items',
  writesKib: 1000,
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
    return { steps: [step], check: (own) => countFault(own, 'one of many', draftsFolder, commands.length) };
  },
};

const largeMail = (to: string, subject: string) =>
  `To: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@phone.example>\r\n\r\n`;

const sendLarge: CrashCase = {
  name: 'SendMail of 20 MB',
  group: 'files',
  writesKib: 1000,
  begin: async ({ phone, friend }) => {
    const one = await phone('one');
    const mime = `${largeMail(friend.address, 'a large mail')}${text(19_000_000)}`;
    const step = async () => {
      const answer = await patiently(() => one.sendMail(mime, { clientId: 'client-1' }));
      expectSame('SendMail', [answer.status, answer.body.length], [200, 0]);
    };
    return {
      steps: [step],
      check: (own, friends) => [
        ...countFault(own, 'a large mail', sentItems, 1),
        ...countFault(friends, 'a large mail', inbox, 1),
      ],
    };
  },
};

const forwardLarge: CrashCase = {
  name: 'SmartForward of 14 MB by an old phone',
  group: 'files',
  writesKib: 1000,
  fill: (database, person) => {
    const head =
      'Subject: source\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\n';
    const part =
      'Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    return putRaw(database, person, inbox, `${head}${part}${text(14_000_000)}--b--\r\n`);
  },
  begin: async ({ phone, friend }) => {
    const one = await phone('one', '12.1');
    const itemId = [...(await one.syncAll(one.folder(2))).keys()][0] ?? '';
    const mime = `${largeMail(friend.address, 'a large forward')}See below.\r\n`;
    const step = async () => {
      const forward = () => smartMail(one, 'SmartForward', { mime, itemId, folderId: one.folder(2) });
      const answer = await patiently(forward);
      expectSame('SmartForward', [answer.status, answer.body.length], [200, 0]);
    };
    return {
      steps: [step],
      check: (own, friends) => [
        ...countFault(own, 'a large forward', sentItems, 1),
        ...countFault(friends, 'a large forward', inbox, 1),
        ...(own.items.some(({ marks, envelope }) => envelope.subject === 'source' && marks.lastVerb !== 3)
          ? ['the source does not say that it was forwarded']
          : []),
      ],
    };
  },
};

const moveMany: CrashCase = {
  name: 'MoveItems of 500',
  group: 'items',
  writesKib: 1000,
  fill: (database, person) =>
    put(
      database,
      person,
      inbox,
      numbers(500).map((n) => newItem('moved', n)),
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
      check: (own) => [...countFault(own, 'moved', trash, 500), ...countFault(own, 'moved', undefined, 500)],
    };
  },
};

const emptyLarge: CrashCase = {
  name: 'EmptyFolderContents of a large folder',
  group: 'items',
  writesKib: 1000,
  fill: (database, person) =>
    put(
      database,
      person,
      trash,
      numbers(2000).map((n) => newItem('emptied', n)),
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
  writesKib: 1000,
  fill: async (database, person) => {
    const items = numbers(300).map((n) => ({
      ...newItem('talk', n),
      conversationId: conversationOf(inConversation(0)),
    }));
    await put(database, person, inbox, items.slice(0, 200));
    await put(database, person, sentItems, items.slice(200, 210));
    await put(database, person, defaultFolder(FolderType.Outbox) + 1, items.slice(210));
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
        ...countFault(own, 'talk', inbox, 0),
        ...countFault(own, 'talk', sentItems, 10),
        // A delivery whose answer was lost is repeated by its sender, and is another one.
        ...(countFault(own, 'talk', trash, 291).length * countFault(own, 'talk', trash, 292).length === 0
          ? []
          : countFault(own, 'talk', trash, 291)),
      ],
    };
  },
};

const { Oof, OofMessage, ReplyMessage } = Settings;

const outOfOffice: CrashCase = {
  name: 'Settings Oof',
  group: 'settings',
  writesKib: 1000,
  begin: async ({ phone }) => {
    const one = await phone('one');
    const message = (audience: typeof Settings.AppliesToInternal, words: string) =>
      el(
        OofMessage,
        el(audience),
        el(Settings.Enabled, 1),
        el(ReplyMessage, words),
        el(Settings.BodyType, 'Text'),
      );
    const textsNow = async () => {
      const { element } = await one.settings(el(Oof, el(Settings.Get, el(Settings.BodyType, 'Text'))));
      return childrenOf(child(element, Oof, Settings.Get), OofMessage).map(
        (each) => textOf(each, ReplyMessage) ?? '',
      );
    };
    const steps = numbers(40).map((n) => async () => {
      expectSame('audiences that are told different things', new Set(await textsNow()).size, 1);
      const words = `away ${n} ${'x'.repeat(10_000)}`;
      const { element } = await one.settings(
        el(
          Oof,
          el(
            Settings.Set,
            el(Settings.OofState, 1),
            message(Settings.AppliesToInternal, words),
            message(Settings.AppliesToExternalKnown, words),
            message(Settings.AppliesToExternalUnknown, words),
          ),
        ),
      );
      expectSame('Oof', integerOf(element, Oof, Settings.Status), 1);
      expectSame('texts', [...new Set(await textsNow())], [words]);
    });
    return { steps, check: () => [] };
  },
};

const policyType = el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');

const provision: CrashCase = {
  name: 'Provision and its acknowledgement',
  group: 'settings',
  writesKib: 1000,
  begin: async ({ phone }) => {
    const one = await phone('one');
    const ask = async (...more: ReturnType<typeof el>[]) => {
      const policies = el(Provision.Policies, el(Provision.Policy, policyType, ...more));
      const { element } = await one.command('Provision', el(Provision.Provision, policies));
      return Number(textOf(element, Provision.Policies, Provision.Policy, Provision.PolicyKey));
    };
    let offered = 0;
    const first = async () => {
      one.policyKey = 0;
      offered = await ask();
    };
    const second = async () => {
      one.policyKey = offered;
      one.policyKey = await ask(el(Provision.PolicyKey, offered), el(Provision.Status, 1));
    };
    const third = async () => expectSame('FolderSync', await one.folderSync(), 1);
    return { steps: numbers(20).flatMap(() => [first, second, third]), check: () => [] };
  },
};

const wipe: CrashCase = {
  name: 'a wipe and its acknowledgement',
  group: 'settings',
  writesKib: 1000,
  begin: async ({ site, person }) => {
    const UserId = person.id;
    const OrganizationId = site.organization;
    const phones: EasClient[] = [];
    for (const n of numbers(8)) {
      const phone = await site.phone(person, `wiped${n}`);
      await phone.provision();
      phones.push(phone);
    }
    const steps = phones.flatMap((phone) => {
      const device = { OrganizationId, UserId, DeviceId: phone.deviceId };
      const state = async () => (await site.admin('Mailstead.DescribeMobileDevice', device))['Status'];
      return [
        async () => {
          if ((await state()) !== 'WIPE_REQUIRED') await site.admin('Mailstead.WipeMobileDevice', device);
        },
        async () => {
          const { element } = await phone.command('Provision', el(Provision.Provision));
          expectSame('RemoteWipe', child(element, Provision.RemoteWipe) !== undefined, true);
        },
        async () => {
          const { rootStatus } = await phone.acknowledgeWipe(el(Provision.RemoteWipe));
          expectSame('acknowledgement', rootStatus, 1);
          expectSame('state', await state(), 'WIPE_SUCCEEDED');
        },
      ];
    });
    return { steps, check: () => [] };
  },
};

const quarantineSubject = 'waits for approval';

const quarantine: CrashCase = {
  name: 'a new device in quarantine',
  group: 'settings',
  writesKib: 1000,
  begin: async ({ site, person, phone }) => {
    const known = await phone('known', '14.1');
    const fresh = await site.phone(person, 'fresh', '14.1');
    const NewDevices = 'QUARANTINE';
    const steps = [
      () =>
        site.admin('Mailstead.PutMobileDeviceAccessSettings', {
          OrganizationId: site.organization,
          NewDevices,
        }),
      () => fresh.provision(),
      async () => expectSame('FolderSync', await fresh.folderSync(), 1),
      async () => expectSame('messages in quarantine', (await fresh.syncAll(fresh.folder(2))).size, 1),
      async () => {
        while ((await known.syncAll(known.folder(2))).size === 0)
          await new Promise((resolve) => setTimeout(resolve, 100));
      },
    ];
    return {
      steps,
      check: ({ items }) =>
        items.length === 1
          ? []
          : [
              `${items.length} notices: ${items.map(({ envelope }) => envelope.subject)} (${quarantineSubject})`,
            ],
    };
  },
};

const searchIndex: CrashCase = {
  name: 'the search index is made',
  group: 'items',
  writesKib: 1000,
  fill: (database, person) =>
    put(
      database,
      person,
      inbox,
      numbers(3000).map((n) => newItem(n % 50 === 0 ? 'needle' : `hay ${n}`, n)),
    ),
  begin: async ({ phone }) => {
    const one = await phone('one');
    const step = async () => {
      const { status, subjects } = await searchMail(one, [freeText('needle')]);
      expectSame('Search', [status, subjects.length], [1, 60]);
    };
    return { steps: numbers(10).map(() => step), check: () => [] };
  },
};

function conversationOf(raw: string): Uint8Array {
  const indexer = new MessageIndexer();
  indexer.write(Buffer.from(raw));
  return indexer.end(0).conversationId;
}

/** Puts a whole message into a folder, its body in a file if it is large. */
async function putRaw(
  ...[database, { ref }, folder, raw]: [...Parameters<NonNullable<CrashCase['fill']>>, number, string]
): Promise<void> {
  const content = { mailboxes: [ref], outbound: undefined, chunks: [Buffer.from(raw)] };
  const { items, body: stored } = await prepare(database.mail, content, {
    receivedMs: Date.now(),
    read: false,
  });
  const item = itemFor(items, ref.organization);
  await database.mail.transact([ref], (of) => of(ref).addItem(folder as FolderId, item), stored.stored);
}

export const cases: readonly CrashCase[] = [
  deleteTree,
  largeDraft,
  manyDrafts,
  sendLarge,
  forwardLarge,
  moveMany,
  emptyLarge,
  moveConversation,
  outOfOffice,
  provision,
  wipe,
  quarantine,
  searchIndex,
];

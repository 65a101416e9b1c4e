import { expect, test, vi } from 'vitest';
import { BodySpool } from '#domain/body-spool';
import { ChangeKind, listEnd, listStart } from '#domain/change';
import type { FolderId, ItemId } from '#domain/ids';
import { deliverItem } from '#domain/inbox-rules';
import { newItem } from '#domain/new-item';
import { MessageIndexer } from '#mime/index-message';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { bytesOf, child, childrenOf, type Element, el, integerOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint, type TestServer } from './server.ts';
import { deliverRaw } from './sync-phone.ts';

const inbox = 1;
const drafts = 2;
const trash = 3;
const sent = 4;
const outbox = 5;
const junk = 6;
const calendar = 7;

/** A message of a conversation; the first of them begins it. */
function message(conversation: string, n: number): string {
  const head = [`Subject: ${conversation} ${n}`, `Message-ID: <${conversation}-${n}@example.org>`];
  const thread = n === 1 ? [] : [`References: <${conversation}-1@example.org>`];
  return ['From: x@example.org', ...head, ...thread, '', `text ${n}`].join('\r\n');
}

/** A phone, and the conversation ids of two conversations of which some folders hold messages. */
async function start(version: ProtocolVersion = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  return { server, phone };
}

async function conversationOf({ database, alice }: TestServer, serverId: string): Promise<Uint8Array> {
  const [folder, id] = serverId.split(':').map(Number);
  const item = await database.mail.mailbox(alice.mailbox).item(folder as FolderId, id as ItemId);
  return item?.conversationId ?? new Uint8Array(0);
}

/** The subjects of a folder. */
async function subjectsIn({ database, alice }: TestServer, folder: number): Promise<string[]> {
  const reader = database.mail.mailbox(alice.mailbox);
  const range = { from: listStart, to: listEnd, limit: 1000 };
  const places = await reader.list(folder as FolderId, range);
  const ids = places.map(({ item }) => item as ItemId);
  const items = await reader.items(folder as FolderId, ids);
  return items.flatMap((item) => item?.envelope.subject ?? []).sort();
}

async function deleteFolder({ database, alice }: TestServer, id: number): Promise<void> {
  await database.mail.transact([alice.mailbox], async (of) => {
    const tx = of(alice.mailbox);
    tx.deleteFolder(id as FolderId);
    await tx.logHierarchy(ChangeKind.Delete, id as FolderId);
  });
}

const moveElement = (id: Uint8Array, to: string | number | undefined, always = true): Element =>
  el(
    ItemOperations.Move,
    el(ItemOperations.ConversationId, id),
    to === undefined ? undefined : el(ItemOperations.DstFldId, to),
    el(ItemOperations.Options, always ? el(ItemOperations.MoveAlways) : undefined),
  );

/** The status of a Move. */
async function move(phone: EasClient, ...asked: Parameters<typeof moveElement>): Promise<number | undefined> {
  const body = el(ItemOperations.ItemOperations, moveElement(...asked));
  const { element, rootStatus } = await phone.command('ItemOperations', body, { validateRequest: false });
  const [answer] = childrenOf(child(element, ItemOperations.Response), ItemOperations.Move);
  if (answer === undefined) return rootStatus;
  expect(Buffer.from(bytesOf(answer, ItemOperations.ConversationId) ?? []).equals(asked[0])).toBe(true);
  return integerOf(answer, ItemOperations.Status);
}

test.each(['14.0', '14.1', '16.0', '16.1'] as const)(
  '%s ItemOperations Move: a conversation goes from all folders but Sent Items, Drafts and Outbox, and what comes later too',
  async (version) => {
    const { server, phone } = await start(version);
    await server.addFolders(1);
    const destination = 11;
    const first = await server.receive(message('a', 1));
    for (const [n, folder] of [inbox, trash, junk, sent, drafts, outbox].entries()) {
      await server.receive(message('a', n + 2), { folder });
    }
    await server.receive(message('b', 1));
    const id = await conversationOf(server, first);
    expect(await move(phone, id, destination)).toBe(1);
    expect(await subjectsIn(server, destination)).toEqual(['a 1', 'a 2', 'a 3', 'a 4']);
    expect(await subjectsIn(server, inbox)).toEqual(['b 1']);
    expect(await subjectsIn(server, sent)).toEqual(['a 5']);
    expect(await subjectsIn(server, drafts)).toEqual(['a 6']);
    expect(await subjectsIn(server, outbox)).toEqual(['a 7']);
    for (const [conversation, n] of [
      ['a', 8],
      ['b', 2],
    ] as const) {
      await deliverRaw(server, message(conversation, n));
    }
    expect(await subjectsIn(server, destination)).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 8']);
    expect(await subjectsIn(server, inbox)).toEqual(['b 1', 'b 2']);
  },
);

test('ItemOperations Move: the device that asked hears of it by Sync, as every other', async () => {
  const { server, phone } = await start();
  const serverId = await server.receive(message('a', 1));
  expect((await phone.syncAll('1')).size).toBe(1);
  expect(await move(phone, await conversationOf(server, serverId), trash)).toBe(1);
  expect((await phone.syncAll('1')).size).toBe(0);
  expect((await phone.syncAll('3')).size).toBe(1);
});

test('ItemOperations Move: a repeated one answers Status 1 and moves what the first one has not', async () => {
  const { server, phone } = await start();
  const id = await conversationOf(server, await server.receive(message('a', 1)));
  expect(await move(phone, id, trash)).toBe(1);
  await server.receive(message('a', 2), { folder: junk });
  expect(await move(phone, id, trash)).toBe(1);
  expect(await subjectsIn(server, trash)).toEqual(['a 1', 'a 2']);
});

test('ItemOperations Move: a conversation of two hundred messages goes whole', async () => {
  const { server, phone } = await start();
  const id = await conversationOf(server, await server.receive(message('a', 1)));
  for (let n = 2; n <= 200; n++) await server.receive(message('a', n));
  expect(await move(phone, id, trash)).toBe(1);
  expect(await subjectsIn(server, trash)).toHaveLength(200);
  expect(await subjectsIn(server, inbox)).toEqual([]);
});

test('ItemOperations Move to the Inbox, or the end of the destination, ends it', async () => {
  const { server, phone } = await start();
  await server.addFolders(1);
  const id = await conversationOf(server, await server.receive(message('a', 1)));
  expect(await move(phone, id, trash)).toBe(1);
  expect(await move(phone, id, inbox)).toBe(1);
  await deliverRaw(server, message('a', 2));
  expect(await subjectsIn(server, inbox)).toEqual(['a 1', 'a 2']);
  expect(await move(phone, id, 11)).toBe(1);
  await deleteFolder(server, 11);
  await deliverRaw(server, message('a', 3));
  expect(await subjectsIn(server, inbox)).toEqual(['a 3']);
});

test.each([
  ['without MoveAlways', 155, trash, false],
  ['to the calendar', 156, calendar, true],
  ['to Drafts', 156, drafts, true],
  ['to the Outbox', 156, outbox, true],
  ['to a folder that there is not', 6, 999, true],
  ['to nonsense', 6, 'nonsense', true],
  ['to nowhere', 2, undefined, true],
] as const)(
  'ItemOperations Move: %s answers Status %i and moves nothing',
  async (_what, status, to, always) => {
    const { server, phone } = await start();
    const id = await conversationOf(server, await server.receive(message('a', 1)));
    expect(await move(phone, id, to, always)).toBe(status);
    await deliverRaw(server, message('a', 2));
    expect(await subjectsIn(server, inbox)).toEqual(['a 1', 'a 2']);
  },
);

test.each([
  ['that nobody knows', Buffer.alloc(16, 7)],
  ['of 15 bytes', Buffer.alloc(15)],
  ['of none', Buffer.alloc(0)],
  ['of a thousand', Buffer.alloc(1000)],
])('ItemOperations Move: a conversation %s answers Status 6', async (_what, id) => {
  const { phone } = await start();
  expect(await move(phone, id, trash)).toBe(6);
});

test.each(['12.0', '12.1'] as const)('%s ItemOperations Move answers Status 2', async (version) => {
  const { server, phone } = await start(version);
  const id = await conversationOf(server, await server.receive(message('a', 1)));
  expect(await move(phone, id, trash)).toBe(2);
  expect(await subjectsIn(server, inbox)).toEqual(['a 1']);
});

test('ItemOperations Move: each Move of a request has its own Status, in their order', async () => {
  const { server, phone } = await start();
  const a = await conversationOf(server, await server.receive(message('a', 1)));
  const b = await conversationOf(server, await server.receive(message('b', 1)));
  const body = el(
    ItemOperations.ItemOperations,
    moveElement(a, 999),
    moveElement(b, trash),
    moveElement(a, junk),
  );
  const { element } = await phone.command('ItemOperations', body);
  const answers = childrenOf(child(element, ItemOperations.Response), ItemOperations.Move);
  expect(answers.map((one) => integerOf(one, ItemOperations.Status))).toEqual([6, 1, 1]);
  expect(await subjectsIn(server, trash)).toEqual(['b 1']);
  expect(await subjectsIn(server, junk)).toEqual(['a 1']);
});

test('a moved conversation goes before a rule that files mail, and after the junk folder', async () => {
  const { server, phone } = await start();
  await server.addFolders(1);
  const id = await conversationOf(server, await server.receive(message('a', 1)));
  expect(await move(phone, id, trash)).toBe(1);
  const { database, alice } = server;
  const put = async (n: number, isJunk: boolean) => {
    const raw = Buffer.from(message('a', n));
    const indexer = new MessageIndexer();
    indexer.write(raw);
    const body = new BodySpool(database.mail, [server.organization], 65_536);
    await body.write(raw);
    const spooled = await body.finish();
    const arrival = { receivedMs: Date.now(), read: false };
    const item = newItem(indexer.end(), spooled.bodyFor(server.organization), arrival);
    const plan = { folder: 11 as FolderId, isRead: false, passedOn: undefined, reply: undefined };
    const verdicts = { junk: 'scanner' } as const;
    await database.mail.transact([alice.mailbox], (of, outbound) =>
      isJunk
        ? deliverItem(of(alice.mailbox), outbound, { ...item, verdicts }, undefined)
        : deliverItem(of(alice.mailbox), outbound, item, plan),
    );
  };
  await put(2, false);
  await put(3, true);
  expect(await subjectsIn(server, 11)).toEqual([]);
  expect(await subjectsIn(server, trash)).toEqual(['a 1', 'a 2']);
  expect(await subjectsIn(server, junk)).toEqual(['a 3']);
});

/** How many rows transactions read meanwhile. */
async function readsDuring({ database: { store } }: TestServer, work: () => Promise<void>): Promise<number> {
  let reads = 0;
  const transact = store.transact.bind(store);
  const spy = vi.spyOn(store, 'transact').mockImplementation((parts, decide, urgency) =>
    transact(
      parts,
      async (tx) => {
        const spies = [vi.spyOn(tx, 'get'), vi.spyOn(tx, 'getMany'), vi.spyOn(tx, 'page')];
        const result = await decide(tx);
        for (const { mock } of spies) reads += mock.calls.length;
        return result;
      },
      urgency,
    ),
  );
  await work();
  spy.mockRestore();
  return reads;
}

test('a delivery reads no more in a mailbox in which no conversation was ever moved', async () => {
  const { server, phone } = await start();
  const first = await server.receive(message('a', 1));
  await server.receive(message('b', 1));
  const before = await readsDuring(server, () => deliverRaw(server, message('b', 2)));
  // The mailbox's head, its usage and nothing of conversations.
  expect(before).toBeLessThanOrEqual(2);
  expect(await move(phone, await conversationOf(server, first), trash)).toBe(1);
  expect(await readsDuring(server, () => deliverRaw(server, message('b', 3)))).toBe(before + 1);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Changed, ChangeKind, listEnd, listStart } from '#domain/change';
import { defaultFolder, defaultFolders, FolderType } from '#domain/folder';
import type { DeviceId, FolderId, ItemId, MailboxId, MailboxRef, OrganizationId, QueueId } from '#domain/ids';
import type { NewItem } from '#domain/item';
import type { MailStore, QueuedMessage } from '#domain/ports';
import { QueueRunner } from '#domain/queue-runner';
import { silentLogger } from '#telemetry/log';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import type { Database } from './database.ts';
import { blobPart, idBytes, mailboxPart, queuePart, queueShards } from './keys.ts';
import { blobRows, mailboxRows, queueRows } from './layout.ts';

const startMs = Date.UTC(2026, 10, 22);
const inbox = defaultFolder(FolderType.Inbox);
const drafts = defaultFolder(FolderType.Drafts);
const phone = 'phone1' as DeviceId;

async function open() {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const organization = tempOrganization(database);
  return { clock, database, organization, ref: await tempMailbox(database, organization) };
}

/** An item whose body is a file. */
async function largeItem(
  database: Database,
  organization: OrganizationId,
  subject: string,
): Promise<NewItem> {
  const raw = Buffer.from(`Subject: ${subject}\r\n\r\n${subject}`);
  const writer = database.mail.writeBody(organization);
  await writer.append(raw);
  const { id, size } = await writer.finish();
  return { ...newItem(subject, startMs), size, body: { kind: 'blob', id } };
}

const storedBody = (organization: OrganizationId, item: NewItem) =>
  item.body.kind === 'blob' ? [{ organization, id: item.body.id, size: item.size }] : [];

async function subjects(database: Database, ref: MailboxRef, folder: FolderId): Promise<string[]> {
  const reader = database.mail.mailbox(ref);
  const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 100 });
  const items = await reader.items(
    folder,
    places.map(({ item }) => item as ItemId),
  );
  return items.map((item) => item?.envelope.subject ?? 'gone');
}

async function references(
  database: Database,
  organization: OrganizationId,
  { body }: NewItem,
): Promise<string[]> {
  if (body.kind !== 'blob') return [];
  const page = await database.store.page(
    blobPart(organization, body.id[0] ?? 0),
    blobRows.reference.range(body.id),
  );
  return page.rows.map(([key]) => Buffer.from(key.subarray(33)).toString('hex'));
}

test('a mailbox is made once, with its default folders in their numbers', async () => {
  const { database, ref } = await open();
  await Promise.all([database.mail.createMailbox(ref), database.mail.createMailbox(ref)]);
  const folders = await database.mail.mailbox(ref).folders();
  expect(folders.map(({ id, type, name }) => ({ id, type, name }))).toEqual(
    defaultFolders.map((folder, n) => ({ id: n + 1, ...folder })),
  );
  const { rows } = await database.mail.mailbox(ref).hierarchyChanges(0);
  expect(rows.map(({ changes }) => changes.map(({ kind, folder }) => [kind, folder]))).toEqual([
    defaultFolders.map((_, n) => [ChangeKind.Add, n + 1]),
  ]);
});

test('adding, marking, moving and deleting count and are logged in their folders', async () => {
  const { database, ref } = await open();
  const { mail } = database;
  const reader = mail.mailbox(ref);
  const added = await mail.transact([ref], (of) => of(ref).addItem(inbox, newItem('one', startMs)));
  expect(await reader.usage()).toEqual({ bytes: added.size, items: 1 });
  const marked = await mail.transact([ref], (of) =>
    of(ref).markItem(added, { ...added.marks, read: true }, Changed.Read, phone),
  );
  const moved = await mail.transact([ref], (of) => of(ref).moveItem(marked, drafts, phone));
  expect(moved.id).toBe(added.id);
  expect(await reader.usage()).toEqual({ bytes: added.size, items: 1 });
  const [raw] = await reader.inlineBodies([added.id]);
  expect(Buffer.from(raw ?? []).toString()).toContain('Text of one');
  expect([await subjects(database, ref, inbox), await subjects(database, ref, drafts)]).toEqual([
    [],
    ['one'],
  ]);
  await mail.transact([ref], (of) => of(ref).deleteItem(moved));
  expect(await reader.usage()).toEqual({ bytes: 0, items: 0 });
  expect(await reader.inlineBodies([added.id])).toEqual([undefined]);

  const log = async (folder: FolderId) =>
    (await reader.changes(folder, 0, 100)).rows.map(({ device, changes }) => [device, changes[0]?.kind]);
  expect(await log(inbox)).toEqual([
    [undefined, ChangeKind.Add],
    [phone, ChangeKind.Change],
    [phone, ChangeKind.Delete],
  ]);
  expect(await log(drafts)).toEqual([
    [undefined, ChangeKind.Add],
    [undefined, ChangeKind.Delete],
  ]);
});

test('a transaction that throws leaves nothing: no item, no usage, no line in the log', async () => {
  const { database, ref } = await open();
  const failing = database.mail.transact([ref], async (of) => {
    await of(ref).addItem(inbox, newItem('one', startMs));
    throw new Error('stop');
  });
  await expect(failing).rejects.toThrow('stop');
  const reader = database.mail.mailbox(ref);
  expect(await reader.usage()).toEqual({ bytes: 0, items: 0 });
  expect((await reader.changes(inbox, 0, 10)).rows).toEqual([]);
});

test('a large body is one file for all mailboxes, each with a reference, and moving keeps it', async () => {
  const { database, organization, ref } = await open();
  const other = await tempMailbox(database, organization);
  const item = await largeItem(database, organization, 'large');
  const refs = [ref, other];
  const [added] = await database.mail.transact(
    refs,
    async (of) => [await of(ref).addItem(inbox, item), await of(other).addItem(inbox, item)],
    storedBody(organization, item),
  );
  const both = refs.map(({ mailbox }) => idBytes(mailbox).toString('hex')).sort();
  expect(await references(database, organization, item)).toEqual(both);
  if (added === undefined) throw new Error('no item');
  const moved = await database.mail.transact([ref], (of) => of(ref).moveItem(added, drafts));
  expect(await references(database, organization, item)).toEqual(both);
  const chunks: Uint8Array[] = [];
  for await (const chunk of database.mail.openBody(ref, moved)) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('Subject: large\r\n\r\nlarge');
});

test('a marker is there for good once its transaction is, and not before', async () => {
  const { database, ref } = await open();
  const reader = database.mail.mailbox(ref);
  const failing = database.mail.transact([ref], async (of) => {
    of(ref).putMarker('accepted', 'x');
    expect(await of(ref).marker('accepted')).toBe('x');
    throw new Error('stop');
  });
  await expect(failing).rejects.toThrow('stop');
  expect(await reader.marker('accepted')).toBeUndefined();
  await database.mail.transact([ref], async (of) => of(ref).putMarker('accepted', 'left'));
  expect(await reader.marker('accepted')).toBe('left');
  expect(await reader.marker('other')).toBeUndefined();
});

test('a claimed message is due again when its lease is over, and gone when it is dequeued', async () => {
  const { database, organization, ref } = await open();
  const message: QueuedMessage = {
    id: randomBytes(16).toString('hex') as QueueId,
    organization,
    acceptedMs: startMs,
    recipients: [ref.mailbox],
    item: await largeItem(database, organization, 'queued'),
  };
  const { mail } = database;
  await mail.enqueue([message]);
  expect(await references(database, organization, message.item)).toEqual([message.id]);
  expect(await mail.claimQueued(startMs - 1, 1000, 10)).toEqual([]);
  expect((await mail.claimQueued(startMs, 1000, 10)).map(({ id }) => id)).toEqual([message.id]);
  expect(await mail.claimQueued(startMs + 999, 1000, 10)).toEqual([]);
  expect(await mail.claimQueued(startMs + 1000, 1000, 10)).toHaveLength(1);
  await mail.dequeue(message);
  await mail.dequeue(message);
  expect(await mail.claimQueued(startMs + 1e9, 1000, 10)).toEqual([]);
  expect(await references(database, organization, message.item)).toEqual([]);
});

test('a queued message keeps more recipients than one row holds', async () => {
  const { database, organization } = await open();
  const { mail } = database;
  const recipients = Array.from({ length: 20_000 }, () => randomUUID() as string as MailboxId);
  const id = randomBytes(16).toString('hex') as QueueId;
  const message = { id, organization, acceptedMs: startMs, recipients, item: newItem('to all', startMs) };
  await mail.enqueue([message]);
  for (let nowMs = startMs; nowMs < startMs + 3_000; nowMs += 1_000) {
    const [claimed] = await mail.claimQueued(nowMs, 1_000, 10);
    expect(claimed?.recipients).toEqual(recipients);
    if (nowMs === startMs + 2_000 && claimed) await mail.dequeue(claimed);
  }
  const shard = queuePart((Buffer.from(id, 'hex')[0] ?? 0) % queueShards);
  const { rows } = await database.store.page(shard, queueRows.recipients.range());
  expect(rows).toEqual([]);
});

/** A store that works so many times and then fails for good, before or after what it was asked for is done. */
function breaking(store: MailStore, steps: number, after: boolean): MailStore {
  let left = steps;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    left--;
    if (left < 0 || (left === 0 && !after)) throw new Error('cut off');
    const result = await work();
    if (left === 0) throw new Error('cut off');
    return result;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'transact') {
        const transact: MailStore['transact'] = (...given) => step(() => target.transact(...given));
        return transact;
      }
      if (name === 'dequeue') return (message: QueuedMessage) => step(() => target.dequeue(message));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a delivery to 1,000 mailboxes, cut off again and again at every step, gives each exactly one item', async () => {
  const { clock, database, organization } = await open();
  const refs = await Promise.all(Array.from({ length: 1000 }, () => tempMailbox(database, organization)));
  const message: QueuedMessage = {
    id: randomBytes(16).toString('hex') as QueueId,
    organization,
    acceptedMs: startMs,
    recipients: refs.map(({ mailbox }) => mailbox),
    item: await largeItem(database, organization, 'to all'),
  };
  await database.mail.enqueue([message]);
  // Each life of the server gets some steps further, 32 at a time, and ends before or after a write.
  const reached: number[] = [];
  for (let steps = 53; steps < 1000; steps += 97) {
    clock.move(120_001);
    const runner = new QueueRunner(breaking(database.mail, steps, steps % 2 === 0), clock, silentLogger);
    runner.start();
    await runner.stop();
    const usages = await Promise.all(refs.map((ref) => database.mail.mailbox(ref).usage()));
    expect(usages.every(({ items }) => items <= 1)).toBe(true);
    reached.push(usages.filter(({ items }) => items === 1).length);
  }
  expect(new Set(reached).size).toBe(reached.length);
  expect(reached.every((count) => count > 0 && count < 1000)).toBe(true);
  const last = new QueueRunner(database.mail, clock, silentLogger);
  clock.move(120_001);
  last.start();
  await last.settled();
  await last.stop();
  const usages = await Promise.all(refs.map((ref) => database.mail.mailbox(ref).usage()));
  expect(usages.every(({ items, bytes }) => items === 1 && bytes === message.item.size)).toBe(true);
  expect(await references(database, organization, message.item)).toHaveLength(1000);
  clock.move(1e9);
  expect(await database.mail.claimQueued(clock.now(), 1, 10)).toEqual([]);
}, 60_000);

test.each([true, false])(
  'a queued delivery cut off at each of its steps in turn gives one item (after the write: %s)',
  async (after) => {
    const { clock, database, organization } = await open();
    for (let steps = 1; steps <= 4; steps++) {
      const refs = [await tempMailbox(database, organization), await tempMailbox(database, organization)];
      const item = newItem(`cut ${steps}`, startMs);
      const id = randomBytes(16).toString('hex') as QueueId;
      const recipients = refs.map(({ mailbox }) => mailbox);
      await database.mail.enqueue([{ id, organization, acceptedMs: startMs, recipients, item }]);
      for (const store of [breaking(database.mail, steps, after), database.mail]) {
        const runner = new QueueRunner(store, clock, silentLogger);
        clock.move(120_000);
        runner.start();
        await runner.stop();
      }
      for (const ref of refs) expect(await subjects(database, ref, inbox)).toEqual([`cut ${steps}`]);
    }
  },
);

test('a conversation is found in all folders, follows moves and deletions, and can be asked for in part', async () => {
  const { database, ref } = await open();
  const conversationId = randomBytes(16);
  const add = (folder: FolderId, receivedMs: number) =>
    database.mail.transact([ref], (of) =>
      of(ref).addItem(folder, { ...newItem(`${receivedMs}`, receivedMs), conversationId }),
    );
  const [first, second, third] = [await add(inbox, 10), await add(drafts, 20), await add(inbox, 30)];
  await add(inbox, 40).then(({ id }) =>
    database.mail.transact([ref], async (of) => {
      const item = await of(ref).item(inbox, id);
      if (item !== undefined) await of(ref).deleteItem(item);
    }),
  );
  await database.mail.transact([ref], (of) => of(ref).addItem(inbox, newItem('another', 25)));
  const reader = database.mail.mailbox(ref);
  const found = async (range?: Parameters<typeof reader.conversation>[1]) =>
    (await reader.conversation(conversationId, range)).map(({ folder, item }) => [folder, item]);
  expect(await found()).toEqual([
    [inbox, third.id],
    [inbox, first.id],
    [drafts, second.id],
  ]);
  expect(await found({ folder: inbox, limit: 1 })).toEqual([[inbox, third.id]]);
  expect(await found({ folder: inbox, beforeMs: 30 })).toEqual([[inbox, first.id]]);
  await database.mail.transact([ref], (of) => of(ref).moveItem(third, drafts));
  expect(await found()).toEqual([
    [inbox, first.id],
    [drafts, third.id],
    [drafts, second.id],
  ]);
  expect(await reader.conversation(randomBytes(16))).toEqual([]);
});

test('new content in the place of an item keeps its id and place, counts, is a Change of everything, and lets the old body go', async () => {
  const { database, organization, ref } = await open();
  const old = await largeItem(database, organization, 'before');
  const item = await database.mail.transact(
    [ref],
    (of) => of(ref).addItem(drafts, old),
    storedBody(organization, old),
  );
  const before = await database.mail.mailbox(ref).lastSeq();
  const conversationId = randomBytes(16);
  const content = { ...newItem('after, and longer', startMs + 5), conversationId };
  const next = await database.mail.transact([ref], (of) => of(ref).replaceItem(item, content, phone));
  expect(next).toMatchObject({
    id: item.id,
    folder: drafts,
    receivedMs: startMs,
    added: item.added,
    size: content.size,
  });
  expect(await subjects(database, ref, drafts)).toEqual(['after, and longer']);
  const reader = database.mail.mailbox(ref);
  expect(await reader.usage()).toEqual({ bytes: content.size, items: 1 });
  expect(await reader.item(drafts, item.id)).toEqual(next);
  expect((await reader.changes(drafts, before, 10)).rows).toMatchObject([
    {
      device: phone,
      changes: [{ kind: ChangeKind.Change, item: item.id, receivedMs: startMs, what: Changed.Rest }],
    },
  ]);
  expect(await reader.conversation(item.conversationId)).toEqual([]);
  expect(await reader.conversation(conversationId)).toHaveLength(1);
  const chunks: Uint8Array[] = [];
  for await (const chunk of database.mail.openBody(ref, next)) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toContain('Text of after');
  const tasks = await database.store.page(mailboxPart(organization, ref.mailbox), mailboxRows.task.range());
  expect(tasks.rows.map(([key]) => Buffer.from(key.subarray(10)))).toContainEqual(
    Buffer.from(old.body.kind === 'blob' ? old.body.id : []),
  );
});

test.each([1, 2, 7, 8])('the logs are read in pages of %s, each entry once', async (limit) => {
  const { database, ref } = await open();
  const inOrder = Array.from({ length: 7 }, (_, n) => n);
  for (const n of inOrder)
    await database.mail.transact([ref], (of) => of(ref).addItem(inbox, newItem(`${n}`, n)));
  const reader = database.mail.mailbox(ref);
  const seqs: number[] = [];
  for (let after: number | undefined = 0; after !== undefined && seqs.length < 10; ) {
    const page: Awaited<ReturnType<typeof reader.changes>> = await reader.changes(inbox, after, limit);
    seqs.push(...page.rows.map(({ seq }) => seq));
    after = page.next;
  }
  expect(seqs).toEqual(inOrder.map((n) => n + 2));
});

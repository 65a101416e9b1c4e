import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId, MailboxRef, OrganizationId, QueueId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import { type NewOutboundMail, outboundMails } from '#domain/outbound';
import type { QueuedMessage, StoredBody } from '#domain/ports';
import { QueueRunner } from '#domain/queue-runner';
import { silentLogger } from '#telemetry/log';
import { newItem } from '#test/support/new-item';
import {
  fixedClock,
  tempDatabase,
  tempFolder,
  tempMailbox,
  tempOrganization,
} from '#test/support/temp-store';
import type { Database } from './database.ts';
import { blobPart, mailboxPart, queuePart, queueShards } from './keys.ts';
import { blobRows, mailboxRows, queueRows } from './layout.ts';
import { itemCodec } from './records/mail.ts';
import { pack } from './records/packed.ts';

const startMs = Date.UTC(2026, 10, 22);
const inbox = defaultFolder(FolderType.Inbox);
const drafts = defaultFolder(FolderType.Drafts);

async function open() {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const organization = tempOrganization(database);
  return { clock, database, organization, ref: await tempMailbox(database, organization) };
}

async function write(
  { mail }: Database,
  organization: OrganizationId,
  content: Uint8Array,
): Promise<StoredBody> {
  const writer = mail.writeBody(organization);
  await writer.append(content);
  return writer.finish();
}

interface Around {
  readonly before?: Uint8Array | undefined;
  readonly after?: Uint8Array | undefined;
  readonly from?: number | undefined;
}

function framedItem(subject: string, { id, size }: StoredBody, { before, after, from = 0 }: Around): NewItem {
  const all = size - from + (before?.length ?? 0) + (after?.length ?? 0);
  return { ...newItem(subject, startMs), size: all, body: { kind: 'blob', id, before, after, from } };
}

function framedMail(
  organization: OrganizationId,
  { id, size }: StoredBody,
  { before, after }: Around,
  skip = 0,
): NewOutboundMail {
  const [mail] = outboundMails(
    { organization, kind: 'mail', reversePath: '', recipients: [{ address: 'bob@away.example' }] },
    {
      acceptId: 'a'.repeat(32),
      acceptedMs: startMs,
      size: size + (before?.length ?? 0) + (after?.length ?? 0),
      skip,
      is8bit: false,
      isAuthenticated: true,
      body: { kind: 'blob', id, before, after },
    },
  );
  if (mail === undefined) throw new Error('no mail was made');
  return mail;
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return Buffer.concat(found);
}

function add({ mail }: Database, ref: MailboxRef, item: NewItem, body: StoredBody): Promise<Item> {
  return mail.transact([ref], (of) => of(ref).addItem(inbox, item), [body]);
}

async function blobRowsOf({ store, sealer }: Database, organization: OrganizationId, { id }: StoredBody) {
  const part = blobPart(organization, id[0] ?? 0);
  const stored = await store.get(part, blobRows.blob.key(id));
  const { rows } = await store.page(part, blobRows.reference.range(id));
  const size = stored && blobRows.blob.decode(sealer, part, blobRows.blob.key(id), stored).size;
  return { size, references: rows.length };
}

test.each([
  { name: 'in front', before: Buffer.from('Received: by us\r\n'), after: undefined },
  { name: 'behind', before: undefined, after: Buffer.from('\r\n--end--\r\n') },
  { name: 'on both sides', before: randomBytes(8 * 1024), after: randomBytes(50) },
  { name: 'on both sides', before: randomBytes(40), after: randomBytes(50), from: 30 },
  { name: 'in front', before: randomBytes(30), after: undefined, from: 40 },
  { name: 'left out', before: undefined, after: undefined, from: 1_000 },
])(
  'a message with something $name of its file is read in every range',
  async ({ before, after, from = 0 }) => {
    const { database, organization, ref } = await open();
    const content = randomBytes(70_000);
    const body = await write(database, organization, content);
    const part = content.subarray(from);
    const whole = Buffer.concat([before ?? Buffer.alloc(0), part, after ?? Buffer.alloc(0)]);
    const item = await add(database, ref, framedItem('framed', body, { before, after, from }), body);
    expect(item.size).toBe(whole.length);
    expect((await all(database.mail.openBody(ref, item))).equals(whole)).toBe(true);
    const borders = [before?.length ?? 0, (before?.length ?? 0) + part.length, whole.length];
    const places = [0, ...borders.flatMap((at) => [at - 1, at, at + 1])].filter((at) => at >= 0);
    for (const start of places) {
      for (const end of places) {
        const read = await all(database.mail.openBody(ref, item, [start, end]));
        expect(read.equals(whole.subarray(start, Math.max(start, end)))).toBe(true);
      }
    }
  },
);

test('two messages share a file; each counts whole, and the file has its own size', async () => {
  const { database, organization, ref } = await open();
  const other = await tempMailbox(database, organization);
  const content = randomBytes(40_000);
  const body = await write(database, organization, content);
  const plain = await add(database, ref, framedItem('plain', body, {}), body);
  const framed = await add(
    database,
    other,
    framedItem('framed', body, { before: Buffer.from('X: y\r\n') }),
    body,
  );
  expect(await database.mail.mailbox(ref).usage()).toEqual({ bytes: 40_000, items: 1 });
  expect(await database.mail.mailbox(other).usage()).toEqual({ bytes: 40_006, items: 1 });
  expect(await blobRowsOf(database, organization, body)).toEqual({ size: 40_000, references: 2 });
  expect((await all(database.mail.openBody(ref, plain))).equals(content)).toBe(true);
  expect((await all(database.mail.openBody(other, framed))).toString('latin1')).toBe(
    `X: y\r\n${content.toString('latin1')}`,
  );
});

test('what stands around a file moves with the item, is there after a restart, and goes with the item', async () => {
  const clock = fixedClock(startMs);
  const folder = await tempFolder();
  const first = await tempDatabase({ clock, folder });
  const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
  const wrapped = first.keys.create(organization);
  first.keys.add(organization, wrapped);
  const ref = await tempMailbox(first, organization);
  const body = await write(first, organization, Buffer.from('file'));
  const around = { before: Buffer.from('<'), after: Buffer.from('>') };
  const item = await add(first, ref, framedItem('framed', body, around), body);
  const moved = await first.mail.transact([ref], async (of) => {
    const marked = await of(ref).markItem(item, { ...item.marks, read: true }, 1);
    return of(ref).moveItem(marked, drafts);
  });
  const mail = framedMail(organization, body, around, 1);
  await first.mail.transact([], (_of, outbound) => outbound.put(mail), [], [mail]);
  await first.close();

  const again = await tempDatabase({ clock, folder });
  again.keys.add(organization, wrapped);
  const found = await again.mail.mailbox(ref).item(drafts, moved.id);
  if (found === undefined) throw new Error('the item is gone');
  expect((await all(again.mail.openBody(ref, found))).toString()).toBe('<file>');
  const queued = await again.mail.outbound.get(mail.id);
  if (queued === undefined) throw new Error('the mail is gone');
  expect((await all(again.mail.outbound.open(queued))).toString()).toBe('file>');

  await again.mail.transact([ref], (of) => of(ref).deleteItem(found));
  const rows = await again.store.page(mailboxPart(organization, ref.mailbox), mailboxRows.frame.range());
  expect(rows.rows).toEqual([]);
  await expect(all(again.mail.openBody(ref, found))).rejects.toThrow('is gone');
});

test('an item written before there were frames is read as it was', () => {
  const id = randomBytes(32);
  const { detail: _detail, body: _body, ...rest } = newItem('old', startMs);
  const record = { ...rest, added: 1, changed: 1, body: { kind: 'blob' as const, id } };
  const old = pack([
    startMs,
    1,
    1,
    rest.size,
    [[['A', 'a@example.org']], null, [], [], [], [], 'old', null, null, null, [], ''],
    1,
    '',
    rest.conversationId,
    rest.conversationIndex,
    [],
    false,
    [false, null, [], null, null],
    id,
  ]);
  expect(itemCodec.decode(old, 1)).toEqual(record);
  expect(Buffer.from(itemCodec.encode(record)).equals(old)).toBe(true);
});

test('an outbound mail with 55 KiB in front of its file is sent whole, without what is skipped, and leaves nothing', async () => {
  const { database, organization } = await open();
  const content = randomBytes(100_000);
  const body = await write(database, organization, content);
  const before = randomBytes(55 * 1024);
  const after = Buffer.from('\r\n--end--\r\n');
  const mail = framedMail(organization, body, { before, after }, 20);
  await database.mail.transact([], (_of, outbound) => outbound.put(mail), [], [mail]);
  const { outbound } = database.mail;
  const {
    mails: [claimed],
  } = await outbound.claim(mail.destination, { nowMs: startMs, owner: 'me' });
  if (claimed === undefined) throw new Error('nothing was claimed');
  const sent = Buffer.concat([before, content, after]).subarray(20);
  expect(claimed.size - claimed.skip).toBe(sent.length);
  expect((await all(outbound.open(claimed))).equals(sent)).toBe(true);
  expect(await blobRowsOf(database, organization, body)).toEqual({ size: 100_000, references: 1 });
  const later = { ...claimed, attempts: 1 };
  await database.mail.transact([], (_of, tx) => tx.replace(claimed, later), [], [claimed]);
  expect((await all(outbound.open(later))).equals(sent)).toBe(true);
  await database.mail.transact([], (_of, tx) => tx.replace(later, undefined), [], [later]);
  expect(await blobRowsOf(database, organization, body)).toEqual({ size: 100_000, references: 0 });
  for (let n = 0; n < queueShards; n++) {
    expect((await database.store.page(queuePart(n), queueRows.frame.range())).rows).toEqual([]);
  }
});

test('a queued message keeps what stands around its file, and gives it to every mailbox', async () => {
  const { clock, database, organization, ref } = await open();
  const other = await tempMailbox(database, organization);
  const body = await write(database, organization, Buffer.from('file'));
  const message: QueuedMessage = {
    id: randomBytes(16).toString('hex') as QueueId,
    organization,
    acceptedMs: startMs,
    recipients: [ref.mailbox, other.mailbox],
    item: framedItem('queued', body, { before: Buffer.from('<'), after: Buffer.from('>') }),
  };
  await database.mail.enqueue([message]);
  const runner = new QueueRunner(database.mail, clock, silentLogger);
  runner.start();
  await runner.settled();
  await runner.stop();
  for (const one of [ref, other]) {
    const { rows } = await database.mail.mailbox(one).changes(inbox, 0, 10);
    const id = rows[0]?.changes[0]?.item as ItemId;
    const item = await database.mail.mailbox(one).item(inbox, id);
    if (item === undefined) throw new Error('nothing was delivered');
    expect((await all(database.mail.openBody(one, item))).toString()).toBe('<file>');
  }
  expect(await blobRowsOf(database, organization, body)).toEqual({ size: 4, references: 2 });
  const shard = queuePart((Buffer.from(message.id, 'hex')[0] ?? 0) % queueShards);
  expect((await database.store.page(shard, queueRows.frame.range())).rows).toEqual([]);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import type { Account } from '#directory/account';
import type { Database } from '#storage/database';
import { silentLogger } from '#telemetry/log';
import { fixedClock, tempDatabase, tempOrganization } from '#test/support/temp-store';
import { AttachmentPolicy } from './attachment-policy.ts';
import { listEnd, listStart } from './change.ts';
import { Delivery } from './delivery.ts';
import { defaultFolder, FolderType } from './folder.ts';
import {
  type DeviceId,
  type EntityId,
  type ItemId,
  mailboxOf,
  type OrganizationId,
  type QueueId,
} from './ids.ts';
import { type MailEnvelope, toOwner } from './mail-envelope.ts';
import type { MailStore } from './ports.ts';
import { QueueRunner } from './queue-runner.ts';

const startMs = Date.UTC(2026, 10, 22);
const random = { bytes: (length: number) => randomBytes(length) };
const head = (acceptId: string) => `Received: id ${acceptId}\r\n`;
const device = { id: 'phone1' as DeviceId, firstSyncMs: startMs };

async function start(options: { wrap?: (store: MailStore) => MailStore; quotaBytes?: number } = {}) {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const store = options.wrap?.(database.mail) ?? database.mail;
  const runner = new QueueRunner(store, clock, silentLogger);
  const limits = { maxMessageBytes: 30_000_000, mailboxQuotaBytes: options.quotaBytes ?? 1e12 };
  const delivery = new Delivery({
    store,
    outside: { clock, random },
    attachments: new AttachmentPolicy({ blockedExtensions, inspectArchives: true }),
    limits,
    hostname: 'mx.ours.example',
    wakeQueue: () => runner.wake(),
  });
  return { clock, database, delivery, runner, organization: tempOrganization(database) };
}

async function accountIn(
  database: Database,
  organization: OrganizationId,
  address: string,
): Promise<Account> {
  const entity = randomUUID() as EntityId;
  const mailbox = { organization, mailbox: mailboxOf(entity) };
  await database.mail.createMailbox(mailbox);
  return { organization, entity, mailbox, address, addresses: [address], displayName: '' };
}

function accountsIn(database: Database, organization: OrganizationId, count: number): Promise<Account[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) => accountIn(database, organization, `user${i}@ours.example`)),
  );
}

async function messages(database: Database, { mailbox }: Account, type: FolderType = FolderType.Inbox) {
  const reader = database.mail.mailbox(mailbox);
  const folder = defaultFolder(type);
  const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 100 });
  const found = [];
  for (const { item: id } of places) {
    const item = await reader.item(folder, id as ItemId);
    if (!item) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of database.mail.openBody(mailbox, item)) chunks.push(chunk);
    found.push({ item, raw: Buffer.concat(chunks).toString() });
  }
  return found;
}

function envelopeTo(accounts: readonly Account[]): MailEnvelope {
  const recipients = accounts.map((account) => ({
    address: account.address,
    accounts: [account],
    isGroup: false,
  }));
  return { reversePath: 'sender@elsewhere.example', recipients, isAuthenticated: false };
}

async function accept(delivery: Delivery, recipients: readonly Account[], raw: string): Promise<string> {
  const message = delivery.begin(envelopeTo(recipients), head);
  for (let at = 0; at < raw.length; at += 50_000)
    await message.write(Buffer.from(raw.slice(at, at + 50_000)));
  return (await message.accept()).acceptId;
}

const small = 'Subject: small\r\n\r\nHello\r\n';
const large = `Subject: large\r\n\r\n${`${'x'.repeat(78)}\r\n`.repeat(2_500)}`;

test.each([
  ['small', small, 'inline'],
  ['large', large, 'blob'],
])('a %s message is in every mailbox, whole, with its trace in front', async (_name, raw, kind) => {
  const { database, delivery, organization } = await start();
  const recipients = await accountsIn(database, organization, 3);
  const acceptId = await accept(delivery, recipients, raw);
  for (const recipient of recipients) {
    const [message, ...others] = await messages(database, recipient);
    expect(others).toEqual([]);
    expect(message?.raw).toBe(`Received: id ${acceptId}\r\n${raw}`);
    expect(message?.item).toMatchObject({ body: { kind }, size: message?.raw.length });
  }
});

test('a large message to two organisations has a body of its own in each', async () => {
  const { database, delivery, organization } = await start();
  const here = await accountIn(database, organization, 'a@ours.example');
  const there = await accountIn(database, tempOrganization(database), 'b@theirs.example');
  await accept(delivery, [here, there], large);
  const bodies = await Promise.all([here, there].map(async (who) => (await messages(database, who))[0]));
  expect(bodies[0]?.raw).toBe(bodies[1]?.raw);
  expect(bodies[0]?.item.body).not.toEqual(bodies[1]?.item.body);
});

test('a message that is aborted or too large leaves nothing', async () => {
  const { database, delivery, organization } = await start();
  const bob = await accountIn(database, organization, 'b@ours.example');
  const aborted = delivery.begin(envelopeTo([bob]), head);
  await aborted.write(Buffer.from(large));
  await aborted.abort();
  await expect(aborted.accept()).rejects.toThrow(TypeError);
  const tooLarge = delivery.begin(envelopeTo([bob]), head);
  const chunk = Buffer.alloc(1_000_000);
  const writing = async () => {
    for (let i = 0; i <= 30; i++) await tooLarge.write(chunk);
  };
  await expect(writing()).rejects.toMatchObject({ code: 'message/too-large' });
  expect(await messages(database, bob)).toEqual([]);
  expect(await database.blobs.list()).toEqual([]);
});

test('a message to nobody is taken and gone, one to full mailboxes alone is refused', async () => {
  const { database, delivery, organization } = await start({ quotaBytes: 100 });
  const bob = await accountIn(database, organization, 'b@ours.example');
  await accept(delivery, [], large);
  expect(await database.blobs.list()).toEqual([]);
  await expect(accept(delivery, [bob], small.repeat(10))).rejects.toMatchObject({
    code: 'mailbox/over-quota',
  });
  await expect(delivery.checkRoom([bob], 101)).rejects.toMatchObject({ code: 'mailbox/over-quota' });
  await delivery.checkRoom([bob], 100);
});

test.each([
  ['small', small],
  ['large', large],
])('a %s message to 70 mailboxes goes through the queue, once to each', async (_name, raw) => {
  const { database, delivery, runner, organization } = await start();
  const recipients = await accountsIn(database, organization, 68);
  const elsewhere = await accountsIn(database, tempOrganization(database), 2);
  await accept(delivery, [...recipients, ...elsewhere], raw);
  await runner.settled();
  for (const recipient of [...recipients, ...elsewhere]) {
    const found = await messages(database, recipient);
    expect(found.map((one) => one.raw.endsWith(raw))).toEqual([true]);
  }
  expect(await database.mail.claimQueued(startMs + 1e9, 1, 10)).toEqual([]);
});

test.each([2, 70])(
  'of %i mailboxes those know it that got a message as Bcc, by what a user sent',
  async (count) => {
    const { database, delivery, runner, organization } = await start();
    const recipients = await accountsIn(database, organization, count);
    const [first, second] = recipients;
    if (first === undefined || second === undefined) throw new Error();
    const client = { address: '127.0.0.1', name: 'x', user: 'carol@ours.example' };
    for (const by of [{ client }, {}]) {
      const message = delivery.begin({ ...envelopeTo(recipients), ...by, isAuthenticated: true }, head);
      await message.write(Buffer.from(`To: ${second.address}\r\n${small}`));
      await message.accept();
      await runner.settled();
    }
    const marked = async (who: Account) =>
      (await messages(database, who)).map(({ item }) => item.receivedAsBcc === true).sort();
    expect(await marked(first)).toEqual([false, true]);
    expect(await marked(second)).toEqual([false, false]);
    expect(await marked(recipients.at(-1) ?? first)).toEqual([false, count > 2]);
  },
);

test('a queued delivery that is cut off at any step is finished by the next life, once to each', async () => {
  // Everything the store is asked for from the given call on fails, as if the process had died there.
  let callsLeft = Number.POSITIVE_INFINITY;
  const wrap = (store: MailStore) =>
    new Proxy(store, {
      get: (target, name: keyof MailStore) => {
        const value = (target[name] as (...given: unknown[]) => unknown).bind(target);
        if (name !== 'transact' && name !== 'dequeue') return value;
        return (...given: unknown[]) =>
          callsLeft-- > 0 ? value(...given) : Promise.reject(new Error('killed'));
      },
    });
  const { clock, database, delivery, runner, organization } = await start({ wrap });
  const recipients = await accountsIn(database, organization, 66);
  for (let step = 0; step <= 66; step += step < 3 || step > 62 ? 1 : 15) {
    callsLeft = step;
    await accept(delivery, recipients, `Subject: ${step}\r\n\r\n`);
    // The runner was woken by the acceptance; when its claim is worked off, the first life is over.
    await runner.settled();
    callsLeft = Number.POSITIVE_INFINITY;
    const nextLife = new QueueRunner(database.mail, clock, silentLogger);
    nextLife.start();
    await nextLife.settled();
    for (const recipient of recipients) {
      const subjects = (await messages(database, recipient)).map(({ item }) => item.envelope.subject);
      expect(subjects.filter((subject) => subject === String(step))).toHaveLength(1);
    }
  }
});

test('a queued delivery that failed is tried again by a timer, and a mailbox that is gone holds up nobody', async () => {
  let isDown = true;
  const wrap = (store: MailStore) =>
    new Proxy(store, {
      get: (target, name: keyof MailStore) => {
        const value = (target[name] as (...given: unknown[]) => unknown).bind(target);
        if (name !== 'transact') return value;
        return (...given: unknown[]) => (isDown ? Promise.reject(new Error('down')) : value(...given));
      },
    });
  const { clock, database, delivery, runner, organization } = await start({ wrap });
  const recipients = await accountsIn(database, organization, 65);
  const entity = randomUUID() as EntityId;
  const gone = {
    ...(recipients[0] as Account),
    entity,
    mailbox: { organization, mailbox: mailboxOf(entity) },
  };
  await accept(delivery, [...recipients, gone], small);
  await runner.settled();
  isDown = false;
  clock.move(10 * 60_000);
  await runner.settled();
  for (const recipient of recipients) expect(await messages(database, recipient)).toHaveLength(1);
  expect(await messages(database, gone)).toEqual([]);
  expect(await database.mail.claimQueued(startMs + 1e9, 1, 10)).toEqual([]);
});

test.each([
  ['a few', 2],
  ['more than one transaction takes', 70],
])('send: to %s recipients, with a Sent copy; repeated, it does nothing', async (_name, count) => {
  const { database, delivery, runner, organization } = await start();
  const [alice, ...others] = await accountsIn(database, organization, count + 1);
  if (!alice) throw new Error('no account');
  const request = {
    from: alice,
    device,
    clientId: 'c1',
    raw: [Buffer.from(small)],
    rawForSent: [Buffer.from(`Bcc: x@ours.example\r\n${small}`)],
    saveInSent: true,
    recipients: [...others, alice].flatMap((account) => toOwner(account).recipients),
    dedupeKeys: [],
  };
  expect(await delivery.send(request)).toBe('sent');
  expect(await delivery.send(request)).toBe('duplicate');
  await runner.settled();
  for (const recipient of [...others, alice]) {
    const [message, ...more] = await messages(database, recipient);
    expect(more).toEqual([]);
    expect(message?.raw).toMatch(
      /^Return-Path: <user0@ours\.example>\r\nReceived: by mx\.ours\.example with /,
    );
    expect(message?.raw.endsWith(`\r\n${small}`)).toBe(true);
    expect(message?.item.marks.read).toBe(false);
  }
  const [sent, ...more] = await messages(database, alice, FolderType.SentItems);
  expect(more).toEqual([]);
  expect(sent).toMatchObject({ raw: `Bcc: x@ours.example\r\n${small}`, item: { marks: { read: true } } });
});

test('send: without a ClientId its keys tell a repetition; without a Sent copy there is none; without room for it nothing is sent', async () => {
  const { database, delivery, organization } = await start({ quotaBytes: 2_000 });
  const alice = await accountIn(database, organization, 'alice@ours.example');
  const bob = await accountIn(database, organization, 'bob@ours.example');
  const raw = [Buffer.from(small)];
  const request = {
    from: alice,
    device,
    raw,
    rawForSent: raw,
    saveInSent: false,
    recipients: toOwner(bob).recipients,
    dedupeKeys: ['k'],
  };
  expect(await delivery.send(request)).toBe('sent');
  expect(await delivery.send(request)).toBe('duplicate');
  expect(await delivery.send({ ...request, dedupeKeys: ['other', 'k'] })).toBe('duplicate');
  expect(await messages(database, alice, FolderType.SentItems)).toEqual([]);
  const full = { ...request, rawForSent: [Buffer.from(small.repeat(100))], saveInSent: true, dedupeKeys: [] };
  await expect(delivery.send(full)).rejects.toMatchObject({ code: 'mailbox/over-quota' });
  await expect(delivery.send({ ...request, recipients: [], dedupeKeys: [] })).rejects.toMatchObject({
    code: 'message/no-recipient',
  });
  expect(await messages(database, bob)).toHaveLength(1);
});

test('of two requests at once that are the same, the one that comes to nothing leaves no body behind', async () => {
  const { database, delivery, organization } = await start();
  const alice = await accountIn(database, organization, 'alice@ours.example');
  const bob = await accountIn(database, organization, 'bob@ours.example');
  const raw = [Buffer.from(large)];
  const recipients = toOwner(bob).recipients;
  const request = { from: alice, device, clientId: 'one', raw, rawForSent: raw, recipients, dedupeKeys: [] };
  const done = await Promise.all([1, 2].map(() => delivery.send({ ...request, saveInSent: true })));
  expect(done.toSorted()).toEqual(['duplicate', 'sent']);
  expect(await messages(database, bob)).toHaveLength(1);
  expect(await database.blobs.list()).toHaveLength(2);
});

test('of two attempts at once to give mailboxes what is queued, the one that comes too late leaves no body behind', async () => {
  const { database, delivery, organization } = await start();
  const here = await accountIn(database, organization, 'a@ours.example');
  const there = await accountIn(database, tempOrganization(database), 'b@theirs.example');
  const attempt = async (recipients: readonly Account[]) => {
    const queued = { id: 'ab'.repeat(16) as QueueId, kind: 'mail' } as const;
    const message = delivery.begin({ ...envelopeTo(recipients), queued }, head);
    await message.write(Buffer.from(large));
    await message.accept();
  };
  await Promise.all([attempt([here]), attempt([here])]);
  expect(await database.blobs.list()).toHaveLength(1);
  await attempt([here, there]);
  expect(await database.blobs.list()).toHaveLength(2);
  for (const one of [here, there]) expect(await messages(database, one)).toHaveLength(1);
});

test.each([
  ['one transaction takes', 1],
  ['the queue takes', 70],
])(
  'a message to mailboxes that filled up while it came leaves no body behind, to as many as %s',
  async (_name, count) => {
    const { database, delivery, organization } = await start({ quotaBytes: 100 });
    const recipients = await accountsIn(database, organization, count);
    await expect(accept(delivery, recipients, large)).rejects.toMatchObject({ code: 'mailbox/over-quota' });
    expect(await database.blobs.list()).toEqual([]);
  },
);

test('claims of lives that ended one after the other hold up nothing', async () => {
  let isDown = true;
  const wrap = (store: MailStore) =>
    new Proxy(store, {
      get: (target, name: keyof MailStore) => {
        const value = (target[name] as (...given: unknown[]) => unknown).bind(target);
        return name === 'transact' && isDown ? () => Promise.reject(new Error('down')) : value;
      },
    });
  const { clock, database, delivery, runner, organization } = await start({ wrap });
  const recipients = await accountsIn(database, organization, 65);
  for (let i = 0; i < 20; i++) await accept(delivery, recipients.slice(0, 1).concat(recipients), small);
  await runner.settled();
  for (let life = 0; life < 3; life++) {
    clock.move(5);
    isDown = life < 2;
    const next = new QueueRunner(wrap(database.mail), clock, silentLogger);
    next.start();
    await next.settled();
    await next.stop();
  }
  for (const recipient of recipients) expect(await messages(database, recipient)).toHaveLength(20);
});

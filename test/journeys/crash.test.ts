import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import { type EntityId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Item } from '#domain/item';
import { type Database, openDatabase } from '#storage/database';
import { seeded } from '#storage/store-fixtures';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { type SentMessage, SmtpLoad, sentMessage } from './crash-load.ts';
import { ServerProcess } from './server-process.ts';

/** A process that is killed loses what it did not hand to the system; what the system has is kept. */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 4);
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const sessions = 5;
const users = 80;
const settings = { MAILSTEAD_QUICK_SETUP: 'false' };

/** The mailboxes by address. */
type Mailboxes = ReadonlyMap<string, MailboxRef>;

test(
  `what was answered 250 is in each mailbox once after ${rounds} kills`,
  async () => {
    const random = seeded(1 + seed);
    const dataDir = join(await tempFolder(), 'data');
    const mailboxes = await makePeople(dataDir, users);
    const load = new SmtpLoad([...mailboxes.keys()], random);
    const moments: string[] = [];
    const answered = () => [...load.sent.values()].filter((message) => message.answered).length;
    // A machine that is so busy that hardly anything was answered gets more rounds, and longer ones.
    for (let round = 0; round < rounds || answered() <= rounds; round++) {
      const longestMs = 1_000 * Math.max(1, round + 2 - rounds);
      moments.push(await loadAndKill(dataDir, load, { random, longestMs }, `${round}`));
      // Now and then the start that follows is cut short too.
      if (random(2) === 0) moments.push(await startAndKill(dataDir, random(400)));
    }
    await deliverTheQueue(dataDir);
    const told = `CRASH_SEED=${seed}, ${moments.join(', ')}`;
    expect(load.refusals, told).toEqual([]);
    expect(await faultsOf(dataDir, mailboxes, load.sent), told).toEqual([]);
  },
  120_000 + rounds * 30_000,
);

test.each([
  ['inline', 1_000],
  ['in a file', 100_000],
])(
  'a delivery to 160 mailboxes that was interrupted is finished at the next start, each copy once; body %s',
  { timeout: 240_000 },
  async (_kind, bytes) => {
    const dataDir = join(await tempFolder(), 'data');
    const mailboxes = await makePeople(dataDir, 160);
    const load = new SmtpLoad([...mailboxes.keys()], seeded(1 + seed));
    let reached = 0;
    // Sooner or later, until a kill meets the delivery at work.
    for (let afterMs = 25; reached === 0 || reached === mailboxes.size; ) {
      const message = sentMessage(`after${afterMs}`, [...mailboxes.keys()], bytes);
      await sendAndKill(dataDir, load, message, afterMs);
      reached = await withDatabase(dataDir, (database) => copiesOf(database, mailboxes, message));
      afterMs *= reached === 0 ? 1.5 : 0.6;
    }
    await deliverTheQueue(dataDir);
    expect(load.refusals).toEqual([]);
    expect(await faultsOf(dataDir, mailboxes, load.sent)).toEqual([]);
  },
);

/** An organisation with so many users, made by a server that is stopped again. */
async function makePeople(dataDir: string, count: number): Promise<Mailboxes> {
  const server = await ServerProcess.start({ dataDir, settings });
  const admin = (operation: string, input: object) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const { OrganizationId } = await admin('CreateOrganization', { Alias: 'crash' });
  const made = new Map<string, MailboxRef>();
  for (let n = 0; n < count; n++) {
    const Name = `user${n}`;
    const { UserId } = await admin('CreateUser', { OrganizationId, Name, DisplayName: Name });
    const Email = `${Name}@crash.mailstead.test`;
    await admin('RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email });
    const mailbox = mailboxOf(String(UserId) as EntityId);
    made.set(Email, { organization: String(OrganizationId) as OrganizationId, mailbox });
  }
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  return made;
}

/** Loads a server and kills it at a random moment, which it tells. */
async function loadAndKill(
  dataDir: string,
  load: SmtpLoad,
  { random, longestMs }: { readonly random: (below: number) => number; readonly longestMs: number },
  name: string,
): Promise<string> {
  const server = await ServerProcess.start({ dataDir, settings });
  const running = load.run(await server.address('smtp'), sessions, name);
  const afterMs = 50 + random(longestMs);
  await pause(afterMs);
  expect(await server.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  await running;
  return `round ${name} killed after ${afterMs} ms of load`;
}

/** Kills a server so long after it has answered a message. */
async function sendAndKill(
  dataDir: string,
  load: SmtpLoad,
  message: SentMessage,
  afterMs: number,
): Promise<void> {
  const server = await ServerProcess.start({ dataDir, settings });
  const client = await SmtpClient.greeted(await server.address('smtp'));
  await load.send(client, message);
  await pause(afterMs);
  await server.end('SIGKILL');
  client.close();
}

/** Kills a server while it starts, or shortly after. */
async function startAndKill(dataDir: string, afterMs: number): Promise<string> {
  const server = new ServerProcess({ dataDir, settings });
  await pause(afterMs);
  expect(await server.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  return `a start killed after ${afterMs} ms`;
}

/** Starts a server, lets it deliver all that an earlier one left in the queue, and stops it. */
async function deliverTheQueue(dataDir: string): Promise<void> {
  const left = await withDatabase(dataDir, async ({ mail }) =>
    // They are due again at once.
    (await mail.claimQueued(Date.now() + 120_000, -120_000, 1_000)).map(({ id }) => id),
  );
  const server = await ServerProcess.start({ dataDir, settings });
  await Promise.all(left.map((acceptId) => server.logged('delivery.queue.delivered', { acceptId })));
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
}

/** Everything that is not as it was promised: lost, twice, not whole, never sent there. */
function faultsOf(
  dataDir: string,
  mailboxes: Mailboxes,
  sent: ReadonlyMap<string, SentMessage>,
): Promise<string[]> {
  return withDatabase(dataDir, async (database) => {
    const faults: string[] = [];
    for (const [address, ref] of mailboxes) {
      const found = await messagesOf(database, ref);
      const counts = new Map<string, number>();
      for (const { token, raw } of found) {
        const message = sent.get(token);
        counts.set(token, (counts.get(token) ?? 0) + 1);
        if (!message?.recipients.includes(address)) faults.push(`${token} was not sent to ${address}`);
        else if (!isWhole(raw, message)) faults.push(`${token} is not whole at ${address}`);
      }
      for (const { token, recipients, answered } of sent.values()) {
        if (!recipients.includes(address)) continue;
        const count = counts.get(token) ?? 0;
        if (count > 1) faults.push(`${token} is ${count} times at ${address}`);
        if (count === 0 && answered) faults.push(`${token} is lost at ${address}`);
      }
      const { items } = await database.mail.mailbox(ref).usage();
      if (items !== found.length) faults.push(`${address} counts ${items} items, not ${found.length}`);
    }
    return faults;
  });
}

/** How many of the mailboxes have the message. */
async function copiesOf(database: Database, mailboxes: Mailboxes, { token }: SentMessage): Promise<number> {
  let copies = 0;
  for (const ref of mailboxes.values()) {
    if ((await itemsOf(database, ref)).some(({ envelope }) => envelope.subject === token)) copies++;
  }
  return copies;
}

/** RFC 5321 §4.4: Return-Path and Received stand in front of what was sent, and nothing else is different. */
function isWhole(raw: string, { content }: SentMessage): boolean {
  const head = raw.slice(0, Math.max(0, raw.length - content.length));
  return raw.endsWith(content) && /^Return-Path: [^\n]*\r\nReceived: (?:[^\n]|\n[ \t])*\r\n$/.test(head);
}

/** The inbox: what the Subject says, and the raw message. */
async function messagesOf(database: Database, ref: MailboxRef): Promise<{ token: string; raw: string }[]> {
  const found: { token: string; raw: string }[] = [];
  for (const item of await itemsOf(database, ref)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of database.mail.openBody(ref, item)) chunks.push(chunk);
    found.push({ token: item.envelope.subject, raw: Buffer.concat(chunks).toString('latin1') });
  }
  return found;
}

/** The inbox. Rejects when something is listed and not there. */
async function itemsOf({ mail }: Database, ref: MailboxRef): Promise<Item[]> {
  const inbox = defaultFolder(FolderType.Inbox);
  const reader = mail.mailbox(ref);
  const places = await reader.list(inbox, { from: listStart, to: listEnd, limit: 1_000_000 });
  const items = await reader.items(
    inbox,
    places.map(({ item }) => item as Item['id']),
  );
  return items.map((item, i) => {
    if (item === undefined) throw new Error(`item ${places[i]?.item} is listed and not there`);
    return item;
  });
}

async function withDatabase<T>(dataDir: string, use: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({
    folder: dataDir,
    inlineBodyBytes: 32 * 1024,
    now: Date.now,
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

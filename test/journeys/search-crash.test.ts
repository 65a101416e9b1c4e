import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Folder } from '#domain/folder';
import { type EntityId, type FolderId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { indexedFinder } from '#domain/search/find-indexed';
import { scanMailbox } from '#domain/search/scan';
import { type Database, openDatabase } from '#storage/database';
import { mailboxPart } from '#storage/keys';
import { IndexRows } from '#storage/search/index-rows';
import { seeded } from '#storage/store-fixtures';
import { EasClient } from '#test/support/eas-client';
import { found, mailOf, queryOf, textIn } from '#test/support/indexed-site';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { freeText, mail, searchMail } from '../activesync/search-phone.ts';
import { ServerProcess } from './server-process.ts';

const kills = Number(process.env['CRASH_ROUNDS'] ?? 2);
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const mailsBefore = 1200;
const address = 'alice@crash.mailstead.test';
const password = 'Correct-horse-1';
const settings = { MAILSTEAD_QUICK_SETUP: 'false' };
const text = (n: number) => `word${n % 7} number${n} ${'some more of it '.repeat(20)}`;

test(`what is searched is found after ${kills} kills, whether its index was being made or not`, {
  timeout: 60_000 + kills * 20_000,
}, async () => {
  const random = seeded(1 + seed);
  const dataDir = join(await tempFolder(), 'data');
  const ref = await makeMailbox(dataDir);
  let answered = 0;
  const ends: number[] = [];
  for (let round = 0; round < kills; round++) {
    const server = await ServerProcess.start({ dataDir, settings });
    const phone = await phoneOf(server, dataDir);
    // It asks for the index, and mail comes while that is made.
    expect((await search(phone, 'number77')) >= 1).toBe(true);
    const delivering = deliverUntilItEnds(server, () => answered++);
    // About as long as an index of so many messages takes.
    await pause(300 + random(1200));
    await server.end('SIGKILL');
    await delivering;
    phone.close();
    ends.push(await withDatabase(dataDir, (database) => indexEnd(database, ref)));
  }
  const told = `CRASH_SEED=${seed}, the index reached ${ends.join(', ')}, ${answered} mails came`;
  const server = await ServerProcess.start({ dataDir, settings });
  const phone = await phoneOf(server, dataDir);
  expect(await search(phone, 'arrived'), told).toBeGreaterThanOrEqual(Math.min(100, answered));
  await server.end('SIGTERM');
  phone.close();
  expect(
    server.complaints.filter((line) => line.includes('"level":"error"')),
    told,
  ).toEqual([]);
  await withDatabase(dataDir, (database) => expectSame(database, ref, answered, told));
});

/** A mailbox with mail in it, made by a server that is stopped again. */
async function makeMailbox(dataDir: string): Promise<MailboxRef> {
  const server = await ServerProcess.start({ dataDir, settings });
  const admin = (operation: string, input: object) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const { OrganizationId } = await admin('CreateOrganization', { Alias: 'crash' });
  const user = { Name: 'alice', DisplayName: 'alice', Password: password };
  const { UserId: EntityId } = await admin('CreateUser', { OrganizationId, ...user });
  await admin('RegisterToWorkMail', { OrganizationId, EntityId, Email: address });
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const ref = {
    organization: String(OrganizationId) as OrganizationId,
    mailbox: mailboxOf(String(EntityId) as EntityId),
  };
  await withDatabase(dataDir, async (database) => {
    for (let n = 0; n < mailsBefore; n += 200) {
      await database.mail.transact([ref], async (of) => {
        for (let m = n; m < n + 200; m++) {
          await of(ref).addItem(
            1 as FolderId,
            mailOf({ subject: `mail ${m}`, text: text(m), receivedMs: m + 1 }),
          );
        }
      });
    }
  });
  return ref;
}

async function phoneOf(server: ServerProcess, dataDir: string): Promise<EasClient> {
  const baseUrl = `https://${await server.address('https')}`;
  const ca = await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8');
  const phone = new EasClient({ baseUrl, ca, user: address, password, version: '16.1' });
  await phone.provision();
  return phone;
}

/** How many it finds, up to 100; a search that is over its time goes on when it is asked again. */
async function search(phone: EasClient, words: string): Promise<number> {
  for (;;) {
    const { status, results, total } = await searchMail(phone, [freeText(words)]);
    if (status === 1) return total === 0 ? 0 : results.length;
    expect(status).toBe(10);
  }
}

async function deliverUntilItEnds(server: ServerProcess, onAnswer: () => void): Promise<void> {
  const smtp = await server.address('smtp');
  try {
    for (let n = 0; ; n++) {
      const client = await SmtpClient.greeted(smtp);
      const raw = mail(`arrived ${n}`, text(n)).toString();
      if ((await client.mail('bob@elsewhere.example', [address], raw)).code === 250) onAnswer();
      client.close();
    }
  } catch {
    // It was killed.
  }
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

async function indexEnd({ sealer, store }: Database, { organization, mailbox }: MailboxRef): Promise<number> {
  return (await new IndexRows(sealer, mailboxPart(organization, mailbox)).index(store))?.end ?? 0;
}

/** The index says what the messages say, and every mail that was answered is there. */
async function expectSame(
  database: Database,
  ref: MailboxRef,
  answered: number,
  told: string,
): Promise<void> {
  const mailbox = new Mailbox(database.mail, ref);
  const folders = (await mailbox.reader.folders()).map(({ id }: Folder) => id);
  for (const words of ['word3', 'number77', 'arrived', 'mail 1']) {
    const query = queryOf(textIn(words), folders);
    const expected = await found(scanMailbox, mailbox, query);
    expect(await found(indexedFinder(database.indexes), mailbox, query), `${words}, ${told}`).toEqual(
      expected,
    );
    if (words === 'arrived') expect(expected.length, told).toBeGreaterThanOrEqual(answered);
  }
}

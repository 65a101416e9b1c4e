import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId, MailboxRef, OrganizationId } from '#domain/ids';
import { newItem } from '#test/support/new-item';
import { tempDatabase, tempFolder, tempMailbox } from '#test/support/temp-store';
import type { Database } from './database.ts';
import { StoredDirectory } from './directory-store.ts';

const inbox = defaultFolder(FolderType.Inbox);
const organization = `m-${'5'.repeat(32)}` as OrganizationId;

/** Gives the organisation a data key in the store, so that the copy can be read. */
async function makeOrganization(database: Database): Promise<void> {
  await new StoredDirectory(database).transactNew(organization, async (tx) =>
    tx.putOrganization({
      id: organization,
      alias: 'acme',
      state: 'Active',
      testDomain: 'acme.test',
      defaultDomain: 'acme.test',
      createdMs: 0,
    }),
  );
}

/** Adds numbered messages, a file for each third body, first to one mailbox and then to the other, until stopped. */
async function load(
  database: Database,
  refs: readonly MailboxRef[],
  signal: AbortSignal,
  added: (n: number) => void,
) {
  for (let n = 0; !signal.aborted; n++) {
    for (const ref of refs) {
      const raw = Buffer.from(`message ${n} `.repeat(1000));
      const item = { ...newItem(`${n}`, n), size: raw.length, body: { kind: 'inline' as const, raw } };
      if (n % 3 !== 0) {
        await database.mail.transact([ref], (of) => of(ref).addItem(inbox, item));
        continue;
      }
      const writer = database.mail.writeBody(organization);
      await writer.append(raw);
      const stored = await writer.finish();
      const large = { ...item, body: { kind: 'blob' as const, id: stored.id } };
      await database.mail.transact([ref], (of) => of(ref).addItem(inbox, large), [stored]);
    }
    added(n + 1);
  }
}

/** The numbers of the messages in a mailbox, oldest first; every body is read whole. */
async function read(database: Database, ref: MailboxRef): Promise<string[]> {
  const reader = database.mail.mailbox(ref);
  const places = await reader.list(inbox, { from: listStart, to: listEnd, limit: 100_000 });
  const items = await reader.items(
    inbox,
    places.map(({ item }) => item as ItemId),
  );
  const found: string[] = [];
  for (const item of items.toReversed()) {
    if (item === undefined) throw new Error('an item in the list is not there');
    const chunks: Uint8Array[] = [];
    for await (const chunk of database.mail.openBody(ref, item)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(`message ${item.envelope.subject} `.repeat(1000));
    found.push(item.envelope.subject);
  }
  return found;
}

test('a backup taken under load opens as an exact prefix, with every body readable', async () => {
  const folder = await tempFolder();
  const database = await tempDatabase({ folder });
  await makeOrganization(database);
  const refs = [await tempMailbox(database, organization), await tempMailbox(database, organization)];
  const stop = new AbortController();
  let count = 0;
  const warm = Promise.withResolvers<void>();
  const loading = load(database, refs, stop.signal, (n) => {
    count = n;
    if (n === 20) warm.resolve();
  });
  await Promise.race([warm.promise, loading]);

  const restored = await tempFolder();
  const before = count;
  const info = await database.backup(join(folder, 'backup'));
  const after = count + 1;
  stop.abort();
  await loading;
  expect(info.files).toBeGreaterThan(10);

  // A restore: the copy in the place of the data directory, with its master key, which is kept elsewhere.
  await copyFile(join(folder, 'data', 'master.key'), join(folder, 'backup', 'master.key'));
  await rename(join(folder, 'backup'), join(restored, 'data'));
  const copy = await tempDatabase({ folder: restored });
  const [first = [], second = []] = await Promise.all(refs.map((ref) => read(copy, ref)));
  expect(first).toEqual(first.map((_, n) => `${n}`));
  expect(second).toEqual(second.map((_, n) => `${n}`));
  expect(first.length - second.length === 0 || first.length - second.length === 1).toBe(true);
  expect(second.length).toBeGreaterThanOrEqual(before);
  expect(first.length).toBeLessThanOrEqual(after);
  expect((await copy.mail.mailbox(refs[0] as MailboxRef).usage()).items).toBe(first.length);
}, 30_000);

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { defaultFolder, FolderType } from '#domain/folder';
import { silentLogger } from '#telemetry/log';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempOrganization } from '#test/support/temp-store';
import { type EntityId, mailboxOf } from './ids.ts';
import type { Item } from './item.ts';
import { QuotaNotices } from './quota-notices.ts';

const inbox = defaultFolder(FolderType.Inbox);
const MiB = 1024 * 1024;
const address = 'alice@ours.example';

/** A mailbox of 10 MiB, unless its owner has another quota, and the letters to its owner. */
async function open() {
  const clock = fixedClock(Date.UTC(2026, 10, 23));
  const database = await tempDatabase({ clock });
  const organization = tempOrganization(database);
  const entity = '11111111-2222-4333-8444-555555555555' as EntityId;
  const ref = { organization, mailbox: mailboxOf(entity) };
  await database.mail.createMailbox(ref);
  let account: Account = {
    organization,
    entity,
    mailbox: ref,
    address,
    addresses: [address],
    displayName: 'Alice',
  };
  const letters: string[] = [];
  const watched = async (work: () => Promise<unknown>): Promise<number> => {
    letters.length = 0;
    const notices = new QuotaNotices({
      store: database.mail,
      directory: {
        account: async () => account,
        describeOrganization: async () => ({ defaultDomain: 'ours.example' }),
      },
      ownMail: {
        make: async ({ content }) => {
          if ('raw' in content) letters.push(Buffer.from(content.raw).toString());
          return [];
        },
      },
      mailboxQuotaBytes: 10 * MiB,
      outside: { clock, random: { bytes: (length) => randomBytes(length) } },
      hostname: 'mail.ours.example',
      log: silentLogger,
      wakeRelay: () => undefined,
    });
    database.mail.onGrowth((growths) => notices.grown(growths));
    await work();
    await notices.stop();
    return letters.length;
  };
  const put = (size: number): Promise<Item> =>
    database.mail.transact([ref], (of) => of(ref).addItem(inbox, { ...newItem('x', clock.now()), size }));
  return {
    letters,
    add: (size: number) => watched(() => put(size)),
    put,
    remove: (item: Item) => database.mail.transact([ref], (of) => of(ref).deleteItem(item)),
    watched,
    giveQuota: (quotaBytes: number) => {
      account = { ...account, quotaBytes };
    },
  };
}

test('a mailbox that comes to 90 % is told of once, until it is below again', async () => {
  const { add, put, remove, letters, watched } = await open();
  expect(await add(8 * MiB)).toBe(0);
  expect(await add(0.9 * MiB)).toBe(0);
  expect(await add(0.2 * MiB)).toBe(1);
  expect(letters[0]).toContain('From: Mailstead <postmaster@ours.example>');
  expect(letters[0]).toContain('To: Alice <alice@ours.example>');
  expect(letters[0]).toContain('It may hold 10 MB, ');
  expect(letters[0]).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(await add(100)).toBe(0);
  const large = await put(0.5 * MiB);
  await remove(large);
  expect(await add(100)).toBe(0);
  // At 9.1 of 10; without the large one it falls below 9 only if more goes.
  const more = await put(0.1 * MiB);
  await remove(more);
  expect(await watched(() => Promise.all([put(100), put(100), put(100)]))).toBe(0);
});

test('one that was below again is told of again, however it comes back', async () => {
  const { add, put, remove } = await open();
  const large = await put(5 * MiB);
  expect(await add(4.2 * MiB)).toBe(1);
  await remove(large);
  expect(await add(5 * MiB)).toBe(1);
  expect(await add(100)).toBe(0);
});

test('of many messages at once one notice comes, and none for the same to one with another quota of its own', async () => {
  const { add, put, watched, giveQuota } = await open();
  expect(await watched(() => Promise.all(Array.from({ length: 20 }, () => put(0.5 * MiB))))).toBe(1);
  giveQuota(20 * MiB);
  expect(await add(0.1 * MiB)).toBe(0);
  expect(await add(9 * MiB)).toBe(1);
  giveQuota(1 * MiB);
  expect(await add(100)).toBe(1);
  expect(await add(100)).toBe(0);
});

import { expect, test } from 'vitest';
import type { RetentionRule } from '#directory/kept';
import { RetentionPolicies } from '#directory/retention';
import { ChangeKind, listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import { type FolderId, type ItemId, type MailboxRef, mailboxOf } from '#domain/ids';
import { changeMarks, Mailbox } from '#domain/mailbox';
import { isJunk } from '#domain/placement';
import { silentLogger } from '#telemetry/log';
import { dayMs, enabledUser, hourMs, inbox, openMaintained } from '#test/support/maintenance';
import { newItem } from '#test/support/new-item';
import { StoredDirectory } from './directory-store.ts';
import { Maintenance } from './maintenance.ts';

const trash = defaultFolder(FolderType.DeletedItems);
const sent = defaultFolder(FolderType.SentItems);
const drafts = defaultFolder(FolderType.Drafts);

async function open() {
  const site = await openMaintained();
  const { clock, database, organization } = site;
  const { ref } = await enabledUser(site.directory, organization, 'alice');
  const policies = new RetentionPolicies(new StoredDirectory(database), () => 'policy');
  const put = async (...rules: RetentionRule[]) => {
    const known = await policies.find(organization);
    await policies.put(organization, { id: known?.id, name: 'p', description: undefined, rules });
  };
  const reader = database.mail.mailbox(ref);
  const add = (folder: FolderId, subject: string, receivedMs = clock.now(), to: MailboxRef = ref) =>
    database.mail.transact([to], (of) => of(to).addItem(folder, newItem(subject, receivedMs)));
  const subjects = async (folder: FolderId) => {
    const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 1000 });
    const ids = places.map(({ item }) => item as ItemId);
    const items = await reader.items(folder, ids);
    return items.map((item) => item?.envelope.subject).sort();
  };
  const mailbox = new Mailbox(database.mail, ref);
  /** As the hourly runs of a server that is up. */
  const days = async (n: number) => {
    for (let day = 0; day < n; day++) await site.run(dayMs);
  };
  return { ...site, days, ref, policies, put, reader, add, subjects, mailbox };
}

const rule = (
  folder: RetentionRule['folder'],
  action: RetentionRule['action'],
  periodDays?: number,
): RetentionRule => ({ folder, action, periodDays });

test('retention: mail that has lain in a folder for the period goes as its action says, and devices are told', async () => {
  const { put, reader, add, subjects, days } = await open();
  const junk = (await reader.folders()).find(isJunk)?.id ?? inbox;
  await put(
    rule('INBOX', 'DELETE', 10),
    rule('SENT_ITEMS', 'PERMANENTLY_DELETE', 10),
    rule('DRAFTS', 'NONE', 10),
    rule('JUNK_EMAIL', 'PERMANENTLY_DELETE', 10),
    rule('DELETED_ITEMS', 'DELETE', 10),
  );
  for (const folder of [inbox, sent, drafts, junk, trash]) await add(folder, `old ${folder}`);
  await days(5);
  for (const folder of [inbox, sent, drafts, junk, trash]) await add(folder, `new ${folder}`);
  await days(5);
  const before = await reader.lastSeq();
  expect(await subjects(inbox)).toEqual([`new ${inbox}`, `old ${inbox}`]);
  // When something came is noted once a day.
  await days(1);
  expect(await subjects(inbox)).toEqual([`new ${inbox}`]);
  expect(await subjects(sent)).toEqual([`new ${sent}`]);
  expect(await subjects(drafts)).toEqual([`new ${drafts}`, `old ${drafts}`]);
  expect(await subjects(junk)).toEqual([`new ${junk}`]);
  expect(await subjects(trash)).toEqual([`new ${trash}`, `old ${inbox}`]);
  const told = async (folder: FolderId) =>
    (await reader.changes(folder, before, 100)).rows.flatMap(({ device, changes }) => [
      device,
      ...changes.map(({ kind }) => kind),
    ]);
  expect(await told(inbox)).toEqual([undefined, ChangeKind.Delete]);
  expect(await told(sent)).toEqual([undefined, ChangeKind.Delete]);
  // What was moved there begins anew.
  await days(10);
  expect(await subjects(trash)).toEqual([`new ${inbox}`, `old ${inbox}`]);
  await days(1);
  expect(await subjects(trash)).toEqual([`new ${inbox}`]);
});

test('retention: what was changed, or came into the folder, within the period stays', async () => {
  const { database, ref, mailbox, put, add, subjects, days } = await open();
  await put(rule('INBOX', 'PERMANENTLY_DELETE', 10));
  await days(1);
  const [marked, moved] = [await add(inbox, 'marked'), await add(sent, 'moved')];
  await add(inbox, 'left');
  await days(8);
  await database.mail.transact([ref], async (of) => changeMarks(of(ref), marked, { read: true }));
  await mailbox.moveItems([moved.id], sent, inbox);
  await days(2);
  expect(await subjects(inbox)).toEqual(['left', 'marked', 'moved']);
  await days(1);
  expect(await subjects(inbox)).toEqual(['marked', 'moved']);
  await days(7);
  expect(await subjects(inbox)).toEqual(['marked', 'moved']);
  await days(1);
  expect(await subjects(inbox)).toEqual([]);
});

test('retention: a policy finds mail that was there before it, in every mailbox of its organisation and no other, once a day', async () => {
  const { clock, directory, organization, database, put, policies, add, subjects, run, days } = await open();
  const bob = await enabledUser(directory, organization, 'bob');
  const other = await directory.createOrganization({ alias: 'other' });
  const carl = await directory.createUser(other, { name: 'carl', displayName: 'Carl' });
  await directory.registerToWorkMail(other, carl, 'carl@other.mailstead.test');
  const his = { organization: other, mailbox: mailboxOf(carl) };
  const left = async (ref: MailboxRef) => (await database.mail.mailbox(ref).usage()).items;
  const old = clock.now() - 400 * dayMs;
  for (let n = 0; n < 250; n++) await add(inbox, `m${n}`, old + n);
  for (const ref of [bob.ref, his]) await add(inbox, 'old', old, ref);
  // The weekly visit has noted them.
  await days(8);
  await add(inbox, 'young');
  await put(rule('INBOX', 'PERMANENTLY_DELETE', 30));
  await days(28);
  expect(await subjects(inbox)).toHaveLength(251);
  await put(rule('INBOX', 'PERMANENTLY_DELETE', 29));
  await run(hourMs);
  expect(await subjects(inbox)).toHaveLength(251);
  await days(1);
  expect(await subjects(inbox)).toEqual(['young']);
  expect([await left(bob.ref), await left(his)]).toEqual([0, 1]);
  await policies.delete(organization, 'policy');
  await days(2);
  expect(await subjects(inbox)).toEqual(['young']);
});

test('retention: a policy that is taken back while it is applied deletes nothing in the mailboxes that are left', async () => {
  const { clock, database, directory, organization, ref, put, policies, add, days } = await open();
  const bob = await enabledUser(directory, organization, 'bob');
  const old = clock.now() - 400 * dayMs;
  for (const to of [ref, bob.ref]) await add(inbox, 'old', old, to);
  await days(40);
  await put(rule('INBOX', 'PERMANENTLY_DELETE', 30));
  // The first removal is followed by the withdrawal.
  const mail = new Proxy(database.mail, {
    get(target, name) {
      if (name === 'transact') {
        const transact: typeof target.transact = async (...given) => {
          const result = await target.transact(...given);
          await policies.delete(organization, 'policy');
          return result;
        };
        return transact;
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  clock.move(dayMs);
  await new Maintenance({ ...database, mail, clock, log: silentLogger }).runDue(clock.now());
  const left = await Promise.all(
    [ref, bob.ref].map(async (one) => (await database.mail.mailbox(one).usage()).items),
  );
  expect(left.toSorted()).toEqual([0, 1]);
});

test('retention: a clock that leaps by years deletes nothing within a day, and one that comes back is no end of it', async () => {
  const { clock, put, add, subjects, run, days } = await open();
  await put(rule('INBOX', 'PERMANENTLY_DELETE', 30));
  await days(1);
  await add(inbox, 'young');
  await days(1);
  await run(700 * dayMs);
  await run(23 * hourMs);
  expect(await subjects(inbox)).toEqual(['young']);
  clock.move(-700 * dayMs - 23 * hourMs);
  await days(29);
  expect(await subjects(inbox)).toEqual(['young']);
  await days(2);
  expect(await subjects(inbox)).toEqual([]);
});

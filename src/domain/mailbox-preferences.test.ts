import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { silentLogger } from '#telemetry/log';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { noAutomaticReply } from './automatic-reply.ts';
import { ChangeKind, listEnd, listStart } from './change.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { FolderId, QueueId } from './ids.ts';
import { deliverItem } from './inbox-rules.ts';
import type { GivenMailRule } from './mail-rule-check.ts';
import { MailboxPreferences } from './mailbox-preferences.ts';
import { QueueRunner } from './queue-runner.ts';

const inbox = defaultFolder(FolderType.Inbox);
const isOwn = () => false;

async function start() {
  const database = await tempDatabase();
  const organization = tempOrganization(database);
  const ref = await tempMailbox(database, organization);
  const { mail } = database;
  const preferences = new MailboxPreferences(mail, { bytes: (length) => randomBytes(length) });
  const folders = async () => (await mail.mailbox(ref).folders()).slice(10);
  const count = async (folder: FolderId) =>
    (await mail.mailbox(ref).list(folder, { from: listStart, to: listEnd, limit: 10 })).length;
  return { mail, organization, ref, preferences, folders, count };
}

function moves(...paths: readonly string[]): readonly GivenMailRule[] {
  return paths.map((moveToFolder) => ({
    name: moveToFolder,
    enabled: true,
    conditions: {},
    exceptions: {},
    actions: { moveToFolder },
    stopProcessing: false,
  }));
}

const pathsOf = (rules: readonly GivenMailRule[]) => rules.map(({ actions }) => actions.moveToFolder);

test('folders are found in any case and made once; a slash in a name is escaped', async () => {
  const { ref, preferences, folders } = await start();
  const put = (...paths: readonly string[]) => preferences.putMailRules(ref, moves(...paths), isOwn);
  expect(pathsOf(await put('inbox/Bills', 'INBOX/bills/2026', 'A\\/B', 'C\\\\D'))).toEqual([
    'Inbox/Bills',
    'Inbox/Bills/2026',
    'A\\/B',
    'C\\\\D',
  ]);
  const made = (await folders()).map(({ name }) => name);
  expect(made).toEqual(['Bills', '2026', 'A/B', 'C\\D']);
  await put('A\\/B', 'inbox/bills', 'c\\\\d');
  expect((await folders()).map(({ name }) => name)).toEqual(made);
});

test.each([
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  ' ',
  'a\nb',
  'x'.repeat(257),
  'a/'.repeat(20).concat('a'),
  'Outbox',
  'Tasks/x',
])('the path %j is refused, and nothing is made', async (path) => {
  const { ref, preferences, folders } = await start();
  const put = preferences.putMailRules(ref, moves('New', path), isOwn);
  await expect(put).rejects.toMatchObject({ code: 'request/invalid' });
  expect(await folders()).toEqual([]);
});

test('a rule means its folder under another name too; without it the message is in the Inbox', async () => {
  const { mail, ref, preferences, folders, count } = await start();
  await preferences.putMailRules(ref, moves('Bills'), isOwn);
  const [folder] = await folders();
  if (folder === undefined) throw new Error('no folder was made');
  const deliver = async () => {
    const place = (await preferences.of(ref))?.rules[0]?.actions.moveToFolder?.folder ?? inbox;
    const plan = { folder: place, isRead: false, passedOn: undefined, reply: undefined };
    await mail.transact([ref], (of, outbound) => deliverItem(of(ref), outbound, newItem('x', 0), plan));
  };
  await mail.transact([ref], async (of) => of(ref).putFolder({ ...folder, name: 'Paid' }));
  expect(pathsOf(await preferences.mailRules(ref))).toEqual(['Paid']);
  await deliver();
  expect([await count(folder.id), await count(inbox)]).toEqual([1, 0]);
  await mail.transact([ref], async (of) => {
    of(ref).deleteFolder(folder.id);
    await of(ref).logHierarchy(ChangeKind.Delete, folder.id);
  });
  expect(pathsOf(await preferences.mailRules(ref))).toEqual(['Bills']);
  await deliver();
  expect(await count(inbox)).toBe(1);
});

test('what is in force follows every change, and a reply that is off is none', async () => {
  const { ref, preferences } = await start();
  expect(await preferences.of(ref)).toBeUndefined();
  const reply = { ...noAutomaticReply, state: 'ENABLED' as const };
  await preferences.putAutomaticReply(ref, reply);
  const period = (await preferences.of(ref))?.reply?.period;
  await preferences.putAutomaticReply(ref, reply);
  expect((await preferences.of(ref))?.reply?.period).toBe(period);
  await preferences.putAutomaticReply(ref, { ...reply, externalAudience: 'ALL' });
  expect((await preferences.of(ref))?.reply?.period).not.toBe(period);
  await preferences.putAutomaticReply(ref, noAutomaticReply);
  expect(await preferences.of(ref)).toBeUndefined();
  await preferences.putMailRules(ref, moves('Bills'), isOwn);
  expect((await preferences.of(ref))?.rules).toHaveLength(1);
  await preferences.putMailRules(ref, [], isOwn);
  expect(await preferences.of(ref)).toBeUndefined();
});

test('a message that an older version queued goes to the Inbox, and no rule is asked', async () => {
  const { mail, organization, ref, count } = await start();
  const fail = () => {
    throw new Error('a rule was asked');
  };
  const clock = fixedClock(0);
  const runner = new QueueRunner(mail, clock, silentLogger, { plan: fail, wake: () => undefined });
  const id = randomBytes(16).toString('hex') as QueueId;
  const recipients = [ref.mailbox];
  await mail.enqueue([{ id, organization, acceptedMs: 0, recipients, item: newItem('old', 0) }]);
  runner.start();
  await runner.settled();
  await runner.stop();
  expect(await count(inbox)).toBe(1);
});

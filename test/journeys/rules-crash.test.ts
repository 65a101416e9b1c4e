/** The server is killed right after it took messages for mailboxes with rules and replies: all of it is done, once. */
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { MailboxRef } from '#domain/ids';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempDatabase, tempFolder } from '#test/support/temp-store';
import { ServerProcess } from './server-process.ts';

/** More than one transaction holds. */
const members = 66;
const senders = 10;

test('every copy, redirect and reply is there once', async () => {
  let isHolding = true;
  const next = await startNextServer({
    onMessage: () => (isHolding ? new Promise<undefined>(() => undefined) : undefined),
  });
  const dataDir = join(await tempFolder(), 'data');
  const settings = {
    MAILSTEAD_QUICK_SETUP: 'false',
    MAILSTEAD_OUTBOUND_RELAY: `smtp://127.0.0.1:${next.port}`,
  };
  const first = await ServerProcess.start({ dataDir, settings });
  const admin = (operation: string, input: object) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const OrganizationId = String((await admin('CreateOrganization', { Alias: 'test' }))['OrganizationId']);
  const GroupId = String((await admin('CreateGroup', { OrganizationId, Name: 'staff' }))['GroupId']);
  const staff = 'staff@test.mailstead.test';
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: GroupId, Email: staff });
  const addUser = async (n: number) => {
    const user = { OrganizationId, Name: `user${n}`, DisplayName: `User ${n}` };
    const id = String((await admin('CreateUser', user))['UserId']);
    const Email = `user${n}@test.mailstead.test`;
    await admin('RegisterToWorkMail', { OrganizationId, EntityId: id, Email });
    await admin('AssociateMemberToGroup', { OrganizationId, GroupId, MemberId: id });
    const Rules = [{ Name: 'home', Actions: { RedirectTo: [`home${n}@one.example`], MarkAsRead: true } }];
    await admin('Mailstead.PutMailRules', { OrganizationId, UserId: id, Rules });
    return id;
  };
  const users = await Promise.all(Array.from({ length: members }, (_, n) => addUser(n)));
  const away = { State: 'ENABLED', ExternalMessage: 'Away', ExternalAudience: 'ALL' };
  await admin('Mailstead.PutAutomaticReply', { OrganizationId, UserId: users[0], ...away });

  const client = await SmtpClient.greeted(await first.address('smtp'));
  const own = 'user0@test.mailstead.test';
  for (let n = 0; n < senders; n++) {
    const { code } = await client.mail(`sender${n}@two.example`, [own], `To: ${own}\r\n\r\nText\r\n`);
    expect(code).toBe(250);
  }
  const { code } = await client.mail('sender0@two.example', [staff], `To: ${staff}\r\n\r\nText\r\n`);
  expect(code).toBe(250);
  await first.end('SIGKILL');
  isHolding = false;

  const second = await ServerProcess.start({ dataDir, settings });
  const all = members + senders + senders;
  await next.arrived(all);
  const queued = () => admin('Mailstead.ListQueue', { OrganizationId });
  await expect.poll(async () => (await queued())['Messages'], { timeout: 20_000 }).toEqual([]);
  await second.end('SIGTERM');
  const expected = [
    ...users.map((_, n) => `home${n}@one.example`),
    ...Array.from({ length: senders }, () => 'home0@one.example'),
    ...Array.from({ length: senders }, (_, n) => `sender${n}@two.example`),
  ];
  expect(next.mails.flatMap(({ to }) => to).toSorted()).toEqual(expected.toSorted());
  const { mail } = await tempDatabase({ folder: dirname(dataDir) });
  const counts = await Promise.all(
    users.map(async (mailbox) => {
      const reader = mail.mailbox({ organization: OrganizationId, mailbox } as MailboxRef);
      const range = { from: listStart, to: listEnd, limit: 100 };
      return (await reader.list(defaultFolder(FolderType.Inbox), range)).length;
    }),
  );
  expect(counts).toEqual(users.map((_, n) => (n === 0 ? senders + 1 : 1)));
}, 120_000);

import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { MailboxRef } from '#domain/ids';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempDatabase } from '#test/support/temp-store';
import { acme, startDirectorySite } from './directory-site.ts';

const accepted = /^250 2\.0\.0 /;
const at = (name: string) => `${name}@${acme}`;

test('mail to a room, its alias and its tag is in its mailbox; none once it is disabled or deleted', async () => {
  const { directory, store, organization, enable, user, room, send, inbox } = await startDirectorySite();
  const [blue, alice] = [await room('blue'), await user('alice')];
  expect(await send([at('Blue'), at('alice')])).toMatch(accepted);
  expect(await send([at('azure')])).toMatch(/^550 5\.1\.1 /);
  await directory.createAlias(organization, blue, at('azure'));
  for (const name of ['azure', 'blue+projector']) expect(await send([at(name)])).toMatch(accepted);
  expect([await inbox(blue), await inbox(alice)]).toEqual([3, 1]);
  // A new name counts for the next message and loses nothing.
  await directory.resources.update(organization, blue, { name: 'green' });
  expect(await send([at('blue')])).toMatch(accepted);
  await directory.deregisterFromWorkMail(organization, blue);
  for (const name of ['blue', 'azure']) expect(await send([at(name)])).toMatch(/^550 5\.2\.1 /);
  await enable(blue, at('blue'));
  expect(await send([at('azure')])).toMatch(accepted);
  expect(await inbox(blue)).toBe(5);
  await directory.deregisterFromWorkMail(organization, blue);
  await directory.resources.delete(organization, blue);
  for (const name of ['blue', 'azure', 'green']) {
    expect(await send([at(name)])).toMatch(/^550 5\.1\.1 /);
    expect(await store.addressHolder(at(name))).toBeUndefined();
  }
});

test('a program and a phone send to a room, what is journaled counts it, and nobody signs in as it', async () => {
  const server = await startServer();
  const { admin, organization: OrganizationId, addUser, baseUrl, ca, dataDir } = server;
  const [alice, archive] = [await addUser('alice'), await addUser('archive')];
  const Email = 'blue@test.mailstead.test';
  const { ResourceId } = await admin('CreateResource', { OrganizationId, Name: 'blue', Type: 'ROOM' });
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: ResourceId, Email });
  await admin('Mailstead.PutJournaling', {
    OrganizationId,
    Enabled: true,
    JournalingAddress: archive.address,
  });
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  await client.startTls();
  await client.command('EHLO client.example');
  const plain = (user: string, password: string) =>
    `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`;
  for (const user of [Email, 'blue']) {
    expect((await client.command(plain(user, alice.password))).line).toMatch(/^535 /);
  }
  expect((await client.command(plain(alice.address, alice.password))).code).toBe(235);
  const mail = `From: ${alice.address}\r\nTo: ${Email}\r\nSubject: Hello\r\n\r\nHi\r\n`;
  expect((await client.mail(alice.address, [Email], mail)).line).toMatch(accepted);
  client.close();
  const phone = new EasClient({
    baseUrl,
    ca,
    user: alice.address,
    password: alice.password,
    version: '16.1',
  });
  await phone.provision();
  expect((await phone.sendMail(mail)).body.length).toBe(0);
  await server.server.stop();
  const database = await tempDatabase({ folder: dirname(dataDir) });
  const range = { from: listStart, to: listEnd, limit: 100 };
  const inboxOf = async (mailbox: unknown) => {
    const reader = database.mail.mailbox({ organization: OrganizationId, mailbox } as MailboxRef);
    return (await reader.list(defaultFolder(FolderType.Inbox), range)).length;
  };
  expect([await inboxOf(ResourceId), await inboxOf(archive.id)]).toEqual([2, 2]);
});

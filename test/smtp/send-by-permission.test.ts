/** Mail sent by the right of somebody else, at submission and by a phone: who it is from, and what becomes of all that follows. */
import { expect, test } from 'vitest';
import { EasClient } from '#test/support/eas-client';
import { journalRecord } from '#test/support/journal-record';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestUser } from '#test/support/start-server';

const domain = 'test.mailstead.test';
const [boss, deputy, team] = [`boss@${domain}`, `deputy@${domain}`, `team@${domain}`] as const;
const away = 'carol@away.example';

/** The deputy may send as the boss and as the team, and on behalf of the chair. */
async function start() {
  const next = await startNextServer();
  const server = await startServer({
    settings: {
      MAILSTEAD_OUTBOUND_RELAY: `smtp://127.0.0.1:${next.port}`,
      MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
      MAILSTEAD_SUBMISSION_SENT_COPY: 'true',
    },
  });
  const { admin, organization: OrganizationId } = server;
  const [chief, own, chair] = [
    await server.addUser('boss'),
    await server.addUser('deputy'),
    await server.addUser('chair'),
  ];
  const { GroupId } = await admin('CreateGroup', { OrganizationId, Name: 'team' });
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: GroupId, Email: team });
  await admin('CreateAlias', { OrganizationId, EntityId: chief.id, Alias: `chief@${domain}` });
  const grant = (EntityId: string, value: string, GranteeId = own.id) =>
    admin('PutMailboxPermissions', { OrganizationId, EntityId, GranteeId, PermissionValues: [value] });
  await grant(chief.id, 'SEND_AS');
  await grant(String(GroupId), 'SEND_AS');
  await grant(chair.id, 'SEND_ON_BEHALF');
  return { next, server, admin, OrganizationId, grant, chief, own, chair };
}

async function signedIn({ server }: Awaited<ReturnType<typeof start>>, user: TestUser): Promise<SmtpClient> {
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  const login = Buffer.from(`\0${user.address}\0${user.password}`).toString('base64');
  expect((await client.command(`AUTH PLAIN ${login}`)).code).toBe(235);
  return client;
}

const mail = (from: string, more = '') =>
  `From: ${from}\r\n${more}To: ${away}\r\nSubject: Hello\r\n\r\nHi\r\n`;
const authorsOf = (raw = '') => raw.match(/^(?:From|Sender):.*(?=\r$)/gm);
const chairAddress = `chair@${domain}`;

test('submission: SEND_AS and SEND_ON_BEHALF by reverse-path, From and Sender', async () => {
  const site = await start();
  const client = await signedIn(site, site.own);
  const ownSender = `Sender: "Deputy" <${deputy}>`;
  const accepted: [string, string, string, readonly string[]][] = [
    [boss, mail(`The Boss <${boss}>`), boss, [`From: The Boss <${boss}>`]],
    [boss.toUpperCase(), mail(boss), boss, [`From: ${boss}`]],
    [deputy, mail(boss), deputy, [`From: ${boss}`]],
    ['', mail(boss), '', [`From: ${boss}`]],
    [boss, mail(deputy), boss, [`From: ${deputy}`]],
    [boss, mail(boss, `Sender: ${deputy}\r\n`), boss, [`From: ${boss}`, `Sender: ${deputy}`]],
    [team, mail(`Team <${team}>`), deputy, [`From: Team <${team}>`]],
    [deputy, mail(chairAddress), deputy, [`From: ${chairAddress}`, ownSender]],
    [
      deputy,
      mail(chairAddress, `Sender: D <${deputy}>\r\n`),
      deputy,
      [`From: ${chairAddress}`, `Sender: D <${deputy}>`],
    ],
  ];
  for (const [n, [from, raw, reversePath, authors]] of accepted.entries()) {
    expect((await client.mail(from, [away], raw)).line, `${from} ${raw}`).toMatch(/^250 2\.0\.0 /);
    await site.next.arrived(n + 1);
    expect(site.next.mails[n]?.from).toBe(reversePath);
    expect(authorsOf(site.next.mails[n]?.raw)).toEqual(authors);
    // Signed for the author's domain.
    expect(site.next.mails[n]?.raw).toMatch(/^DKIM-Signature:[^:]*\bd=test\.mailstead\.test;/m);
  }
  const unsent = await client.command(`MAIL FROM:<${chairAddress}>`);
  expect(unsent.line).toMatch(/^553 5\.7\.1 /);
  for (const address of [`chief@${domain}`, 'boss@away.example', `boss+x@${domain}`]) {
    expect((await client.command(`MAIL FROM:<${address}>`)).line).toMatch(/^553 5\.7\.1 /);
  }
  const refused = [
    mail(`chief@${domain}`),
    mail(`${boss}, ${deputy}`),
    mail(boss, `From: ${chairAddress}\r\n`),
    mail(boss, `Sender: ${chairAddress}\r\n`),
    mail(deputy, `Sender: ${boss}\r\n`),
    mail(chairAddress, `Sender: ${chairAddress}\r\n`),
    mail(chairAddress, `Sender: ${boss}\r\n`),
    mail('boss@away.example'),
  ];
  for (const raw of refused) {
    expect((await client.mail(deputy, [away], raw)).line, raw).toMatch(/^550 5\.7\.1 /);
  }
  // At once, in the same session.
  const { OrganizationId } = site;
  const grant = { OrganizationId, EntityId: boss, GranteeId: deputy };
  await site.admin('DeleteMailboxPermissions', grant);
  expect((await client.command(`MAIL FROM:<${boss}>`)).line).toMatch(/^553 5\.7\.1 /);
  expect((await client.mail(deputy, [away], mail(boss))).line).toMatch(/^550 5\.7\.1 /);
  client.close();
  expect(site.next.mails).toHaveLength(accepted.length);
});

test('what follows mail that was sent as somebody: Sent Items, journal record, automatic reply, report of success', async () => {
  const site = await start();
  const { next, server, admin, OrganizationId, own, chief } = site;
  const { baseUrl, ca } = server;
  const phoneOf = async ({ address: user, password }: TestUser) => {
    const phone = new EasClient({ baseUrl, ca, user, password, version: '16.1' });
    await phone.provision();
    await phone.folderSync();
    return phone;
  };
  const [phone, bossPhone] = [await phoneOf(own), await phoneOf(chief)];
  const reader = await server.addUser('reader');
  await admin('Mailstead.PutJournaling', {
    OrganizationId,
    Enabled: true,
    JournalingAddress: 'box@archive.example',
  });
  await admin('Mailstead.PutAutomaticReply', {
    OrganizationId,
    UserId: reader.id,
    State: 'ENABLED',
    InternalMessage: 'Away',
    ExternalMessage: 'Away',
    ExternalAudience: 'ALL',
  });
  const count = async (of: EasClient, folder: number) => (await of.syncAll(of.folder(folder))).size;
  const client = await signedIn(site, own);
  await client.command(`MAIL FROM:<${boss}>`);
  await client.command(`RCPT TO:<${reader.address}> NOTIFY=SUCCESS`);
  await client.command('DATA');
  expect((await client.command(`${mail(boss).replace(away, reader.address)}.`)).line).toMatch(
    /^250 2\.0\.0 /,
  );
  client.close();
  await phone.sendMail(mail(chairAddress, 'Cc: x@away.example\r\n'));
  // The boss has the report and the reply; the deputy has both messages in Sent Items.
  await expect.poll(() => count(bossPhone, 2), { timeout: 30_000 }).toBe(2);
  expect([await count(phone, 5), await count(bossPhone, 5), await count(phone, 2)]).toEqual([2, 0, 0]);
  const records = () => next.mails.filter(({ to }) => to.includes('box@archive.example'));
  await expect.poll(() => records().length, { timeout: 30_000 }).toBe(4);
  const senders = records().map(({ raw }) => journalRecord(raw).lines[0]);
  expect(senders.toSorted()).toEqual(
    [`Sender: ${boss}`, 'Sender: <>', 'Sender: <>', `Sender: ${deputy}`].toSorted(),
  );
});

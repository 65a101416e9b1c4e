/** Every message in or out makes one journal record, however many recipients there are. */
import { expect, test } from 'vitest';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { el } from '#protocols/activesync/wbxml/element';
import { startDns } from '#test/support/dns-responder';
import { EasClient } from '#test/support/eas-client';
import { journalRecord } from '#test/support/journal-record';
import { type NextServer, type NextServerOptions, startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

const patiently = { timeout: 20_000 };
const archive = 'box@archive.example';
const journaling = 'journaling@test.mailstead.test';
const staff = 'staff@test.mailstead.test';
const all = 'all@test.mailstead.test';

interface Site {
  readonly server: TestServer;
  readonly next: NextServer;
  readonly settings: Record<string, string>;
  readonly alice: TestUser;
  readonly bob: TestUser;
  /** The records that have arrived, when there are so many. */
  records(count: number): Promise<ReturnType<typeof journalRecord>[]>;
}

/** A server whose organisation journals to `archive`; every other domain has the next server. */
async function start(options: NextServerOptions = {}, to = archive, folder?: string): Promise<Site> {
  const next = await startNextServer(options);
  const dns = await startDns({
    'archive.example': { a: ['127.0.0.1'] },
    'away.example': { a: ['127.0.0.1'] },
  });
  const settings = {
    MAILSTEAD_DNS_SERVERS: dns,
    MAILSTEAD_OUTBOUND_PORT: String(next.port),
    MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
  };
  const server = await startServer({ settings, ...(folder === undefined ? {} : { folder }) });
  const [alice, bob] = [await server.addUser('alice'), await server.addUser('bob')];
  await journal(server, { Enabled: true, JournalingAddress: to });
  const records = async (count: number) => {
    const arrived = () => next.mails.filter(({ to: [address] }) => address === archive);
    await expect.poll(() => arrived().length, patiently).toBeGreaterThanOrEqual(count);
    await settled(server);
    expect(arrived()).toHaveLength(count);
    return arrived().map(({ raw }) => journalRecord(raw));
  };
  return { server, next, settings, alice, bob, records };
}

function journal({ admin, organization }: TestServer, input: object): Promise<Record<string, unknown>> {
  return admin('Mailstead.PutJournaling', { OrganizationId: organization, ...input });
}

/** Nothing waits to be sent. */
async function settled({ admin, organization }: TestServer): Promise<void> {
  const waiting = async () =>
    (await admin('Mailstead.ListQueue', { OrganizationId: organization }))['Messages'];
  await expect.poll(waiting, patiently).toEqual([]);
}

async function group(server: TestServer, address: string, members: readonly string[]): Promise<string> {
  const OrganizationId = server.organization;
  const Name = address.slice(0, address.indexOf('@'));
  const GroupId = String((await server.admin('CreateGroup', { OrganizationId, Name }))['GroupId']);
  await server.admin('RegisterToWorkMail', { OrganizationId, EntityId: GroupId, Email: address });
  for (const MemberId of members)
    await server.admin('AssociateMemberToGroup', { OrganizationId, GroupId, MemberId });
  return GroupId;
}

/** From another server. */
async function receive({ server }: Site, to: readonly string[], raw: string | Uint8Array): Promise<string> {
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  const { line } = await client.mail('carol@away.example', to, raw);
  client.close();
  return line;
}

async function submit({ server, alice }: Site, to: readonly string[], raw: string): Promise<void> {
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  await client.command(
    `AUTH PLAIN ${Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64')}`,
  );
  expect((await client.mail(alice.address, to, raw)).line).toMatch(/^250 /);
  client.close();
}

const mail = 'From: carol@away.example\r\nSubject: Hello\r\nMessage-ID: <1@away.example>\r\n\r\nText\r\n';

test('mail from another server: one record, every recipient as Recipient, the message as it is in the mailbox', async () => {
  const site = await start();
  const { alice, bob } = site;
  await receive(site, [alice.address, 'BOB+x@test.mailstead.test'], `To: ${alice.address}\r\n${mail}`);
  const [record] = await site.records(1);
  expect(record?.lines).toEqual([
    'Sender: carol@away.example',
    'Subject: Hello',
    'Message-Id: <1@away.example>',
    `Recipient: ${alice.address}`,
    'Recipient: BOB+x@test.mailstead.test',
  ]);
  expect(bob.address).toBe('bob@test.mailstead.test');
  expect(record?.original).toMatch(/^Return-Path: <carol@away\.example>\r\nReceived: from client\.example /);
  expect(record?.original.endsWith(`\r\nTo: ${alice.address}\r\n${mail}`)).toBe(true);
  expect(site.next.mails[0]).toMatchObject({ from: journaling, to: [archive] });
  for (const line of [
    `From: "Mail Journal" <${journaling}>`,
    `To: <${archive}>`,
    'Subject: Hello',
    'Auto-Submitted: auto-generated',
    'Content-Identifier: ExJournalReport',
  ])
    expect(record?.header.split('\r\n')).toContain(line);
});

test('nested groups: a member each once, by the group that was addressed; directly addressed is direct', async () => {
  const site = await start();
  const { server, alice, bob } = site;
  const carol = await server.addUser('carol');
  const inner = await group(server, staff, [bob.id, carol.id]);
  await group(server, all, [alice.id, inner]);
  await group(server, 'empty@test.mailstead.test', []);
  await receive(site, [all, staff, bob.address, 'empty@test.mailstead.test'], mail);
  const [record] = await site.records(1);
  const [, , , ...lines] = record?.lines ?? [];
  expect(lines.toSorted()).toEqual(
    [
      `Recipient: ${alice.address}, Expanded: ${all}`,
      `Recipient: ${carol.address}, Expanded: ${all}`,
      `Recipient: ${bob.address}`,
      'Recipient: empty@test.mailstead.test',
    ].toSorted(),
  );
  // To nobody at all: it was accepted, so it has its record.
  await receive(site, ['empty@test.mailstead.test'], mail);
  expect((await site.records(2))[1]?.lines.slice(3)).toEqual(['Recipient: empty@test.mailstead.test']);
});

test('submission: To, Cc and Bcc by the header, aliases too, here and elsewhere; the message has no Bcc', async () => {
  const site = await start();
  const { server, alice, bob } = site;
  const carol = await server.addUser('carol');
  const Alias = 'robert@test.mailstead.test';
  await server.admin('CreateAlias', { OrganizationId: server.organization, EntityId: bob.id, Alias });
  await group(server, staff, [carol.id, alice.id]);
  const header = `From: ${alice.address}\r\nTo: Rob <Robert@test.mailstead.test>, x@away.example\r\nCc: ${staff}\r\nBcc: b@away.example\r\n`;
  const to = [bob.address, 'x@away.example', staff, 'b@away.example', 'c@away.example'];
  await submit(site, to, `${header}Subject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?=\r\n\r\nText\r\n`);
  const [record] = await site.records(1);
  expect(record?.lines.toSpliced(2, 1)).toEqual([
    `Sender: ${alice.address}`,
    'Subject: Größe',
    `To: ${bob.address}`,
    ...[carol, alice]
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ address }) => `Cc: ${address}, Expanded: ${staff}`),
    'To: x@away.example',
    'Bcc: b@away.example',
    'Bcc: c@away.example',
  ]);
  expect(record?.original).not.toMatch(/^Bcc:/m);
  const sent = site.next.mails.find(({ to: [address] }) => address === 'x@away.example');
  // What leaves is signed on its way.
  const unsigned = sent?.raw.slice(sent.raw.indexOf('Received:')) ?? 'nothing was sent';
  expect(record?.original.endsWith(unsigned)).toBe(true);
});

test('a Message-ID beyond ASCII stands in the record as it was', async () => {
  const site = await start();
  const raw = 'From: carol@away.example\r\nMessage-ID: <größe@away.example>\r\n\r\nText\r\n';
  await receive(site, [site.alice.address], Buffer.from(raw));
  const [record] = await site.records(1);
  expect(record?.lines[2]).toBe('Message-Id: <größe@away.example>');
});

test('500 recipients elsewhere are one record with 500 lines', async () => {
  const site = await start();
  const to = Array.from({ length: 500 }, (_, n) => `somebody.with.a.long.name.${n}@away.example`);
  await submit(site, to, `From: ${site.alice.address}\r\nSubject: to all\r\n\r\nText\r\n`);
  const [record] = await site.records(1);
  expect(record?.lines.slice(3)).toEqual(to.map((address) => `Bcc: ${address}`));
});

test('what a phone sends has one record; sent twice, too', async () => {
  const site = await start();
  const { server, alice, bob } = site;
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: alice.address,
    password: alice.password,
    version: '14.1',
    deviceId: 'phone1',
    deviceType: 'TestPhone',
  });
  await phone.provision();
  const mime = `To: ${bob.address}\r\nBcc: x@away.example\r\nMessage-ID: <p@phone>\r\nSubject: Hi\r\n\r\nText\r\n`;
  const body = el(
    ComposeMail.SendMail,
    el(ComposeMail.ClientId, '1'),
    el(ComposeMail.Mime, Buffer.from(mime)),
  );
  await phone.command('SendMail', body);
  await phone.command('SendMail', body);
  const [record] = await site.records(1);
  expect(record?.lines).toEqual([
    `Sender: ${alice.address}`,
    'Subject: Hi',
    'Message-Id: <p@phone>',
    `To: ${bob.address}`,
    'Bcc: x@away.example',
  ]);
  expect(record?.original).not.toMatch(/^Bcc:/m);
});

test('a bounce to a user has its own record', async () => {
  const site = await start({ onRcpt: (address) => (address === archive ? undefined : '550 5.1.1 Nobody') });
  await submit(site, ['x@away.example'], `From: ${site.alice.address}\r\nSubject: Hello\r\n\r\nText\r\n`);
  const [first, bounce] = await site.records(2);
  expect(first?.lines.slice(3)).toEqual(['Bcc: x@away.example']);
  expect(bounce?.lines.toSpliced(2, 1)).toEqual([
    'Sender: <>',
    'Subject: Undelivered mail',
    `To: ${site.alice.address}`,
  ]);
});

test('two organisations: a record in each, with its own recipients only in the one that received', async () => {
  const site = await start();
  const { server, alice } = site;
  const OrganizationId = String(
    (await server.admin('CreateOrganization', { Alias: 'other' }))['OrganizationId'],
  );
  const dave = { OrganizationId, Name: 'dave', DisplayName: 'Dave', Password: 'Secret-12345' };
  const EntityId = String((await server.admin('CreateUser', dave))['UserId']);
  const Email = 'dave@other.mailstead.test';
  await server.admin('RegisterToWorkMail', { OrganizationId, EntityId, Email });
  const to = { Enabled: true, JournalingAddress: 'other@archive.example' };
  await server.admin('Mailstead.PutJournaling', { OrganizationId, ...to });
  const theirs = () => site.next.mails.filter(({ to: [address] }) => address === 'other@archive.example');
  await submit(site, [Email, 'x@away.example'], `From: ${alice.address}\r\nTo: ${Email}\r\n\r\nText\r\n`);
  const [ours] = await site.records(1);
  expect(ours?.lines.slice(3)).toEqual([`To: ${Email}`, 'Bcc: x@away.example']);
  await expect.poll(() => theirs().length, patiently).toBe(1);
  expect(theirs()[0]?.from).toBe('journaling@other.mailstead.test');
  expect(journalRecord(theirs()[0]?.raw ?? '').lines.slice(3)).toEqual([`To: ${Email}`]);
  // Their own large mail is none of ours; ours to them is stored under both keys.
  await receive(site, [Email], mail);
  await expect.poll(() => theirs().length, patiently).toBe(2);
  await submit(
    site,
    [Email],
    `From: ${alice.address}\r\nTo: ${Email}\r\n\r\n${'x'.repeat(70)}\r\n${'y\r\n'.repeat(40_000)}`,
  );
  const both = await site.records(2);
  await expect.poll(() => theirs().length, patiently).toBe(3);
  expect(both[1]?.original).toBe(journalRecord(theirs()[2]?.raw ?? '').original);
});

test('an archive in the organisation itself gets its records, and makes none', async () => {
  const site = await start({}, 'bob@test.mailstead.test');
  const { server, alice, bob } = site;
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: bob.address,
    password: bob.password,
    version: '14.1',
    deviceId: 'phone1',
    deviceType: 'TestPhone',
  });
  await phone.provision();
  await receive(site, [alice.address], mail);
  await receive(site, [bob.address], mail);
  await settled(server);
  await phone.folderSync();
  expect((await phone.syncAll(String(phone.folder(2)))).size).toBe(3);
});

test('what comes with the mark of a record is a message like any other', async () => {
  const site = await start();
  await receive(site, [site.alice.address], `X-MS-Journal-Report:\r\n${mail}`);
  await receive(site, [site.alice.address], `From: ${journaling}\r\nX-MS-Journal-Report:\r\n${mail}`);
  await site.records(2);
});

test('a record that comes back to the organisation makes none', async () => {
  const site = await start();
  await receive(site, [site.alice.address], mail);
  await site.records(1);
  const [record] = site.next.mails;
  await receive(site, [site.alice.address], Buffer.from(record?.raw ?? '', 'latin1'));
  await receive(site, [site.alice.address], mail);
  await site.records(2);
  const forged = (record?.raw ?? '').replace(/^Message-ID: <[0-9a-f]{32}/m, `Message-ID: <${'0'.repeat(32)}`);
  await receive(site, [site.alice.address], Buffer.from(forged, 'latin1'));
  await site.records(3);
});

test('a user who has seen a record cannot send without one by its Message-ID', async () => {
  const site = await start();
  await receive(site, [site.alice.address], mail);
  await site.records(1);
  const [id = ''] = /^Message-ID: .*$/m.exec(site.next.mails[0]?.raw ?? '') ?? [];
  expect(id).toContain('@');
  const raw = `From: ${site.alice.address}\r\n${id}\r\nSubject: Secret\r\n\r\nText\r\n`;
  await submit(site, ['x@away.example'], raw);
  await site.records(2);
  const phone = new EasClient({
    baseUrl: site.server.baseUrl,
    ca: site.server.ca,
    user: site.alice.address,
    password: site.alice.password,
    version: '14.1',
    deviceId: 'phone1',
    deviceType: 'TestPhone',
  });
  await phone.provision();
  const mime = Buffer.from(`To: x@away.example\r\n${raw}`);
  await phone.command(
    'SendMail',
    el(ComposeMail.SendMail, el(ComposeMail.ClientId, '1'), el(ComposeMail.Mime, mime)),
  );
  await site.records(3);
});

test('25 MiB with bytes beyond ASCII arrive as they came', { timeout: 120_000 }, async () => {
  const site = await start();
  const lines = Buffer.from('Größe \xff '.repeat(300), 'latin1');
  const body = Buffer.concat(
    Array.from({ length: 11_000 }, () => Buffer.concat([lines, Buffer.from('\r\n')])),
  );
  const raw = Buffer.concat([Buffer.from(`Subject: Größe\r\n${mail}`, 'latin1'), body]).subarray(
    0,
    25 * 1024 * 1024 - 2,
  );
  expect(raw.length).toBe(25 * 1024 * 1024 - 2);
  const whole = Buffer.concat([raw, Buffer.from('\r\n')]);
  expect(await receive(site, [site.alice.address], whole)).toMatch(/^250 /);
  const [record] = await site.records(1);
  expect(record?.original.endsWith(whole.toString('latin1'))).toBe(true);
  expect(record?.partHeader).toContain('\r\nContent-Transfer-Encoding: 8bit');
  expect(record?.header).toContain('\r\nContent-Transfer-Encoding: 8bit');
});

test('a record that waits is sent after a restart, once', async () => {
  let isAway = true;
  const folder = await tempFolder();
  const site = await start({ onRcpt: () => (isAway ? '451 4.3.0 Away' : undefined) }, archive, folder);
  const list = async ({ admin, organization }: TestServer) =>
    (await admin('Mailstead.ListQueue', { OrganizationId: organization }))['Messages'] as {
      readonly QueueId: string;
      readonly Kind: string;
      readonly Attempts: number;
    }[];
  await receive(site, [site.alice.address], mail);
  await expect.poll(async () => (await list(site.server))[0]?.Attempts, patiently).toBe(1);
  await site.server.server.stop();
  isAway = false;
  const again = await startServer({ settings: site.settings, folder });
  const [waiting] = await list(again);
  expect(waiting?.Kind).toBe('JOURNAL');
  const OrganizationId = again.organization;
  await again.admin('Mailstead.RetryQueuedMessage', { OrganizationId, QueueId: waiting?.QueueId });
  await receive({ ...site, server: again }, [site.alice.address], mail);
  await site.next.arrived(2);
  await settled(again);
  expect(site.next.mails).toHaveLength(2);
});

test('off there are none; a change counts at once', async () => {
  const site = await start();
  await receive(site, [site.alice.address], mail);
  await journal(site.server, { Enabled: false, JournalingAddress: archive });
  await receive(site, [site.alice.address], mail);
  await journal(site.server, { Enabled: true, JournalingAddress: archive });
  await receive(site, [site.alice.address], mail);
  await site.records(2);
});

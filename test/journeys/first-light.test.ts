import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cleanHtml } from '#mime/clean-html';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, childrenOf, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { largeMailFixture } from '#test/fixtures/mail/large';
import { type ExpectedAttachment, type MailFixture, mailFixtures } from '#test/fixtures/mail/load';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';

const inboxType = 2;
const trashType = 4;
const sentType = 5;
const plain = { type: 1 };
const html = { type: 2 };

function phone(server: TestServer, user: TestUser, version: string, deviceId: string): EasClient {
  return new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: user.address,
    password: user.password,
    version: version as never,
    deviceId,
    deviceType: 'TestPhone',
    base64Query: version === '16.1',
  });
}

/** The 5321 client of an MTA: one connection, TLS, a message after the other. */
async function mta(server: TestServer): Promise<SmtpClient> {
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  await client.startTls();
  await client.command('EHLO client.example');
  return client;
}

/** As an MTA transmits it: lines end with CR LF, and a leading dot is doubled (RFC 5321 §4.5.2). */
function asTransmitted(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  return Buffer.from(text.replace(/^\./gm, '..'), 'latin1');
}

/** What a fixture's message id is found by: its subject is not always unique, so the order of delivery tells. */
async function deliverAll(
  server: TestServer,
  fixtures: readonly MailFixture[],
  to: readonly string[],
): Promise<void> {
  const client = await mta(server);
  for (const { name, raw } of fixtures) {
    const reply = await client.mail('sender@example.org', to, asTransmitted(raw));
    expect(reply.code, `${name}: ${reply.lines.join(' ')}`).toBe(250);
  }
  client.close();
}

/** Items of a folder in the order they came in. */
function inOrder(items: ReadonlyMap<string, Element>): [string, Element][] {
  return [...items].sort(([a], [b]) => Number(a.split(':')[1]) - Number(b.split(':')[1]));
}

const withLf = (text: string) => text.replaceAll('\r\n', '\n');

function checkBody(data: string, whole: string | undefined, pieces: string | readonly string[] | undefined) {
  if (whole !== undefined) {
    expect(withLf(data).trimEnd()).toBe(withLf(whole).trimEnd());
  }
  for (const piece of pieces === undefined ? [] : [pieces].flat()) {
    expect(withLf(data)).toContain(withLf(piece));
  }
}

const shown = async (html: string) => (await cleanHtml(html, Number.POSITIVE_INFINITY)).html;

const bodyOf = (properties: Element | undefined) =>
  textOf(properties, AirSyncBase.Body, AirSyncBase.Data) ?? '';

/** Everything that is expected of a message, read as a phone reads it: the list, then the HTML, then each attachment. */
async function checkMessage(
  device: EasClient,
  [serverId, properties]: [string, Element],
  { expected }: MailFixture,
): Promise<void> {
  // From is never empty on the wire: phones show an error where it is.
  expect(textOf(properties, Email.From)).toBe(expected.from || '"Unknown sender" <unknown@unknown.invalid>');
  expect(textOf(properties, Email.Subject)).toBe(expected.subject);
  expect(textOf(properties, Email.To)).toBe(expected.to);
  expect(integerOf(properties, Email.Importance)).toBe(expected.importance);
  checkBody(bodyOf(properties), expected.text, expected.textContains);
  if (expected.html !== undefined || expected.htmlContains !== undefined) {
    const collectionId = device.folder(inboxType);
    const preference = el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, html.type));
    const fetched = await device.fetch({ collectionId, serverId }, [preference]);
    expect(fetched.status).toBe(1);
    // As it was sent, but for what no phone may run and how the same is written.
    const pieces = expected.htmlContains === undefined ? [] : [expected.htmlContains].flat();
    const whole = expected.html === undefined ? undefined : await shown(expected.html);
    checkBody(bodyOf(fetched.properties), whole, await Promise.all(pieces.map(shown)));
  }
  const listed = childrenOf(child(properties, AirSyncBase.Attachments), AirSyncBase.Attachment);
  expect(listed.map((one) => textOf(one, AirSyncBase.DisplayName)).sort()).toEqual(
    expected.attachments.map(({ name }) => name).sort(),
  );
  for (const attachment of expected.attachments) {
    await checkAttachment(device, listed, attachment);
  }
}

async function checkAttachment(
  device: EasClient,
  listed: readonly Element[],
  expected: ExpectedAttachment,
): Promise<void> {
  const sums: string[] = [];
  for (const one of listed.filter((each) => textOf(each, AirSyncBase.DisplayName) === expected.name)) {
    const fileReference = textOf(one, AirSyncBase.FileReference) ?? '';
    const fetched = await device.fetch({ fileReference });
    expect(fetched.status).toBe(1);
    const data = Buffer.from(textOf(fetched.properties, ItemOperations.Data) ?? '', 'base64');
    sums.push(createHash('sha256').update(data).digest('hex'));
    if (expected.size !== undefined && sums.at(-1) === expected.sha256) {
      expect(data.length).toBe(expected.size);
    }
  }
  expect(sums, expected.name).toContain(expected.sha256);
}

async function inboxOf(device: EasClient, body = plain): Promise<[string, Element][]> {
  return inOrder(await device.syncAll(device.folder(inboxType), { body, windowSize: 25 }));
}

const byReference = (items: ReadonlyMap<string, Element>, subject: string) =>
  [...items].find(([, properties]) => textOf(properties, Email.Subject) === subject)?.[0];

test('mail from an MTA reaches every phone as it was sent', { timeout: 300_000 }, async () => {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const bob = await server.addUser('bob');
  const devices = [
    phone(server, alice, '12.1', 'alicephone'),
    phone(server, alice, '16.1', 'alicetablet'),
    phone(server, bob, '14.1', 'bobphone'),
  ];
  // A NUL cannot stand in a message (RFC 5322 §4): the listener refuses that one.
  const fixtures = mailFixtures().filter(({ raw }) => !raw.includes(0));
  expect(fixtures.length).toBeGreaterThanOrEqual(40);
  await deliverAll(server, fixtures, [alice.address, bob.address]);
  for (const device of devices) {
    await device.provision();
    await device.folderSync();
    const items = await inboxOf(device);
    expect(items.length).toBe(fixtures.length);
    for (const [n, fixture] of fixtures.entries()) {
      const item = items[n];
      expect(item, fixture.name).toBeDefined();
      if (item !== undefined) {
        await checkMessage(device, item, fixture).catch((error: unknown) => {
          throw new Error(`${fixture.name} on ${device.version}: ${String(error)}`, { cause: error });
        });
      }
    }
    expect(device.collection(device.folder(inboxType)).anomalies).toEqual([]);
    device.close();
  }
});

test('a message of 24.9 MB arrives, and its attachment byte for byte', { timeout: 120_000 }, async () => {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const large = largeMailFixture();
  await deliverAll(server, [large], [alice.address]);
  const device = phone(server, alice, '14.1', 'alicephone');
  await device.provision();
  await device.folderSync();
  const [item] = await inboxOf(device);
  expect(item).toBeDefined();
  if (item !== undefined) {
    await checkMessage(device, item, large);
  }
  device.close();
});

interface Household {
  readonly server: TestServer;
  readonly alice: TestUser;
  readonly bob: TestUser;
  readonly alicePhone: EasClient;
  readonly aliceTablet: EasClient;
  readonly bobPhone: EasClient;
  readonly all: readonly EasClient[];
}

async function household(): Promise<Household> {
  // Nobody listens there: mail to others waits.
  const server = await startServer({ settings: { MAILSTEAD_OUTBOUND_RELAY: 'smtp://127.0.0.1:1' } });
  const alice = await server.addUser('alice');
  const bob = await server.addUser('bob');
  const alicePhone = phone(server, alice, '12.1', 'alicephone');
  const aliceTablet = phone(server, alice, '16.1', 'alicetablet');
  const bobPhone = phone(server, bob, '14.1', 'bobphone');
  const all = [alicePhone, aliceTablet, bobPhone];
  for (const device of all) {
    await device.provision();
    await device.folderSync();
    await device.syncAll(device.folder(inboxType), { body: plain });
  }
  return { server, alice, bob, alicePhone, aliceTablet, bobPhone, all };
}

async function deliver(server: TestServer, to: TestUser, subject: string): Promise<void> {
  const client = await mta(server);
  const content = `From: Zoe <zoe@example.org>\r\nTo: ${to.address}\r\nSubject: ${subject}\r\n\r\nHello\r\n`;
  expect((await client.mail('zoe@example.org', [to.address], content)).code).toBe(250);
  client.close();
}

test('new mail is pushed, and what one device does the other sees', { timeout: 60_000 }, async () => {
  const { server, alice, alicePhone, aliceTablet, all } = await household();
  const inbox = alicePhone.folder(inboxType);
  const trash = alicePhone.folder(trashType);

  const pushed = alicePhone.ping([inbox], 600);
  const waiting = aliceTablet.sync(inbox, { body: plain, heartbeatSeconds: 600 });
  await deliver(server, alice, 'Pushed');
  expect(await pushed).toMatchObject({ status: 2, folders: [inbox] });
  expect((await waiting).status).toBe(1);
  const onPhone = await alicePhone.syncAll(inbox, { body: plain });
  const onTablet = aliceTablet.collection(inbox).items;
  const id = byReference(onPhone, 'Pushed') ?? '';
  expect(byReference(onTablet, 'Pushed')).toBe(id);

  const change = (...marks: Element[]) =>
    el(AirSync.Change, el(AirSync.ServerId, id), el(AirSync.ApplicationData, ...marks));
  await alicePhone.sync(inbox, { commands: [change(el(Email.Read, true))] });
  await aliceTablet.syncAll(inbox);
  expect(textOf(aliceTablet.collection(inbox).items.get(id), Email.Read)).toBe('1');

  const flag = el(Email.Flag, el(Email.Status, 2), el(Email.FlagType, 'for Follow Up'));
  await aliceTablet.sync(inbox, { commands: [change(flag)] });
  await alicePhone.syncAll(inbox);
  const seen = child(alicePhone.collection(inbox).items.get(id), Email.Flag);
  expect(textOf(seen, Email.Status)).toBe('2');

  await alicePhone.syncAll(trash, { body: plain });
  await aliceTablet.syncAll(trash, { body: plain });
  const [moved] = await alicePhone.moveItems({ item: id, from: inbox, to: trash } as never);
  expect(moved?.status).toBe(3);
  await aliceTablet.syncAll(inbox);
  expect(aliceTablet.collection(inbox).items.has(id)).toBe(false);
  const inTrash = await aliceTablet.syncAll(trash, { body: plain });
  expect(byReference(inTrash, 'Pushed')).toBe(moved?.destination);

  await deliver(server, alice, 'To be deleted');
  const again = await aliceTablet.syncAll(inbox, { body: plain });
  const doomed = byReference(again, 'To be deleted') ?? '';
  await aliceTablet.sync(inbox, { commands: [el(AirSync.Delete, el(AirSync.ServerId, doomed))] });
  expect(byReference(await alicePhone.syncAll(inbox), 'To be deleted')).toBeUndefined();
  expect(byReference(await alicePhone.syncAll(trash, { body: plain }), 'To be deleted')).toBeDefined();
  for (const device of all) {
    device.close();
  }
});

test('a reply from a phone is there, and in Sent Items', { timeout: 60_000 }, async () => {
  const { server, alice, bob, alicePhone, aliceTablet, bobPhone, all } = await household();
  await deliver(server, bob, 'Question');
  await bobPhone.syncAll(bobPhone.folder(inboxType), { body: plain });
  const mime = `To: ${alice.address}\r\nSubject: Re: Question\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe answer is 42.\r\n`;
  const pushed = alicePhone.ping([alicePhone.folder(inboxType)], 600);
  expect((await bobPhone.sendMail(mime, { saveInSent: true })).status).toBe(200);
  expect((await pushed).status).toBe(2);
  for (const device of [alicePhone, aliceTablet]) {
    const [[, reply] = ['', undefined]] = await inboxOf(device);
    expect(textOf(reply, Email.Subject)).toBe('Re: Question');
    expect(textOf(reply, Email.From)).toContain(bob.address);
    expect(bodyOf(reply)).toContain('The answer is 42.');
  }
  const sent = await bobPhone.syncAll(bobPhone.folder(sentType), { body: plain });
  expect(byReference(sent, 'Re: Question')).toBeDefined();
  const elsewhere = await bobPhone.sendMail(mime.replace(alice.address, 'someone@elsewhere.example'));
  expect([elsewhere.status, elsewhere.body.length]).toEqual([200, 0]);
  const OrganizationId = server.organization;
  const { Messages } = await server.admin('Mailstead.ListQueue', { OrganizationId });
  expect(Messages).toMatchObject([
    { Sender: bob.address, Recipients: [{ Address: 'someone@elsewhere.example' }] },
  ]);
  for (const device of all) {
    device.close();
  }
});

test('a policy stops every device until it provisions; a wipe goes on until the device is removed', {
  timeout: 60_000,
}, async () => {
  const { server, alice, alicePhone, aliceTablet, bobPhone, all } = await household();
  const { organization: OrganizationId } = server;
  const waiting = bobPhone.ping([bobPhone.folder(inboxType)], 600).catch((error: unknown) => error);
  await server.admin('Mailstead.PutMobilePolicy', {
    OrganizationId,
    Policy: { PasswordRequired: true, MinimumPasswordLength: 6, ScreenLockSeconds: 300 },
  });
  await waiting;
  for (const device of all) {
    const key = el(FolderHierarchy.SyncKey, device.folderKey);
    const refused = await device.post('FolderSync', el(FolderHierarchy.FolderSync, key));
    expect(refused.rootStatus ?? refused.status).toBe(device === alicePhone ? 449 : 143);
    const { policy } = await device.provision();
    expect(textOf(policy, Provision.EASProvisionDoc, Provision.MinDevicePasswordLength)).toBe('6');
    expect(await device.folderSync()).toBe(1);
  }

  const target = { OrganizationId, UserId: alice.id, DeviceId: 'alicetablet' };
  await server.admin('Mailstead.WipeMobileDevice', target);
  const status = async () => {
    const { Devices } = await server.admin('Mailstead.ListMobileDevices', { OrganizationId });
    const devices = Devices as { DeviceId: string; Status: string }[];
    return devices.find(({ DeviceId }) => DeviceId === 'alicetablet')?.Status;
  };
  expect(await status()).toBe('WIPE_REQUIRED');
  for (let time = 0; time < 2; time++) {
    const refused = await aliceTablet.post('Ping', undefined);
    expect(refused.rootStatus).toBe(140);
    const { wipe } = await aliceTablet.provision();
    expect(wipe?.tag).toBe(Provision.RemoteWipe);
    if (wipe !== undefined) {
      await aliceTablet.acknowledgeWipe(wipe);
    }
    expect(await status()).toBe('WIPE_SUCCEEDED');
  }
  expect(await alicePhone.folderSync()).toBe(1);
  await server.admin('Mailstead.DeleteMobileDevice', target);
  expect(await status()).toBeUndefined();
  const fresh = phone(server, alice, '16.1', 'alicetablet');
  await fresh.provision();
  expect(await fresh.folderSync()).toBe(1);
  expect((await inboxOf(fresh)).length).toBe(0);
  for (const device of [...all, fresh]) {
    device.close();
  }
});

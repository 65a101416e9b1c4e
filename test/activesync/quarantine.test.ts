import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { EasClient } from '#test/support/eas-client';
import { startServer } from '#test/support/start-server';
import { startEndpoint } from './server.ts';
import { untilWaiting } from './sync-phone.ts';

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const device = 'testdevice0001' as DeviceId;
const subject = 'Your device waits for approval';

async function startQuarantine(options: Parameters<typeof startEndpoint>[0] = {}) {
  const server = await startEndpoint(options);
  await server.access.putSettings(server.organization, { newDevices: 'QUARANTINE' });
  await server.deliver('secret');
  return server;
}

const subjectsOf = (items: ReadonlyMap<string, Element>) =>
  [...items.values()].map((data) => textOf(data, Email.Subject));
const release = (server: Awaited<ReturnType<typeof startEndpoint>>) =>
  server.access.putOverride(server.alice.mailbox, device, { effect: 'ALLOW' });

describe.each(versions)('%s', (version) => {
  test('FolderSync and Sync: a new device sees the folders and one message that says what it waits for', async () => {
    const server = await startQuarantine();
    const phone = server.phone(version);
    await phone.provision();
    expect(await phone.folderSync()).toBe(1);
    expect([...phone.folders.values()].map(({ type }) => type)).toEqual(
      expect.arrayContaining([2, 3, 4, 5, 8, 9]),
    );
    const options = [el(AirSync.Truncation, 9)];
    const asked = version === '2.5' ? { options } : { body: { type: 1 } };
    const inbox = await phone.syncAll(phone.folder(2), asked);
    expect(subjectsOf(inbox)).toEqual([subject]);
    const [message] = inbox.values();
    const page = version === '2.5' ? [Email.Body] : [AirSyncBase.Body, AirSyncBase.Data];
    const text = textOf(message, ...page);
    expect(text).toContain('alice@example.test');
    expect(text).toContain(device);
    // Nothing tells in 2.5 what model it is.
    if (version !== '2.5') expect(text).toContain('Test Phone 1');
    for (const type of [3, 4, 5]) expect((await phone.syncAll(phone.folder(type))).size).toBe(0);
    await server.deliver('another secret');
    expect(subjectsOf(await phone.syncAll(phone.folder(2)))).toEqual([subject]);
    expect(server.letters).toHaveLength(1);
  });

  test('FolderSync, Sync: when it is let out it starts over with what is its user’s (Status 9, Status 3)', async () => {
    const server = await startQuarantine();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    await phone.syncAll(phone.folder(2));
    await release(server);
    expect(await phone.folderSync()).toBe(9);
    phone.folderKey = '0';
    expect(await phone.folderSync()).toBe(1);
    expect((await phone.sync(phone.folder(2))).status).toBe(3);
    phone.collection(phone.folder(2)).reset();
    expect(subjectsOf(await phone.syncAll(phone.folder(2)))).toEqual(['secret']);
  });

  test('everything by which it would get or send something else is refused (129, HTTP 403)', async () => {
    const server = await startQuarantine();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    const refused = isAtLeast(version, '14.0') ? [200, 129] : [403, undefined];
    const sent = await phone.sendMail('From: a@b\r\nTo: bob@example.test\r\n\r\nhello\r\n');
    expect([sent.status, sent.rootStatus]).toEqual(refused);
    if (isAtLeast(version, '12.0')) {
      const addresses = el(Settings.Settings, el(Settings.UserInformation, el(Settings.Get)));
      const asked = await phone.post('Settings', addresses);
      expect([asked.status, asked.rootStatus]).toEqual(refused);
    } else {
      for (const name of ['GetHierarchy', 'CreateCollection', 'GetAttachment']) {
        const query = { CollectionName: 'x', AttachmentName: '1:1:1' };
        expect((await phone.post(name, undefined, { query })).status).toBe(403);
      }
    }
    await phone.syncAll(phone.folder(3));
    const draft = el(
      AirSync.Add,
      el(AirSync.ClientId, 'c1'),
      el(AirSync.ApplicationData, el(Email.Subject, 'draft')),
    );
    const collection = phone.collectionElement(phone.folder(3), { commands: [draft] });
    const added = await phone.post('Sync', el(AirSync.Sync, el(AirSync.Collections, collection)), {
      validateRequest: false,
    });
    expect([added.status, added.rootStatus]).toEqual(refused);
    if (!isAtLeast(version, '12.0')) return;
    const told = el(
      Settings.Settings,
      el(Settings.DeviceInformation, el(Settings.Set, el(Settings.Model, 'another'))),
    );
    expect((await phone.post('Settings', told)).rootStatus).toBe(1);
  });
});

test('Ping and waiting Sync of a device in quarantine hear nothing of its user’s mail, and end when it is let out', async () => {
  const server = await startQuarantine();
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  await phone.syncAll(phone.folder(2));
  const waiting = phone.ping([phone.folder(2)], 60);
  await untilWaiting(server);
  await server.deliver('more');
  const same = phone.sync(phone.folder(2), { heartbeatSeconds: 60 });
  expect((await waiting).status).toBe(1);
  await untilWaiting(server);
  await release(server);
  expect(await same).toMatchObject({ status: 1, commands: undefined });
  expect(await phone.folderSync()).toBe(9);
});

test('Ping of a device in quarantine ends with Status 7 when it is let out', async () => {
  const server = await startQuarantine();
  const phone = server.phone('16.1');
  await phone.provision();
  await phone.folderSync();
  await phone.syncAll(phone.folder(2));
  const waiting = phone.ping([phone.folder(2)], 60);
  await untilWaiting(server);
  await release(server);
  expect((await waiting).status).toBe(7);
});

test('the message can be read, fetched, moved and deleted as any other, and stays so', async () => {
  const server = await startQuarantine();
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  const [item = ''] = (await phone.syncAll(inbox)).keys();
  const fetched = await phone.fetch({ collectionId: inbox, serverId: item });
  expect(textOf(fetched.properties, Email.Subject)).toBe(subject);
  const read = el(
    AirSync.Change,
    el(AirSync.ServerId, item),
    el(AirSync.ApplicationData, el(Email.Read, true)),
  );
  expect((await phone.sync(inbox, { commands: [read] })).status).toBe(1);
  const [moved] = await phone.moveItems({ item, from: inbox, to: phone.folder(4) });
  expect(moved?.status).toBe(3);
  expect((await phone.syncAll(inbox)).size).toBe(0);
  expect((await phone.syncAll(phone.folder(4))).size).toBe(1);
  expect(server.letters).toHaveLength(1);
});

test('a lost answer and two phones at once make one message and one letter', async () => {
  const server = await startQuarantine();
  const phone = server.phone('14.1');
  await phone.provision();
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  await Promise.all([1, 2, 3, 4].map(() => server.phone('14.1').post('FolderSync', body)));
  phone.folderKey = '0';
  const other = server.phone('14.1');
  other.policyKey = phone.policyKey;
  await Promise.all([phone.folderSync(), other.post('FolderSync', body)]);
  await phone.folderSync();
  phone.folderKey = '0';
  await phone.folderSync();
  expect(subjectsOf(await phone.syncAll(phone.folder(2)))).toEqual([subject]);
  const { mailbox } = server.alice;
  expect(await server.devices.list(mailbox)).toHaveLength(1);
});

test('each device has a quarantine of its own; what was known before goes on', async () => {
  const server = await startEndpoint();
  await server.deliver('secret');
  const known = server.phone('14.1', { deviceId: 'known' });
  await known.provision();
  await server.access.putSettings(server.organization, { newDevices: 'QUARANTINE' });
  const [one, two] = [
    server.phone('14.1', { deviceId: 'one', model: 'Model One' }),
    server.phone('14.1', { deviceId: 'two', user: server.bob.address, model: 'Model Two' }),
  ];
  for (const [phone, subjects] of [
    [known, ['secret']],
    [one, [subject]],
    [two, [subject]],
  ] as const) {
    if (phone !== known) await phone.provision();
    await phone.folderSync();
    expect(subjectsOf(await phone.syncAll(phone.folder(2)))).toEqual(subjects);
  }
  const [item] = [...(await two.syncAll(two.folder(2), { body: { type: 1 } })).values()];
  expect(textOf(item, Email.To)).toContain('bob@example.test');
});

test('a device that is put out of quarantine by DENY is refused, and by removal is new again', async () => {
  const server = await startQuarantine();
  const { access, alice, devices } = server;
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  await access.putOverride(alice.mailbox, device, { effect: 'DENY' });
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  expect((await phone.post('FolderSync', body)).rootStatus).toBe(129);
  await access.deleteOverride(alice.mailbox, device);
  await access.putSettings(server.organization, {});
  expect((await phone.post('FolderSync', body)).rootStatus).toBe(1);
  expect(await access.judge(alice.mailbox, await devices.get(alice.mailbox, device))).toMatchObject({
    state: 'QUARANTINED',
  });
  await devices.remove(alice.mailbox, device);
  await phone.provision();
  phone.folderKey = '0';
  await phone.folderSync();
  phone.collection(phone.folder(2)).reset();
  expect(subjectsOf(await phone.syncAll(phone.folder(2)))).toEqual(['secret']);
});

test('a wipe reaches a device in quarantine', async () => {
  const server = await startQuarantine();
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  await server.devices.requestWipe(server.alice.mailbox, device, false);
  const { wipe } = await phone.provision();
  expect(wipe?.tag).toBe(Provision.RemoteWipe);
  expect((await phone.acknowledgeWipe(el(Provision.RemoteWipe))).rootStatus).toBe(1);
});

describe('with the whole server', () => {
  async function startWhole(settings: Readonly<Record<string, unknown>> = {}) {
    const server = await startServer();
    const [alice, admin] = [await server.addUser('alice'), await server.addUser('admin')];
    const call = (operation: string, input: object = {}) =>
      server.admin(operation, { OrganizationId: server.organization, ...input });
    await call('Mailstead.PutMailRouting', { Administrator: admin.id });
    const phoneOf = (user: { address: string; password: string }, deviceId: string) =>
      new EasClient({
        baseUrl: server.baseUrl,
        ca: server.ca,
        user: user.address,
        password: user.password,
        version: '14.1',
        deviceId,
      });
    const [old, admins] = [phoneOf(alice, 'old'), phoneOf(admin, 'admins')];
    for (const phone of [old, admins]) {
      await phone.provision();
      await phone.folderSync();
    }
    await call('Mailstead.PutMobileDeviceAccessSettings', { NewDevices: 'QUARANTINE', ...settings });
    return { server, call, alice, admin, old, admins, fresh: phoneOf(alice, 'fresh') };
  }

  const oneMessage = async (phone: EasClient) => {
    const inbox = phone.folder(2);
    await expect
      .poll(async () => (await phone.syncAll(inbox, { body: { type: 1 } })).size, { timeout: 20_000 })
      .toBe(1);
    const [message] = phone.collection(inbox).items.values();
    return `${textOf(message, Email.Subject)}\n${textOf(message, AirSyncBase.Body, AirSyncBase.Data)}`;
  };

  test('the user and the administrator get a mail each that says what to do; the device is listed and let out', async () => {
    const { call, alice, old, admins, fresh } = await startWhole();
    await fresh.provision();
    await fresh.folderSync();
    expect(await oneMessage(fresh)).toContain(subject);
    expect(await oneMessage(old)).toContain(subject);
    const told = await oneMessage(admins);
    expect(told).toContain(`A device of ${alice.address} waits for approval`);
    expect(told).toContain(`mailstead device allow ${alice.address} fresh`);
    expect(told).toContain(`mailstead device block ${alice.address} fresh`);
    const phone = { UserId: alice.id, DeviceId: 'fresh' };
    expect(await call('Mailstead.DescribeMobileDevice', phone)).toMatchObject({
      AccessState: 'QUARANTINED',
      AccessReason: 'NEW_DEVICE',
    });
    expect((await call('Mailstead.ListMobileDevices', { UserId: alice.id }))['Devices']).toMatchObject([
      { DeviceId: 'fresh', AccessState: 'QUARANTINED' },
      { DeviceId: 'old', AccessState: 'ALLOWED', AccessReason: 'RULE', AccessRules: ['Default'] },
    ]);
    await call('PutMobileDeviceAccessOverride', { ...phone, Effect: 'ALLOW' });
    expect(await call('Mailstead.DescribeMobileDevice', phone)).toMatchObject({
      AccessState: 'ALLOWED',
      AccessReason: 'OVERRIDE',
    });
    expect(await fresh.folderSync()).toBe(9);
    for (const one of [old, admins, fresh]) one.close();
  });

  test('NotifyAddresses are told in place of the administrator', async () => {
    const { admin, old, admins, fresh } = await startWhole({
      NotifyAddresses: ['alice@test.mailstead.test'],
    });
    await fresh.provision();
    await fresh.folderSync();
    const inbox = old.folder(2);
    await expect.poll(async () => (await old.syncAll(inbox)).size, { timeout: 20_000 }).toBe(2);
    expect(admin.address).toContain('admin@');
    expect((await admins.syncAll(admins.folder(2))).size).toBe(0);
    for (const one of [old, admins, fresh]) one.close();
  });

  test('without an administrator whoever has the address postmaster@ is told', async () => {
    const { server, call, admin, old, admins, fresh } = await startWhole();
    await call('Mailstead.PutMailRouting');
    const Alias = 'postmaster@test.mailstead.test';
    await server.admin('CreateAlias', { OrganizationId: server.organization, EntityId: admin.id, Alias });
    await fresh.provision();
    await fresh.folderSync();
    expect(await oneMessage(admins)).toContain('mailstead device allow');
    for (const one of [old, admins, fresh]) one.close();
  });
});

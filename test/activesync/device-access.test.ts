import { describe, expect, test } from 'vitest';
import type { AccessRuleContent } from '#domain/access-rule';
import type { DeviceId } from '#domain/ids';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { type Element, el, has, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint, type TestServer } from './server.ts';

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const device = 'testdevice0001' as DeviceId;

const folderSync = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
const download = (information?: Element) =>
  el(
    Provision.Provision,
    information,
    el(Provision.Policies, el(Provision.Policy, el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML'))),
  );
const told = (model: string, system: string) =>
  el(Settings.DeviceInformation, el(Settings.Set, el(Settings.Model, model), el(Settings.OS, system)));

/** What a command is answered: 200, or the refusal as HTTP status or Status; never anything beside it. */
async function ask(phone: EasClient, name = 'FolderSync', body = folderSync): Promise<number> {
  const { status, rootStatus, element, body: bytes } = await phone.post(name, body);
  if (status !== 200) {
    expect(bytes).toHaveLength(0);
    return status;
  }
  if (rootStatus !== undefined && rootStatus > 100) expect(element?.children).toHaveLength(1);
  return rootStatus === undefined || rootStatus === 1 ? 200 : rootStatus;
}

/** Both phases, without a word of what it is. */
async function provisionSilently(phone: EasClient): Promise<void> {
  const keyOf = (root: Element | undefined) =>
    textOf(root, Provision.Policies, Provision.Policy, Provision.PolicyKey) ?? '';
  const type = el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');
  const key = keyOf((await phone.command('Provision', download())).element);
  const acknowledged = el(Provision.Policy, type, el(Provision.PolicyKey, key), el(Provision.Status, 1));
  const done = await phone.command(
    'Provision',
    el(Provision.Provision, el(Provision.Policies, acknowledged)),
  );
  phone.policyKey = Number(keyOf(done.element));
}

const isOld = (version: ProtocolVersion) => !isAtLeast(version, '14.0');
const blockedIn = (version: ProtocolVersion) => (isOld(version) ? 403 : 129);

async function onlyRule(server: TestServer, rule: Partial<AccessRuleContent>): Promise<void> {
  const content = { name: 'the only one', effect: 'ALLOW', conditions: {}, ...rule } as const;
  await server.access.updateRule(server.organization, 'default', content);
}

describe.each(versions)('%s', (version) => {
  test('a device that a rule denies is refused (129, HTTP 403) at every command, Provision too; OPTIONS answers', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    await server.access.createRule(server.organization, {
      name: 'no test phones',
      effect: 'DENY',
      conditions: { type: { any: ['testph'] } },
    });
    const sync = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, phone.folderKey));
    expect(await ask(phone, 'FolderSync', sync)).toBe(blockedIn(version));
    expect(await ask(phone, 'Provision', download())).toBe(blockedIn(version));
    if (isAtLeast(version, '12.0')) {
      const oof = el(Settings.Settings, el(Settings.UserInformation, el(Settings.Get)));
      expect(await ask(phone, 'Settings', oof)).toBe(blockedIn(version));
      expect(await ask(phone, 'Settings', el(Settings.Settings, told('a', 'b')))).toBe(blockedIn(version));
    }
    expect((await phone.options()).status).toBe(200);
    await server.deliver('secret');
    const pinged = await phone.post('Ping', undefined);
    expect([pinged.status, pinged.rootStatus]).toEqual(isOld(version) ? [403, undefined] : [200, 129]);
  });

  test('an override comes before the rules, either way, and its end counts at once', async () => {
    const server = await startEndpoint();
    const { access, alice, organization } = server;
    const phone = server.phone(version);
    await phone.provision();
    await access.putOverride(alice.mailbox, device, { effect: 'DENY' });
    expect(await ask(phone)).toBe(blockedIn(version));
    await access.deleteRule(organization, 'default');
    await access.deleteOverride(alice.mailbox, device);
    expect(await ask(phone)).toBe(blockedIn(version));
    await access.putOverride(alice.mailbox, device, { effect: 'ALLOW' });
    expect(await ask(phone)).toBe(200);
  });

  test('a wipe that is asked for reaches a device that is blocked', async () => {
    const server = await startEndpoint();
    const { access, alice, devices } = server;
    const phone = server.phone(version);
    await phone.provision();
    await access.putOverride(alice.mailbox, device, { effect: 'DENY' });
    await devices.requestWipe(alice.mailbox, device, false);
    expect(await ask(phone)).toBe(isOld(version) ? 449 : 140);
    const { wipe } = await phone.provision();
    expect(wipe?.tag).toBe(Provision.RemoteWipe);
    await phone.acknowledgeWipe(el(Provision.RemoteWipe));
    expect((await devices.get(alice.mailbox, device)).wipe).toBe('acknowledged');
  });

  test('a device that was blocked before its first contact, by its id in any case, gets nothing; that of another user does', async () => {
    const server = await startEndpoint();
    const { access, alice } = server;
    await access.putOverride(alice.mailbox, 'abcdef01' as DeviceId, { effect: 'DENY' });
    const phone = server.phone(version, { deviceId: 'ABCDEF01' });
    expect(await ask(phone, 'Provision', download())).toBe(blockedIn(version));
    expect(await ask(server.phone(version, { deviceId: 'abcdef02' }))).toBe(isOld(version) ? 449 : 142);
    const bobs = server.phone(version, { deviceId: 'abcdef01', user: server.bob.address });
    await bobs.provision();
    expect(await ask(bobs)).toBe(200);
  });

  test('the device after the last that a user may have is refused (177 from 14.1 on, else HTTP 403)', async () => {
    const server = await startEndpoint();
    const { access, alice, devices, organization } = server;
    await access.putSettings(organization, { maxDevicesPerUser: 2 });
    const phones = ['one', 'two', 'three'].map((deviceId) => server.phone(version, { deviceId }));
    const [one, two, three] = phones;
    if (one === undefined || two === undefined || three === undefined) throw new Error('three phones');
    await one.provision();
    await two.provision();
    await server.phone('14.1', { deviceId: 'validate' }).provision();
    const tooMany = isAtLeast(version, '14.1') ? 177 : 403;
    expect(await ask(three)).toBe(tooMany);
    expect(await ask(three, 'Provision', download())).toBe(tooMany);
    expect((await devices.list(alice.mailbox)).map(({ id }) => id).sort()).toEqual(['one', 'two']);
    expect(await ask(one)).toBe(200);
    await devices.remove(alice.mailbox, 'one' as DeviceId);
    await three.provision();
    expect(await ask(three)).toBe(200);
    await access.putSettings(organization, { maxDevicesPerUser: 1 });
    expect(await ask(two)).toBe(200);
  });
});

test('rules go by type and user agent from the first request on', async () => {
  const server = await startEndpoint();
  await onlyRule(server, { conditions: { userAgent: { any: ['Apple-'] }, type: { none: ['iPad'] } } });
  const allowed = server.phone('14.1', { userAgent: 'apple-iPhone1', deviceType: 'iPhone', deviceId: 'a' });
  await allowed.provision();
  expect(await ask(allowed)).toBe(200);
  const pad = server.phone('14.1', { userAgent: 'apple-iPhone1', deviceType: 'iPad', deviceId: 'b' });
  expect(await ask(pad, 'Provision', download())).toBe(129);
  const other = server.phone('14.1', { userAgent: 'Android', deviceType: 'iPhone', deviceId: 'c' });
  expect(await ask(other, 'Provision', download())).toBe(129);
  const states = await Promise.all(
    (await server.devices.list(server.alice.mailbox)).map(async (one) => {
      return [one.id, (await server.access.judge(server.alice.mailbox, one)).state];
    }),
  );
  expect(Object.fromEntries(states)).toEqual({ a: 'ALLOWED', b: 'BLOCKED', c: 'BLOCKED' });
});

describe('a rule that goes by what devices tell later', () => {
  const onlyPixels = { conditions: { model: { any: ['Pixel'] } } } as const;

  test('from 14.1 on it is told in Provision: a fitting device goes on, another one is refused there (129)', async () => {
    const server = await startEndpoint();
    await onlyRule(server, onlyPixels);
    const pixel = server.phone('14.1', { deviceId: 'a', model: 'Pixel 9' });
    expect(await ask(pixel)).toBe(142);
    await pixel.provision();
    expect(await ask(pixel)).toBe(200);
    const other = server.phone('16.1', { deviceId: 'b', model: 'Galaxy' });
    expect(await ask(other)).toBe(142);
    const answer = await other.post('Provision', download(told('Galaxy', 'Android 14')));
    expect(answer.rootStatus).toBe(129);
    expect(has(answer.element, Provision.Policies)).toBe(false);
    expect(await ask(other)).toBe(129);
    expect(await ask(other, 'Provision', download())).toBe(129);
  });

  test.each(['12.1', '14.0'] as const)(
    '%s: it is told in Settings, which serves nothing else before',
    async (version) => {
      const server = await startEndpoint();
      await onlyRule(server, onlyPixels);
      for (const [deviceId, model, isFitting] of [
        ['a', 'Pixel 9', true],
        ['b', 'Galaxy', false],
      ] as const) {
        const phone = server.phone(version, { deviceId });
        expect(await ask(phone)).toBe(version === '12.1' ? 449 : 142);
        await provisionSilently(phone);
        expect(await ask(phone)).toBe(blockedIn(version));
        const addresses = el(Settings.UserInformation, el(Settings.Get));
        expect(await ask(phone, 'Settings', el(Settings.Settings, told(model, 'x'), addresses))).toBe(
          blockedIn(version),
        );
        const settings = el(Settings.Settings, told(model, 'x'));
        expect(await ask(phone, 'Settings', settings)).toBe(isFitting ? 200 : blockedIn(version));
        expect(await ask(phone)).toBe(isFitting ? 200 : blockedIn(version));
      }
    },
  );

  test.each(['12.1', '14.0', '14.1'] as const)(
    '%s: a device that was blocked for its system is let in when it tells a newer one',
    async (version) => {
      const server = await startEndpoint();
      await onlyRule(server, { conditions: { operatingSystem: { any: ['iOS 17'] } } });
      const phone = server.phone(version);
      await provisionSilently(phone);
      const settings = (system: string) => el(Settings.Settings, told('x', system));
      const tell = (system: string) =>
        version === '14.1'
          ? ask(phone, 'Provision', download(told('x', system)))
          : ask(phone, 'Settings', settings(system));
      expect(await tell('iOS 16.4')).toBe(blockedIn(version));
      expect(await ask(phone)).toBe(blockedIn(version));
      expect(await tell('iOS 17.1')).toBe(200);
      expect(await ask(phone)).toBe(200);
    },
  );

  test('a device that tells another model later is judged again', async () => {
    const server = await startEndpoint();
    const phone = server.phone('14.1');
    await phone.provision();
    await server.access.createRule(server.organization, {
      name: 'old systems',
      effect: 'DENY',
      conditions: { operatingSystem: { any: ['Android 4'] } },
    });
    expect(await ask(phone)).toBe(200);
    expect(await ask(phone, 'Settings', el(Settings.Settings, told('x', 'android 4.4')))).toBe(129);
    expect(await ask(phone)).toBe(129);
  });

  test('where a rule denies the device whatever it tells, it is not asked to', async () => {
    const server = await startEndpoint();
    await onlyRule(server, onlyPixels);
    await server.access.createRule(server.organization, {
      name: 'no test phones',
      effect: 'DENY',
      conditions: { type: { any: ['TestPhone'] } },
    });
    expect(await ask(server.phone('14.1'))).toBe(129);
  });
});

describe('what waits ends at once', () => {
  test.each(['12.1', '14.1'] as const)('%s: Ping, when a rule denies its device', async (version) => {
    const server = await startEndpoint();
    const phone = await waitingPhone(server, version);
    const waiting = phone.post('Ping', pingBody(phone));
    await waits(server);
    await server.access.createRule(server.organization, { name: 'all', effect: 'DENY', conditions: {} });
    const { status, rootStatus } = await waiting;
    expect([status, rootStatus]).toEqual(version === '12.1' ? [403, undefined] : [200, 129]);
  });

  test('Sync that waits, when an override denies its device; that of others goes on', async () => {
    const server = await startEndpoint();
    const phone = await waitingPhone(server, '14.1');
    const other = server.phone('14.1', { user: server.bob.address });
    await other.provision();
    await other.folderSync();
    await other.syncAll(other.folder(2));
    const others = other.sync(other.folder(2), { heartbeatSeconds: 60 });
    await waits(server);
    const waiting = phone.post('Sync', syncBody(phone));
    await waits(server, 2);
    await server.access.putOverride(server.alice.mailbox, device, { effect: 'DENY' });
    expect((await waiting).rootStatus).toBe(129);
    expect(server.endpoint.waiting).toBe(1);
    server.endpoint.stop();
    expect((await others).status).toBe(1);
  });

  test('Ping of a device that stays allowed tells it to look at its folders (Status 7)', async () => {
    const server = await startEndpoint();
    const phone = await waitingPhone(server, '14.1');
    const waiting = phone.post('Ping', pingBody(phone));
    await waits(server);
    await server.access.putOverride(server.alice.mailbox, device, { effect: 'ALLOW' });
    expect((await waiting).rootStatus).toBe(7);
    expect(await ask(phone)).toBe(200);
  });
});

const pingBody = (phone: EasClient) =>
  el(
    Ping.Ping,
    el(Ping.HeartbeatInterval, 60),
    el(Ping.Folders, el(Ping.Folder, el(Ping.Id, phone.folder(2)), el(Ping.Class, 'Email'))),
  );
const syncBody = (phone: EasClient) =>
  el(
    AirSync.Sync,
    el(AirSync.Collections, phone.collectionElement(phone.folder(2))),
    el(AirSync.HeartbeatInterval, 60),
  );

async function waitingPhone(server: TestServer, version: ProtocolVersion): Promise<EasClient> {
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  await phone.syncAll(phone.folder(2));
  return phone;
}

/** Until so many requests wait. */
async function waits(server: TestServer, count = 1): Promise<void> {
  await expect.poll(() => server.endpoint.waiting, { interval: 5, timeout: 10_000 }).toBe(count);
}

describe('new devices', () => {
  test('BLOCK: one that comes is refused (129) and listed; the known go on, and an override lets it in', async () => {
    const server = await startEndpoint();
    const { access, alice, devices, organization } = server;
    const known = server.phone('14.1', { deviceId: 'known' });
    await known.provision();
    await access.putSettings(organization, { newDevices: 'BLOCK' });
    expect(await ask(known)).toBe(200);
    const phone = server.phone('14.1', { deviceId: 'new' });
    expect(await ask(phone)).toBe(129);
    expect(await ask(phone, 'Provision', download())).toBe(129);
    const listed = await devices.get(alice.mailbox, 'new' as DeviceId);
    expect(await access.judge(alice.mailbox, listed)).toMatchObject({
      state: 'BLOCKED',
      reason: 'NEW_DEVICE',
    });
    await access.putOverride(alice.mailbox, 'new' as DeviceId, { effect: 'ALLOW' });
    await phone.provision();
    expect(await ask(phone)).toBe(200);
  });

  test('BLOCK: one that was allowed before it came is let in, and removed ones are new again', async () => {
    const server = await startEndpoint();
    const { access, alice, devices, organization } = server;
    await access.putSettings(organization, { newDevices: 'BLOCK' });
    await access.putOverride(alice.mailbox, 'expected' as DeviceId, { effect: 'ALLOW' });
    const phone = server.phone('14.1', { deviceId: 'EXPECTED' });
    await phone.provision();
    expect(await ask(phone)).toBe(200);
    await access.deleteOverride(alice.mailbox, 'expected' as DeviceId);
    expect(await ask(phone)).toBe(200);
    await devices.remove(alice.mailbox, 'expected' as DeviceId);
    expect(await ask(phone)).toBe(129);
  });
});

test.each([
  ['BLOCK', 'BLOCKED'],
  ['QUARANTINE', 'QUARANTINED'],
] as const)(
  '%s: one that was blocked before it came is %s when that is taken back',
  async (newDevices, state) => {
    const server = await startEndpoint();
    const { access, alice, devices, organization } = server;
    const id = 'unwanted' as DeviceId;
    await access.putSettings(organization, { newDevices });
    await access.putOverride(alice.mailbox, id, { effect: 'DENY' });
    const phone = server.phone('14.1', { deviceId: id });
    expect(await ask(phone)).toBe(129);
    await access.deleteOverride(alice.mailbox, id);
    const judged = await access.judge(alice.mailbox, await devices.get(alice.mailbox, id));
    expect(judged).toMatchObject({ state, reason: 'NEW_DEVICE' });
  },
);

describe('Provision: DeviceInformation in the first request', () => {
  test.each(['14.1', '16.0', '16.1'] as const)(
    '%s: 165 without it, or without a Model in its Set, where it is demanded',
    async (version) => {
      const server = await startEndpoint();
      const phone = server.phone(version);
      expect(await ask(phone, 'Provision', download())).toBe(200);
      await server.access.putSettings(server.organization, { isDeviceInformationRequired: true });
      expect(await ask(phone, 'Provision', download())).toBe(165);
      await phone.provision();
      const { DeviceInformation, Model, OS } = Settings;
      for (const nothing of [
        el(DeviceInformation),
        el(DeviceInformation, el(Model, 'beside the Set')),
        el(DeviceInformation, el(Settings.Set)),
        el(DeviceInformation, el(Settings.Set, el(Model))),
        el(DeviceInformation, el(Settings.Set, el(OS, 'OS 9'))),
      ]) {
        const answer = await phone.post('Provision', download(nothing), { validateRequest: false });
        expect(answer.rootStatus).toBe(165);
      }
      for (const [alone, status] of [
        [el(DeviceInformation, el(Settings.Set)), 165],
        [told('another', 'OS 9'), 2],
      ] as const) {
        expect((await phone.post('Provision', el(Provision.Provision, alone))).rootStatus).toBe(status);
      }
      const { information } = await server.devices.get(server.alice.mailbox, device);
      expect(information).toMatchObject({ model: 'Test Phone 1', operatingSystem: 'TestOS 1' });
      expect(await ask(phone)).toBe(200);
    },
  );

  test.each(['12.1', '14.0'] as const)('%s: never demanded, it travels in Settings', async (version) => {
    const server = await startEndpoint();
    await server.access.putSettings(server.organization, { isDeviceInformationRequired: true });
    expect(await ask(server.phone(version), 'Provision', download())).toBe(200);
  });
});

test('2.5: a device that a rule denies, and the one after the last that a user may have, are HTTP 403', async () => {
  const server = await startEndpoint();
  const { access, organization } = server;
  await access.putSettings(organization, { maxDevicesPerUser: 1 });
  const [phone, second] = ['one', 'two'].map((deviceId) => server.phone('2.5', { deviceId }));
  if (phone === undefined || second === undefined) throw new Error('two phones');
  await phone.provision();
  expect(await ask(phone)).toBe(200);
  expect(await ask(second)).toBe(403);
  await onlyRule(server, { effect: 'DENY' });
  expect([await ask(phone), await ask(phone, 'Provision', el(Provision.Provision))]).toEqual([403, 403]);
});

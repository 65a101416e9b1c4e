import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, type Element, el, has, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint, type TestServer } from './server.ts';

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const device = 'testdevice0001' as DeviceId;

/** What a FolderSync is answered: 200, or the refusal as HTTP status or Status. */
async function askFolders(phone: EasClient): Promise<number> {
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  const { status, rootStatus } = await phone.post('FolderSync', body);
  return status === 200 && rootStatus !== 1 ? (rootStatus ?? 0) : status;
}

function putPolicy(server: TestServer, settings: Record<string, unknown>, more: { allow?: boolean } = {}) {
  const policy = { settings, allowNonProvisionableDevices: more.allow ?? false };
  return server.policies.put(server.organization, 'organization', policy);
}

/** Of 12.0 and up, and of 2.5. */
const types = ['MS-EAS-Provisioning-WBXML', 'MS-WAP-Provisioning-XML'] as const;

function download(type: string = types[0]): Element {
  return el(
    Provision.Provision,
    el(Provision.Policies, el(Provision.Policy, el(Provision.PolicyType, type))),
  );
}

function acknowledge(key: number | string, status: number, type: string = types[0]): Element {
  return el(
    Provision.Provision,
    el(
      Provision.Policies,
      el(
        Provision.Policy,
        el(Provision.PolicyType, type),
        el(Provision.PolicyKey, key),
        el(Provision.Status, status),
      ),
    ),
  );
}

const policyOf = (root: Element | undefined) => child(root, Provision.Policies, Provision.Policy);

describe.each(versions)('%s', (version) => {
  const legacy = !isAtLeast(version, '14.0');
  const [type, otherType] = version === '2.5' ? [types[1], types[0]] : types;

  test('nothing is served before the policy is acknowledged, and then everything', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    expect(await askFolders(phone)).toBe(legacy ? 449 : 142);
    const { policy } = await phone.provision();
    if (version !== '2.5') {
      expect(textOf(policy, Provision.EASProvisionDoc, Provision.DevicePasswordEnabled)).toBe('0');
    }
    expect(await askFolders(phone)).toBe(200);
  });

  test('a new policy stops the device until it provisions again', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const camera = isAtLeast(version, '12.1') ? { AllowCamera: false } : {};
    await putPolicy(server, { PasswordRequired: true, MinimumPasswordLength: 6, ...camera });
    expect(await askFolders(phone)).toBe(legacy ? 449 : 143);
    const { policy } = await phone.provision();
    expect(await askFolders(phone)).toBe(200);
    if (version === '2.5') return;
    const document = child(policy, Provision.EASProvisionDoc);
    expect(document?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual([
      'DevicePasswordEnabled=1',
      'MinDevicePasswordLength=6',
      ...(isAtLeast(version, '12.1') ? ['AllowCamera=0'] : []),
    ]);
  });

  test('a key that is not ours is refused, and no key at all', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const key = phone.policyKey ?? 0;
    phone.policyKey = (key % 0xfffffffe) + 1;
    expect(await askFolders(phone)).toBe(legacy ? 449 : 144);
    phone.policyKey = undefined;
    expect(await askFolders(phone)).toBe(legacy ? 449 : 142);
    phone.policyKey = key;
    expect(await askFolders(phone)).toBe(200);
  });

  test('a full wipe: asked for at every command, acknowledged, done again when the device returns', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await server.devices.requestWipe(server.alice.mailbox, device, false);
    expect(await askFolders(phone)).toBe(legacy ? 449 : 140);
    const { wipe } = await phone.provision();
    expect(wipe?.tag).toBe(Provision.RemoteWipe);
    expect((await server.devices.get(server.alice.mailbox, device)).wipe).toBe('sent');
    const failed = await phone.acknowledgeWipe(el(Provision.RemoteWipe), 2);
    expect(failed.rootStatus).toBe(2);
    expect(has(failed.element, Provision.RemoteWipe)).toBe(true);
    const done = await phone.acknowledgeWipe(el(Provision.RemoteWipe), 1);
    expect(done.rootStatus).toBe(1);
    expect(has(done.element, Provision.RemoteWipe)).toBe(false);
    expect((await server.devices.get(server.alice.mailbox, device)).wipe).toBe('acknowledged');
    expect((await phone.provision()).wipe?.tag).toBe(Provision.RemoteWipe);
    await server.devices.remove(server.alice.mailbox, device);
    expect((await phone.provision()).wipe).toBeUndefined();
    expect(await askFolders(phone)).toBe(200);
  });

  test('a repeated acknowledgement gives the same final key', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    const first = await phone.command('Provision', download(type));
    const temporary = textOf(policyOf(first.element), Provision.PolicyKey) ?? '';
    const once = await phone.command('Provision', acknowledge(temporary, 1, type));
    const again = await phone.command('Provision', acknowledge(temporary, 1, type));
    const final = textOf(policyOf(once.element), Provision.PolicyKey);
    expect(final).toMatch(/^[1-9]\d*$/);
    expect(final).not.toBe(temporary);
    expect(textOf(policyOf(again.element), Provision.PolicyKey)).toBe(final);
  });

  test('a wrong temporary key answers Policy Status 5, an unknown PolicyType 3, none of it a key', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.command('Provision', download(type));
    for (const [body, status] of [
      [acknowledge(1, 1, type), 5],
      [download(otherType), 3],
    ] as const) {
      const { element, rootStatus } = await phone.command('Provision', body);
      expect(rootStatus).toBe(1);
      expect(integerOf(policyOf(element), Provision.Status)).toBe(status);
      expect(has(policyOf(element), Provision.PolicyKey)).toBe(false);
    }
  });

  test('an acknowledgement that the policy was not applied keeps the device out', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const first = await phone.command('Provision', download(type));
    const temporary = textOf(policyOf(first.element), Provision.PolicyKey) ?? '';
    const { element } = await phone.command('Provision', acknowledge(temporary, 3, type));
    expect(has(policyOf(element), Provision.PolicyKey)).toBe(false);
    expect(await askFolders(phone)).toBe(legacy ? 449 : 142);
  });

  test('an empty Provision is answered with a status and nothing else', async () => {
    const server = await startEndpoint();
    const { element } = await server.phone(version).command('Provision', el(Provision.Provision));
    expect(element?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual(['Status=1']);
  });

  test('a request without PolicyType, or without Policies, answers Status 2', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    for (const nonsense of [
      el(Provision.Policies, el(Provision.Policy)),
      el(Settings.DeviceInformation, el(Settings.Set, el(Settings.Model, 'M'))),
      el(Settings.DeviceInformation),
    ]) {
      const body = el(Provision.Provision, nonsense);
      const answer = await phone.post('Provision', body, { validateRequest: false });
      expect(answer.element?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual(['Status=2']);
    }
    expect((await server.devices.get(server.alice.mailbox, device)).information).toEqual({});
  });

  test('an acknowledgement with Status 2 answers 139, with 4 145, and both are accepted where non-provisionable devices are', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    const say = async (status: number) => {
      const first = await phone.command('Provision', download(type));
      const temporary = textOf(policyOf(first.element), Provision.PolicyKey) ?? '';
      return await phone.command('Provision', acknowledge(temporary, status, type));
    };
    for (const [status, refusal] of [
      [2, 139],
      [4, 145],
    ] as const) {
      const { element, rootStatus } = await say(status);
      expect([rootStatus, has(policyOf(element), Provision.PolicyKey)]).toEqual([refusal, false]);
      expect(await askFolders(phone)).toBe(legacy ? 449 : 142);
    }
    await putPolicy(server, {}, { allow: true });
    for (const status of [2, 4]) {
      const first = await phone.command('Provision', download(type));
      const temporary = textOf(policyOf(first.element), Provision.PolicyKey) ?? '';
      const once = await phone.command('Provision', acknowledge(temporary, status, type));
      const key = textOf(policyOf(once.element), Provision.PolicyKey);
      expect(key).toMatch(/^[1-9]\d*$/);
      // The answer was lost.
      const again = await phone.command('Provision', acknowledge(temporary, status, type));
      expect(textOf(policyOf(again.element), Provision.PolicyKey)).toBe(key);
    }
  });

  test('an acknowledgement without PolicyKey or with another Status, a PolicyKey alone and a wipe without Status answer Status 2', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    const policy = (...parts: readonly Element[]) =>
      el(Provision.Policies, el(Provision.Policy, el(Provision.PolicyType, type), ...parts));
    for (const nonsense of [
      policy(el(Provision.Status, 1)),
      policy(el(Provision.PolicyKey, '1'), el(Provision.Status, 5)),
      policy(el(Provision.PolicyKey, '1')),
      el(Provision.RemoteWipe),
      el(Provision.RemoteWipe, el(Provision.Status, 3)),
    ]) {
      const body = el(Provision.Provision, nonsense);
      const answer = await phone.post('Provision', body, { validateRequest: false });
      expect(answer.element?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual(['Status=2']);
    }
  });

  test('every element of DeviceInformation is kept; from 14.1 on it has its Status in the answer', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    const { Model, IMEI, FriendlyName, OS, OSLanguage, PhoneNumber, UserAgent } = Settings;
    const told = el(
      Settings.DeviceInformation,
      el(
        Settings.Set,
        el(Model, 'M'),
        el(IMEI, '99'),
        el(FriendlyName, 'Anna'),
        el(OS, 'OS 9'),
        el(OSLanguage, 'de'),
        el(PhoneNumber, '+49 1'),
        el(UserAgent, 'UA'),
        el(Settings.EnableOutboundSMS, 1),
        el(Settings.MobileOperator, 'Op'),
      ),
    );
    const body = el(Provision.Provision, told, ...download(type).children);
    const { element } = await phone.post('Provision', body, { validateRequest: false });
    expect(integerOf(element, Settings.DeviceInformation, Settings.Status)).toBe(
      isAtLeast(version, '14.1') ? 1 : undefined,
    );
    expect(has(policyOf(element), Provision.PolicyKey)).toBe(true);
    const { information } = await server.devices.get(server.alice.mailbox, device);
    // Its code page came with 12.0.
    if (version === '2.5') return expect(information).toEqual({});
    expect(information).toMatchObject({
      model: 'M',
      imei: '99',
      friendlyName: 'Anna',
      operatingSystem: 'OS 9',
      language: 'de',
      phoneNumber: '+49 1',
    });
    expect(information.userAgent).toBe(isAtLeast(version, '12.1') ? 'UA' : undefined);
    expect(information.mobileOperator).toBe(isAtLeast(version, '14.0') ? 'Op' : undefined);
  });
});

describe.each(['12.1', '14.1', '16.1'] as const)('%s', (version) => {
  test('a device that applied the policy in part is served only where that is allowed', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    const partly = async () => {
      const first = await phone.command('Provision', download());
      return phone.command(
        'Provision',
        acknowledge(textOf(policyOf(first.element), Provision.PolicyKey) ?? '', 2),
      );
    };
    expect((await partly()).rootStatus).toBe(139);
    await putPolicy(server, {}, { allow: true });
    expect(has(policyOf((await partly()).element), Provision.PolicyKey)).toBe(true);
  });
});

test('where it is allowed, a device that never provisions is served', async () => {
  const server = await startEndpoint();
  await putPolicy(server, { PasswordRequired: true }, { allow: true });
  const phone = server.phone('14.1');
  phone.policyKey = undefined;
  expect(await askFolders(phone)).toBe(200);
});

test('where it is allowed, a device that refuses the policy (Status 3) is not served until it applies it', async () => {
  const server = await startEndpoint();
  await putPolicy(server, { PasswordRequired: true }, { allow: true });
  const phone = server.phone('14.1');
  await expect(phone.provision(3)).rejects.toThrow('refused');
  for (const key of [undefined, 0]) {
    phone.policyKey = key;
    expect(await askFolders(phone)).toBe(142);
  }
  await phone.provision(2);
  expect(await askFolders(phone)).toBe(200);
});

test('an account-only wipe goes to 16.1 only, and never becomes a full one', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  await server.devices.requestWipe(server.alice.mailbox, device, true);
  expect((await phone.provision()).wipe?.tag).toBe(Provision.AccountOnlyRemoteWipe);
  phone.version = '16.0';
  expect(await askFolders(phone)).toBe(129);
  expect((await phone.post('Provision', download())).rootStatus).toBe(129);
  phone.version = '16.1';
  expect((await phone.acknowledgeWipe(el(Provision.AccountOnlyRemoteWipe))).rootStatus).toBe(1);
  const old = server.phone('16.0', { deviceId: 'old' });
  await old.provision();
  await expect(
    server.devices.requestWipe(server.alice.mailbox, 'old' as DeviceId, true),
  ).rejects.toMatchObject({
    code: 'request/unsupported',
  });
});

test('AccountOnlyRemoteWipe that failed is asked for again (Status 2), and both times are kept', async () => {
  const server = await startEndpoint();
  const { alice, devices } = server;
  const phone = server.phone('16.1');
  await phone.provision();
  await devices.requestWipe(alice.mailbox, device, true);
  await phone.provision();
  const wipe = el(Provision.AccountOnlyRemoteWipe);
  const failed = await phone.acknowledgeWipe(wipe, 2);
  expect(failed.rootStatus).toBe(2);
  expect(has(failed.element, Provision.AccountOnlyRemoteWipe)).toBe(true);
  const after = await devices.get(alice.mailbox, device);
  expect(after).toMatchObject({
    wipe: 'failed',
    wipeSentMs: expect.any(Number),
    wipeAcknowledgedMs: expect.any(Number),
  });
  const done = await phone.acknowledgeWipe(wipe, 1);
  expect(done.element?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual(['Status=1']);
  expect((await devices.get(alice.mailbox, device)).wipe).toBe('acknowledged');
});

test.each([
  ['16.1', Provision.AccountOnlyRemoteWipe, true],
  ['14.1', Provision.RemoteWipe, false],
  ['12.1', Provision.RemoteWipe, false],
  ['2.5', Provision.RemoteWipe, false],
] as const)(
  '%s: a wipe that the device was not told of is not done by what it says of the one before',
  async (version, tag, isAccountOnly) => {
    const server = await startEndpoint();
    const { mailbox } = server.alice;
    const phone = server.phone(version);
    await phone.provision();
    await server.devices.requestWipe(mailbox, device, isAccountOnly);
    await phone.provision();
    await phone.acknowledgeWipe(el(tag));
    await server.devices.requestWipe(mailbox, device, isAccountOnly);
    const repeated = await phone.acknowledgeWipe(el(tag));
    expect([repeated.rootStatus, has(repeated.element, tag)]).toEqual([1, true]);
    expect(await server.devices.get(mailbox, device)).toMatchObject({
      wipe: 'sent',
      wipeSentMs: expect.any(Number),
    });
    await phone.acknowledgeWipe(el(tag));
    expect((await server.devices.get(mailbox, device)).wipe).toBe('acknowledged');
  },
);

test('a setting that was taken back is sent with what is assumed without it', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await putPolicy(server, { PasswordRequired: true, MinimumPasswordLength: 8, AllowBluetooth: 1 });
  await putPolicy(server, {});
  const { policy } = await phone.provision();
  expect(
    child(policy, Provision.EASProvisionDoc)?.children.map(({ tag, text }) => `${tag.name}=${text}`),
  ).toEqual(['DevicePasswordEnabled=0', 'MinDevicePasswordLength=', 'AllowBluetooth=2']);
});

test("a user's own policy beats the organisation's, and taking it back counts as a change", async () => {
  const server = await startEndpoint();
  const { organization, alice, policies } = server;
  const policy = { settings: { AllowCamera: false }, allowNonProvisionableDevices: false };
  await policies.put(organization, alice.entity, policy);
  const [phone, other] = [server.phone('14.1'), server.phone('14.1', { user: server.bob.address })];
  expect(has((await phone.provision()).policy, Provision.EASProvisionDoc, Provision.AllowCamera)).toBe(true);
  expect(has((await other.provision()).policy, Provision.EASProvisionDoc, Provision.AllowCamera)).toBe(false);
  await policies.delete(organization, alice.entity);
  expect(await askFolders(phone)).toBe(143);
  expect(await askFolders(other)).toBe(200);
});

test('DeviceInformation is kept, and its absence tolerated', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  const known = await server.devices.get(server.alice.mailbox, device);
  expect(known).toMatchObject({
    type: 'TestPhone',
    protocolVersion: '14.1',
    information: { model: 'Test Phone 1' },
  });
  const { element } = await phone.command('Provision', download());
  expect(has(element, Settings.DeviceInformation)).toBe(false);
});

test('DeviceInformation without Set tells nothing: what is known stays, and the answer has no Status of it', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  const { information } = await server.devices.get(server.alice.mailbox, device);
  for (const told of [
    el(Settings.DeviceInformation),
    el(Settings.DeviceInformation, el(Settings.Model, 'another')),
  ]) {
    const body = el(Provision.Provision, told, ...download().children);
    const { element, rootStatus } = await phone.post('Provision', body, { validateRequest: false });
    expect([rootStatus, has(element, Settings.DeviceInformation)]).toEqual([1, false]);
    expect((await server.devices.get(server.alice.mailbox, device)).information).toEqual(information);
  }
});

describe.each(['14.1', '16.1'] as const)('%s', (version) => {
  test('a device that tries the account out (validate) becomes no partnership', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version, { deviceId: 'validate' });
    expect(await askFolders(phone)).toBe(142);
    await phone.provision();
    expect(await server.devices.list(server.alice.mailbox)).toEqual([]);
  });
});

test('a user has at most a hundred devices', async () => {
  const server = await startEndpoint();
  for (let n = 0; n < 100; n++) {
    const sighting = { id: `d${n}` as DeviceId, type: 't', userAgent: '', protocolVersion: '14.1' };
    await server.devices.meet(server.alice.mailbox, sighting);
  }
  expect(await askFolders(server.phone('14.1'))).toBe(177);
  expect(await askFolders(server.phone('12.1'))).toBe(403);
});

test('what a device says of an account-only wipe does not count for the full one that was asked for since', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  const { mailbox } = server.alice;
  await server.devices.requestWipe(mailbox, device, true);
  const { wipe } = await phone.provision();
  await server.devices.requestWipe(mailbox, device, false);
  if (wipe === undefined) throw new Error('no wipe was asked for');
  const { element } = await phone.acknowledgeWipe(wipe);
  expect(has(element, Provision.RemoteWipe)).toBe(true);
  expect((await server.devices.get(mailbox, device)).wipe).toBe('sent');
});

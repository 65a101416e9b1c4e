/** Provision as 2.5 and 12.0 have it. */
import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint, type TestServer } from './server.ts';

const device = 'testdevice0001' as DeviceId;

async function askFolders(phone: EasClient): Promise<number> {
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  return (await phone.post('FolderSync', body)).status;
}

function putPolicy(server: TestServer, settings: Record<string, unknown>, allow = false) {
  const policy = { settings, allowNonProvisionableDevices: allow };
  return server.policies.put(server.organization, 'organization', policy);
}

const download = (type: string) =>
  el(Provision.Provision, el(Provision.Policies, el(Provision.Policy, el(Provision.PolicyType, type))));

/** The values of a provisioning document by their names, under `characteristic/…`; it is well-formed. */
function parmsOf(text: string | undefined): Record<string, string> {
  const path: string[] = [];
  const parms: Record<string, string> = {};
  const tags =
    /<wap-provisioningdoc>|<characteristic type="([^"]*)">|<parm name="([^"]*)" value="([^"]*)"\/>|<\/[\w-]+>/g;
  for (const [tag, type = '', name = '', value = ''] of (text ?? '').matchAll(tags)) {
    if (tag.startsWith('</')) path.pop();
    else if (tag.startsWith('<parm')) parms[`${path.at(-1)}: ${name}`] = value;
    else path.push(type);
  }
  expect(path).toEqual([]);
  return parms;
}

const lassd = 'HKLM\\Comm\\Security\\Policy\\LASSD';
const lock = `${lassd}\\AE\\{50C13377-C66D-400C-889E-C316FC4AB374}`;
const password = `${lassd}\\LAP\\lap_pw`;

describe('2.5: Provision: MS-WAP-Provisioning-XML', () => {
  async function documentOf(settings: Record<string, unknown>): Promise<Record<string, string>> {
    const server = await startEndpoint();
    await putPolicy(server, settings);
    const phone = server.phone('2.5');
    const { policy } = await phone.provision();
    expect(policy?.children).toEqual([]);
    expect(policy?.opaque).toBeUndefined();
    expect(await askFolders(phone)).toBe(200);
    return parmsOf(policy?.text);
  }

  const free = {
    'SecurityPolicy: 4131': '1',
    [`${lock}: AEFrequencyType`]: '0',
    [`${lassd}: DeviceWipeThreshold`]: '0',
    [`${password}: MinimumPasswordLength`]: '1',
    [`${password}: PasswordComplexity`]: '2',
  };

  test('Provision: Data is a text, and without a policy it asks for nothing', async () => {
    expect(await documentOf({})).toEqual(free);
  });

  test('Provision: each setting that 2.5 knows stands in Data', async () => {
    expect(
      await documentOf({
        PasswordRequired: true,
        RequireAlphanumericPassword: true,
        MinimumPasswordLength: 6,
        ScreenLockSeconds: 300,
        FailedAttemptsAllowed: 8,
      }),
    ).toEqual({
      'SecurityPolicy: 4131': '0',
      [`${lock}: AEFrequencyType`]: '1',
      [`${lock}: AEFrequencyValue`]: '5',
      [`${lassd}: DeviceWipeThreshold`]: '8',
      [`${password}: MinimumPasswordLength`]: '6',
      [`${password}: PasswordComplexity`]: '0',
    });
  });

  test.each([
    [30, '1', '1'],
    [119, '1', '1'],
    [120, '1', '2'],
    [9998, '1', '166'],
    [9999, '0', undefined],
  ])(
    'Provision: MaxInactivityTimeDeviceLock %i is AEFrequencyType %s, minutes %s',
    async (seconds, type, minutes) => {
      const parms = await documentOf({ PasswordRequired: true, ScreenLockSeconds: seconds });
      expect([parms[`${lock}: AEFrequencyType`], parms[`${lock}: AEFrequencyValue`]]).toEqual([
        type,
        minutes,
      ]);
    },
  );

  test('Provision: without DevicePasswordEnabled the other settings of passwords do not count', async () => {
    expect(
      await documentOf({ PasswordRequired: false, MinimumPasswordLength: 6, FailedAttemptsAllowed: 8 }),
    ).toEqual(free);
  });
});

test('12.0: Provision: EASProvisionDoc has the elements of 12.0, in their order, and no others', async () => {
  const server = await startEndpoint();
  await putPolicy(
    server,
    {
      DevicePasswordEnabled: true,
      AlphanumericDevicePasswordRequired: true,
      PasswordRecoveryEnabled: true,
      AttachmentsEnabled: true,
      MinDevicePasswordLength: 5,
      MaxInactivityTimeDeviceLock: 60,
      MaxDevicePasswordFailedAttempts: 5,
      MaxAttachmentSize: 1000,
      AllowSimpleDevicePassword: false,
      DevicePasswordExpiration: 30,
      DevicePasswordHistory: 3,
      RequireDeviceEncryption: true,
      AllowCamera: true,
      AllowBluetooth: 2,
      MaxEmailAgeFilter: 3,
      UnapprovedInROMApplicationList: ['a.exe'],
    },
    true,
  );
  const { policy } = await server.phone('12.0').provision();
  const document = child(policy, Provision.EASProvisionDoc);
  expect(
    document?.children.map(({ tag, text }) => `0x${tag.token.toString(16)} ${tag.name}=${text}`),
  ).toEqual([
    '0xe DevicePasswordEnabled=1',
    '0xf AlphanumericDevicePasswordRequired=1',
    '0x11 PasswordRecoveryEnabled=1',
    // DeviceEncryptionEnabled.
    '0x10 RequireStorageCardEncryption=1',
    '0x13 AttachmentsEnabled=1',
    '0x14 MinDevicePasswordLength=5',
    '0x15 MaxInactivityTimeDeviceLock=60',
    '0x16 MaxDevicePasswordFailedAttempts=5',
    '0x17 MaxAttachmentSize=1000',
    '0x18 AllowSimpleDevicePassword=0',
    '0x19 DevicePasswordExpiration=30',
    '0x1a DevicePasswordHistory=3',
  ]);
});

test('12.0: Provision: encryption that was taken back is said to be off', async () => {
  const server = await startEndpoint();
  await putPolicy(server, { RequireDeviceEncryption: true, AllowCamera: true });
  await putPolicy(server, {});
  const { policy } = await server.phone('12.0').provision();
  const document = child(policy, Provision.EASProvisionDoc);
  expect(document?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual([
    'DevicePasswordEnabled=0',
    'RequireStorageCardEncryption=0',
  ]);
});

describe.each(['2.5', '12.0'] as const)('%s: Provision', (version) => {
  const [type, other] =
    version === '2.5'
      ? ['MS-WAP-Provisioning-XML', 'MS-EAS-Provisioning-WBXML']
      : ['MS-EAS-Provisioning-WBXML', 'MS-WAP-Provisioning-XML'];

  test('Provision: the PolicyType of other versions, and any other, is Policy Status 3', async () => {
    const server = await startEndpoint();
    for (const asked of [other, 'nonsense', '']) {
      const { element } = await server.phone(version).command('Provision', download(asked));
      const policy = child(element, Provision.Policies, Provision.Policy);
      expect([textOf(policy, Provision.PolicyType), integerOf(policy, Provision.Status)]).toEqual([asked, 3]);
      expect(child(policy, Provision.PolicyKey)).toBeUndefined();
      expect(child(policy, Provision.Data)).toBeUndefined();
    }
  });

  test('Provision: a policy that asks more than the version can say is Status 141, and 449 stays', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    for (const settings of [
      { AllowCamera: false },
      { AllowBluetooth: 0 },
      { PasswordRequired: true, MinimumCharacterSets: 3 },
      { ApprovedApplicationList: ['2jmj7l5rSw0yVb/vlWAYkK/YBwk='] },
      ...(version === '2.5'
        ? [{ RequireDeviceEncryption: true }, { PasswordRequired: true, PasswordHistory: 2 }]
        : []),
    ]) {
      await putPolicy(server, settings);
      const { element, rootStatus } = await phone.command('Provision', download(type));
      expect(rootStatus, JSON.stringify(settings)).toBe(141);
      expect(child(element, Provision.Policies)).toBeUndefined();
      expect(await askFolders(phone)).toBe(449);
    }
  });

  test('Provision: what asks nothing of a device, and devices that need not provision, are served', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    for (const settings of [
      { AllowCamera: true, AllowBluetooth: 2, MaxEmailAgeFilter: 2, AllowHTMLEmail: false },
      { PasswordRequired: false, MinimumCharacterSets: 3, PasswordHistory: 2 },
      { AttachmentsEnabled: false, MaxAttachmentSize: 5, PasswordRecoveryEnabled: true },
    ]) {
      await putPolicy(server, settings);
      await phone.provision();
      expect(await askFolders(phone)).toBe(200);
    }
    await putPolicy(server, { AllowCamera: false }, true);
    await phone.provision();
    expect(await askFolders(phone)).toBe(200);
  });

  test('Provision: a wipe is HTTP 449, without a policy key 403, and RemoteWipe alone in the answer', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await server.devices.requestWipe(server.alice.mailbox, device, false);
    expect(await askFolders(phone)).toBe(449);
    phone.policyKey = undefined;
    expect(await askFolders(phone)).toBe(403);
    const { element } = await phone.command('Provision', el(Provision.Provision));
    expect(element?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual([
      'Status=1',
      'RemoteWipe=',
    ]);
    expect((await phone.acknowledgeWipe(el(Provision.RemoteWipe), 1)).rootStatus).toBe(1);
    expect(await server.devices.get(server.alice.mailbox, device)).toMatchObject({ wipe: 'acknowledged' });
  });

  test('Provision: an account-only wipe cannot be asked of it', async () => {
    const server = await startEndpoint();
    await server.phone(version).provision();
    await expect(server.devices.requestWipe(server.alice.mailbox, device, true)).rejects.toMatchObject({
      code: 'request/unsupported',
    });
  });
});

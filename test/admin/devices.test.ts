import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Directory } from '#directory/directory';
import { DeviceTraces } from '#domain/device-trace';
import { Devices } from '#domain/devices';
import { type DeviceId, type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { Policies } from '#domain/policy';
import { Acknowledgement, Provisioning } from '#domain/provisioning';
import { SyncDiary } from '#domain/sync-diary';
import { deviceOperations } from '#protocols/admin/operations/devices/index';
import { policyOperations } from '#protocols/admin/operations/policies/index';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import { StoredDiaries } from '#storage/diary-store';
import { StoredDirectory } from '#storage/directory-store';
import { StoredPolicies } from '#storage/policy-store';
import { StoredTraces } from '#storage/trace-store';
import { silentLogger } from '#telemetry/log';
import { testDeviceAccess } from '#test/support/device-access';
import { callAdmin } from '#test/support/start-server';
import { fixedClock, tempDatabase, tempFolder } from '#test/support/temp-store';
import { unguardedAdmin } from '../support/unguarded-admin.ts';

const nowMs = 1_800_000_000_500;

/** The operations on devices and policies, for an organisation with two users and the devices they are given. */
async function serve() {
  const clock = fixedClock(nowMs);
  const random = { bytes: (length: number) => randomBytes(length) };
  const database = await tempDatabase({ clock });
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside: { clock, random },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 3 },
  });
  const stored = new StoredPolicies(database);
  const policies = new Policies(stored, directory.groups);
  const { access } = testDeviceAccess(database, policies, clock);
  const devices = new Devices(database.mail, stored, policies, access, clock);
  const provisioning = new Provisioning(devices, clock, random);
  const log = silentLogger;
  const diary = new SyncDiary({ store: new StoredDiaries(database), clock, log });
  const traces = new DeviceTraces({ store: new StoredTraces(database), clock, log });
  const parts = { directory, devices, policies, access, diary, traces };
  const endpoint = unguardedAdmin({ ...deviceOperations(parts), ...policyOperations(parts) });
  const socketPath = join(await tempFolder(), 'admin.sock');
  const listener = await listenOnAdminSocket(socketPath, endpoint, silentLogger);
  onTestFinished(() => listener.stop());
  const organization = await directory.createOrganization({ alias: 'acme' });
  const [alice, bob] = [
    await user(directory, organization, 'alice'),
    await user(directory, organization, 'bob'),
  ];
  const call = (operation: string, input: object = {}) =>
    callAdmin(socketPath, `Mailstead.${operation}`, { OrganizationId: organization, ...input });
  const refOf = (entity: EntityId) => ({ organization, mailbox: mailboxOf(entity) });
  const addDevice = (entity: EntityId, id: string, protocolVersion = '14.1') =>
    devices.meet(refOf(entity), {
      id: id as DeviceId,
      type: 'iPhone',
      userAgent: 'Phone/1',
      protocolVersion,
    });
  const provision = async (entity: EntityId, id: string) => {
    const ref = refOf(entity);
    const policy = await policies.effective(ref);
    const key = await provisioning.offer(ref, id as DeviceId, policy);
    await provisioning.acknowledge(ref, id as DeviceId, policy, key, Acknowledgement.Applied);
  };
  return { clock, devices, provisioning, organization, alice, bob, call, refOf, addDevice, provision };
}

async function user(directory: Directory, organization: OrganizationId, name: string): Promise<EntityId> {
  const id = await directory.createUser(organization, {
    name,
    displayName: name,
    password: undefined,
    firstName: undefined,
    lastName: undefined,
    hiddenFromGlobalAddressList: false,
  });
  return id;
}

test('a policy is put, answered with its revision, and taken back', async () => {
  const { call, alice } = await serve();
  expect(await call('GetMobilePolicy')).toEqual({ Policy: {}, Revision: 0 });
  const Policy = {
    PasswordRequired: true,
    MinimumPasswordLength: 6,
    ScreenLockSeconds: 300,
    AllowCamera: false,
  };
  expect(await call('PutMobilePolicy', { Policy })).toEqual({ Policy, Revision: 1 });
  expect(
    await call('PutMobilePolicy', { Policy: { ...Policy, AllowNonProvisionableDevices: true } }),
  ).toEqual({
    Policy: { ...Policy, AllowNonProvisionableDevices: true },
    Revision: 2,
  });
  expect(await call('GetMobilePolicy', { EntityId: alice })).toEqual({ Policy: {}, Revision: 0 });
  const own = { EntityId: 'alice', Policy: { DevicePasswordEnabled: true } };
  expect(await call('PutMobilePolicy', own)).toEqual({ Policy: { PasswordRequired: true }, Revision: 1 });
  for (let n = 0; n < 2; n++) expect(await call('DeleteMobilePolicy', { EntityId: alice })).toEqual({});
  expect(await call('GetMobilePolicy', { EntityId: alice })).toEqual({ Policy: {}, Revision: 0 });
  expect(await call('PutMobilePolicy', own)).toMatchObject({ Revision: 3 });
});

test.each([
  [{ MinimumPasswordLength: 17 }],
  [{ FailedAttemptsAllowed: 3 }],
  [{ MaxCalendarAgeFilter: 1 }],
  [{ PasswordRequired: true, DevicePasswordEnabled: true }],
  [{ NoSuchSetting: true }],
  [{ ApprovedApplicationList: ['game.exe'] }],
  [{ ApprovedApplicationList: ['2jmj7l5rSw0yVb/vlWAYkK/YBwk'] }],
  [{ ApprovedApplicationList: [] }],
])('a policy with %j is refused', async (Policy) => {
  const { call } = await serve();
  await expect(call('PutMobilePolicy', { Policy })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

test('a policy of nobody is refused', async () => {
  const { call } = await serve();
  const nobody = { EntityId: 'nobody', Policy: {} };
  await expect(call('PutMobilePolicy', nobody)).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  const elsewhere = { OrganizationId: `m-${'0'.repeat(32)}` };
  await expect(call('GetMobilePolicy', elsewhere)).rejects.toMatchObject({
    name: 'OrganizationNotFoundException',
  });
});

test('devices are listed page by page, of all users or of one', async () => {
  const { call, alice, bob, addDevice } = await serve();
  for (const [owner, id] of [
    [alice, 'a1'],
    [alice, 'a2'],
    [bob, 'b1'],
  ] as const) {
    await addDevice(owner, id);
  }
  for (const [input, wanted] of [
    [{}, ['a1', 'a2', 'b1']],
    [{ UserId: 'alice' }, ['a1', 'a2']],
  ] as const) {
    const found: string[] = [];
    let NextToken: unknown;
    do {
      const page = await call('ListMobileDevices', {
        ...input,
        MaxResults: 1,
        ...(NextToken ? { NextToken } : {}),
      });
      found.push(...(page['Devices'] as { DeviceId: string }[]).map(({ DeviceId }) => DeviceId));
      NextToken = page['NextToken'];
    } while (NextToken !== undefined);
    expect(found.sort()).toEqual(wanted);
  }
});

test('a device is described with its status, from the first contact to the end of a wipe', async () => {
  const { call, clock, alice, addDevice, provision, provisioning, refOf } = await serve();
  await addDevice(alice, 'phone');
  const phone = { UserId: alice, DeviceId: 'PHONE' };
  const status = async () => (await call('DescribeMobileDevice', phone))['Status'];
  expect(await call('DescribeMobileDevice', phone)).toEqual({
    RecentRequests: [],
    DeviceId: 'phone',
    UserId: alice,
    DeviceType: 'iPhone',
    UserAgent: 'Phone/1',
    ProtocolVersion: '14.1',
    Status: 'PROVISIONING_REQUIRED',
    AccessState: 'ALLOWED',
    AccessReason: 'RULE',
    AccessRules: ['Default'],
    FirstSyncTime: nowMs / 1000,
    LastSyncTime: nowMs / 1000,
  });
  await provision(alice, 'phone');
  expect(await call('DescribeMobileDevice', phone)).toMatchObject({
    Status: 'PROVISIONING_SUCCEEDED',
    PolicyRevision: 0,
  });
  await call('PutMobilePolicy', { Policy: { AllowCamera: false } });
  expect(await status()).toBe('PROVISIONING_REQUIRED');
  expect(await call('WipeMobileDevice', phone)).toEqual({ Status: 'WIPE_REQUIRED' });
  expect(await call('CancelWipeMobileDevice', phone)).toEqual({ Status: 'PROVISIONING_REQUIRED' });
  await expect(call('CancelWipeMobileDevice', phone)).rejects.toMatchObject({ name: 'EntityStateException' });
  await call('WipeMobileDevice', phone);
  await provisioning.wipeSent(refOf(alice), 'phone' as DeviceId);
  await expect(call('CancelWipeMobileDevice', phone)).rejects.toMatchObject({ name: 'EntityStateException' });
  clock.move(1000);
  await provisioning.wipeAcknowledged(refOf(alice), 'phone' as DeviceId, false);
  expect(await call('DescribeMobileDevice', phone)).toMatchObject({
    Status: 'WIPE_REQUIRED',
    AccessState: 'BLOCKED',
    AccessReason: 'WIPE',
    WipeState: 'FAILED',
    WipeAccountOnly: false,
    WipeRequestedTime: nowMs / 1000,
    WipeSentTime: nowMs / 1000,
    WipeAcknowledgedTime: nowMs / 1000 + 1,
  });
  await provisioning.wipeAcknowledged(refOf(alice), 'phone' as DeviceId, true);
  expect(await status()).toBe('WIPE_SUCCEEDED');
  expect((await call('DescribeMobileDevice', phone))['WipeState']).toBe('ACKNOWLEDGED');
  expect(await call('DeleteMobileDevice', phone)).toEqual({});
  await expect(call('DescribeMobileDevice', phone)).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  await expect(call('DeleteMobileDevice', phone)).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  expect(await call('ListMobileDevices')).toMatchObject({ Devices: [] });
});

test.each([
  ['requested', async () => undefined],
  ['sent', async (sent: () => Promise<unknown>) => sent()],
  [
    'failed',
    async (sent: () => Promise<unknown>, failed: () => Promise<unknown>) => {
      await sent();
      await failed();
    },
  ],
] as const)(
  'DeleteMobileDevice: a device whose wipe is %s is removed with Force only, and keeps it otherwise',
  async (state, advance) => {
    const { call, alice, addDevice, provisioning, refOf } = await serve();
    await addDevice(alice, 'phone');
    const phone = { UserId: alice, DeviceId: 'phone' };
    const [ref, id] = [refOf(alice), 'phone' as DeviceId];
    await call('WipeMobileDevice', phone);
    await advance(
      () => provisioning.wipeSent(ref, id),
      () => provisioning.wipeAcknowledged(ref, id, false),
    );
    for (const input of [phone, { ...phone, Force: false }]) {
      await expect(call('DeleteMobileDevice', input)).rejects.toMatchObject({
        name: 'EntityStateException',
        message: expect.stringContaining('is not wiped yet'),
      });
    }
    expect(await call('DescribeMobileDevice', phone)).toMatchObject({ WipeState: state.toUpperCase() });
    expect(await call('DeleteMobileDevice', { ...phone, Force: true })).toEqual({});
    expect(await call('ListMobileDevices')).toMatchObject({ Devices: [] });
  },
);

test('WipeMobileDevice again: one that was sent goes on as it was, and is not taken back by asking for it anew', async () => {
  const { call, clock, alice, addDevice, provisioning, refOf } = await serve();
  await addDevice(alice, 'phone', '16.1');
  const phone = { UserId: alice, DeviceId: 'phone' };
  const [ref, id] = [refOf(alice), 'phone' as DeviceId];
  const refused = { name: 'EntityStateException' };
  await call('WipeMobileDevice', phone);
  await provisioning.wipeSent(ref, id);
  clock.move(1000);
  expect(await call('WipeMobileDevice', phone)).toEqual({ Status: 'WIPE_REQUIRED' });
  expect(await call('DescribeMobileDevice', phone)).toMatchObject({
    WipeState: 'SENT',
    WipeRequestedTime: nowMs / 1000,
    WipeSentTime: nowMs / 1000,
  });
  await expect(call('CancelWipeMobileDevice', phone)).rejects.toMatchObject(refused);
  await call('WipeMobileDevice', { ...phone, AccountOnly: true });
  expect(await call('DescribeMobileDevice', phone)).toMatchObject({ WipeState: 'REQUESTED' });
  await expect(call('CancelWipeMobileDevice', phone)).rejects.toMatchObject({
    ...refused,
    message: 'An earlier wipe was already sent to the device.',
  });
  await provisioning.wipeSent(ref, id);
  await provisioning.wipeAcknowledged(ref, id, true);
  expect(await call('WipeMobileDevice', phone)).toEqual({ Status: 'WIPE_REQUIRED' });
  await expect(call('CancelWipeMobileDevice', phone)).rejects.toMatchObject(refused);
});

test('an account-only wipe is for devices of 16.1', async () => {
  const { call, alice, addDevice } = await serve();
  await addDevice(alice, 'old');
  await addDevice(alice, 'new', '16.1');
  const wipe = (DeviceId: string) => call('WipeMobileDevice', { UserId: alice, DeviceId, AccountOnly: true });
  await expect(wipe('old')).rejects.toMatchObject({ name: 'UnsupportedOperationException' });
  expect(await wipe('new')).toEqual({ Status: 'WIPE_REQUIRED' });
});

import { expect, test } from 'vitest';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, el } from '#protocols/activesync/wbxml/element';
import { EasClient } from '#test/support/eas-client';
import { startServer, type TestUser } from '#test/support/start-server';

const accepted = 1;
const policyRefresh = 143;

/** A server with alice and her phone, and groups to be made. */
async function serve() {
  const server = await startServer();
  const call = (operation: string, input: object) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const group = async (Name: string, MinimumPasswordLength: number, more: object = {}): Promise<string> => {
    const { GroupId } = await call('CreateGroup', { Name });
    const Policy = { PasswordRequired: true, MinimumPasswordLength, ...more };
    await call('Mailstead.PutMobilePolicy', { EntityId: GroupId, Policy });
    return String(GroupId);
  };
  const phoneOf = ({ address, password }: TestUser): EasClient =>
    new EasClient({
      baseUrl: server.baseUrl,
      ca: server.ca,
      user: address,
      password,
      version: '14.1',
    });
  const alice = await server.addUser('alice');
  const phone = phoneOf(alice);
  await phone.provision();
  return { ...server, call, group, alice, phone, phoneOf };
}

async function askFolders(phone: EasClient): Promise<number> {
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  return (await phone.post('FolderSync', body)).rootStatus ?? accepted;
}

/** What the phone has to take, as `setting=value`. */
async function provision(phone: EasClient): Promise<string[]> {
  const { policy } = await phone.provision();
  const document = child(policy, Provision.EASProvisionDoc);
  return (document?.children ?? []).map(({ tag, text }) => `${tag.name}=${text}`);
}

test('coming into groups and leaving them changes the policy: the strictest of theirs, then the organisation’s', async () => {
  const { call, group, alice, phone } = await serve();
  const strict = await group('strict', 8, { FailedAttemptsAllowed: 10 });
  const stricter = await group('stricter', 6, { FailedAttemptsAllowed: 4, AllowCamera: false });
  await call('CreateGroup', { Name: 'plain' });
  expect(await askFolders(phone)).toBe(accepted);
  await call('AssociateMemberToGroup', { GroupId: 'plain', MemberId: alice.id });
  expect(await askFolders(phone)).toBe(accepted);
  // By way of a group that has no policy itself.
  await call('AssociateMemberToGroup', { GroupId: strict, MemberId: 'plain' });
  expect(await askFolders(phone)).toBe(policyRefresh);
  expect(await provision(phone)).toEqual([
    'DevicePasswordEnabled=1',
    'MinDevicePasswordLength=8',
    'MaxDevicePasswordFailedAttempts=10',
    'AllowCamera=1',
  ]);
  await call('AssociateMemberToGroup', { GroupId: stricter, MemberId: alice.id });
  expect(await askFolders(phone)).toBe(policyRefresh);
  expect(await provision(phone)).toEqual([
    'DevicePasswordEnabled=1',
    'MinDevicePasswordLength=8',
    'MaxDevicePasswordFailedAttempts=4',
    'AllowCamera=0',
  ]);
  expect(await askFolders(phone)).toBe(accepted);
  const shown = async () => ((await call('Mailstead.ListMobileDevices', {}))['Devices'] as object[])[0];
  expect(await shown()).toMatchObject({ Status: 'PROVISIONING_SUCCEEDED', PolicyRevision: 1 });
  await call('Mailstead.PutMobilePolicy', { EntityId: alice.id, Policy: { MinimumPasswordLength: 4 } });
  expect(await askFolders(phone)).toBe(policyRefresh);
  expect(await provision(phone)).toContain('MinDevicePasswordLength=4');
  await call('Mailstead.DeleteMobilePolicy', { EntityId: alice.id });
  await call('DisassociateMemberFromGroup', { GroupId: strict, MemberId: 'plain' });
  expect(await provision(phone)).toContain('MinDevicePasswordLength=6');
  // What the group enforced is taken back from the device by name.
  await call('AssociateMemberToGroup', { GroupId: strict, MemberId: alice.id });
  await provision(phone);
  await call('DeleteGroup', { GroupId: strict });
  expect(await shown()).not.toHaveProperty('PolicyRevision');
  await call('DeleteGroup', { GroupId: stricter });
  expect(await askFolders(phone)).toBe(policyRefresh);
  expect(await provision(phone)).toEqual([
    'DevicePasswordEnabled=0',
    'MinDevicePasswordLength=',
    'MaxDevicePasswordFailedAttempts=',
    'AllowCamera=1',
  ]);
});

test('a phone that waits is told when its owner comes into a group with a policy, or the policy changes', async () => {
  const { call, group, alice, addUser, phone, phoneOf } = await serve();
  const bob = await addUser('bob');
  const other = phoneOf(bob);
  await other.provision();
  const staff = await group('staff', 6);
  const changes = [
    () => call('AssociateMemberToGroup', { GroupId: staff, MemberId: alice.id }),
    () => call('Mailstead.PutMobilePolicy', { EntityId: staff, Policy: { AllowCamera: false } }),
    () => call('DisassociateMemberFromGroup', { GroupId: staff, MemberId: alice.id }),
  ];
  await other.folderSync();
  const inbox = other.folder(2);
  const otherWaits = other.ping([inbox], 300);
  for (const change of changes) {
    phone.folderKey = '0';
    expect(await phone.folderSync()).toBe(accepted);
    const waits = phone.ping([phone.folder(2)], 300);
    await change();
    await waits;
    expect(await askFolders(phone)).toBe(policyRefresh);
    await phone.provision();
  }
  // Nobody else was disturbed.
  expect(await Promise.race([otherWaits.then(() => 'ended'), Promise.resolve('waits')])).toBe('waits');
  await call('Mailstead.PutMobilePolicy', { Policy: { AllowWiFi: false } });
  await otherWaits;
});

/** PutMailboxPermissions, ListMailboxPermissions and DeleteMailboxPermissions over Amazon's client, and by the command line. */
import {
  DeleteMailboxPermissionsCommand,
  ListMailboxPermissionsCommand,
  type PermissionType,
  PutMailboxPermissionsCommand,
  paginateListMailboxPermissions,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient, createKey } from '../support/aws-client.ts';
import { runCommand } from '../support/command-line.ts';
import { startServer } from '../support/start-server.ts';

async function start() {
  const site = await startServer();
  const OrganizationId = site.organization;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = awsClient(site, key);
  const make = async (operation: string, Name: string, more: object = {}) => {
    const { [`${operation}Id`]: id } = await site.admin(`Create${operation}`, {
      OrganizationId,
      Name,
      ...more,
    });
    const Email = `${Name}@test.mailstead.test`;
    await site.admin('RegisterToWorkMail', { OrganizationId, EntityId: id, Email });
    return String(id);
  };
  return {
    site,
    client,
    OrganizationId,
    user: async (name: string) => (await site.addUser(name)).id,
    group: (name: string) => make('Group', name),
    room: (name: string) => make('Resource', name, { Type: 'ROOM' }),
    put: (EntityId: string, GranteeId: string, PermissionValues: string[]) =>
      client.send(
        new PutMailboxPermissionsCommand({
          OrganizationId,
          EntityId,
          GranteeId,
          PermissionValues: PermissionValues as PermissionType[],
        }),
      ),
    remove: (EntityId: string, GranteeId: string) =>
      client.send(new DeleteMailboxPermissionsCommand({ OrganizationId, EntityId, GranteeId })),
    list: async (EntityId: string) =>
      (await client.send(new ListMailboxPermissionsCommand({ OrganizationId, EntityId }))).Permissions,
  };
}

test('PutMailboxPermissions replaces what a grantee had, ListMailboxPermissions pages, DeleteMailboxPermissions takes all of it', async () => {
  const site = await start();
  const [alice, bob, team, room] = [
    await site.user('alice'),
    await site.user('bob'),
    await site.group('team'),
    await site.room('blue'),
  ];
  expect(await site.list(alice)).toEqual([]);
  await site.put(alice, bob, ['SEND_AS', 'FULL_ACCESS', 'SEND_AS']);
  await site.put('alice@test.mailstead.test', 'team', ['SEND_ON_BEHALF']);
  const granted = [
    { GranteeId: bob, GranteeType: 'USER', PermissionValues: ['FULL_ACCESS', 'SEND_AS'] },
    { GranteeId: team, GranteeType: 'GROUP', PermissionValues: ['SEND_ON_BEHALF'] },
  ].toSorted((a, b) => (a.GranteeId < b.GranteeId ? -1 : 1));
  expect(await site.list('alice')).toEqual(granted);
  const pages: unknown[] = [];
  const { client, OrganizationId } = site;
  for await (const { Permissions } of paginateListMailboxPermissions(
    { client, pageSize: 1 },
    { OrganizationId, EntityId: alice },
  )) {
    pages.push(Permissions);
  }
  expect(pages).toEqual(granted.map((one) => [one]));
  await site.put(alice, bob, ['SEND_ON_BEHALF']);
  await site.remove(alice, team);
  await site.remove(alice, team);
  const left = [{ GranteeId: bob, GranteeType: 'USER', PermissionValues: ['SEND_ON_BEHALF'] }];
  expect(await site.list(alice)).toEqual(left);
  for (const entity of [team, room]) {
    await site.put(entity, bob, ['SEND_AS']);
    expect(await site.list(entity)).toMatchObject([{ GranteeId: bob, PermissionValues: ['SEND_AS'] }]);
  }
});

test('PutMailboxPermissions and DeleteMailboxPermissions refuse what cannot be', async () => {
  const site = await start();
  const [alice, bob, team, room] = [
    await site.user('alice'),
    await site.user('bob'),
    await site.group('team'),
    await site.room('blue'),
  ];
  const nobody = '00000000-0000-4000-8000-000000000000';
  const { OrganizationId } = site;
  const disabled = String(
    (await site.site.admin('CreateUser', { OrganizationId, Name: 'carol', DisplayName: 'Carol' }))['UserId'],
  );
  const refusals: [string, string, string[], string][] = [
    [alice, team, ['FULL_ACCESS'], 'InvalidParameterException'],
    [team, bob, ['SEND_AS', 'FULL_ACCESS'], 'InvalidParameterException'],
    [alice, room, ['SEND_AS'], 'InvalidParameterException'],
    [alice, bob, [], 'InvalidParameterException'],
    [alice, bob, ['READ'], 'InvalidParameterException'],
    [alice, nobody, ['SEND_AS'], 'EntityNotFoundException'],
    [nobody, bob, ['SEND_AS'], 'EntityNotFoundException'],
    [disabled, bob, ['SEND_AS'], 'EntityStateException'],
    [alice, disabled, ['SEND_AS'], 'EntityStateException'],
  ];
  for (const [entity, grantee, values, name] of refusals) {
    await expect(site.put(entity, grantee, values), `${entity} ${grantee} ${values}`).rejects.toMatchObject({
      name,
    });
  }
  for (const [entity, grantee] of [
    [alice, nobody],
    [nobody, alice],
  ] as const) {
    await expect(site.remove(entity, grantee)).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  }
  await expect(site.list(nobody)).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  const elsewhere = { OrganizationId: `m-${'0'.repeat(32)}`, EntityId: alice, GranteeId: bob };
  for (const operation of ['DeleteMailboxPermissions', 'ListMailboxPermissions', 'PutMailboxPermissions']) {
    await expect(
      site.site.admin(operation, { ...elsewhere, PermissionValues: ['SEND_AS'] }),
    ).rejects.toMatchObject({ name: 'OrganizationNotFoundException' });
  }
  expect(await site.list(alice)).toEqual([]);
});

test('user permissions list|grant|revoke', async () => {
  const { site, user, group } = await start();
  await user('alice');
  await user('bob');
  await group('team');
  const run = (...args: string[]) => runCommand(site.dataDir, ['user', 'permissions', ...args]);
  expect((await run('list', 'alice')).out).toBe('Nobody else may do anything with alice.\n');
  expect(await run('grant', 'alice', 'bob')).toMatchObject({ code: 2, out: '' });
  expect(await run('grant', 'alice', 'bob', '--send-as', '--full-access')).toMatchObject({
    code: 0,
    out: 'bob has FULL_ACCESS, SEND_AS on alice.\n',
  });
  await run('grant', 'alice', 'team', '--send-on-behalf');
  const { out } = await run('list', 'alice');
  expect(out).toMatch(/^GRANTEE +TYPE +PERMISSIONS +ID\n/);
  expect(out).toMatch(/^bob@test\.mailstead\.test +USER +FULL_ACCESS, SEND_AS +[0-9a-f-]{36}$/m);
  expect(out).toMatch(/^team@test\.mailstead\.test +GROUP +SEND_ON_BEHALF +[0-9a-f-]{36}$/m);
  expect((await run('revoke', 'alice', 'bob')).out).toBe('bob may do nothing with alice any more.\n');
  expect(JSON.parse((await run('list', 'alice', '--json')).out)).toMatchObject({
    Permissions: [{ GranteeType: 'GROUP', PermissionValues: ['SEND_ON_BEHALF'] }],
  });
  expect(await run('grant', 'alice', 'team', '--full-access')).toMatchObject({ code: 1, out: '' });
});

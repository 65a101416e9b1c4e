/** Impersonation roles over Amazon's client. */
import {
  AssumeImpersonationRoleCommand,
  CreateImpersonationRoleCommand,
  type CreateImpersonationRoleCommandInput,
  DeleteImpersonationRoleCommand,
  GetAccessControlEffectCommand,
  GetImpersonationRoleCommand,
  GetImpersonationRoleEffectCommand,
  ListImpersonationRolesCommand,
  PutAccessControlRuleCommand,
  paginateListImpersonationRoles,
  UpdateImpersonationRoleCommand,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient, createKey } from '../support/aws-client.ts';
import { startServer } from '../support/start-server.ts';

async function start() {
  const site = await startServer();
  const OrganizationId = site.organization;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = awsClient(site, key);
  const create = async (role: Partial<CreateImpersonationRoleCommandInput> = {}) => {
    const wanted = { OrganizationId, Name: 'archive', Type: 'READ_ONLY' as const, Rules: [], ...role };
    return String((await client.send(new CreateImpersonationRoleCommand(wanted))).ImpersonationRoleId);
  };
  const effect = async (ImpersonationRoleId: string, TargetUser: string) => {
    const command = { OrganizationId, ImpersonationRoleId, TargetUser };
    const { $metadata: _none, ...answer } = await client.send(new GetImpersonationRoleEffectCommand(command));
    return answer;
  };
  return { site, OrganizationId, client, create, effect };
}

test('impersonation roles: CreateImpersonationRole, GetImpersonationRole, UpdateImpersonationRole, ListImpersonationRoles, DeleteImpersonationRole, GetImpersonationRoleEffect', async () => {
  const { site, OrganizationId, client, create, effect } = await start();
  const [alice, bob] = [await site.addUser('alice'), await site.addUser('bob')];
  const allow = { ImpersonationRuleId: 'all-but-bob', Effect: 'ALLOW' } as const;
  const rules = [{ ...allow, Name: 'Not Bob', Description: 'Everybody else', NotTargetUsers: [bob.address] }];
  const ImpersonationRoleId = await create({ Description: 'For the archive', Rules: rules });
  const stored = {
    ImpersonationRoleId,
    Name: 'archive',
    Type: 'READ_ONLY',
    DateCreated: expect.any(Date),
    DateModified: expect.any(Date),
  };
  const role = await client.send(new GetImpersonationRoleCommand({ OrganizationId, ImpersonationRoleId }));
  const kept = [{ ...rules[0], NotTargetUsers: [bob.id] }];
  expect(role).toMatchObject({ ...stored, Description: 'For the archive', Rules: kept });
  const { Roles } = await client.send(new ListImpersonationRolesCommand({ OrganizationId }));
  expect(Roles).toEqual([stored]);

  expect(await effect(ImpersonationRoleId, 'alice')).toEqual({
    Type: 'READ_ONLY',
    Effect: 'ALLOW',
    MatchedRules: [{ ImpersonationRuleId: 'all-but-bob', Name: 'Not Bob' }],
  });
  expect(await effect(ImpersonationRoleId, bob.id)).toMatchObject({ Effect: 'DENY', MatchedRules: [] });

  const denied = { ImpersonationRuleId: 'no-alice', Effect: 'DENY' as const, TargetUsers: [alice.id] };
  const update = { OrganizationId, ImpersonationRoleId, Name: 'all', Type: 'FULL_ACCESS' } as const;
  await client.send(new UpdateImpersonationRoleCommand({ ...update, Rules: [denied, { ...allow }] }));
  const changed = await client.send(new GetImpersonationRoleCommand({ OrganizationId, ImpersonationRoleId }));
  expect(changed).toMatchObject({ Name: 'all', Type: 'FULL_ACCESS', DateCreated: role.DateCreated });
  expect(changed.Description).toBeUndefined();
  expect(await effect(ImpersonationRoleId, alice.address)).toEqual({
    Type: 'FULL_ACCESS',
    Effect: 'DENY',
    MatchedRules: [{ ImpersonationRuleId: 'no-alice' }],
  });
  expect(await effect(ImpersonationRoleId, bob.id)).toMatchObject({ Effect: 'ALLOW' });

  const rule = { OrganizationId, Name: 'r', Effect: 'DENY', Description: 'A rule' } as const;
  const ImpersonationRoleIds = [ImpersonationRoleId];
  await client.send(new PutAccessControlRuleCommand({ ...rule, ImpersonationRoleIds }));
  const asked = { OrganizationId, IpAddress: '192.0.2.7', Action: 'EWS', ImpersonationRoleId };
  expect(await client.send(new GetAccessControlEffectCommand(asked))).toMatchObject({ Effect: 'DENY' });

  const removal = new DeleteImpersonationRoleCommand({ OrganizationId, ImpersonationRoleId });
  await client.send(removal);
  await client.send(removal);
  const after = await client.send(new ListImpersonationRolesCommand({ OrganizationId }));
  expect(after.Roles).toEqual([]);
});

test('AssumeImpersonationRole gives a token for 15 minutes, another each time', async () => {
  const { OrganizationId, client, create } = await start();
  const ImpersonationRoleId = await create();
  const assume = new AssumeImpersonationRoleCommand({ OrganizationId, ImpersonationRoleId });
  const [first, second] = [await client.send(assume), await client.send(assume)];
  expect(first).toMatchObject({ Token: expect.stringMatching(/^[\x21-\x7e]{80,256}$/), ExpiresIn: 900 });
  expect(second.Token).not.toBe(first.Token);
});

test('CreateImpersonationRole: a ClientToken makes one role, there are 20 at most, and they are listed page by page', async () => {
  const { OrganizationId, client, create } = await start();
  const ids = [await create({ ClientToken: 'once', Description: 'd' })];
  expect(await create({ ClientToken: 'once', Description: 'd' })).toBe(ids[0]);
  const other = create({ ClientToken: 'once', Description: 'another' });
  await expect(other).rejects.toMatchObject({ name: 'InvalidParameterException' });
  while (ids.length < 20) ids.push(await create());
  await expect(create()).rejects.toMatchObject({ name: 'LimitExceededException' });
  const listed: unknown[] = [];
  for await (const { Roles } of paginateListImpersonationRoles({ client, pageSize: 7 }, { OrganizationId })) {
    listed.push(...(Roles ?? []).map(({ ImpersonationRoleId }) => ImpersonationRoleId));
  }
  expect(listed.sort()).toEqual(ids.sort());
});

test('impersonation roles: what cannot be is refused', async () => {
  const { site, OrganizationId, create } = await start();
  const { admin } = site;
  const gone = await site.addUser('gone');
  await admin('DeregisterFromWorkMail', { OrganizationId, EntityId: gone.id });
  await admin('DeleteUser', { OrganizationId, UserId: gone.id });
  const ImpersonationRoleId = await create();
  const rule = { ImpersonationRuleId: 'one', Effect: 'ALLOW' };
  const about = (user: string) => [{ ...rule, TargetUsers: [user] }];
  const role = { OrganizationId, Name: 'n', Type: 'READ_ONLY', Rules: [] };
  const unknown = { OrganizationId, ImpersonationRoleId: 'unknown' };
  const refused: [string, object, string][] = [
    ['CreateImpersonationRole', { ...role, Rules: about('nobody') }, 'EntityNotFoundException'],
    ['CreateImpersonationRole', { ...role, Rules: about(gone.id) }, 'EntityStateException'],
    ['CreateImpersonationRole', { ...role, Rules: [rule, rule] }, 'InvalidParameterException'],
    ['CreateImpersonationRole', { ...role, Rules: Array(11).fill(rule) }, 'InvalidParameterException'],
    ['CreateImpersonationRole', { ...role, Type: 'SOME_ACCESS' }, 'InvalidParameterException'],
    ['UpdateImpersonationRole', { ...role, ...unknown }, 'ResourceNotFoundException'],
    [
      'UpdateImpersonationRole',
      { ...role, ImpersonationRoleId, Rules: about('nobody') },
      'EntityNotFoundException',
    ],
    ['GetImpersonationRole', unknown, 'ResourceNotFoundException'],
    ['AssumeImpersonationRole', unknown, 'ResourceNotFoundException'],
    ['GetImpersonationRoleEffect', { ...unknown, TargetUser: 'a' }, 'ResourceNotFoundException'],
    [
      'GetImpersonationRoleEffect',
      { OrganizationId, ImpersonationRoleId, TargetUser: 'x' },
      'EntityNotFoundException',
    ],
    [
      'GetImpersonationRoleEffect',
      { OrganizationId, ImpersonationRoleId, TargetUser: gone.id },
      'EntityStateException',
    ],
  ];
  for (const [operation, input, name] of refused) {
    await expect(admin(operation, input), `${operation} ${name}`).rejects.toMatchObject({ name });
    if (name === 'InvalidParameterException') continue;
    const elsewhere = { ...input, OrganizationId: `m-${'0'.repeat(32)}` };
    const missing = { name: 'OrganizationNotFoundException' };
    await expect(admin(operation, elsewhere), operation).rejects.toMatchObject(missing);
  }
});

import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

const nobody = { OrganizationId: `m-${'0'.repeat(32)}` };
const someId = '12345678-1234-4234-8234-123456789012';

/** A server with a second organisation beside the tests' own. */
async function serve() {
  const server = await startServer();
  const { OrganizationId: other } = await server.admin('CreateOrganization', { Alias: 'other' });
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const refusal = async (operation: string, input: object): Promise<string> => {
    try {
      await call(operation, input);
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
    return 'done';
  };
  const group = async (Name: string): Promise<string> =>
    String((await call('CreateGroup', { Name }))['GroupId']);
  const enabled = async (name: string): Promise<string> => {
    const EntityId = await group(name);
    await call('RegisterToWorkMail', { EntityId, Email: `${name}@test.mailstead.test` });
    return EntityId;
  };
  return { ...server, other: { OrganizationId: String(other) }, call, refusal, group, enabled };
}

const given: [operation: string, input: object][] = [
  ['CreateGroup', { Name: 'staff' }],
  ['DescribeGroup', { GroupId: someId }],
  ['UpdateGroup', { GroupId: someId, HiddenFromGlobalAddressList: true }],
  ['DeleteGroup', { GroupId: someId }],
  ['ListGroups', {}],
  ['AssociateMemberToGroup', { GroupId: someId, MemberId: someId }],
  ['DisassociateMemberFromGroup', { GroupId: someId, MemberId: someId }],
  ['ListGroupMembers', { GroupId: someId }],
  ['ListGroupsForEntity', { EntityId: someId }],
  ['Mailstead.GetMailRouting', {}],
  ['Mailstead.PutMailRouting', { Administrator: someId }],
];

test('every operation refuses an organisation there is not, and survives nonsense', async () => {
  const { refusal } = await serve();
  for (const [operation, input] of given) {
    expect(await refusal(operation, { ...input, ...nobody }), operation).toBe(
      'OrganizationNotFoundException',
    );
    expect(await refusal(operation, { ...input, OrganizationId: '../../etc' }), operation).toBe(
      'InvalidParameterException',
    );
    for (const OrganizationId of [42, [], {}]) {
      expect(await refusal(operation, { ...input, OrganizationId }), operation).toBe(
        'SerializationException',
      );
    }
    for (const member of Object.keys(input).filter((name) => name !== 'HiddenFromGlobalAddressList')) {
      expect(await refusal(operation, { ...input, [member]: '' }), operation).toBe(
        'InvalidParameterException',
      );
    }
  }
});

test('a group lives: made, enabled, described, listed, disabled, deleted, and made again', async () => {
  const { call, refusal } = await serve();
  const { GroupId } = await call('CreateGroup', { Name: 'All Staff', HiddenFromGlobalAddressList: true });
  const created = { GroupId, Name: 'All Staff', State: 'DISABLED', HiddenFromGlobalAddressList: true };
  expect(await call('DescribeGroup', { GroupId })).toEqual(created);
  expect(await refusal('CreateGroup', { Name: 'all staff' })).toBe('NameAvailabilityException');
  const Email = 'staff@test.mailstead.test';
  await call('RegisterToWorkMail', { EntityId: GroupId, Email });
  await call('RegisterToWorkMail', { EntityId: GroupId, Email });
  expect(await refusal('RegisterToWorkMail', { EntityId: GroupId, Email: `x${Email}` })).toBe(
    'EntityAlreadyRegisteredException',
  );
  await call('UpdateGroup', { GroupId: Email, HiddenFromGlobalAddressList: false });
  await call('UpdateGroup', { GroupId });
  const enabled = { Name: 'All Staff', Email, State: 'ENABLED', EnabledDate: expect.any(Number) };
  expect(await call('DescribeGroup', { GroupId: Email.toUpperCase() })).toEqual({
    GroupId,
    ...enabled,
    HiddenFromGlobalAddressList: false,
  });
  expect(await call('ListGroups')).toEqual({ Groups: [{ Id: GroupId, ...enabled }] });
  expect(await call('ListUsers')).toEqual({ Users: [] });
  await call('CreateAlias', { EntityId: GroupId, Alias: 'all@test.mailstead.test' });
  await call('CreateAlias', { EntityId: GroupId, Alias: 'all@test.mailstead.test' });
  expect(await call('ListAliases', { EntityId: GroupId })).toEqual({
    Aliases: ['all@test.mailstead.test', Email],
  });
  expect(await refusal('DeleteGroup', { GroupId })).toBe('EntityStateException');
  await call('DeregisterFromWorkMail', { EntityId: GroupId });
  expect(await refusal('DeregisterFromWorkMail', { EntityId: GroupId })).toBe('EntityStateException');
  expect(await call('DescribeGroup', { GroupId })).not.toHaveProperty('Email');
  for (let n = 0; n < 2; n++) expect(await call('DeleteGroup', { GroupId })).toEqual({});
  expect(await refusal('DescribeGroup', { GroupId })).toBe('EntityNotFoundException');
  expect(await call('ListGroups')).toEqual({ Groups: [] });
  const again = await call('CreateGroup', { Name: 'All Staff' });
  await call('RegisterToWorkMail', { EntityId: again['GroupId'], Email });
});

test('a name is one entity: users and groups share names, and some nobody has', async () => {
  const { call, refusal, group, addUser } = await serve();
  const alice = await addUser('alice');
  await group('staff');
  expect(await refusal('CreateGroup', { Name: 'Alice' })).toBe('NameAvailabilityException');
  expect(await refusal('CreateUser', { Name: 'staff', DisplayName: 'S' })).toBe('NameAvailabilityException');
  expect(await refusal('CreateGroup', { Name: 'Administrator' })).toBe('ReservedNameException');
  for (const Name of [' ', '\u0085', 'x'.repeat(257), '\u{1f600}']) {
    expect(await refusal('CreateGroup', { Name }), JSON.stringify(Name)).toBe('InvalidParameterException');
  }
  // What asks for a group finds no user, and the other way round.
  expect(await refusal('DescribeGroup', { GroupId: alice.id })).toBe('EntityNotFoundException');
  expect(await refusal('DescribeUser', { UserId: 'staff' })).toBe('EntityNotFoundException');
  expect(await refusal('DeleteGroup', { GroupId: alice.id })).toBe('InvalidParameterException');
  const { GroupId } = await call('DescribeGroup', { GroupId: 'staff' });
  expect(await refusal('ResetPassword', { UserId: GroupId, Password: 'Password-1' })).toBe(
    'EntityNotFoundException',
  );
});

test('members come and go, once each, and a group is never in itself', async () => {
  const { call, refusal, enabled, addUser } = await serve();
  const [alice, bob] = [await addUser('alice'), await addUser('bob')];
  const [outer, inner, third] = [await enabled('outer'), await enabled('inner'), await enabled('third')];
  const add = (GroupId: string, MemberId: string) => refusal('AssociateMemberToGroup', { GroupId, MemberId });
  for (let n = 0; n < 2; n++) expect(await add('outer', alice.address)).toBe('done');
  expect(await add(outer, inner)).toBe('done');
  expect(await add(inner, third)).toBe('done');
  expect(await add(inner, bob.id)).toBe('done');
  for (const [group, member] of [
    [outer, outer],
    [inner, outer],
    [third, outer],
    [third, inner],
  ] as const) {
    expect(await add(group, member)).toBe('InvalidParameterException');
  }
  expect(await add(outer, someId)).toBe('EntityNotFoundException');
  expect(await add(someId, alice.id)).toBe('EntityNotFoundException');
  expect(await add(alice.id, bob.id)).toBe('EntityNotFoundException');
  const { Members } = await call('ListGroupMembers', { GroupId: outer });
  const user = {
    Id: alice.id,
    Name: 'alice',
    Type: 'USER',
    State: 'ENABLED',
    EnabledDate: expect.any(Number),
  };
  const group = { ...user, Id: inner, Name: 'inner', Type: 'GROUP' };
  expect(Members).toEqual([user, group].sort((a, b) => (a.Id < b.Id ? -1 : 1)));
  expect(await call('ListGroupsForEntity', { EntityId: bob.address })).toEqual({
    Groups: [{ GroupId: inner, GroupName: 'inner' }],
  });
  const remove = () => refusal('DisassociateMemberFromGroup', { GroupId: inner, MemberId: 'bob' });
  expect([await remove(), await remove()]).toEqual(['done', 'EntityNotFoundException']);
  expect(await call('ListGroupsForEntity', { EntityId: bob.id })).toEqual({ Groups: [] });
});

test('deregistering keeps memberships, deleting a group takes them away on both sides', async () => {
  const { call, enabled, addUser } = await serve();
  const alice = await addUser('alice');
  const [outer, inner] = [await enabled('outer'), await enabled('inner')];
  await call('AssociateMemberToGroup', { GroupId: outer, MemberId: inner });
  await call('AssociateMemberToGroup', { GroupId: inner, MemberId: alice.id });
  for (const EntityId of [inner, alice.id]) await call('DeregisterFromWorkMail', { EntityId });
  const listed = async (GroupId: string) =>
    ((await call('ListGroupMembers', { GroupId }))['Members'] as { State: string }[]).map(
      ({ State }) => State,
    );
  expect([await listed(outer), await listed(inner)]).toEqual([['DISABLED'], ['DISABLED']]);
  await call('DeleteGroup', { GroupId: inner });
  expect(await listed(outer)).toEqual([]);
  expect(await call('ListGroupsForEntity', { EntityId: alice.id })).toEqual({ Groups: [] });
});

test('lists go page by page and take one filter', async () => {
  const { call, refusal, group, enabled } = await serve();
  const names = ['alpha', 'beta', 'Beta 2', 'gamma'];
  for (const name of names.slice(0, 3)) await group(name);
  const gamma = await enabled('gamma');
  const all = async (operation: string, list: string, input: object) => {
    const found: Record<string, unknown>[] = [];
    let NextToken: unknown;
    do {
      const page = await call(operation, { ...input, MaxResults: 1, ...(NextToken ? { NextToken } : {}) });
      found.push(...(page[list] as Record<string, unknown>[]));
      NextToken = page['NextToken'];
    } while (NextToken !== undefined);
    return found.map((one) => one['Name'] ?? one['GroupName']).sort();
  };
  expect(await all('ListGroups', 'Groups', {})).toEqual([...names].sort());
  expect(await all('ListGroups', 'Groups', { Filters: { NamePrefix: 'BETA' } })).toEqual(['Beta 2', 'beta']);
  expect(await all('ListGroups', 'Groups', { Filters: { State: 'ENABLED' } })).toEqual(['gamma']);
  expect(await all('ListGroups', 'Groups', { Filters: { PrimaryEmailPrefix: 'gam' } })).toEqual(['gamma']);
  const two = { Filters: { NamePrefix: 'a', State: 'ENABLED' } };
  expect(await refusal('ListGroups', two)).toBe('InvalidParameterException');
  for (const GroupId of ['alpha', 'beta']) await call('AssociateMemberToGroup', { GroupId, MemberId: gamma });
  expect(await all('ListGroupsForEntity', 'Groups', { EntityId: gamma })).toEqual(['alpha', 'beta']);
  const filtered = { EntityId: gamma, Filters: { GroupNamePrefix: 'b' } };
  expect(await all('ListGroupsForEntity', 'Groups', filtered)).toEqual(['beta']);
  await call('AssociateMemberToGroup', { GroupId: 'alpha', MemberId: 'beta' });
  expect(await all('ListGroupMembers', 'Members', { GroupId: 'alpha' })).toEqual(['beta', 'gamma']);
  expect(await refusal('ListGroupMembers', { GroupId: 'alpha', NextToken: 'x' })).toBe(
    'InvalidParameterException',
  );
});

test('another organisation sees nothing of a group', async () => {
  const { call, refusal, enabled, addUser, other } = await serve();
  const alice = await addUser('alice');
  const GroupId = await enabled('staff');
  for (const id of [GroupId, 'staff', 'staff@test.mailstead.test']) {
    expect(await refusal('DescribeGroup', { ...other, GroupId: id })).toBe('EntityNotFoundException');
    expect(await refusal('UpdateGroup', { ...other, GroupId: id })).toBe('EntityNotFoundException');
    expect(await refusal('DeleteGroup', { ...other, GroupId: id })).toBe('done');
    expect(await refusal('ListGroupMembers', { ...other, GroupId: id })).toBe('EntityNotFoundException');
    expect(await refusal('ListGroupsForEntity', { ...other, EntityId: id })).toBe('EntityNotFoundException');
    expect(await refusal('Mailstead.PutMailRouting', { ...other, Administrator: id })).toBe(
      'EntityNotFoundException',
    );
    expect(await refusal('Mailstead.PutMobilePolicy', { ...other, EntityId: id, Policy: {} })).toBe(
      'EntityNotFoundException',
    );
  }
  const { GroupId: theirs } = await call('CreateGroup', { ...other, Name: 'staff' });
  for (const [group, member] of [
    [theirs, alice.id],
    [theirs, GroupId],
  ]) {
    const input = { ...other, GroupId: group, MemberId: member };
    expect(await refusal('AssociateMemberToGroup', input)).toBe('EntityNotFoundException');
  }
  expect(await call('ListGroups', other)).toMatchObject({ Groups: [{ Id: theirs }] });
  expect(await call('DescribeGroup', { GroupId })).toMatchObject({ State: 'ENABLED' });
});

test('mail routing is put as a whole, and refuses who is not there or not enabled', async () => {
  const { call, refusal, enabled, group, addUser } = await serve();
  const alice = await addUser('alice');
  const staff = await enabled('staff');
  await group('later');
  const DomainName = 'test.mailstead.test';
  expect(await call('Mailstead.GetMailRouting')).toEqual({ CatchAlls: [] });
  const wanted = { Administrator: alice.address, CatchAlls: [{ DomainName, EntityId: 'staff' }] };
  const stored = { Administrator: alice.id, CatchAlls: [{ DomainName, EntityId: staff }] };
  for (let n = 0; n < 2; n++) expect(await call('Mailstead.PutMailRouting', wanted)).toEqual(stored);
  for (const [input, type] of [
    [{ Administrator: 'later' }, 'EntityStateException'],
    [{ Administrator: 'nobody' }, 'EntityNotFoundException'],
    [{ CatchAlls: [{ DomainName: 'away.example', EntityId: 'staff' }] }, 'MailDomainNotFoundException'],
    [{ CatchAlls: [...wanted.CatchAlls, ...wanted.CatchAlls] }, 'InvalidParameterException'],
    [{ CatchAlls: [{ DomainName }] }, 'InvalidParameterException'],
    [{ Administrators: 'alice' }, 'InvalidParameterException'],
  ] as const) {
    expect(await refusal('Mailstead.PutMailRouting', input), JSON.stringify(input)).toBe(type);
  }
  expect(await call('Mailstead.GetMailRouting')).toEqual(stored);
  // One that was disabled since is no hindrance; one that is deleted is gone from it.
  await call('DeregisterFromWorkMail', { EntityId: staff });
  expect(await call('Mailstead.PutMailRouting', wanted)).toEqual(stored);
  await call('DeleteGroup', { GroupId: staff });
  expect(await call('Mailstead.GetMailRouting')).toEqual({ Administrator: alice.id, CatchAlls: [] });
  expect(await call('Mailstead.PutMailRouting')).toEqual({ CatchAlls: [] });
});

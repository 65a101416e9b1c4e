import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

const domain = 'test.mailstead.test';
const defaults = {
  AutoAcceptRequests: true,
  AutoDeclineRecurringRequests: false,
  AutoDeclineConflictingRequests: true,
};

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
  const room = async (Name: string): Promise<string> =>
    String((await call('CreateResource', { Name, Type: 'ROOM' }))['ResourceId']);
  const enabled = async (name: string): Promise<string> => {
    const EntityId = await room(name);
    await call('RegisterToWorkMail', { EntityId, Email: `${name}@${domain}` });
    return EntityId;
  };
  return { ...server, other: { OrganizationId: String(other) }, call, refusal, room, enabled };
}

test('a resource lives: made, enabled, described, listed, disabled, deleted, and made again', async () => {
  const { call, refusal } = await serve();
  const made = { Name: 'Blue.Room', Type: 'ROOM', Description: 'Second floor' };
  const { ResourceId } = await call('CreateResource', { ...made, HiddenFromGlobalAddressList: true });
  expect(ResourceId).toMatch(/^r-[0-9a-f]{32}$/);
  const disabled = { ...made, State: 'DISABLED', HiddenFromGlobalAddressList: true };
  expect(await call('DescribeResource', { ResourceId })).toEqual({
    ResourceId,
    ...disabled,
    BookingOptions: defaults,
  });
  expect(await refusal('CreateResource', { Name: 'blue.room', Type: 'ROOM' })).toBe(
    'NameAvailabilityException',
  );
  const Email = `blue@${domain}`;
  for (let n = 0; n < 2; n++) await call('RegisterToWorkMail', { EntityId: ResourceId, Email });
  expect(await refusal('RegisterToWorkMail', { EntityId: ResourceId, Email: `x${Email}` })).toBe(
    'EntityAlreadyRegisteredException',
  );
  const enabled = { ...made, Email, State: 'ENABLED', EnabledDate: expect.any(Number) };
  for (const id of [ResourceId, String(ResourceId).toUpperCase(), Email, 'BLUE.ROOM']) {
    expect(await call('DescribeResource', { ResourceId: id })).toMatchObject({ ResourceId, ...enabled });
  }
  expect(await call('ListResources')).toEqual({ Resources: [{ Id: ResourceId, ...enabled }] });
  expect(await call('ListUsers')).toEqual({ Users: [] });
  expect(await call('ListGroups')).toEqual({ Groups: [] });
  await call('CreateAlias', { EntityId: ResourceId, Alias: `azure@${domain}` });
  expect(await call('ListAliases', { EntityId: ResourceId })).toEqual({
    Aliases: [`azure@${domain}`, Email],
  });
  expect(await refusal('DeleteResource', { ResourceId })).toBe('EntityStateException');
  await call('DeregisterFromWorkMail', { EntityId: ResourceId });
  expect(await refusal('DeregisterFromWorkMail', { EntityId: ResourceId })).toBe('EntityStateException');
  const again = await call('DescribeResource', { ResourceId });
  expect(again).toMatchObject({ ...disabled, DisabledDate: expect.any(Number) });
  expect(again).not.toHaveProperty('Email');
  for (let n = 0; n < 2; n++) expect(await call('DeleteResource', { ResourceId })).toEqual({});
  expect(await refusal('DescribeResource', { ResourceId })).toBe('EntityNotFoundException');
  expect(await refusal('RegisterToWorkMail', { EntityId: ResourceId, Email })).toBe(
    'EntityNotFoundException',
  );
  expect(await call('ListResources')).toEqual({ Resources: [] });
  const next = await call('CreateResource', made);
  await call('RegisterToWorkMail', { EntityId: next['ResourceId'], Email });
});

test('an update changes what is given, and no resource is left to nobody', async () => {
  const { call, refusal, room, addUser } = await serve();
  await addUser('alice');
  const ResourceId = await room('blue');
  await room('red');
  await call('UpdateResource', { ResourceId: 'blue', Name: 'Green', Type: 'EQUIPMENT', Description: 'Van' });
  await call('UpdateResource', { ResourceId, HiddenFromGlobalAddressList: true });
  const accepting = { AutoAcceptRequests: true };
  await call('UpdateResource', {
    ResourceId,
    BookingOptions: { ...accepting, AutoDeclineRecurringRequests: true },
  });
  const changed = {
    ResourceId,
    Name: 'Green',
    Type: 'EQUIPMENT',
    State: 'DISABLED',
    HiddenFromGlobalAddressList: true,
    BookingOptions: {
      AutoAcceptRequests: true,
      AutoDeclineRecurringRequests: true,
      AutoDeclineConflictingRequests: false,
    },
  };
  expect(await call('DescribeResource', { ResourceId: 'green' })).toEqual({ ...changed, Description: 'Van' });
  // As a client asks for false that does not send what is the default.
  await call('UpdateResource', { ResourceId, BookingOptions: accepting });
  const allOff = { ...defaults, AutoDeclineConflictingRequests: false };
  expect(await call('DescribeResource', { ResourceId })).toMatchObject({ BookingOptions: allOff });
  changed.BookingOptions = allOff;
  await call('UpdateResource', { ResourceId, Description: '', Name: 'green' });
  expect(await call('DescribeResource', { ResourceId })).toEqual({ ...changed, Name: 'green' });
  expect(await refusal('DescribeResource', { ResourceId: 'blue' })).toBe('EntityNotFoundException');
  await room('blue');
  for (const [input, type] of [
    [{ BookingOptions: { AutoAcceptRequests: false } }, 'InvalidConfigurationException'],
    [{ BookingOptions: {} }, 'InvalidConfigurationException'],
    [{ Name: 'red' }, 'NameAvailabilityException'],
    [{ Name: 'Alice' }, 'NameAvailabilityException'],
    [{ Name: 'guest' }, 'NameAvailabilityException'],
    [{ Name: 'x'.repeat(21) }, 'InvalidParameterException'],
    [{ Name: 'two words' }, 'InvalidParameterException'],
    [{ Type: 'CAR' }, 'InvalidParameterException'],
    [{ Description: 'x'.repeat(65) }, 'InvalidParameterException'],
    [{ ResourceId: 'alice' }, 'EntityNotFoundException'],
  ] as const) {
    expect(await refusal('UpdateResource', { ResourceId, ...input }), JSON.stringify(input)).toBe(type);
  }
  expect(await call('DescribeResource', { ResourceId })).toEqual({ ...changed, Name: 'green' });
});

test('a resource has no address whose mail somebody is to read', async () => {
  const { call, refusal, enabled, addUser } = await serve();
  const EntityId = await enabled('blue');
  const { ResourceId } = await call('CreateResource', { Name: 'red', Type: 'ROOM' });
  for (const address of ['postmaster', 'Abuse', 'postmaster+red']) {
    const Email = `${address}@test.mailstead.test`;
    for (const [operation, input] of [
      ['RegisterToWorkMail', { EntityId: ResourceId, Email }],
      ['CreateAlias', { EntityId, Alias: Email }],
      ['UpdatePrimaryEmailAddress', { EntityId, Email }],
    ] as const) {
      expect(await refusal(operation, input), `${operation} ${Email}`).toBe('InvalidParameterException');
    }
  }
  const { id } = await addUser('alice');
  await call('CreateAlias', { EntityId: id, Alias: 'abuse@test.mailstead.test' });
});

test('a resource is no user and no group, joins none, and gets no mail for nobody', async () => {
  const { call, refusal, enabled, addUser } = await serve();
  const alice = await addUser('alice');
  const ResourceId = await enabled('blue');
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  for (const [operation, input, type] of [
    ['CreateUser', { Name: 'BLUE', DisplayName: 'B' }, 'NameAvailabilityException'],
    ['CreateGroup', { Name: 'blue' }, 'NameAvailabilityException'],
    ['CreateResource', { Name: 'alice', Type: 'ROOM' }, 'NameAvailabilityException'],
    ['CreateResource', { Name: 'Administrator', Type: 'ROOM' }, 'ReservedNameException'],
    ['CreateResource', { Name: 'red' }, 'InvalidParameterException'],
    ['CreateResource', { Name: '', Type: 'ROOM' }, 'InvalidParameterException'],
    ['DescribeUser', { UserId: ResourceId }, 'EntityNotFoundException'],
    ['DescribeGroup', { GroupId: ResourceId }, 'EntityNotFoundException'],
    ['DescribeResource', { ResourceId: alice.id }, 'EntityNotFoundException'],
    ['DeleteResource', { ResourceId: alice.id }, 'InvalidParameterException'],
    ['DeleteGroup', { GroupId: ResourceId }, 'InvalidParameterException'],
    ['ResetPassword', { UserId: ResourceId, Password: 'Password-1' }, 'EntityNotFoundException'],
    ['AssociateMemberToGroup', { GroupId, MemberId: ResourceId }, 'InvalidParameterException'],
    ['Mailstead.PutMailRouting', { Administrator: ResourceId }, 'InvalidParameterException'],
    ['Mailstead.PutMobilePolicy', { EntityId: ResourceId, Policy: {} }, 'InvalidParameterException'],
  ] as const) {
    expect(await refusal(operation, input), operation).toBe(type);
  }
  // The id of a user in the form of a resource's is nobody's, and the other way round.
  const asResource = `r-${alice.id.replaceAll('-', '')}`;
  expect(await refusal('DescribeResource', { ResourceId: asResource })).toBe('EntityNotFoundException');
  const asUser = ResourceId.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  for (const EntityId of [asResource, asUser]) {
    expect(await refusal('DeregisterFromWorkMail', { EntityId })).toBe('EntityNotFoundException');
  }
  expect(await call('ListGroupsForEntity', { EntityId: ResourceId })).toEqual({ Groups: [] });
});

test('lists go page by page and take one filter; another organisation sees nothing', async () => {
  const { call, refusal, room, enabled, other } = await serve();
  for (const name of ['alpha', 'beta', 'Beta-2']) await room(name);
  const gamma = await enabled('gamma');
  const all = async (input: object) => {
    const found: Record<string, unknown>[] = [];
    let NextToken: unknown;
    do {
      const token = NextToken ? { NextToken } : {};
      const page = await call('ListResources', { ...input, MaxResults: 1, ...token });
      found.push(...(page['Resources'] as Record<string, unknown>[]));
      NextToken = page['NextToken'];
    } while (NextToken !== undefined);
    return found.map((one) => one['Name']).sort();
  };
  expect(await all({})).toEqual(['Beta-2', 'alpha', 'beta', 'gamma']);
  expect(await all({ Filters: { NamePrefix: 'BETA' } })).toEqual(['Beta-2', 'beta']);
  expect(await all({ Filters: { State: 'ENABLED' } })).toEqual(['gamma']);
  expect(await all({ Filters: { PrimaryEmailPrefix: 'gam' } })).toEqual(['gamma']);
  expect(await all(other)).toEqual([]);
  const two = { Filters: { NamePrefix: 'a', State: 'ENABLED' } };
  expect(await refusal('ListResources', two)).toBe('InvalidParameterException');
  for (const ResourceId of [gamma, 'gamma', `gamma@${domain}`]) {
    for (const operation of ['DescribeResource', 'UpdateResource']) {
      expect(await refusal(operation, { ...other, ResourceId })).toBe('EntityNotFoundException');
    }
    expect(await refusal('DeleteResource', { ...other, ResourceId })).toBe('done');
  }
  const nobody = { OrganizationId: `m-${'0'.repeat(32)}`, ResourceId: gamma };
  for (const operation of ['DescribeResource', 'UpdateResource', 'DeleteResource', 'ListResources']) {
    expect(await refusal(operation, nobody)).toBe('OrganizationNotFoundException');
  }
  expect(await call('DescribeResource', { ResourceId: gamma })).toMatchObject({ State: 'ENABLED' });
});

import { expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/support/start-server';

type Input = Readonly<Record<string, unknown>>;

async function serve() {
  const server = await startServer();
  const call = (operation: string, input: Input = {}) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  return { server, call };
}

const effect = async (call: TestServer['admin'], input: Input) => {
  const { Effect, MatchedRules } = await call('GetMobileDeviceAccessEffect', input as object);
  return [Effect, ...(MatchedRules as { Name: string }[]).map(({ Name }) => Name)];
};

test('ListMobileDeviceAccessRules: an organisation begins with one rule that allows everything', async () => {
  const { call } = await serve();
  const { Rules } = await call('ListMobileDeviceAccessRules');
  expect(Rules).toEqual([
    {
      MobileDeviceAccessRuleId: 'default',
      Name: 'Default',
      Description: 'All devices are allowed.',
      Effect: 'ALLOW',
      DateCreated: expect.any(Number),
      DateModified: expect.any(Number),
    },
  ]);
  expect(await effect(call, {})).toEqual(['ALLOW', 'Default']);
});

test('CreateMobileDeviceAccessRule: rules are kept with all their conditions, in their order', async () => {
  const { call } = await serve();
  const rule = {
    Name: 'Ours',
    Description: 'what we buy',
    Effect: 'ALLOW',
    DeviceTypes: ['iPhone', '$NONE'],
    NotDeviceTypes: ['iPhoneX'],
    DeviceModels: ['iPhone12'],
    NotDeviceModels: ['iPhone12C1'],
    DeviceOperatingSystems: ['iOS 17'],
    NotDeviceOperatingSystems: ['iOS 17.0'],
    DeviceUserAgents: ['Apple-'],
    NotDeviceUserAgents: ['Apple-iPad'],
  };
  const { MobileDeviceAccessRuleId: id } = await call('CreateMobileDeviceAccessRule', rule);
  await call('CreateMobileDeviceAccessRule', { Name: 'Second', Effect: 'DENY', DeviceTypes: ['x'] });
  const { Rules } = await call('ListMobileDeviceAccessRules');
  expect((Rules as { Name: string }[]).map(({ Name }) => Name)).toEqual(['Default', 'Ours', 'Second']);
  expect((Rules as object[])[1]).toEqual({
    ...rule,
    MobileDeviceAccessRuleId: id,
    DateCreated: expect.any(Number),
    DateModified: expect.any(Number),
  });
});

test('GetMobileDeviceAccessEffect: DENY beats ALLOW, and what matches nothing is denied', async () => {
  const { call } = await serve();
  const deny = { Name: 'No Android', Effect: 'DENY', DeviceTypes: ['android'] };
  await call('CreateMobileDeviceAccessRule', deny);
  expect(await effect(call, { DeviceType: 'Android 14' })).toEqual(['DENY', 'No Android']);
  expect(await effect(call, { DeviceType: 'iPhone' })).toEqual(['ALLOW', 'Default']);
  await call('DeleteMobileDeviceAccessRule', { MobileDeviceAccessRuleId: 'default' });
  expect(await effect(call, { DeviceType: 'iPhone' })).toEqual(['DENY']);
});

test('GetMobileDeviceAccessEffect: conditions go by the beginning, without case; all must hold', async () => {
  const { call } = await serve();
  await call('UpdateMobileDeviceAccessRule', {
    MobileDeviceAccessRuleId: 'default',
    Name: 'Only these',
    Effect: 'ALLOW',
    DeviceTypes: ['iPhone', 'iPad'],
    DeviceOperatingSystems: ['ios 14.4'],
  });
  const allowed = async (input: Input) => (await effect(call, input))[0];
  const system = 'iOS 14.4.1 18D61';
  expect(await allowed({ DeviceType: 'IPHONE', DeviceOperatingSystem: system })).toBe('ALLOW');
  expect(await allowed({ DeviceType: 'My iPhone', DeviceOperatingSystem: system })).toBe('DENY');
  expect(await allowed({ DeviceType: 'iPhone', DeviceOperatingSystem: 'iOS 14.3' })).toBe('DENY');
  expect(await allowed({ DeviceType: 'iPhone' })).toBe('DENY');
});

test('GetMobileDeviceAccessEffect: $NONE stands for what is not told, and Not conditions never hold for it', async () => {
  const { call } = await serve();
  const put = (conditions: Input) =>
    call('UpdateMobileDeviceAccessRule', {
      MobileDeviceAccessRuleId: 'default',
      Name: 'x',
      Effect: 'ALLOW',
      ...conditions,
    });
  const allowed = async (input: Input = {}) => (await effect(call, input))[0];
  await put({ DeviceModels: ['$NONE'] });
  expect(await allowed()).toBe('ALLOW');
  expect(await allowed({ DeviceModel: '$NONE' })).toBe('DENY');
  expect(await allowed({ DeviceModel: 'Pixel' })).toBe('DENY');
  await put({ NotDeviceUserAgents: ['Outlook'] });
  expect(await allowed()).toBe('DENY');
  expect(await allowed({ DeviceUserAgent: 'outlook-iOS/2' })).toBe('DENY');
  expect(await allowed({ DeviceUserAgent: 'Apple-iPhone' })).toBe('ALLOW');
});

test('CreateMobileDeviceAccessRule: at most ten rules', async () => {
  const { call } = await serve();
  const create = (n: number) => call('CreateMobileDeviceAccessRule', { Name: `r${n}`, Effect: 'ALLOW' });
  for (let n = 1; n < 10; n++) await create(n);
  await expect(create(10)).rejects.toMatchObject({ name: 'LimitExceededException' });
  await call('DeleteMobileDeviceAccessRule', { MobileDeviceAccessRuleId: 'default' });
  await create(10);
  expect((await call('ListMobileDeviceAccessRules'))['Rules']).toHaveLength(10);
});

test('CreateMobileDeviceAccessRule: the same ClientToken makes one rule, and is refused for another one', async () => {
  const { call } = await serve();
  const rule = { Name: 'Once', Effect: 'DENY', ClientToken: 'token-1' };
  const first = await call('CreateMobileDeviceAccessRule', rule);
  expect(await call('CreateMobileDeviceAccessRule', rule)).toEqual(first);
  expect((await call('ListMobileDeviceAccessRules'))['Rules']).toHaveLength(2);
  await expect(call('CreateMobileDeviceAccessRule', { ...rule, Name: 'Other' })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

test('UpdateMobileDeviceAccessRule: replaces everything but the time it was made', async () => {
  const { call } = await serve();
  const { MobileDeviceAccessRuleId: id } = await call('CreateMobileDeviceAccessRule', {
    Name: 'a',
    Description: 'b',
    Effect: 'DENY',
    DeviceTypes: ['c'],
  });
  const created = (await rulesOf(call)).find((rule) => rule['MobileDeviceAccessRuleId'] === id);
  const update = { MobileDeviceAccessRuleId: id, Name: 'd', Effect: 'ALLOW' };
  expect(await call('UpdateMobileDeviceAccessRule', update)).toEqual({});
  const updated = (await rulesOf(call)).find((rule) => rule['MobileDeviceAccessRuleId'] === id);
  expect(updated).toEqual({
    ...update,
    DateCreated: created?.['DateCreated'],
    DateModified: expect.any(Number),
  });
  await expect(
    call('UpdateMobileDeviceAccessRule', { ...update, MobileDeviceAccessRuleId: 'nothing' }),
  ).rejects.toMatchObject({ name: 'EntityNotFoundException' });
});

const rulesOf = async (call: (operation: string) => Promise<Record<string, unknown>>) =>
  (await call('ListMobileDeviceAccessRules'))['Rules'] as Record<string, unknown>[];

test('DeleteMobileDeviceAccessRule: what there is not is done; without rules everything is denied', async () => {
  const { call } = await serve();
  expect(await call('DeleteMobileDeviceAccessRule', { MobileDeviceAccessRuleId: 'nothing' })).toEqual({});
  expect(await rulesOf(call)).toHaveLength(1);
  for (let n = 0; n < 2; n++) {
    const input = { MobileDeviceAccessRuleId: 'default' };
    expect(await call('DeleteMobileDeviceAccessRule', input)).toEqual({});
  }
  expect(await rulesOf(call)).toEqual([]);
  expect(await effect(call, {})).toEqual(['DENY']);
});

test('rules, overrides and settings belong to one organisation, and outlive a restart', async () => {
  const { server, call } = await serve();
  const alice = await server.addUser('alice');
  const override = { UserId: alice.id, DeviceId: 'D1', Effect: 'DENY' };
  await call('PutMobileDeviceAccessOverride', override);
  await call('CreateMobileDeviceAccessRule', { Name: 'kept', Effect: 'DENY' });
  await call('Mailstead.PutMobileDeviceAccessSettings', { NewDevices: 'BLOCK', MaxDevicesPerUser: 7 });
  const other = {
    OrganizationId: (await server.admin('CreateOrganization', { Alias: 'other' }))['OrganizationId'],
  };
  expect((await server.admin('ListMobileDeviceAccessRules', other))['Rules']).toHaveLength(1);
  expect(await server.admin('Mailstead.GetMobileDeviceAccessSettings', other)).toMatchObject({
    NewDevices: 'ALLOW',
  });
  await server.server.stop();
  const again = await startServer({ folder: server.dataDir.replace(/\/data$/, '') });
  const own = { OrganizationId: server.organization };
  expect((await again.admin('ListMobileDeviceAccessRules', own))['Rules']).toHaveLength(2);
  expect((await again.admin('ListMobileDeviceAccessOverrides', own))['Overrides']).toHaveLength(1);
  expect(await again.admin('Mailstead.GetMobileDeviceAccessSettings', own)).toMatchObject({
    NewDevices: 'BLOCK',
    MaxDevicesPerUser: 7,
  });
});

test('PutMobileDeviceAccessOverride: made and replaced, whatever the case of the DeviceId', async () => {
  const { server, call } = await serve();
  const alice = await server.addUser('alice');
  const device = { UserId: alice.id, DeviceId: 'ABCdef' };
  const given = { ...device, Effect: 'DENY', Description: 'lost' };
  expect(await call('PutMobileDeviceAccessOverride', given)).toEqual({});
  const times = { DateCreated: expect.any(Number), DateModified: expect.any(Number) };
  const first = await call('GetMobileDeviceAccessOverride', { ...device, DeviceId: 'abcDEF' });
  expect(first).toEqual({ ...given, DeviceId: 'abcdef', ...times });
  await call('PutMobileDeviceAccessOverride', { ...device, DeviceId: 'abcdef', Effect: 'ALLOW' });
  const second = await call('GetMobileDeviceAccessOverride', { ...device, UserId: alice.address });
  expect(second).toEqual({ ...device, DeviceId: 'abcdef', Effect: 'ALLOW', ...times });
  expect(second['DateCreated']).toBe(first['DateCreated']);
  for (let n = 0; n < 2; n++) expect(await call('DeleteMobileDeviceAccessOverride', device)).toEqual({});
  await expect(call('GetMobileDeviceAccessOverride', device)).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('Mailstead.PutMobileDeviceAccessOverride takes the ids that the WorkMail API has no form for', async () => {
  const { server, call } = await serve();
  const alice = await server.addUser('alice');
  const device = { UserId: alice.id, DeviceId: '{0F8E-A.b_c}'.padEnd(60, 'x') };
  const refused = call('PutMobileDeviceAccessOverride', { ...device, Effect: 'DENY' });
  await expect(refused).rejects.toMatchObject({ name: 'InvalidParameterException' });
  expect(await call('Mailstead.PutMobileDeviceAccessOverride', { ...device, Effect: 'DENY' })).toEqual({});
  const { Overrides } = await call('ListMobileDeviceAccessOverrides');
  expect(Overrides).toMatchObject([{ DeviceId: device.DeviceId.toLowerCase(), Effect: 'DENY' }]);
  for (let n = 0; n < 2; n++) {
    expect(await call('Mailstead.DeleteMobileDeviceAccessOverride', device)).toEqual({});
  }
  expect(await call('ListMobileDeviceAccessOverrides')).toMatchObject({ Overrides: [] });
});

test('ListMobileDeviceAccessOverrides: by user, by device, by both, page by page', async () => {
  const { server, call } = await serve();
  const [alice, bob] = [await server.addUser('alice'), await server.addUser('bob')];
  for (const [user, DeviceId] of [
    [alice, 'd1'],
    [alice, 'd2'],
    [bob, 'd1'],
    [bob, 'd3'],
  ] as const) {
    await call('PutMobileDeviceAccessOverride', { UserId: user.id, DeviceId, Effect: 'ALLOW' });
  }
  const listed = async (input: Input) => {
    const found: string[] = [];
    let NextToken: unknown;
    do {
      const page = await call('ListMobileDeviceAccessOverrides', {
        ...input,
        MaxResults: 1,
        ...(NextToken === undefined ? {} : { NextToken }),
      });
      for (const one of page['Overrides'] as { UserId: string; DeviceId: string }[]) {
        found.push(`${one.UserId === alice.id ? 'alice' : 'bob'}/${one.DeviceId}`);
      }
      NextToken = page['NextToken'];
    } while (NextToken !== undefined);
    return found.sort();
  };
  expect(await listed({})).toEqual(['alice/d1', 'alice/d2', 'bob/d1', 'bob/d3']);
  expect(await listed({ UserId: alice.id })).toEqual(['alice/d1', 'alice/d2']);
  expect(await listed({ DeviceId: 'D1' })).toEqual(['alice/d1', 'bob/d1']);
  expect(await listed({ UserId: bob.address, DeviceId: 'd3' })).toEqual(['bob/d3']);
  const { NextToken } = await call('ListMobileDeviceAccessOverrides', { MaxResults: 1 });
  await expect(
    call('ListMobileDeviceAccessOverrides', { UserId: alice.id, NextToken }),
  ).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

test('PutMobileDeviceAccessOverride: the user must be enabled', async () => {
  const { server, call } = await serve();
  const alice = await server.addUser('alice');
  await call('DeregisterFromWorkMail', { EntityId: alice.id });
  const device = { UserId: alice.id, DeviceId: 'd1' };
  await expect(call('PutMobileDeviceAccessOverride', { ...device, Effect: 'ALLOW' })).rejects.toMatchObject({
    name: 'EntityStateException',
  });
});

test('PutMobileDeviceAccessSettings: replaces all, and what is left out is as in the beginning', async () => {
  const { call } = await serve();
  const beginning = {
    NewDevices: 'ALLOW',
    MaxDevicesPerUser: 100,
    NotifyAddresses: [],
    RequireDeviceInformation: false,
  };
  expect(await call('Mailstead.GetMobileDeviceAccessSettings')).toEqual(beginning);
  const settings = {
    NewDevices: 'QUARANTINE',
    MaxDevicesPerUser: 3,
    NotifyAddresses: ['it@example.com'],
    RequireDeviceInformation: true,
  };
  expect(await call('Mailstead.PutMobileDeviceAccessSettings', settings)).toEqual(settings);
  expect(await call('Mailstead.GetMobileDeviceAccessSettings')).toEqual(settings);
  expect(await call('Mailstead.PutMobileDeviceAccessSettings', {})).toEqual(beginning);
});

const nobody = `m-${'0'.repeat(32)}`;
const rule = { Name: 'x', Effect: 'DENY' };
const device = { UserId: 'nobody-at-all', DeviceId: 'd1' };
test.each<[string, Input, string]>([
  ['CreateMobileDeviceAccessRule', { ...rule, OrganizationId: nobody }, 'OrganizationNotFoundException'],
  ['CreateMobileDeviceAccessRule', { Name: 'x' }, 'InvalidParameterException'],
  ['CreateMobileDeviceAccessRule', { ...rule, Effect: 'QUARANTINE' }, 'InvalidParameterException'],
  ['CreateMobileDeviceAccessRule', { ...rule, Name: 'x'.repeat(65) }, 'InvalidParameterException'],
  ['CreateMobileDeviceAccessRule', { ...rule, DeviceTypes: [] }, 'InvalidParameterException'],
  [
    'CreateMobileDeviceAccessRule',
    { ...rule, DeviceModels: Array(11).fill('a') },
    'InvalidParameterException',
  ],
  ['CreateMobileDeviceAccessRule', { ...rule, DeviceUserAgents: ['漢'] }, 'InvalidParameterException'],
  ['CreateMobileDeviceAccessRule', { ...rule, DeviceTypes: 'iPhone' }, 'SerializationException'],
  ['ListMobileDeviceAccessRules', { OrganizationId: nobody }, 'OrganizationNotFoundException'],
  ['DeleteMobileDeviceAccessRule', { MobileDeviceAccessRuleId: 'a b' }, 'InvalidParameterException'],
  ['GetMobileDeviceAccessEffect', { DeviceType: '' }, 'InvalidParameterException'],
  ['PutMobileDeviceAccessOverride', { ...device, Effect: 'ALLOW' }, 'EntityNotFoundException'],
  [
    'PutMobileDeviceAccessOverride',
    { ...device, DeviceId: 'a-b', Effect: 'ALLOW' },
    'InvalidParameterException',
  ],
  ['PutMobileDeviceAccessOverride', device, 'InvalidParameterException'],
  ['GetMobileDeviceAccessOverride', device, 'EntityNotFoundException'],
  ['DeleteMobileDeviceAccessOverride', device, 'EntityNotFoundException'],
  ['ListMobileDeviceAccessOverrides', { UserId: 'nobody-at-all' }, 'EntityNotFoundException'],
  ['ListMobileDeviceAccessOverrides', { OrganizationId: nobody }, 'OrganizationNotFoundException'],
  ['Mailstead.PutMobileDeviceAccessSettings', { NewDevices: 'MAYBE' }, 'InvalidParameterException'],
  ['Mailstead.PutMobileDeviceAccessSettings', { MaxDevicesPerUser: 0 }, 'InvalidParameterException'],
  ['Mailstead.PutMobileDeviceAccessSettings', { NewDevice: 'BLOCK' }, 'InvalidParameterException'],
  [
    'Mailstead.PutMobileDeviceAccessSettings',
    { NotifyAddresses: ['no address'] },
    'InvalidParameterException',
  ],
  ['Mailstead.GetMobileDeviceAccessSettings', { OrganizationId: nobody }, 'OrganizationNotFoundException'],
])('%s of %j is refused', async (operation, input, name) => {
  const { call } = await serve();
  await expect(call(operation, input)).rejects.toMatchObject({ name });
});

/** January to May: the organisation and its domains, people, groups, rooms, and who may send for whom. */
import { expect } from 'vitest';
import { classOf } from '#test/support/workmail-operations';
import type { Staff, Year } from './year.ts';

/** January: the organisation is there, tagged, and its domain verified. */
export async function january({ call, admin, publish, now, OrganizationId }: Year): Promise<void> {
  const ARN = `arn:aws:workmail:local:000000000000:organization/${OrganizationId}`;
  const summary = {
    OrganizationId,
    Alias: 'year',
    State: 'Active',
    DefaultMailDomain: 'year.mailstead.test',
  };
  expect(await call('DescribeOrganization', { OrganizationId })).toMatchObject({
    ...summary,
    DirectoryId: expect.stringMatching(/^d-[0-9a-f]{10}$/),
    DirectoryType: 'VpcDirectory',
    CompletedDate: now(),
    ARN,
    InteroperabilityEnabled: false,
  });
  const { OrganizationSummaries } = await call('ListOrganizations', {});
  expect(OrganizationSummaries).toContainEqual(summary);

  const tags = async () => (await call('ListTagsForResource', { ResourceARN: ARN })).Tags;
  const [cost, site] = [
    { Key: 'cost', Value: '42' },
    { Key: 'site', Value: '' },
  ];
  await call('TagResource', { ResourceARN: ARN, Tags: [cost, site] });
  expect(await tags()).toEqual([cost, site]);
  await call('UntagResource', { ResourceARN: ARN, TagKeys: ['site', 'none'] });
  expect(await tags()).toEqual([cost]);

  const DomainName = 'year.example';
  const domain = () => call('GetMailDomain', { OrganizationId, DomainName });
  const { Records, ...pending } = await domain();
  expect(pending).toMatchObject({
    IsTestDomain: false,
    IsDefault: false,
    OwnershipVerificationStatus: 'PENDING',
    DkimVerificationStatus: 'PENDING',
  });
  expect(new Set(Records?.map(({ Type }) => Type))).toEqual(new Set(['TXT', 'MX', 'CNAME', 'SRV']));
  publish(Records);
  await admin('Mailstead.VerifyMailDomain', { OrganizationId, DomainName });
  await call('UpdateDefaultMailDomain', { OrganizationId, DomainName });
  expect(await domain()).toMatchObject({
    IsDefault: true,
    OwnershipVerificationStatus: 'VERIFIED',
    DkimVerificationStatus: 'VERIFIED',
  });
  await call('RegisterMailDomain', { OrganizationId, DomainName: 'Old.Example' });
  const domains = async () => (await call('ListMailDomains', { OrganizationId })).MailDomains;
  const old = { DomainName: 'old.example', DefaultDomain: false };
  const others = [
    { DomainName, DefaultDomain: true },
    { DomainName: 'year.mailstead.test', DefaultDomain: false },
  ];
  expect(await domains()).toEqual([old, ...others]);
  await expect(call('DeregisterMailDomain', { OrganizationId, DomainName })).rejects.toBeInstanceOf(
    classOf('MailDomainInUseException'),
  );
  await call('DeregisterMailDomain', { OrganizationId, DomainName: 'old.example' });
  expect(await domains()).toEqual(others);
}

/** February: people come. */
export async function february(year: Year): Promise<Pick<Staff, 'anna' | 'bert' | 'cora'>> {
  const { call, now, OrganizationId } = year;
  const person = { OrganizationId, Password: 'Secret-of-1', HiddenFromGlobalAddressList: false };
  const create = async (Name: string, DisplayName: string) => {
    const { UserId = '' } = await call('CreateUser', { ...person, Name, DisplayName });
    const created = await call('DescribeUser', { OrganizationId, UserId });
    expect(created).toMatchObject({ UserId, Name, DisplayName, State: 'DISABLED', UserRole: 'USER' });
    expect(created.Email).toBeUndefined();
    const registration = { OrganizationId, EntityId: UserId, Email: `${Name}@year.example` };
    // Scripts register whom they have registered already.
    for (let n = 0; n < 2; n++) await call('RegisterToWorkMail', registration);
    return UserId;
  };
  const anna = await create('anna', 'Anna Ä€😀');
  const [bert, cora] = [await create('bert', 'Bert'), await create('cora', 'Cora')];
  const ofAnna = { OrganizationId, UserId: anna };
  const details = { FirstName: 'Anna', LastName: 'Ä', JobTitle: 'Head', City: 'Bern', Telephone: '+41 1' };
  await call('UpdateUser', { ...ofAnna, ...details, HiddenFromGlobalAddressList: true });
  const described = await call('DescribeUser', { OrganizationId, UserId: 'anna@year.example' });
  expect(described).toMatchObject({
    ...details,
    UserId: anna,
    Email: 'anna@year.example',
    DisplayName: 'Anna Ä€😀',
    State: 'ENABLED',
    EnabledDate: now(),
    MailboxProvisionedDate: now(),
    HiddenFromGlobalAddressList: true,
  });
  const list = async (Filters?: { UsernamePrefix: string } | { State: 'ENABLED' }) => {
    const { Users = [] } = await call('ListUsers', { OrganizationId, Filters });
    return Users.map(({ Name }) => Name).sort();
  };
  expect([await list(), await list({ State: 'ENABLED' })]).toEqual(Array(2).fill(['anna', 'bert', 'cora']));
  expect(await list({ UsernamePrefix: 'be' })).toEqual(['bert']);
  await mailboxOf(year, anna);
  await addressesOf(year, anna);
  return { anna, bert, cora };
}

async function mailboxOf({ call, OrganizationId }: Year, UserId: string): Promise<void> {
  const user = { OrganizationId, UserId };
  await call('ResetPassword', { ...user, Password: 'Pässw0rd' });
  expect(await call('GetMailboxDetails', user)).toMatchObject({ MailboxQuota: 51_200, MailboxSize: 0 });
  await call('UpdateMailboxQuota', { ...user, MailboxQuota: 1_024 });
  expect(await call('GetMailboxDetails', user)).toMatchObject({ MailboxQuota: 1_024 });
}

async function addressesOf({ call, OrganizationId }: Year, EntityId: string): Promise<void> {
  const entity = { OrganizationId, EntityId };
  const [anna, sales] = ['anna@year.example', 'sales@year.example'];
  const state = async () => {
    const { Email } = await call('DescribeUser', { OrganizationId, UserId: EntityId });
    const { Aliases } = await call('ListAliases', entity);
    return [Email, Aliases];
  };
  await call('CreateAlias', { ...entity, Alias: 'Sales@Year.Example' });
  expect(await state()).toEqual([anna, [anna, sales]]);
  await call('UpdatePrimaryEmailAddress', { ...entity, Email: sales });
  expect(await state()).toEqual([sales, [anna, sales]]);
  const known = { EntityId, Name: 'anna', Type: 'USER' };
  expect(await call('DescribeEntity', { OrganizationId, Email: anna })).toMatchObject(known);
  await call('UpdatePrimaryEmailAddress', { ...entity, Email: anna });
  await call('DeleteAlias', { ...entity, Alias: sales });
  expect(await state()).toEqual([anna, [anna]]);
}

/** March: a group, and one within it. */
export async function march(
  { call, now, OrganizationId }: Year,
  { anna, bert }: Pick<Staff, 'anna' | 'bert'>,
): Promise<Staff['team']> {
  const create = async (Name: string) => (await call('CreateGroup', { OrganizationId, Name })).GroupId ?? '';
  const [team, board] = [await create('team'), await create('board')];
  const Email = 'team@year.example';
  await call('RegisterToWorkMail', { OrganizationId, EntityId: team, Email });
  await call('UpdateGroup', { OrganizationId, GroupId: team, HiddenFromGlobalAddressList: true });
  const shown = { Name: 'team', Email, State: 'ENABLED', EnabledDate: now() } as const;
  expect(await call('DescribeGroup', { OrganizationId, GroupId: 'team' })).toMatchObject({
    ...shown,
    GroupId: team,
    HiddenFromGlobalAddressList: true,
  });
  const { Groups } = await call('ListGroups', { OrganizationId, Filters: { NamePrefix: 'te' } });
  expect(Groups).toEqual([{ ...shown, Id: team }]);
  for (const MemberId of [anna, bert, board]) {
    for (let n = 0; n < 2; n++)
      await call('AssociateMemberToGroup', { OrganizationId, GroupId: team, MemberId });
  }
  const members = async () => {
    const { Members = [] } = await call('ListGroupMembers', { OrganizationId, GroupId: team });
    return Members.map(({ Id, Name, Type, State }) => [Name, Id, Type, State]).sort();
  };
  const staying = [
    ['anna', anna, 'USER', 'ENABLED'],
    ['board', board, 'GROUP', 'DISABLED'],
  ];
  expect(await members()).toEqual([...staying, ['bert', bert, 'USER', 'ENABLED']].sort());
  const inGroups = async (GroupNamePrefix: string) =>
    (await call('ListGroupsForEntity', { OrganizationId, EntityId: bert, Filters: { GroupNamePrefix } }))
      .Groups;
  expect(await inGroups('t')).toEqual([{ GroupId: team, GroupName: 'team' }]);
  expect(await inGroups('b')).toEqual([]);
  await call('DisassociateMemberFromGroup', { OrganizationId, GroupId: team, MemberId: bert });
  expect(await members()).toEqual(staying);
  await call('DeleteGroup', { OrganizationId, GroupId: board });
  expect(await members()).toEqual(staying.slice(0, 1));
  return team;
}

/** April: a room, and who decides for it. */
export async function april(
  { call, now, OrganizationId }: Year,
  { anna, team }: Pick<Staff, 'anna' | 'team'>,
): Promise<Staff['room']> {
  const { ResourceId: room = '' } = await call('CreateResource', {
    OrganizationId,
    Name: 'room',
    Type: 'ROOM',
    Description: 'Under the roof',
  });
  expect(room).toMatch(/^r-[0-9a-f]{32}$/);
  const Email = 'room@year.example';
  await call('RegisterToWorkMail', { OrganizationId, EntityId: room, Email });
  const resource = { OrganizationId, ResourceId: room };
  const described = () => call('DescribeResource', resource);
  expect(await described()).toMatchObject({
    BookingOptions: {
      AutoAcceptRequests: true,
      AutoDeclineRecurringRequests: false,
      AutoDeclineConflictingRequests: true,
    },
  });
  for (const EntityId of [anna, team]) await call('AssociateDelegateToResource', { ...resource, EntityId });
  const delegates = async () => (await call('ListResourceDelegates', resource)).Delegates;
  const her = { Id: anna, Type: 'USER' };
  expect(await delegates()).toHaveLength(2);
  expect(await delegates()).toEqual(expect.arrayContaining([her, { Id: team, Type: 'GROUP' }]));
  await call('DisassociateDelegateFromResource', { ...resource, EntityId: team });
  expect(await delegates()).toEqual([her]);
  const BookingOptions = {
    AutoAcceptRequests: false,
    AutoDeclineRecurringRequests: true,
    AutoDeclineConflictingRequests: false,
  };
  await call('UpdateResource', { ...resource, Name: 'attic', Type: 'EQUIPMENT', BookingOptions });
  const shown = { Name: 'attic', Type: 'EQUIPMENT', Email, State: 'ENABLED', EnabledDate: now() };
  const Description = 'Under the roof';
  expect(await described()).toMatchObject({ ...shown, ResourceId: room, BookingOptions, Description });
  const { Resources } = await call('ListResources', { OrganizationId, Filters: { NamePrefix: 'at' } });
  expect(Resources).toEqual([{ ...shown, Description, Id: room }]);
  return room;
}

/** May: Bert sends for Anna, and does so no more. */
export async function may(
  { call, OrganizationId }: Year,
  { anna, bert, team }: Pick<Staff, 'anna' | 'bert' | 'team'>,
): Promise<void> {
  const entity = { OrganizationId, EntityId: anna };
  const granted = async () => (await call('ListMailboxPermissions', entity)).Permissions;
  const put = (GranteeId: string, ...PermissionValues: ('FULL_ACCESS' | 'SEND_AS' | 'SEND_ON_BEHALF')[]) =>
    call('PutMailboxPermissions', { ...entity, GranteeId, PermissionValues });
  await put(bert, 'FULL_ACCESS', 'SEND_AS');
  await put(bert, 'SEND_ON_BEHALF');
  await put(team, 'SEND_AS');
  const teams = { GranteeId: team, GranteeType: 'GROUP', PermissionValues: ['SEND_AS'] };
  const his = { GranteeId: bert, GranteeType: 'USER', PermissionValues: ['SEND_ON_BEHALF'] };
  expect(await granted()).toHaveLength(2);
  expect(await granted()).toEqual(expect.arrayContaining([his, teams]));
  for (let n = 0; n < 2; n++) await call('DeleteMailboxPermissions', { ...entity, GranteeId: bert });
  expect(await granted()).toEqual([teams]);
}

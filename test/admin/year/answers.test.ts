/** What is put comes back as it was put, member by member, and every member of the model's outputs is answered, or told why not. */
import { expect, test } from 'vitest';
import { faultsOfAnswer, outputMembers } from '#test/support/answer-shapes';
import { autodiscover } from '#test/support/autodiscover-client';
import { createKey } from '#test/support/aws-client';
import { fixedClock } from '#test/support/temp-store';
import { type Operation, operationClient } from '#test/support/workmail-operations';
import { goodInputs } from './good-inputs.ts';
import { exported, instanceArn, lambda, logGroupArn, nobody, startScene } from './scene.ts';

/** Members that nothing makes this server answer, and why. */
const unanswered: readonly (readonly [member: string, why: string])[] = [
  ['DescribeOrganizationResponse.ErrorMessage', 'An organization is made at once, or not at all.'],
  ['OrganizationSummary.ErrorMessage', 'The same.'],
  ['DescribeOrganizationResponse.MigrationAdmin', 'Nobody migrates from a directory of Microsoft’s.'],
  ['DescribeUserResponse.IdentityProviderIdentityStoreId', 'There is no identity store.'],
  ['User.IdentityProviderIdentityStoreId', 'The same.'],
  ['DescribeMailboxExportJobResponse.S3Path', 'Nothing is exported to S3.'],
  ['MailboxExportJob.S3Path', 'The same.'],
  ['GetPersonalAccessTokenMetadataResponse.Scopes', 'A token is for everything its user may do.'],
  ['PersonalAccessTokenSummary.Scopes', 'The same.'],
];

async function start() {
  const clock = fixedClock(Date.now());
  const scene = await startScene(clock);
  const key = await createKey(scene.site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  return { scene, clock, client: operationClient(scene.site, key, clock.now) };
}

const dayMs = 24 * 60 * 60 * 1000;
type Site = Awaited<ReturnType<typeof start>>;

/** Everything that shows something. */
async function look({ scene, client }: Site): Promise<void> {
  for (const [operation, input] of Object.entries(goodInputs(scene)) as [Operation, object][]) {
    if (/^(?:Describe|Get|List)/.test(operation)) await client.callWith(operation, input);
  }
}

async function putPeople({ scene, clock, client }: Site): Promise<void> {
  const { OrganizationId } = scene;
  const { call } = client;
  const person = {
    DisplayName: 'Dora D.',
    FirstName: 'Dora',
    LastName: 'D.',
    HiddenFromGlobalAddressList: true,
    IdentityProviderUserId: `0123456789-${nobody}`,
  };
  const made = { OrganizationId, Name: 'dora', Password: 'Secret-of-1', Role: 'USER' } as const;
  const { UserId = '' } = await call('CreateUser', { ...made, ...person });
  const describe = () => call('DescribeUser', { OrganizationId, UserId });
  expect(await describe()).toMatchObject({ ...person, UserId, Name: 'dora', UserRole: 'USER' });
  const details = {
    DisplayName: 'Dora E.',
    FirstName: 'Dorothea',
    LastName: 'E.',
    HiddenFromGlobalAddressList: false,
    Initials: 'D. E.',
    Telephone: '+41 31 000 00 00',
    Street: '1, Gasse',
    JobTitle: 'Head of “it”',
    City: 'Zürich',
    Company: 'Mail & Co',
    ZipCode: '8000',
    Department: 'ИТ',
    Country: 'CH',
    Office: '2.41',
    IdentityProviderUserId: nobody,
  };
  await call('UpdateUser', { OrganizationId, UserId, Role: 'REMOTE_USER', ...details });
  expect(await describe()).toMatchObject({ ...details, UserRole: 'REMOTE_USER' });

  const HiddenFromGlobalAddressList = true;
  const group = await call('CreateGroup', { OrganizationId, Name: 'Alle Ä', HiddenFromGlobalAddressList });
  const GroupId = String(group.GroupId);
  expect(await call('DescribeGroup', { OrganizationId, GroupId })).toMatchObject({
    Name: 'Alle Ä',
    HiddenFromGlobalAddressList,
  });
  const room = {
    Name: 'car',
    Type: 'EQUIPMENT',
    Description: 'Four seats',
    HiddenFromGlobalAddressList,
  } as const;
  const { ResourceId = '' } = await call('CreateResource', { OrganizationId, ...room });
  expect(await call('DescribeResource', { OrganizationId, ResourceId })).toMatchObject(room);
  await call('AssociateMemberToGroup', { OrganizationId, GroupId: scene.team.id, MemberId: scene.bert.id });
  for (const EntityId of [scene.team.id, scene.bert.id, scene.room.id]) {
    await call('DeregisterFromWorkMail', { OrganizationId, EntityId });
  }
  const left = await call('DescribeUser', { OrganizationId, UserId: scene.bert.id });
  expect(left).toMatchObject({ State: 'DISABLED', DisabledDate: new Date(clock.now()) });
  clock.move(31 * dayMs);
  const removed = async () =>
    (await call('DescribeUser', { OrganizationId, UserId: scene.bert.id })).MailboxDeprovisionedDate;
  await expect.poll(removed).toEqual(new Date(clock.now()));
}

async function putRules({ scene, client }: Site): Promise<void> {
  const { OrganizationId, anna, bert, role } = scene;
  const { call } = client;
  const access = {
    Name: 'all-of_it',
    Effect: 'DENY' as const,
    Description: 'Every condition, Ä',
    IpRanges: ['10.0.0.0/8', '192.0.2.7/32'],
    NotIpRanges: ['10.1.0.0/16'],
    Actions: ['ActiveSync', 'AutoDiscover', 'EWS', 'IMAP', 'SMTP', 'WindowsOutlook', 'WebMail'],
    NotActions: ['SMTP'],
    UserIds: [anna.id, bert.id],
    NotUserIds: [bert.id],
    ImpersonationRoleIds: [role],
    NotImpersonationRoleIds: [role],
  };
  await call('PutAccessControlRule', { OrganizationId, ...access });
  const dates = { DateCreated: expect.any(Date), DateModified: expect.any(Date) };
  const { Rules: accessRules } = await call('ListAccessControlRules', { OrganizationId });
  expect(accessRules).toContainEqual({ ...access, ...dates });

  const device = {
    Name: 'All of it, Ä€',
    Description: 'Every condition',
    Effect: 'DENY' as const,
    DeviceTypes: ['iPhone', 'iPad'],
    NotDeviceTypes: ['iPad'],
    DeviceModels: ['iPhone14'],
    NotDeviceModels: ['$NONE'],
    DeviceOperatingSystems: ['iOS 18'],
    NotDeviceOperatingSystems: ['iOS 18.0'],
    DeviceUserAgents: ['Apple-'],
    NotDeviceUserAgents: ['Apple-iPad'],
  };
  const made = await call('CreateMobileDeviceAccessRule', { OrganizationId, ...device });
  const { MobileDeviceAccessRuleId = '' } = made;
  const deviceRules = async () => (await call('ListMobileDeviceAccessRules', { OrganizationId })).Rules;
  expect(await deviceRules()).toContainEqual({ ...device, ...dates, MobileDeviceAccessRuleId });
  const changed = { ...device, Name: 'Other', Effect: 'ALLOW' as const, MobileDeviceAccessRuleId };
  await call('UpdateMobileDeviceAccessRule', { OrganizationId, ...changed });
  expect(await deviceRules()).toContainEqual({ ...changed, ...dates });
  const override = { UserId: anna.id, DeviceId: 'phone', Effect: 'DENY', Description: 'Lost' } as const;
  await call('PutMobileDeviceAccessOverride', { OrganizationId, ...override });
  const { Overrides } = await call('ListMobileDeviceAccessOverrides', { OrganizationId });
  expect(Overrides).toContainEqual({ ...override, ...dates });

  const rule = {
    ImpersonationRuleId: 'all_of-it',
    Name: 'All of it',
    Description: 'Every member',
    Effect: 'ALLOW' as const,
    TargetUsers: [anna.id],
    NotTargetUsers: [bert.id],
  };
  const wanted = { Name: 'Archive Ä€', Type: 'FULL_ACCESS' as const, Description: 'A role', Rules: [rule] };
  const { ImpersonationRoleId = '' } = await call('CreateImpersonationRole', { OrganizationId, ...wanted });
  const stored = await call('GetImpersonationRole', { OrganizationId, ImpersonationRoleId });
  expect(stored).toMatchObject({ ...wanted, ...dates, ImpersonationRoleId });
  const TargetUser = anna.id;
  const effect = { OrganizationId, ImpersonationRoleId, TargetUser };
  expect(await call('GetImpersonationRoleEffect', effect)).toMatchObject({ Effect: 'ALLOW' });
}

async function putSettings({ scene, client }: Site): Promise<void> {
  const { OrganizationId } = scene;
  const { call } = client;
  const policy = {
    Id: scene.policy,
    Name: 'all-of_it',
    Description: 'Every folder; every action',
    FolderConfigurations: [
      { Name: 'INBOX' as const, Action: 'NONE' as const },
      { Name: 'SENT_ITEMS' as const, Action: 'DELETE' as const, Period: 1 },
      { Name: 'DRAFTS' as const, Action: 'PERMANENTLY_DELETE' as const, Period: 730 },
      { Name: 'JUNK_EMAIL' as const, Action: 'DELETE' as const, Period: 30 },
      { Name: 'DELETED_ITEMS' as const, Action: 'PERMANENTLY_DELETE' as const, Period: 30 },
    ],
  };
  await call('PutRetentionPolicy', { OrganizationId, ...policy });
  expect(await call('GetDefaultRetentionPolicy', { OrganizationId })).toMatchObject(policy);
  const log = { RoleArn: exported.RoleArn, LogGroupArn: logGroupArn };
  await call('PutEmailMonitoringConfiguration', { OrganizationId, ...log });
  expect(await call('DescribeEmailMonitoringConfiguration', { OrganizationId })).toMatchObject(log);
  const provider = {
    AuthenticationMode: 'IDENTITY_PROVIDER_ONLY' as const,
    IdentityCenterConfiguration: { InstanceArn: instanceArn, ApplicationArn: scene.free },
    PersonalAccessTokenConfiguration: { Status: 'INACTIVE' as const, LifetimeInDays: 3653 },
  };
  await call('PutIdentityProviderConfiguration', { OrganizationId, ...provider });
  expect(await call('DescribeIdentityProviderConfiguration', { OrganizationId })).toMatchObject(provider);
  const ews = { EwsEndpoint: 'http://ews.example:8080/EWS/Exchange.asmx', EwsUsername: 'ex\\reader' };
  const free = { OrganizationId, DomainName: 'ews.example' };
  await call('CreateAvailabilityConfiguration', { ...free, EwsProvider: { ...ews, EwsPassword: 'Secret' } });
  const { AvailabilityConfigurations } = await call('ListAvailabilityConfigurations', { OrganizationId });
  const shown = [
    expect.objectContaining({ DomainName: 'busy.example', LambdaProvider: lambda }),
    expect.objectContaining({ DomainName: 'ews.example', EwsProvider: ews }),
  ];
  expect(AvailabilityConfigurations).toHaveLength(2);
  expect(AvailabilityConfigurations).toEqual(expect.arrayContaining(shown));
  const wanted = { ...exported, EntityId: scene.room.id, Description: 'Before it is let' };
  const { JobId = '' } = await call('StartMailboxExportJob', { OrganizationId, ClientToken: 'b', ...wanted });
  expect(await call('DescribeMailboxExportJob', { OrganizationId, JobId })).toMatchObject(wanted);
  const { Jobs } = await call('ListMailboxExportJobs', { OrganizationId });
  const { EntityId, Description, S3BucketName } = wanted;
  expect(Jobs).toContainEqual(expect.objectContaining({ JobId, EntityId, Description, S3BucketName }));
}

test('what is put with every member it has comes back with every member; no output lacks one but those that it is said of', async () => {
  const site = await start();
  const { scene, client } = site;
  const { baseUrl, ca } = scene.site;
  const phone = { baseUrl, ca, method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' };
  const credentials = `${scene.anna.address}:${scene.tokenSecret}`;
  expect(await autodiscover({ ...phone, credentials })).toMatchObject({ status: 200 });
  const Tags = [{ Key: 'cost', Value: '42' }];
  await client.call('TagResource', { ResourceARN: scene.arnOf(scene.OrganizationId), Tags });
  await look(site);
  await putSettings(site);
  await putRules(site);
  await putPeople(site);
  await look(site);
  for (const [operation, input] of Object.entries(goodInputs(scene)) as [Operation, object][]) {
    const isAnswering = /^(?:Assume|Create|Test|DeleteOrganization)/.test(operation);
    if (isAnswering) await client.callWith(operation, input);
  }
  expect(client.faults).toEqual([]);
  const excused = unanswered.map(([member]) => member);
  // Of pages see pages.test.ts.
  const others = outputMembers().filter((member) => !member.endsWith('.NextToken'));
  const missing = others.filter((member) => !client.seen.has(member));
  expect(missing.sort()).toEqual(excused.toSorted());
}, 60_000);

test.each<[string, Operation, number, object, string]>([
  ['a member it does not know', 'CreateUser', 200, { UserId: nobody, Id: 1 }, '.Id: the model does not know'],
  ['another type', 'DescribeOrganization', 200, { State: 1 }, '.State: no string'],
  [
    'a time in words',
    'DescribeUser',
    200,
    { EnabledDate: '2026-01-01T00:00:00Z' },
    '.EnabledDate: no timestamp',
  ],
  ['null', 'ListUsers', 200, { NextToken: null }, '.NextToken: no string'],
  ['a word beyond an enumeration', 'DescribeUser', 200, { State: 'Enabled' }, '.State: not one of'],
  ['what lacks a member', 'ListResourceDelegates', 200, { Delegates: [{ Id: 'x' }] }, '[0].Type: missing'],
  ['an exception it does not list', 'ListUsers', 400, { __type: 'X', Message: 'x' }, 'X: not listed'],
  ['another status', 'ListUsers', 500, { __type: 'InvalidParameterException', Message: 'x' }, 'HTTP 500'],
])('answers are held against the model: %s is told', async (_what, operation, status, body, fault) => {
  expect(faultsOfAnswer(operation, status, body).join()).toContain(`${operation} `);
  expect(faultsOfAnswer(operation, status, body).join()).toContain(fault);
});

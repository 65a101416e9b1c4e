/** June to December: rules, other systems, what is kept how long, other ways to sign in, leavers, and the end. */
import { expect } from 'vitest';
import { classOf } from '#test/support/workmail-operations';
import { exported, instanceArn, lambda, logGroupArn } from './scene.ts';
import type { Staff, Year } from './year.ts';

/** June: who comes in from where. */
export async function june({ call, now, OrganizationId }: Year, anna: string): Promise<void> {
  const asked = { OrganizationId, IpAddress: '192.0.2.7', Action: 'SMTP', UserId: anna };
  const effect = async () => {
    const { Effect, MatchedRules } = await call('GetAccessControlEffect', asked);
    return [Effect, MatchedRules];
  };
  expect(await effect()).toEqual(['ALLOW', ['default']]);
  const rule = {
    Name: 'office',
    Effect: 'DENY',
    Description: 'Mail programs at the office only',
    NotIpRanges: ['198.51.100.0/24'],
    Actions: ['SMTP'],
    UserIds: [anna],
  } as const;
  const lists = {
    NotIpRanges: [...rule.NotIpRanges],
    Actions: [...rule.Actions],
    UserIds: [...rule.UserIds],
  };
  await call('PutAccessControlRule', { OrganizationId, ...rule, ...lists });
  expect(await effect()).toEqual(['DENY', ['office']]);
  const { Rules } = await call('ListAccessControlRules', { OrganizationId });
  const [first, second, ...more] = Rules ?? [];
  const fromTheBeginning = { Name: 'default', Effect: 'ALLOW', Description: 'Default WorkMail Rule' };
  expect(first).toEqual({ ...fromTheBeginning, DateCreated: new Date(0) });
  expect(second).toEqual({ ...rule, DateCreated: now(), DateModified: now() });
  expect(more).toEqual([]);
  for (let n = 0; n < 2; n++) await call('DeleteAccessControlRule', { OrganizationId, Name: 'office' });
  expect(await effect()).toEqual(['ALLOW', ['default']]);
}

/** July: phones. */
export async function july(year: Year, anna: string): Promise<void> {
  const { call, now, OrganizationId } = year;
  const effect = async (DeviceType: string) => {
    const answer = await call('GetMobileDeviceAccessEffect', { OrganizationId, DeviceType });
    return [answer.Effect, answer.MatchedRules?.map(({ Name }) => Name)];
  };
  expect(await effect('Toaster')).toEqual(['ALLOW', ['Default']]);
  const rule = { Name: 'toasters', Effect: 'DENY', DeviceTypes: ['toast'] } as const;
  const given = { ...rule, DeviceTypes: [...rule.DeviceTypes], OrganizationId };
  const { MobileDeviceAccessRuleId = '' } = await call('CreateMobileDeviceAccessRule', given);
  expect(await effect('Toaster')).toEqual(['DENY', ['toasters']]);
  const created = now();
  year.pass(1);
  const Description = 'No kitchen';
  const changed = { ...given, MobileDeviceAccessRuleId, Name: 'kitchen', Description };
  await call('UpdateMobileDeviceAccessRule', changed);
  const { Rules } = await call('ListMobileDeviceAccessRules', { OrganizationId });
  const { OrganizationId: _of, ...shown } = changed;
  expect(Rules).toEqual([
    expect.objectContaining({ MobileDeviceAccessRuleId: 'default', Effect: 'ALLOW' }),
    { ...shown, DateCreated: created, DateModified: now() },
  ]);
  await call('DeleteMobileDeviceAccessRule', { OrganizationId, MobileDeviceAccessRuleId });
  expect(await effect('Toaster')).toEqual(['ALLOW', ['Default']]);
  await overrides(year, anna);
}

async function overrides({ call, now, OrganizationId }: Year, UserId: string): Promise<void> {
  const device = { OrganizationId, UserId, DeviceId: 'Toaster1' };
  await call('PutMobileDeviceAccessOverride', { ...device, Effect: 'ALLOW' });
  await call('PutMobileDeviceAccessOverride', { ...device, Effect: 'DENY', Description: 'Crumbs' });
  const shown = {
    UserId,
    DeviceId: 'toaster1',
    Effect: 'DENY',
    Description: 'Crumbs',
    DateCreated: now(),
    DateModified: now(),
  };
  expect(await call('GetMobileDeviceAccessOverride', device)).toMatchObject(shown);
  const { Overrides } = await call('ListMobileDeviceAccessOverrides', device);
  expect(Overrides).toEqual([shown]);
  for (let n = 0; n < 2; n++) await call('DeleteMobileDeviceAccessOverride', device);
  await expect(call('GetMobileDeviceAccessOverride', device)).rejects.toBeInstanceOf(
    classOf('ResourceNotFoundException'),
  );
}

/** August: free/busy of others, and a program that may be people. */
export async function august({ call, now, OrganizationId }: Year, { anna, bert }: Staff): Promise<void> {
  const DomainName = 'partner.example';
  const [EwsEndpoint, EwsUsername] = ['https://ews.partner.example/', 'reader'];
  const EwsProvider = { EwsEndpoint, EwsUsername, EwsPassword: 'Secret-of-EWS' };
  const of = { OrganizationId, DomainName };
  const list = async () =>
    (await call('ListAvailabilityConfigurations', { OrganizationId })).AvailabilityConfigurations;
  const dates = { DateCreated: now(), DateModified: now() };
  await call('CreateAvailabilityConfiguration', { ...of, EwsProvider });
  const shown = { ProviderType: 'EWS', EwsProvider: { EwsEndpoint, EwsUsername }, ...dates };
  expect(await list()).toEqual([{ DomainName, ...shown }]);
  expect(await call('TestAvailabilityConfiguration', of)).toMatchObject({
    TestPassed: false,
    FailureReason: expect.stringContaining('EWS'),
  });
  await call('UpdateAvailabilityConfiguration', { ...of, LambdaProvider: lambda });
  expect(await list()).toEqual([{ DomainName, ProviderType: 'LAMBDA', LambdaProvider: lambda, ...dates }]);
  for (let n = 0; n < 2; n++) await call('DeleteAvailabilityConfiguration', of);
  expect(await list()).toEqual([]);

  const rule = { ImpersonationRuleId: 'anna', Name: 'Anna', Effect: 'ALLOW', TargetUsers: [anna] } as const;
  const Rules = [{ ...rule, TargetUsers: [...rule.TargetUsers] }];
  const wanted = { OrganizationId, Name: 'archive', Type: 'READ_ONLY', Rules } as const;
  const input = { ...wanted, Rules };
  const { ImpersonationRoleId = '' } = await call('CreateImpersonationRole', input);
  const role = { OrganizationId, ImpersonationRoleId };
  const summary = { ImpersonationRoleId, Name: 'archive', Type: 'READ_ONLY', ...dates };
  expect(await call('GetImpersonationRole', role)).toMatchObject({ ...summary, Rules });
  expect((await call('ListImpersonationRoles', { OrganizationId })).Roles).toEqual([summary]);
  await call('UpdateImpersonationRole', { ...role, ...input, Type: 'FULL_ACCESS' });
  const effect = async (TargetUser: string) => {
    const { Type, Effect, MatchedRules } = await call('GetImpersonationRoleEffect', { ...role, TargetUser });
    return [Type, Effect, MatchedRules];
  };
  expect(await effect(anna)).toEqual([
    'FULL_ACCESS',
    'ALLOW',
    [{ ImpersonationRuleId: 'anna', Name: 'Anna' }],
  ]);
  expect(await effect(bert)).toEqual(['FULL_ACCESS', 'DENY', []]);
  const { Token, ExpiresIn } = await call('AssumeImpersonationRole', role);
  expect([Token, ExpiresIn]).toEqual([expect.stringMatching(/^[\x21-\x7e]{64,256}$/), 900]);
  for (let n = 0; n < 2; n++) await call('DeleteImpersonationRole', role);
  expect((await call('ListImpersonationRoles', { OrganizationId })).Roles).toEqual([]);
}

/** September: the auditors ask what is kept, logged and refused. */
export async function september({ call, OrganizationId }: Year): Promise<void> {
  const of = { OrganizationId };
  const FolderConfigurations = [
    { Name: 'INBOX', Action: 'NONE' },
    { Name: 'DELETED_ITEMS', Action: 'PERMANENTLY_DELETE', Period: 30 },
  ] as const;
  const folders = { FolderConfigurations: [...FolderConfigurations] };
  await call('PutRetentionPolicy', { ...of, ...folders, Name: 'law', Description: 'As the law says' });
  const policy = await call('GetDefaultRetentionPolicy', of);
  expect(policy).toMatchObject({ Name: 'law', Description: 'As the law says', FolderConfigurations });
  const { Id } = policy;
  await call('PutRetentionPolicy', { ...of, Id, Name: 'law-2', FolderConfigurations: [] });
  expect(await call('GetDefaultRetentionPolicy', of)).toMatchObject({
    Id,
    Name: 'law-2',
    FolderConfigurations: [],
  });
  for (let n = 0; n < 2; n++) await call('DeleteRetentionPolicy', { ...of, Id });
  await expect(call('GetDefaultRetentionPolicy', of)).rejects.toBeInstanceOf(
    classOf('EntityNotFoundException'),
  );

  const log = { RoleArn: 'arn:aws:iam::123456789012:role/mail', LogGroupArn: logGroupArn };
  await call('PutEmailMonitoringConfiguration', { ...of, ...log });
  expect(await call('DescribeEmailMonitoringConfiguration', of)).toMatchObject(log);
  for (let n = 0; n < 2; n++) await call('DeleteEmailMonitoringConfiguration', of);
  await expect(call('DescribeEmailMonitoringConfiguration', of)).rejects.toBeInstanceOf(
    classOf('ResourceNotFoundException'),
  );

  const isEnforced = async () => (await call('DescribeInboundDmarcSettings', of)).Enforced;
  expect(await isEnforced()).toBe(true);
  await call('PutInboundDmarcSettings', { ...of, Enforced: false });
  expect(await isEnforced()).toBe(false);
}

/** October: people sign in by a provider, and programs with tokens. */
export async function october(year: Year, anna: string): Promise<void> {
  const { call, admin, now, OrganizationId } = year;
  const of = { OrganizationId };
  const made = await call('CreateIdentityCenterApplication', { Name: 'mail', InstanceArn: instanceArn });
  const { ApplicationArn = '' } = made;
  const settings = {
    AuthenticationMode: 'IDENTITY_PROVIDER_AND_DIRECTORY',
    IdentityCenterConfiguration: { InstanceArn: instanceArn, ApplicationArn },
    PersonalAccessTokenConfiguration: { Status: 'ACTIVE', LifetimeInDays: 30 },
  } as const;
  await call('PutIdentityProviderConfiguration', { ...of, ...settings });
  expect(await call('DescribeIdentityProviderConfiguration', of)).toMatchObject(settings);

  const token = await admin('Mailstead.CreatePersonalAccessToken', { ...of, UserId: anna, Name: 'scanner' });
  const PersonalAccessTokenId = String(token['PersonalAccessTokenId']);
  const inDays = (days: number) => new Date(now().getTime() + days * 86_400_000);
  const shown = {
    PersonalAccessTokenId,
    UserId: anna,
    Name: 'scanner',
    DateCreated: now(),
    ExpiresTime: inDays(30),
  };
  const list = async () =>
    (await call('ListPersonalAccessTokens', { ...of, UserId: 'anna' })).PersonalAccessTokenSummaries;
  expect(await list()).toEqual([shown]);
  const metadata = { ...of, PersonalAccessTokenId };
  expect(await call('GetPersonalAccessTokenMetadata', metadata)).toMatchObject(shown);
  for (let n = 0; n < 2; n++) await call('DeletePersonalAccessToken', metadata);
  expect(await list()).toEqual([]);

  await expect(call('DeleteIdentityCenterApplication', { ApplicationArn })).rejects.toBeInstanceOf(
    classOf('OrganizationStateException'),
  );
  for (let n = 0; n < 2; n++) await call('DeleteIdentityProviderConfiguration', of);
  await expect(call('DescribeIdentityProviderConfiguration', of)).rejects.toBeInstanceOf(
    classOf('ResourceNotFoundException'),
  );
  for (let n = 0; n < 2; n++) await call('DeleteIdentityCenterApplication', { ApplicationArn });
}

/** November: Cora leaves, the team is no more, the room is let. */
export async function november(year: Year, { cora, team, room }: Staff): Promise<void> {
  const { call, now, OrganizationId } = year;
  const begun = now();
  const job = { OrganizationId, ...exported, EntityId: cora, Description: 'Before she leaves' };
  const { JobId = '' } = await call('StartMailboxExportJob', { ...job, ClientToken: 'cora' });
  const ended = { State: 'FAILED', EstimatedProgress: 0, StartTime: begun, EndTime: begun };
  const kept = { EntityId: cora, Description: 'Before she leaves', S3BucketName: 'exports', ...ended };
  const described = await call('DescribeMailboxExportJob', { OrganizationId, JobId });
  expect(described).toMatchObject({ ...kept, ...exported, ErrorInfo: expect.stringContaining('S3') });
  await call('CancelMailboxExportJob', { OrganizationId, JobId, ClientToken: 'cora' });
  const { Jobs } = await call('ListMailboxExportJobs', { OrganizationId });
  expect(Jobs).toEqual([{ ...kept, JobId }]);
  year.pass(1);
  const again = await call('StartMailboxExportJob', { ...job, ClientToken: 'cora' });
  expect(again.JobId).not.toBe(JobId);

  const user = { OrganizationId, UserId: cora };
  await expect(call('DeleteUser', user)).rejects.toBeInstanceOf(classOf('EntityStateException'));
  for (const EntityId of [cora, team, room])
    await call('DeregisterFromWorkMail', { OrganizationId, EntityId });
  const left = await call('DescribeUser', user);
  expect(left).toMatchObject({ State: 'DISABLED', DisabledDate: now() });
  expect(left.Email).toBeUndefined();
  for (let n = 0; n < 2; n++) {
    await call('DeleteUser', user);
    await call('DeleteGroup', { OrganizationId, GroupId: team });
    await call('DeleteResource', { OrganizationId, ResourceId: room });
  }
  expect(await call('DescribeUser', user)).toMatchObject({ State: 'DELETED', DisabledDate: now() });
  expect((await call('ListGroups', { OrganizationId })).Groups).toEqual([]);
  expect((await call('ListResources', { OrganizationId })).Resources).toEqual([]);
}

/** December: the organisation itself goes. */
export async function december({ call, OrganizationId }: Year): Promise<void> {
  const wanted = { OrganizationId, DeleteDirectory: true };
  await expect(call('DeleteOrganization', wanted)).rejects.toBeInstanceOf(
    classOf('OrganizationStateException'),
  );
  const gone = { OrganizationId, State: 'Deleted' };
  expect(await call('DeleteOrganization', { ...wanted, ForceDelete: true })).toMatchObject(gone);
  expect(await call('DescribeOrganization', { OrganizationId })).toMatchObject(gone);
  await expect(call('ListUsers', { OrganizationId })).rejects.toBeInstanceOf(
    classOf('OrganizationStateException'),
  );
}

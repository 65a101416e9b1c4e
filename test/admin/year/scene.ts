/** An organisation in which every operation has something to refuse, and those beside it: one that is full, one that is deleted, one that is bare. */
import type { Clock } from '#domain/outside';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { startServer } from '#test/support/start-server';

export const instanceArn = 'arn:aws:sso:::instance/ssoins-0123456789abcdef';
export const otherInstanceArn = 'arn:aws:sso:::instance/ssoins-fedcba9876543210';
export const nowhere = `m-${'0'.repeat(32)}`;
export const nobody = '00000000-0000-4000-8000-000000000000';
export const lambda = { LambdaArn: 'arn:aws:lambda:eu-west-1:123456789012:function:free' };
export const exported = {
  RoleArn: 'arn:aws:iam::123456789012:role/export',
  KmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/7a1c0a6c-0000-4000-8000-000000000000',
  S3BucketName: 'exports',
  S3Prefix: 'before/',
};
export const logGroupArn = 'arn:aws:logs:eu-west-1:123456789012:log-group:mail:*';

export const unknownApplication = `arn:aws:sso::000000000000:application/ssoins-0123456789abcdef/apl-${'0'.repeat(16)}`;

export type Scene = Awaited<ReturnType<typeof startScene>>;

/** Starts a server with all of it. */
export async function startScene(clock?: Clock) {
  const zone = await startZone({});
  const settings = { MAILSTEAD_DNS_SERVERS: zone.server, MAILSTEAD_LIMITS_DOMAINS: '2' };
  const site = await startServer({ settings, ...(clock && { clock }) });
  const OrganizationId = site.organization;
  const organization = async (Alias: string, Domains: readonly string[] = []) => {
    const wanted = { Alias, Domains: Domains.map((DomainName) => ({ DomainName })) };
    return String((await site.admin('CreateOrganization', wanted))['OrganizationId']);
  };
  const [full, bare, closed] = [
    await organization('full', ['one.full.example', 'two.full.example']),
    await organization('bare'),
    await organization('closed'),
  ];
  await site.admin('DeleteOrganization', { OrganizationId: closed, DeleteDirectory: true });
  const make = makerIn(site.admin, OrganizationId);
  const used = 'used.example';
  await make.call('RegisterMailDomain', { DomainName: used });
  await make.call('RegisterMailDomain', { DomainName: 'pending.example' });
  const { Records } = await make.call('GetMailDomain', { DomainName: used });
  zone.publish(Records as ShownRecord[]);
  await make.call('Mailstead.VerifyMailDomain', { DomainName: used });
  return {
    site,
    OrganizationId,
    full: await fill(site.admin, full),
    bare,
    closed,
    arnOf,
    ...(await people(make, used)),
    ...(await rooms(make)),
    ...(await settled(make, site.admin)),
  };
}

type Admin = (operation: string, input?: object) => Promise<Record<string, unknown>>;
type Maker = ReturnType<typeof makerIn>;

function arnOf(organization: string): string {
  return `arn:aws:workmail:local:000000000000:organization/${organization}`;
}

function makerIn(admin: Admin, OrganizationId: string) {
  const call = (operation: string, input: object = {}) => admin(operation, { OrganizationId, ...input });
  const enable = async (EntityId: string, Email: string) => {
    await call('RegisterToWorkMail', { EntityId, Email });
    return { id: EntityId, address: Email };
  };
  const user = async (Name: string) => {
    const made = await call('CreateUser', { Name, DisplayName: Name, Password: 'Secret-of-1' });
    return String(made['UserId']);
  };
  const group = async (Name: string) => String((await call('CreateGroup', { Name }))['GroupId']);
  const resource = async (Name: string) =>
    String((await call('CreateResource', { Name, Type: 'ROOM' }))['ResourceId']);
  return { call, enable, user, group, resource };
}

const at = (name: string) => `${name}@test.mailstead.test`;

/** Enabled: anna, bert; never enabled: idle, leaver, remote; deleted: gone; groups team, of both, and empty, never enabled. */
async function people({ call, enable, user, group }: Maker, used: string) {
  const anna = await enable(await user('anna'), at('anna'));
  const bert = await enable(await user('bert'), at('bert'));
  const [idle, leaver, gone, remote] = [
    await user('idle'),
    await user('leaver'),
    await user('gone'),
    await user('remote'),
  ];
  await call('DeleteUser', { UserId: gone });
  await call('UpdateUser', { UserId: remote, Role: 'REMOTE_USER' });
  const alias = `anna@${used}`;
  await call('CreateAlias', { EntityId: anna.id, Alias: alias });
  const team = await enable(await group('team'), at('team'));
  const [empty, inner] = [await group('empty'), await group('inner')];
  for (const MemberId of [anna.id, inner]) {
    await call('AssociateMemberToGroup', { GroupId: team.id, MemberId });
  }
  await call('PutMailboxPermissions', {
    EntityId: anna.id,
    GranteeId: bert.id,
    PermissionValues: ['SEND_AS'],
  });
  const token = await call('Mailstead.CreatePersonalAccessToken', { UserId: anna.id, Name: 'phone' });
  await call('PutMobileDeviceAccessOverride', { UserId: anna.id, DeviceId: 'phone', Effect: 'ALLOW' });
  const job = await call('StartMailboxExportJob', { ...exported, EntityId: anna.id, ClientToken: 'first' });
  return {
    ...{ anna, alias, bert, idle, leaver, gone, remote, team, empty, inner },
    token: String(token['PersonalAccessTokenId']),
    tokenSecret: String(token['Token']),
    job: String(job['JobId']),
  };
}

/** Room, whose delegate is anna; attended, which does not accept without her; spare, never enabled. */
async function rooms({ call, enable, resource }: Maker) {
  const room = await enable(await resource('room'), at('room'));
  const [attended, spare] = [await resource('attended'), await resource('spare')];
  for (const ResourceId of [room.id, attended]) {
    await call('AssociateDelegateToResource', { ResourceId, EntityId: 'anna' });
  }
  const BookingOptions = { AutoAcceptRequests: false };
  await call('UpdateResource', { ResourceId: attended, BookingOptions });
  return { room, attended, spare };
}

async function settled({ call }: Maker, admin: Admin) {
  const applicationOf = async (Name: string) =>
    String(
      (await admin('CreateIdentityCenterApplication', { Name, InstanceArn: instanceArn }))['ApplicationArn'],
    );
  const [application, free] = [await applicationOf('used'), await applicationOf('free')];
  await call('PutIdentityProviderConfiguration', {
    AuthenticationMode: 'IDENTITY_PROVIDER_AND_DIRECTORY',
    IdentityCenterConfiguration: { InstanceArn: instanceArn, ApplicationArn: application },
    PersonalAccessTokenConfiguration: { Status: 'ACTIVE' },
  });
  await call('PutRetentionPolicy', { Name: 'year', FolderConfigurations: [] });
  await call('PutEmailMonitoringConfiguration', { LogGroupArn: logGroupArn });
  await call('CreateAvailabilityConfiguration', { DomainName: 'busy.example', LambdaProvider: lambda });
  const role = await call('CreateImpersonationRole', { Name: 'archive', Type: 'READ_ONLY', Rules: [] });
  const rule = await call('CreateMobileDeviceAccessRule', { Name: 'phones', Effect: 'ALLOW' });
  return {
    application,
    free,
    policy: String((await call('GetDefaultRetentionPolicy'))['Id']),
    role: String(role['ImpersonationRoleId']),
    deviceRule: String(rule['MobileDeviceAccessRuleId']),
  };
}

/** As much of everything as there may be. */
async function fill(admin: Admin, OrganizationId: string) {
  const { call, enable, user } = makerIn(admin, OrganizationId);
  const times = (count: number, work: (n: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, n) => work(n)));
  const many = await enable(await user('many'), 'many@full.mailstead.test');
  await times(100, (n) => call('CreateAlias', { EntityId: many.id, Alias: `many${n}@full.mailstead.test` }));
  await times(100, (n) =>
    call('CreateAvailabilityConfiguration', { DomainName: `d${n}.example`, LambdaProvider: lambda }),
  );
  await times(20, (n) => call('CreateImpersonationRole', { Name: `role${n}`, Type: 'READ_ONLY', Rules: [] }));
  // One of each there is from the beginning.
  const rule = { Effect: 'ALLOW', Description: 'A rule' };
  await times(9, (n) => call('PutAccessControlRule', { ...rule, Name: `rule${n}` }));
  await times(9, (n) => call('CreateMobileDeviceAccessRule', { ...rule, Name: `rule${n}` }));
  const Tags = Array.from({ length: 50 }, (_, n) => ({ Key: `tag${n}`, Value: '' }));
  await admin('TagResource', { ResourceARN: arnOf(OrganizationId), Tags });
  return { OrganizationId, many };
}

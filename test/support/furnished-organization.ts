/** Organisations that have one of everything, and two of what is listed page by page. */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { createKey } from './aws-client.ts';
import { EasClient } from './eas-client.ts';
import { MailAuthority } from './mail-authority.ts';
import { SmtpClient } from './smtp-client.ts';
import type { TestServer } from './start-server.ts';

export const photo = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(96, 7)]).toString(
  'base64',
);

/** What can be named of an organisation. */
export interface Belongings {
  readonly organization: string;
  readonly arn: string;
  readonly accessKey: string;
  readonly user: string;
  readonly userName: string;
  readonly userAddress: string;
  readonly alias: string;
  readonly identity: string;
  readonly group: string;
  readonly groupName: string;
  readonly groupAddress: string;
  readonly resource: string;
  readonly resourceName: string;
  readonly resourceAddress: string;
  readonly domain: string;
  readonly testDomain: string;
  readonly device: string;
  readonly deviceRule: string;
  readonly accessRule: string;
  readonly queued: string;
  readonly fingerprint: string;
  readonly clientToken: string;
  readonly tag: string;
  readonly role: string;
  readonly personalToken: string;
  readonly job: string;
  readonly application: string;
  readonly retention: string;
}

const instance = 'ssoins-0123456789abcdef';
/** Of an Identity Center there is nowhere. */
export const instanceArn = `arn:aws:sso:::instance/${instance}`;
/** What exports and logs of mail are asked for with. */
export const elsewhere = {
  RoleArn: 'arn:aws:iam::123456789012:role/mail',
  KmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/mail',
  S3BucketName: 'mail',
  S3Prefix: 'mail/',
  LogGroupArn: 'arn:aws:logs:eu-west-1:123456789012:log-group:mail:*',
} as const;
/** Who knows when people elsewhere are free. */
export const ews = {
  EwsEndpoint: 'https://calendar.example/ews/exchange.asmx',
  EwsUsername: 'reader',
  EwsPassword: 'Passw0rd!',
} as const;

/** The names of an organisation of this alias, and ids that nobody has. */
export function belongingsOf(alias: string): Belongings {
  const uuid = (first: string) => `${first.repeat(8)}-2222-4333-8444-555555555555`;
  const at = (name: string) => `${name}-${alias}@${alias}.mailstead.test`;
  return {
    organization: `m-${'e'.repeat(32)}`,
    arn: `arn:aws:workmail:local:000000000000:organization/m-${'e'.repeat(32)}`,
    accessKey: `AKIA${'E'.repeat(16)}`,
    user: uuid('1'),
    userName: `annabella-${alias}`,
    userAddress: at('annabella'),
    alias: at('sales'),
    identity: `1234567890-${uuid(alias.length.toString())}`,
    group: uuid('2'),
    groupName: `everybody-${alias}`,
    groupAddress: at('everybody'),
    resource: `r-${'f'.repeat(32)}`,
    resourceName: `auditorium-${alias}`,
    resourceAddress: at('auditorium'),
    domain: `${alias}.example`,
    testDomain: `${alias}.mailstead.test`,
    device: `phone${alias}`,
    deviceRule: 'f'.repeat(32),
    accessRule: `rule-${alias}`,
    queued: 'f'.repeat(32),
    fingerprint: 'f'.repeat(64),
    clientToken: `token-${alias}-0123456789`,
    tag: `tag-${alias}`,
    role: uuid('3'),
    personalToken: 'e'.repeat(32),
    job: uuid('4'),
    application: `arn:aws:sso::000000000000:application/${instance}/apl-${'e'.repeat(16)}`,
    retention: uuid('5'),
  };
}

/** Makes an organisation that has all of it, and gives what it is called, and its key. */
export async function furnishedOrganization(server: TestServer, alias: string) {
  const names = belongingsOf(alias);
  const made = await server.admin('CreateOrganization', { Alias: alias });
  const OrganizationId = String(made['OrganizationId']);
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId, ...input });
  const person = async (Name: string, Email: string, IdentityProviderUserId?: string) => {
    const Password = `Secret-${randomBytes(6).toString('hex')}`;
    const { UserId } = await call('CreateUser', {
      Name,
      DisplayName: Name,
      Password,
      IdentityProviderUserId,
    });
    await call('RegisterToWorkMail', { EntityId: UserId, Email });
    return { id: String(UserId), address: Email, password: Password };
  };
  const anna = await person(names.userName, names.userAddress, names.identity);
  const other = await person(`bert-${alias}`, `bert-${alias}@${names.testDomain}`);
  const UserId = anna.id;
  for (const Alias of [names.alias, `b${names.alias}`])
    await call('CreateAlias', { EntityId: UserId, Alias });

  const group = await makeGroups(call, names, [anna.id, other.id]);
  const resource = await makeResources(call, names, [anna.id, other.id]);
  for (const GranteeId of [other.id, group]) {
    await call('PutMailboxPermissions', { EntityId: UserId, GranteeId, PermissionValues: ['SEND_AS'] });
  }
  await call('RegisterMailDomain', { DomainName: names.domain });
  await call('PutAccessControlRule', {
    Name: names.accessRule,
    Effect: 'ALLOW',
    Description: 'A rule',
    UserIds: [UserId],
  });
  const rule = await call('CreateMobileDeviceAccessRule', {
    Name: names.accessRule,
    Effect: 'ALLOW',
    ClientToken: names.clientToken,
    DeviceTypes: ['A'],
  });
  const arn = `arn:aws:workmail:local:000000000000:organization/${OrganizationId}`;
  await server.admin('TagResource', { ResourceARN: arn, Tags: [{ Key: names.tag, Value: 'x' }] });
  await settle(call, names, UserId);
  const kept = await keepSettings(call, names, [anna.id, other.id]);
  const fingerprint = await givePictures(call, UserId, names.userAddress);
  await connectPhones(server, call, names.device, anna);
  const queued = await queueMail(server, call, anna);
  const key = await createKey(server, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  await createKey(server, { OrganizationId, ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' });
  const belongings: Belongings = {
    ...names,
    ...{ organization: OrganizationId, arn, user: UserId, group, resource, queued, fingerprint },
    ...kept,
    accessKey: key.accessKeyId,
    deviceRule: String(rule['MobileDeviceAccessRuleId']),
  };
  return { belongings, key };
}

type Call = (operation: string, input?: object) => Promise<Record<string, unknown>>;

async function makeGroups(
  call: Call,
  { groupName, groupAddress }: Belongings,
  members: readonly string[],
): Promise<string> {
  const ids: string[] = [];
  for (const [Name, Email] of [
    [groupName, groupAddress],
    [`b${groupName}`, `b${groupAddress}`],
  ]) {
    const GroupId = String((await call('CreateGroup', { Name }))['GroupId']);
    await call('RegisterToWorkMail', { EntityId: GroupId, Email });
    for (const MemberId of members) await call('AssociateMemberToGroup', { GroupId, MemberId });
    ids.push(GroupId);
  }
  return ids[0] ?? '';
}

async function makeResources(
  call: Call,
  { resourceName, resourceAddress }: Belongings,
  delegates: readonly string[],
): Promise<string> {
  const ids: string[] = [];
  for (const [Name, Email] of [
    [resourceName, resourceAddress],
    [`b${resourceName}`, `b${resourceAddress}`],
  ]) {
    const ResourceId = String((await call('CreateResource', { Name, Type: 'ROOM' }))['ResourceId']);
    await call('RegisterToWorkMail', { EntityId: ResourceId, Email });
    for (const EntityId of delegates) await call('AssociateDelegateToResource', { ResourceId, EntityId });
    ids.push(ResourceId);
  }
  return ids[0] ?? '';
}

/** Settings of all kinds. */
async function settle(call: Call, { userAddress, alias, testDomain }: Belongings, UserId: string) {
  await call('Mailstead.PutMailRouting', {
    Administrator: UserId,
    CatchAlls: [{ DomainName: testDomain, EntityId: UserId }],
  });
  await call('Mailstead.PutJournaling', {
    Enabled: true,
    JournalingAddress: alias,
    ReportAddress: userAddress,
  });
  await call('Mailstead.PutMobileDeviceAccessSettings', { NewDevices: 'ALLOW', NotifyAddresses: [alias] });
  await call('Mailstead.PutMobilePolicy', { Policy: { AllowCamera: true } });
  await call('Mailstead.PutMobilePolicy', { EntityId: UserId, Policy: { AllowBluetooth: 2 } });
  await call('Mailstead.PutAutomaticReply', { UserId, State: 'ENABLED', InternalMessage: alias });
  await call('Mailstead.PutMailRules', {
    UserId,
    Rules: [{ Name: alias, Actions: { MarkAsRead: true }, Conditions: { SubjectContains: [alias] } }],
  });
}

/** Settings that have ids of their own, which it gives, and two of those that are listed. */
async function keepSettings(
  call: Call,
  { domain, userName }: Belongings,
  [user = '', other = '']: readonly string[],
) {
  const { RoleArn, KmsKeyArn, S3BucketName, S3Prefix, LogGroupArn } = elsewhere;
  const Rules = [{ ImpersonationRuleId: 'r', Effect: 'ALLOW', TargetUsers: [user] }];
  const role = await call('CreateImpersonationRole', { Name: userName, Type: 'READ_ONLY', Rules });
  await call('CreateImpersonationRole', { Name: `b${userName}`, Type: 'READ_ONLY', Rules });
  const token = await call('Mailstead.CreatePersonalAccessToken', { UserId: user, Name: 'phone' });
  await call('Mailstead.CreatePersonalAccessToken', { UserId: other, Name: 'phone' });
  for (const DomainName of [domain, `b${domain}`]) {
    await call('CreateAvailabilityConfiguration', { DomainName, EwsProvider: ews });
  }
  const wanted = { RoleArn, KmsKeyArn, S3BucketName, S3Prefix };
  const job = await call('StartMailboxExportJob', { ...wanted, EntityId: user, ClientToken: 'a' });
  await call('StartMailboxExportJob', { ...wanted, EntityId: other, ClientToken: 'b' });
  await call('PutEmailMonitoringConfiguration', { RoleArn, LogGroupArn });
  const FolderConfigurations = [{ Name: 'JUNK_EMAIL', Action: 'DELETE', Period: 30 }];
  await call('PutRetentionPolicy', { Name: userName, FolderConfigurations });
  const { Id } = await call('GetDefaultRetentionPolicy');
  const made = await call('CreateIdentityCenterApplication', { Name: userName, InstanceArn: instanceArn });
  const application = String(made['ApplicationArn']);
  await call('PutIdentityProviderConfiguration', {
    AuthenticationMode: 'IDENTITY_PROVIDER_AND_DIRECTORY',
    IdentityCenterConfiguration: { InstanceArn: instanceArn, ApplicationArn: application },
    PersonalAccessTokenConfiguration: { Status: 'ACTIVE' },
  });
  return {
    role: String(role['ImpersonationRoleId']),
    personalToken: String(token['PersonalAccessTokenId']),
    job: String(job['JobId']),
    application,
    retention: String(Id),
  };
}

/** Gives the fingerprint of the certificate. */
async function givePictures(call: Call, UserId: string, address: string): Promise<string> {
  await call('Mailstead.PutUserPhoto', { UserId, Photo: photo });
  const issued = await (await MailAuthority.create('root')).issue({ address });
  await call('Mailstead.PutUserCertificates', { UserId, Certificates: [issued.base64] });
  const { Certificates } = await call('Mailstead.ListUserCertificates', { UserId });
  const [first] = Certificates as { Fingerprint: string }[];
  return first?.Fingerprint ?? '';
}

async function connectPhones(
  { baseUrl, ca }: TestServer,
  call: Call,
  deviceId: string,
  user: { readonly id: string; readonly address: string; readonly password: string },
): Promise<void> {
  const { id: UserId, address, password } = user;
  for (const id of [deviceId, `b${deviceId}`]) {
    const signIn = { baseUrl, ca, user: address, password };
    const phone = new EasClient({ ...signIn, version: '16.1', deviceId: id, validate: false });
    onTestFinished(() => phone.close());
    await phone.provision();
    await call('Mailstead.PutDeviceTrace', { UserId, DeviceId: id, Enabled: true });
    await phone.folderSync();
    await phone.folderSync();
    await call('PutMobileDeviceAccessOverride', { UserId, DeviceId: id, Effect: 'ALLOW' });
  }
}

/** Two messages that wait for another server; gives the first one's id. */
async function queueMail(
  { server }: TestServer,
  call: Call,
  { address, password }: { readonly address: string; readonly password: string },
): Promise<string> {
  const client = await SmtpClient.greeted(server.addresses['submission'] ?? '');
  await client.command(`AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString('base64')}`);
  for (const to of ['a@one.invalid', 'b@one.invalid']) {
    await client.mail(address, [to], `From: ${address}\r\nTo: ${to}\r\n\r\nText\r\n`);
  }
  client.close();
  const waiting = async () =>
    (await call('Mailstead.ListQueue'))['Messages'] as { QueueId: string; Attempts: number; Kind: string }[];
  await expect
    .poll(
      async () => (await waiting()).filter(({ Attempts, Kind }) => Attempts === 1 && Kind === 'MAIL').length,
    )
    .toBe(2);
  return (await waiting()).find(({ Kind }) => Kind === 'MAIL')?.QueueId ?? '';
}

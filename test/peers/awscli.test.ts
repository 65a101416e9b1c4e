/** An administrator's year with the command line that Debian has: the operations that scripts use most, and what they get wrong. */
import { beforeEach, expect, onTestFinished } from 'vitest';
import { AwsCli } from '#test/support/aws-cli';
import { type Credentials, createKey } from '#test/support/aws-client';
import { EasClient } from '#test/support/eas-client';
import { testWith } from '#test/support/peers';
import { type PublishedZone, type ShownRecord, startZone } from '#test/support/published-zone';
import { startServer, type TestServer } from '#test/support/start-server';

const test = await testWith('aws');

const domain = 'acme.example';
const testDomain = 'test.mailstead.test';

/** The 40 commonest operations but UpdateUser and ListGroupsForEntity, which Debian 12 lacks; then others that have shapes of their own. */
const commonest = [
  'describe-organization list-organizations',
  'create-user describe-user list-users delete-user reset-password',
  'register-to-work-mail deregister-from-work-mail update-primary-email-address',
  'get-mailbox-details update-mailbox-quota',
  'create-group describe-group list-groups delete-group',
  'associate-member-to-group disassociate-member-from-group list-group-members',
  'create-alias delete-alias list-aliases',
  'create-resource describe-resource list-resources update-resource delete-resource',
  'associate-delegate-to-resource disassociate-delegate-from-resource list-resource-delegates',
  'put-mailbox-permissions list-mailbox-permissions delete-mailbox-permissions',
  'register-mail-domain deregister-mail-domain get-mail-domain list-mail-domains update-default-mail-domain',
];
const more = [
  'put-access-control-rule get-access-control-effect',
  'create-mobile-device-access-rule list-mobile-device-access-rules get-mobile-device-access-effect',
  'put-retention-policy get-default-retention-policy tag-resource list-tags-for-resource',
];

type Output = Readonly<Record<string, unknown>>;

let zone: PublishedZone;
let site: TestServer;
let key: Credentials;
let cli: AwsCli;
let ran: Set<string>;

beforeEach(async () => {
  zone = await startZone({});
  site = await startServer({ settings: { MAILSTEAD_DNS_SERVERS: zone.server } });
  key = await keyOf('AmazonWorkMailFullAccess');
  cli = await AwsCli.for(site);
  ran = new Set();
});

const keyOf = (ManagedPolicy: string) =>
  createKey(site, { OrganizationId: site.organization, ManagedPolicy });

/** Runs a command that has to succeed and gives what it prints. */
async function text(command: string, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await cli.run(key, command, ...ofOrganization(command), ...args);
  expect({ command, args, code, err }).toEqual({ command, args, code: 0, err: '' });
  ran.add(command);
  return out;
}

/** The same, as JSON; a command whose operation answers nothing prints nothing. */
async function json(command: string, ...args: readonly string[]): Promise<Output> {
  return JSON.parse((await text(command, ...args)) || '{}') as Output;
}

function ofOrganization(command: string): readonly string[] {
  const isOfNone = command === 'list-organizations' || command.includes('tag');
  return isOfNone ? [] : ['--organization-id', site.organization];
}

test('an administrator’s year: the operations that scripts use most', async () => {
  await inJanuaryTheDomainMoves();
  const made = await inFebruaryPeopleCome();
  await inMarchTheySettle(made);
  await inSummerTheBooksAreLookedAt(made);
  await inDecemberSomeLeave(made);
  expect([...ran].sort()).toEqual([...commonest, ...more].flatMap((line) => line.split(' ')).sort());
}, 600_000);

async function inJanuaryTheDomainMoves(): Promise<void> {
  const name = ['--domain-name', domain];
  await Promise.all([
    json('register-mail-domain', ...name),
    json('register-mail-domain', '--domain-name', 'old.example'),
  ]);
  const pending = await json('get-mail-domain', ...name);
  expect(pending).toMatchObject({ IsDefault: false, OwnershipVerificationStatus: 'PENDING' });
  zone.publish(pending['Records'] as ShownRecord[]);
  await site.admin('Mailstead.VerifyMailDomain', { OrganizationId: site.organization, DomainName: domain });
  await json('update-default-mail-domain', ...name);
  const [verified, listed, described] = await Promise.all([
    json('get-mail-domain', ...name),
    json('list-mail-domains'),
    json('describe-organization'),
  ]);
  expect(verified).toMatchObject({
    IsDefault: true,
    OwnershipVerificationStatus: 'VERIFIED',
    DkimVerificationStatus: 'VERIFIED',
  });
  expect(listed['MailDomains']).toContainEqual({ DomainName: domain, DefaultDomain: true });
  expect(described).toMatchObject({ State: 'Active', DefaultMailDomain: domain, ARN: arn() });
}

const arn = () => `arn:aws:workmail:local:000000000000:organization/${site.organization}`;

type Made = Readonly<Record<'alice' | 'bob' | 'carol' | 'staff' | 'room', string>>;

const password = 'Grün-steht-2027';

async function inFebruaryPeopleCome(): Promise<Made> {
  const user = async (name: string) => {
    const person = ['--name', name, '--display-name', `${name} Ä€😀`, '--password', password];
    return String((await json('create-user', ...person))['UserId']);
  };
  const [alice, bob, carol, staff, room] = await Promise.all([
    user('alice'),
    user('bob'),
    user('carol'),
    json('create-group', '--name', 'staff').then(({ GroupId }) => String(GroupId)),
    json('create-resource', '--name', 'room', '--type', 'ROOM').then(({ ResourceId }) => String(ResourceId)),
  ]);
  const made = { alice, bob, carol, staff, room };
  await Promise.all(
    Object.entries({ alice, bob, staff, room }).map(([name, id]) =>
      json('register-to-work-mail', '--entity-id', id, '--email', `${name}@${domain}`),
    ),
  );
  return made;
}

async function inMarchTheySettle({ alice, bob, staff, room }: Made): Promise<void> {
  const days = 'Name=DELETED_ITEMS,Action=PERMANENTLY_DELETE,Period=30';
  await Promise.all([
    json('create-alias', '--entity-id', alice, '--alias', `a.smith@${domain}`),
    json('update-mailbox-quota', '--user-id', alice, '--mailbox-quota', '2048'),
    json('associate-member-to-group', '--group-id', staff, '--member-id', alice),
    json('associate-member-to-group', '--group-id', staff, '--member-id', bob),
    json('associate-delegate-to-resource', '--resource-id', room, '--entity-id', alice),
    json(
      'put-mailbox-permissions',
      ...['--entity-id', alice, '--grantee-id', bob],
      ...['--permission-values', 'SEND_AS', 'SEND_ON_BEHALF'],
    ),
    json(
      'put-access-control-rule',
      ...['--name', 'guests', '--effect', 'DENY', '--description', "the guests' network"],
      ...['--ip-ranges', '10.9.0.0/16', '10.10.0.0/16', '--actions', 'ActiveSync', 'SMTP'],
    ),
    json(
      'create-mobile-device-access-rule',
      ...['--name', 'no old ones', '--effect', 'DENY', '--device-types', 'WP8', 'Nokia'],
    ),
    json('tag-resource', '--resource-arn', arn(), '--tags', 'Key=Cost,Value=42', 'Key=Team,Value=IT'),
    json('put-retention-policy', '--name', 'month', '--folder-configurations', days),
  ]);
  const decides = 'AutoAcceptRequests=false,AutoDeclineConflictingRequests=true';
  await Promise.all([
    json('update-primary-email-address', '--entity-id', alice, '--email', `a.smith@${domain}`),
    json('update-resource', '--resource-id', room, '--name', 'blue.room', '--booking-options', decides),
  ]);
}

async function inSummerTheBooksAreLookedAt({ alice, bob, carol, staff, room }: Made): Promise<void> {
  const guest = ['--ip-address', '10.10.3.4', '--action', 'SMTP', '--user-id', alice];
  const [user, group, resource, box, aliases, members, delegates, permissions] = await Promise.all([
    json('describe-user', '--user-id', alice),
    json('describe-group', '--group-id', staff),
    json('describe-resource', '--resource-id', room),
    json('get-mailbox-details', '--user-id', alice),
    json('list-aliases', '--entity-id', alice),
    json('list-group-members', '--group-id', staff, '--page-size', '1'),
    json('list-resource-delegates', '--resource-id', room),
    json('list-mailbox-permissions', '--entity-id', alice),
  ]);
  expect(user).toMatchObject({
    UserId: alice,
    Email: `a.smith@${domain}`,
    DisplayName: 'alice Ä€😀',
    State: 'ENABLED',
    EnabledDate: expect.stringMatching(/^20\d\d-\d\d-\d\dT/),
  });
  expect(group).toMatchObject({ Name: 'staff', Email: `staff@${domain}`, State: 'ENABLED' });
  expect(resource).toMatchObject({ Name: 'blue.room', BookingOptions: { AutoAcceptRequests: false } });
  expect(box).toMatchObject({ MailboxQuota: 2048 });
  expect(aliases['Aliases']).toEqual(expect.arrayContaining([`alice@${domain}`, `a.smith@${domain}`]));
  expect(idsIn(members['Members'])).toEqual([alice, bob].sort());
  expect(delegates).toEqual({ Delegates: [{ Id: alice, Type: 'USER' }] });
  expect(permissions['Permissions']).toMatchObject([
    { GranteeId: bob, GranteeType: 'USER', PermissionValues: ['SEND_AS', 'SEND_ON_BEHALF'] },
  ]);
  const [rules, phone, access, retention, tags, groups, table] = await Promise.all([
    json('list-mobile-device-access-rules'),
    json('get-mobile-device-access-effect', '--device-type', 'wp8'),
    json('get-access-control-effect', ...guest),
    json('get-default-retention-policy'),
    json('list-tags-for-resource', '--resource-arn', arn()),
    text('list-groups', '--query', 'Groups[].[Name,State]', '--output', 'text'),
    text('list-resources', '--output', 'table'),
  ]);
  expect(rules['Rules']).toHaveLength(2);
  expect(phone).toMatchObject({ Effect: 'DENY', MatchedRules: [{ Name: 'no old ones' }] });
  expect(access).toEqual({ Effect: 'DENY', MatchedRules: ['guests'] });
  expect(retention['FolderConfigurations']).toContainEqual({
    Name: 'DELETED_ITEMS',
    Action: 'PERMANENTLY_DELETE',
    Period: 30,
  });
  expect(tags['Tags']).toContainEqual({ Key: 'Team', Value: 'IT' });
  expect(groups).toBe('staff\tENABLED\n');
  expect(table).toMatch(/^-+\n\| +ListResources +\|\n/);
  expect(await pagesOfUsers()).toEqual([alice, bob, carol].sort());
}

/** One user an answer, two a call: the command asks again by itself, and goes on where it was told to. */
async function pagesOfUsers(): Promise<readonly string[]> {
  const [first, organizations] = await Promise.all([
    json('list-users', '--page-size', '1', '--max-items', '2'),
    json('list-organizations'),
  ]);
  expect(organizations['OrganizationSummaries']).toMatchObject([{ OrganizationId: site.organization }]);
  const begun = idsIn(first['Users']);
  expect(begun).toHaveLength(2);
  const rest = await json('list-users', '--starting-token', String(first['NextToken']));
  return [...begun, ...idsIn(rest['Users'])].sort();
}

function idsIn(list: unknown): readonly string[] {
  return (list as { Id: string }[]).map(({ Id }) => Id).sort();
}

async function inDecemberSomeLeave({ alice, bob, staff, room }: Made): Promise<void> {
  await Promise.all([
    json('reset-password', '--user-id', alice, '--password', 'Neues-Jahr-2028'),
    json('delete-alias', '--entity-id', alice, '--alias', `alice@${domain}`),
    json('delete-mailbox-permissions', '--entity-id', alice, '--grantee-id', bob),
    json('disassociate-member-from-group', '--group-id', staff, '--member-id', bob),
    json('update-resource', '--resource-id', room, '--booking-options', 'AutoAcceptRequests=true'),
    json('deregister-mail-domain', '--domain-name', 'old.example'),
  ]);
  expect(await signIn(`a.smith@${domain}`, 'Neues-Jahr-2028')).toBe(200);
  expect(await signIn(`a.smith@${domain}`, password)).toBe(401);
  await Promise.all([
    json('disassociate-delegate-from-resource', '--resource-id', room, '--entity-id', alice),
    ...[bob, staff, room].map((id) => json('deregister-from-work-mail', '--entity-id', id)),
  ]);
  await Promise.all([
    json('delete-user', '--user-id', bob),
    json('delete-group', '--group-id', staff),
    json('delete-resource', '--resource-id', room),
  ]);
  const { Users } = await site.admin('ListUsers', { OrganizationId: site.organization });
  expect(Users).toContainEqual(expect.objectContaining({ Id: bob, State: 'DELETED' }));
}

/** The HTTP status that a phone gets. */
async function signIn(user: string, secret: string): Promise<number> {
  const { baseUrl, ca } = site;
  const phone = new EasClient({ baseUrl, ca, user, password: secret });
  onTestFinished(() => phone.close());
  return (await phone.options()).status;
}

test('what is refused ends with 254 and names the exception', async () => {
  const { id } = await site.addUser('alice');
  const OrganizationId = site.organization;
  await site.admin('CreateUser', { OrganizationId, Name: 'bob', DisplayName: 'Bob', Password: password });
  const { Users } = await site.admin('ListUsers', { OrganizationId, Filters: { UsernamePrefix: 'bob' } });
  const [bob = ''] = idsIn(Users);
  await site.admin('RegisterMailDomain', { OrganizationId, DomainName: domain });
  const own = ['--organization-id', OrganizationId];
  const nobody = '00000000-0000-4000-8000-000000000000';
  const create = (name: string, secret = password) =>
    ['create-user', ...own, '--name', name, '--display-name', name, '--password', secret] as const;
  const enable = (email: string) =>
    ['register-to-work-mail', ...own, '--entity-id', bob, '--email', email] as const;
  const refused: readonly (readonly [string, readonly string[], Credentials?])[] = [
    ['EntityNotFoundException', ['describe-user', ...own, '--user-id', nobody]],
    ['NameAvailabilityException', create('ALICE')],
    ['InvalidPasswordException', create('carol', 'onlyletters')],
    ['ReservedNameException', create('administrator')],
    ['EmailAddressInUseException', enable(`alice@${testDomain}`)],
    ['MailDomainNotFoundException', enable('bob@elsewhere.example')],
    ['MailDomainStateException', enable(`bob@${domain}`)],
    ['EntityStateException', ['delete-user', ...own, '--user-id', id]],
    ['OrganizationNotFoundException', ['list-users', '--organization-id', `m-${'0'.repeat(32)}`]],
    [
      'AccessDeniedException',
      ['delete-group', ...own, '--group-id', nobody],
      await keyOf('AmazonWorkMailReadOnlyAccess'),
    ],
    ['InvalidSignatureException', ['list-users', ...own], { ...key, secretAccessKey: 'wrong' }],
    ['UnrecognizedClientException', ['list-users', ...own], { ...key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }],
  ];
  await Promise.all(
    refused.map(async ([exception, args, by = key]) => {
      const { code, out, err } = await cli.run(by, ...args);
      expect({ exception, code, out }).toEqual({ exception, code: 254, out: '' });
      expect(err).toContain(`An error occurred (${exception}) when calling the `);
    }),
  );
}, 300_000);

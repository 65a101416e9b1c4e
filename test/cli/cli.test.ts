import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdminOperation } from '#protocols/admin/endpoint';
import { AdminError, type AdminErrorType } from '#protocols/admin/errors';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import type { HttpListener } from '#protocols/http/listener';
import { silentLogger } from '#telemetry/log';
import { runCommand } from '#test/support/command-line';
import { runCli } from '../../src/cli/program.ts';
import { unguardedAdmin } from '../support/unguarded-admin.ts';

const OrganizationId = `m-${'0'.repeat(31)}1`;
const UserId = '11111111-2222-3333-4444-555555555555';
const acme = { OrganizationId, Alias: 'acme', DefaultMailDomain: 'acme.mailstead.test', State: 'Active' };

let dir: string;
let listener: HttpListener | undefined;
let calls: [operation: string, input: unknown][];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mailstead-cli-'));
  calls = [];
});
afterEach(async () => {
  await listener?.stop(0);
  listener = undefined;
  await rm(dir, { recursive: true });
});

type Computed = (input: object) => object;
type Answer = Readonly<Record<string, unknown>> | Computed;

const isComputed = (answer: Answer): answer is Computed => typeof answer === 'function';

/** Serves operations on an admin socket; inputs pass the real model, so the CLI cannot send what the API refuses. */
async function serve(operations: Record<string, Answer>): Promise<void> {
  const all = { 'WorkMailService.ListOrganizations': { OrganizationSummaries: [acme] }, ...operations };
  const recorded = Object.entries(all).map(([name, answer]): [string, AdminOperation] => [
    name,
    async (input) => {
      calls.push([name, input]);
      return isComputed(answer) ? answer(input) : answer;
    },
  ]);
  const endpoint = unguardedAdmin(Object.fromEntries(recorded));
  listener = await listenOnAdminSocket(join(dir, 'admin.sock'), endpoint, silentLogger);
}

const run = (args: readonly string[], options?: Parameters<typeof runCommand>[2]) =>
  runCommand(dir, args, options);

const refuse = (type: AdminErrorType, message: string) => (): never => {
  throw new AdminError(type, message);
};

test('without a server the sentence says how to start one', async () => {
  const { code, out, err } = await run(['org', 'list']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toBe(
    `No server answers at ${join(dir, 'admin.sock')}. Start it with "mailstead serve", or name its data directory with --data DIR.\n`,
  );
});

test('--data beats MAILSTEAD_DATA, and a configuration file names the data directory too', async () => {
  await serve({});
  expect((await run(['org', 'list', '--data', dir], { env: { MAILSTEAD_DATA: '/nowhere' } })).code).toBe(0);
  expect((await run(['--data', '/nowhere', 'org', 'list'])).err).toContain('/nowhere/admin.sock');
  await writeFile(join(dir, 'other.toml'), 'data = "elsewhere"');
  const env = { MAILSTEAD_CONFIG: 'other.toml' };
  const { err } = await runWithoutData(['org', 'list'], env);
  expect(err).toContain(join(dir, 'elsewhere', 'admin.sock'));
});

async function runWithoutData(args: readonly string[], env: Record<string, string>) {
  let err = '';
  const code = await runCli(args, {
    stdin: Readable.from([]),
    print: () => undefined,
    complain: (text) => {
      err += text;
    },
    env,
    cwd: dir,
    serve: () => Promise.reject(new Error('not here')),
    visit: () => Promise.reject(new Error('not here')),
  });
  return { code, err };
}

test('a list is a table for people and the API’s own shape with --json, all pages in one', async () => {
  const users = [
    {
      Id: UserId,
      Name: 'alice',
      Email: 'alice@acme.mailstead.test',
      DisplayName: 'Älice',
      State: 'ENABLED',
      UserRole: 'USER',
    },
    { Id: 'x', Name: 'bob', DisplayName: 'Bob\u001b[2J', State: 'DISABLED', UserRole: 'USER' },
  ];
  await serve({
    'WorkMailService.ListUsers': (input) =>
      'NextToken' in input
        ? { Users: [users[1]], NextToken: null }
        : { Users: [users[0]], NextToken: 'more' },
  });
  expect((await run(['user', 'list'])).out).toBe(
    [
      'ADDRESS                    NAME   DISPLAY NAME  STATE     ROLE  ID',
      `alice@acme.mailstead.test  alice  Älice         ENABLED   USER  ${UserId}`,
      '                           bob    Bob\u{fffd}[2J       DISABLED  USER  x',
      '',
    ].join('\n'),
  );
  expect(JSON.parse((await run(['user', 'list', '--json'])).out)).toEqual({ Users: users });
});

test('user create creates and enables in one go, with the password of standard input', async () => {
  await serve({
    'WorkMailService.GetMailDomain': { OwnershipVerificationStatus: 'VERIFIED' },
    'WorkMailService.CreateUser': { UserId },
    'WorkMailService.RegisterToWorkMail': {},
  });
  const args = ['user', 'create', 'alice@example.com', '--display-name', 'Alice', '--password-stdin'];
  const { code, out } = await run(args, { stdin: 'Secret-1234\n' });
  expect({ code, out }).toEqual({ code: 0, out: `alice@example.com is created and enabled (${UserId}).\n` });
  expect(calls.slice(1)).toEqual([
    ['WorkMailService.GetMailDomain', { OrganizationId, DomainName: 'example.com' }],
    [
      'WorkMailService.CreateUser',
      { OrganizationId, Name: 'alice', DisplayName: 'Alice', Password: 'Secret-1234' },
    ],
    ['WorkMailService.RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email: 'alice@example.com' }],
  ]);
});

test('without --password-stdin a password of three classes is made up and shown once', async () => {
  await serve({
    'WorkMailService.GetMailDomain': { OwnershipVerificationStatus: 'VERIFIED' },
    'WorkMailService.CreateUser': { UserId },
    'WorkMailService.RegisterToWorkMail': {},
  });
  const output = JSON.parse((await run(['user', 'create', 'alice@example.com', '--json'])).out);
  expect(output).toEqual({
    UserId,
    Email: 'alice@example.com',
    Password: expect.stringMatching(/^[a-zA-Z2-9]{16}$/),
  });
  expect(calls).toContainEqual([
    'WorkMailService.CreateUser',
    expect.objectContaining({ Password: output.Password }),
  ]);
});

test('user create on a domain that is not verified makes nothing', async () => {
  await serve({ 'WorkMailService.GetMailDomain': { OwnershipVerificationStatus: 'PENDING' } });
  const { code, err } = await run(['user', 'create', 'alice@example.com']);
  expect(code).toBe(1);
  expect(err).toBe(
    'The domain example.com is not verified yet. "mailstead domain verify example.com" says what is missing.\n',
  );
});

test('a user that could be created but not enabled is told, with the way on', async () => {
  await serve({
    'WorkMailService.GetMailDomain': { OwnershipVerificationStatus: 'VERIFIED' },
    'WorkMailService.CreateUser': { UserId },
    'WorkMailService.RegisterToWorkMail': refuse('EmailAddressInUseException', 'The address is in use.'),
  });
  const { code, err } = await run(['user', 'create', 'alice@example.com']);
  expect(code).toBe(1);
  expect(err).toBe(
    `The user is created but not enabled: The address is in use. Enable it with "mailstead user enable ${UserId} ADDRESS".\n`,
  );
});

test('an error of the API is its type, its text and what to do', async () => {
  await serve({ 'WorkMailService.DescribeUser': refuse('EntityNotFoundException', 'No such user.') });
  expect(await run(['user', 'show', 'nobody'])).toEqual({
    code: 1,
    out: '',
    err: 'EntityNotFoundException: No such user. "mailstead user list", "mailstead group list" and "mailstead resource list" show who there is.\n',
  });
  expect((await run(['api', 'Nothing', '{}'])).err).toBe(
    'UnknownOperationException: There is no operation Nothing. This server does not serve it: "mailstead api ListOperations" shows what it does.\n',
  );
});

test('an operation that takes only ids gets the id of the user behind the address', async () => {
  await serve({
    'WorkMailService.DescribeUser': { UserId, Email: 'alice@example.com' },
    'WorkMailService.ResetPassword': {},
    'WorkMailService.CreateAlias': {},
    'WorkMailService.ListAliases': { Aliases: ['alice@example.com', 'a@example.com'] },
  });
  await run(['user', 'password', 'alice@example.com', '--password-stdin'], { stdin: 'New-Secret-1' });
  expect(calls.at(-1)).toEqual([
    'WorkMailService.ResetPassword',
    { OrganizationId, UserId, Password: 'New-Secret-1' },
  ]);
  const { out } = await run(['user', 'aliases', 'alice@example.com', '--add', 'a@example.com']);
  expect(out).toBe('alice@example.com (primary)\na@example.com\n');
  expect(calls).toContainEqual([
    'WorkMailService.CreateAlias',
    { OrganizationId, EntityId: UserId, Alias: 'a@example.com' },
  ]);
});

test('a disabled user, who has no address, is found by its name and enabled again', async () => {
  await serve({
    'WorkMailService.DescribeUser': (input) =>
      'UserId' in input && input.UserId === 'alice'
        ? { UserId, Name: 'alice', State: 'DISABLED' }
        : refuse('EntityNotFoundException', 'No such user.')(),
    'WorkMailService.RegisterToWorkMail': {},
  });
  expect((await run(['user', 'enable', 'alice@example.com'])).code).toBe(0);
  expect(calls.at(-1)).toEqual([
    'WorkMailService.RegisterToWorkMail',
    { OrganizationId, EntityId: UserId, Email: 'alice@example.com' },
  ]);
});

test('a user of the same name with another address is not taken for the one asked for', async () => {
  await serve({
    'WorkMailService.DescribeUser': (input) =>
      'UserId' in input && input.UserId === 'alice'
        ? { UserId, Name: 'alice', Email: 'alice@other.example' }
        : refuse('EntityNotFoundException', 'No such user.')(),
  });
  expect((await run(['user', 'disable', 'alice@example.com'])).err).toMatch(
    /^EntityNotFoundException: No such user\./,
  );
});

test('among several organisations --org chooses, by alias or id', async () => {
  const other = { ...acme, OrganizationId: `m-${'0'.repeat(31)}2`, Alias: 'other' };
  await serve({
    'WorkMailService.ListOrganizations': { OrganizationSummaries: [acme, other] },
    'WorkMailService.ListUsers': { Users: [] },
  });
  expect(await run(['user', 'list'])).toMatchObject({
    code: 1,
    err: 'There are several organisations (acme, other). Choose one with --org ALIAS.\n',
  });
  await run(['user', 'list', '--org', 'other']);
  expect(calls.at(-1)).toEqual(['WorkMailService.ListUsers', { OrganizationId: other.OrganizationId }]);
  await run(['user', 'list', '--org', OrganizationId]);
  expect(calls.at(-1)).toEqual(['WorkMailService.ListUsers', { OrganizationId }]);
  expect((await run(['user', 'list', '--org', 'none'])).err).toMatch(/^There is no organisation "none"\./);
});

test('among several organisations an address chooses the one whose default domain it is in, where it is what the command is about', async () => {
  const other = {
    ...acme,
    OrganizationId: `m-${'0'.repeat(31)}2`,
    Alias: 'other',
    DefaultMailDomain: 'other.example',
  };
  await serve({
    'WorkMailService.ListOrganizations': { OrganizationSummaries: [acme, other] },
    'WorkMailService.DescribeUser': { UserId, Name: 'alice', Email: 'alice@other.example' },
    'WorkMailService.DescribeGroup': { GroupId: UserId, Name: 'staff', Email: 'staff@other.example' },
    'WorkMailService.CreateGroup': { GroupId: UserId },
    'WorkMailService.RegisterToWorkMail': {},
    'WorkMailService.ListGroupMembers': { Members: [] },
  });
  const asked = async (...args: readonly string[]) => {
    const { code } = await run(args);
    const [operation, input] = calls.at(-1) ?? [];
    return [code, operation, (input as { OrganizationId?: string }).OrganizationId];
  };
  const id = other.OrganizationId;
  expect(await asked('user', 'show', 'alice@OTHER.example')).toEqual([0, 'WorkMailService.DescribeUser', id]);
  expect(await asked('group', 'create', 'staff@other.example')).toEqual([
    0,
    'WorkMailService.RegisterToWorkMail',
    id,
  ]);
  expect(await asked('user', 'show', 'alice@other.example', '--org', 'acme')).toEqual([
    0,
    'WorkMailService.DescribeUser',
    OrganizationId,
  ]);
  const refused = [1, 'WorkMailService.ListOrganizations', undefined];
  expect(await asked('user', 'show', 'alice@else.example')).toEqual(refused);
  expect(await asked('user', 'show', 'other.example')).toEqual(refused);
  expect(await asked('journaling', 'set', 'box@other.example')).toEqual(refused);
});

test('without any organisation the sentence says how to make one', async () => {
  await serve({ 'WorkMailService.ListOrganizations': { OrganizationSummaries: [] } });
  expect((await run(['user', 'list'])).err).toMatch(/mailstead org create ALIAS/);
});

test('org create makes an organisation with its domains and shows it', async () => {
  await serve({
    'WorkMailService.CreateOrganization': { OrganizationId },
    'WorkMailService.DescribeOrganization': { ...acme, CompletedDate: 1522693605.468 },
  });
  const { out } = await run(['org', 'create', 'acme', '--domain', 'example.com']);
  expect(out).toContain('Alias           acme\n');
  expect(out).toContain('Completed       2018-04-02 18:26:45 UTC\n');
  expect(calls[0]).toEqual([
    'WorkMailService.CreateOrganization',
    { Alias: 'acme', ClientToken: expect.any(String), Domains: [{ DomainName: 'example.com' }] },
  ]);
});

test('domain add registers a domain and shows its DNS records', async () => {
  await serve({
    'WorkMailService.RegisterMailDomain': {},
    'WorkMailService.GetMailDomain': {
      OwnershipVerificationStatus: 'PENDING',
      IsDefault: false,
      Records: [{ Type: 'MX', Hostname: 'example.com.', Value: '10 mail.example.com.' }],
    },
  });
  const { out } = await run(['domain', 'add', 'example.com']);
  expect(out).toContain('Ownership  PENDING\n');
  expect(out).toContain('MX    example.com.  10 mail.example.com.\n');
});

test('device commands name the user by id and the device', async () => {
  await serve({
    'WorkMailService.DescribeUser': { UserId },
    'Mailstead.ListMobileDevices': {
      Devices: [{ DeviceId: 'd1', UserId, Status: 'PROVISIONING_SUCCEEDED' }],
    },
    'Mailstead.DescribeMobileDevice': { DeviceId: 'd1', LastSyncTime: 0 },
    'Mailstead.WipeMobileDevice': { Status: 'WIPE_REQUIRED' },
    'Mailstead.CancelWipeMobileDevice': { Status: 'PROVISIONING_SUCCEEDED' },
    'Mailstead.DeleteMobileDevice': {},
  });
  const device = { OrganizationId, UserId, DeviceId: 'd1' };
  expect((await run(['device', 'list', '--user', 'alice@example.com'])).out).toContain(
    'PROVISIONING_SUCCEEDED',
  );
  expect(calls).toContainEqual(['Mailstead.ListMobileDevices', { OrganizationId, UserId }]);
  expect((await run(['device', 'show', 'alice@example.com', 'd1'])).out).toContain('1970-01-01 00:00:00 UTC');
  expect((await run(['device', 'wipe', 'alice@example.com', 'd1', '--account-only'])).out).toBe(
    'Status  WIPE_REQUIRED\n',
  );
  expect(calls.at(-1)).toEqual(['Mailstead.WipeMobileDevice', { ...device, AccountOnly: true }]);
  await run(['device', 'wipe', 'alice@example.com', 'd1', '--cancel']);
  expect(calls.at(-1)).toEqual(['Mailstead.CancelWipeMobileDevice', device]);
  await run(['device', 'remove', 'alice@example.com', 'd1']);
  expect(calls.at(-1)).toEqual(['Mailstead.DeleteMobileDevice', device]);
});

test('policy set changes what it names, takes back what is empty and keeps the rest', async () => {
  await serve({
    'Mailstead.GetMobilePolicy': { Policy: { PasswordRequired: true, AllowCamera: false }, Revision: 1 },
    'Mailstead.ListMobilePolicySettings': { Settings: [] },
    'Mailstead.PutMobilePolicy': (input) => ({
      ...('Policy' in input && { Policy: input.Policy }),
      Revision: 2,
    }),
  });
  const { out } = await run(['policy', 'set', 'MinimumPasswordLength=6', 'AllowCamera=']);
  expect(calls.at(-1)).toEqual([
    'Mailstead.PutMobilePolicy',
    { OrganizationId, Policy: { PasswordRequired: true, MinimumPasswordLength: 6 } },
  ]);
  expect(out).toBe('Revision  2\n\nPasswordRequired       true\nMinimumPasswordLength  6\n');
  await run(['policy', 'set', '--replace', 'AllowBluetooth=0', '--entity', 'alice@example.com']);
  expect(calls.at(-1)).toEqual([
    'Mailstead.PutMobilePolicy',
    { OrganizationId, EntityId: 'alice@example.com', Policy: { AllowBluetooth: 0 } },
  ]);
  expect((await run(['policy', 'set', 'AllowBluetooth=9'])).err).toMatch(/^InvalidParameterException: /);
});

test('policy delete takes back the policy of the organisation, or of one user or group', async () => {
  await serve({ 'Mailstead.DeleteMobilePolicy': {} });
  expect((await run(['policy', 'delete'])).out).toBe('The policy is deleted.\n');
  expect(calls.at(-1)).toEqual(['Mailstead.DeleteMobilePolicy', { OrganizationId }]);
  await run(['policy', 'delete', '--entity', 'alice@example.com']);
  expect(calls.at(-1)).toEqual([
    'Mailstead.DeleteMobilePolicy',
    { OrganizationId, EntityId: 'alice@example.com' },
  ]);
});

test('api calls any operation, with or without its prefix, and prints its output', async () => {
  await serve({
    'WorkMailService.DescribeOrganization': acme,
    'Mailstead.GetMobilePolicy': { Policy: {}, Revision: 0 },
  });
  const input = JSON.stringify({ OrganizationId });
  for (const name of ['WorkMailService.DescribeOrganization', 'DescribeOrganization']) {
    expect(JSON.parse((await run(['api', name, input])).out)).toEqual(acme);
  }
  expect(JSON.parse((await run(['api', 'GetMobilePolicy', '-'], { stdin: input })).out)).toEqual({
    Policy: {},
    Revision: 0,
  });
  await writeFile(join(dir, 'input.json'), input);
  expect(JSON.parse((await run(['api', 'GetMobilePolicy', '@input.json'])).out)).toMatchObject({
    Revision: 0,
  });
  const missing = await run(['api', 'GetMobilePolicy', '@nothing.json']);
  expect(missing).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^The file .*nothing\.json cannot be read: /),
  });
});

test('api: an operation that there is not is told with those that are near', async () => {
  await serve({
    'Mailstead.ListOperations': {
      Operations: ['Mailstead.GetMobilePolicy', 'WorkMailService.ListUsers', 'WorkMailService.ListGroups'],
    },
  });
  expect(await run(['api', 'ListUser'])).toEqual({
    code: 1,
    out: '',
    err: 'UnknownOperationException: There is no operation ListUser. Did you mean ListUsers?\n',
  });
  expect((await run(['api', 'Mailstead.getmobilpolicy'])).err).toMatch(/ Did you mean GetMobilePolicy\?\n$/);
  expect((await run(['api', 'Something'])).err).toMatch(
    / "mailstead api ListOperations" shows what it does\.\n$/,
  );
});

test('group and resource aliases, and group edit, name the entity by id', async () => {
  const GroupId = '22222222-2222-3333-4444-555555555555';
  await serve({
    'WorkMailService.DescribeGroup': { GroupId, Email: 'staff@example.com' },
    'WorkMailService.DescribeResource': { ResourceId: `r-${'0'.repeat(32)}`, Email: 'room@example.com' },
    'WorkMailService.UpdateGroup': {},
    'WorkMailService.CreateAlias': {},
    'WorkMailService.DeleteAlias': {},
    'WorkMailService.ListAliases': { Aliases: ['staff@example.com', 'b@example.com'] },
  });
  const changes = ['--add', 'b@example.com', '--remove', 'a@example.com'];
  expect((await run(['group', 'aliases', 'staff@example.com', ...changes])).out).toBe(
    'staff@example.com (primary)\nb@example.com\n',
  );
  const owner = { OrganizationId, EntityId: GroupId };
  expect(calls).toContainEqual(['WorkMailService.CreateAlias', { ...owner, Alias: 'b@example.com' }]);
  expect(calls).toContainEqual(['WorkMailService.DeleteAlias', { ...owner, Alias: 'a@example.com' }]);
  expect((await run(['resource', 'aliases', 'room@example.com'])).code).toBe(0);
  expect(calls.at(-1)).toEqual([
    'WorkMailService.ListAliases',
    { OrganizationId, EntityId: `r-${'0'.repeat(32)}` },
  ]);
  expect((await run(['group', 'edit', 'staff@example.com', '--no-hidden'])).out).toBe(
    'staff@example.com is changed.\n',
  );
  expect(calls.at(-1)).toEqual([
    'WorkMailService.UpdateGroup',
    { OrganizationId, GroupId, HiddenFromGlobalAddressList: false },
  ]);
});

test.each([
  [['nope'], /unknown command/],
  [['user', 'list', '--nope'], /unknown option/],
  [['user', 'show'], /missing required argument/],
  [['user', 'create', 'alice'], /is no address/],
  [['user', 'create', '@example.com'], /is no address/],
  [['user', 'create', 'alice@example.com', '--password-stdin'], /first line of standard input/],
  [['user', 'enable', 'alice'], /With which address.*\nUsage: mailstead user enable /],
  [['group', 'edit', 'staff'], /Say what to change/],
  [['policy', 'set', 'PasswordRequired'], /is no setting/],
  [['api', 'DescribeOrganization', '{'], /JSON object/],
  [['api', 'DescribeOrganization', '[]'], /JSON object/],
])('the wrong usage %j exits with 2', async (args, message) => {
  const { code, err, out } = await run(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
});

test('config check lists every fault and exits with 2; config show masks secrets', async () => {
  await writeFile(join(dir, 'mailstead.toml'), '[listen]\nprot = 1\n[limits]\nrecipients = "x"');
  expect(await run(['config', 'check'])).toEqual({
    code: 2,
    out: '',
    err: '✖ Unrecognized key: "prot" → at listen\n✖ Expected a whole number such as 100 → at limits.recipients\n',
  });
  await writeFile(join(dir, 'mailstead.toml'), '[outbound]\nrelay = "smtp://u:s3cret@h:25"');
  expect((await run(['config', 'check'])).out).toBe('The configuration is fine.\n');
  const { out } = await run(['config', 'show', '--json']);
  expect(JSON.parse(out)).toMatchObject({ data: dir, outbound: { relay: 'smtp://u:***@h:25' } });
  expect((await run(['config', 'show'])).out).toContain('smtp://u:***@h:25');
});

test('the queue is listed, and its messages are shown, tried and deleted', async () => {
  const QueueId = 'ab'.repeat(16);
  const recipient = { Address: 'bob@one.example', State: 'PENDING', LastReply: '451 4.7.1 Later' };
  const queued = { QueueId, Sender: '', Attempts: 2, AcceptedTime: 0, Recipients: [recipient, recipient] };
  await serve({
    'Mailstead.ListQueue': { Messages: [queued] },
    'Mailstead.DescribeQueuedMessage': queued,
    'Mailstead.RetryQueuedMessage': queued,
    'Mailstead.DeleteQueuedMessage': {},
  });
  const listed = await run(['queue', 'list']);
  expect(listed.out).toContain(`${QueueId}  <>    bob@one.example and 1 more`);
  expect((await run(['queue', 'show', QueueId])).out).toContain('451 4.7.1 Later');
  expect((await run(['queue', 'retry', QueueId])).out).toBe(`${QueueId} is tried now.\n`);
  expect((await run(['queue', 'delete', QueueId])).out).toBe(`${QueueId} is deleted.\n`);
  expect(calls).toContainEqual(['Mailstead.DeleteQueuedMessage', { OrganizationId, QueueId }]);
  expect((await run(['queue', 'show', 'x'])).code).toBe(1);
});

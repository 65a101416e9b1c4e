import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Directory } from '#directory/directory';
import { SignIn } from '#directory/sign-in';
import { domainOperations } from '#protocols/admin/operations/domains/index';
import { organizationOperations } from '#protocols/admin/operations/organizations/index';
import { userOperations } from '#protocols/admin/operations/users/index';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import { StoredDirectory } from '#storage/directory-store';
import { silentLogger } from '#telemetry/log';
import { publishedRecords } from '#test/support/published-records';
import { quickPasswords } from '#test/support/quick-passwords';
import { fixedClock, tempDatabase, tempFolder } from '#test/support/temp-store';
import { unguardedAdmin } from '../support/unguarded-admin.ts';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const nowMs = 1_800_000_000_468;
const dns = publishedRecords(async () => []);

/** A server of the directory's operations on an admin socket, and what calls them. */
async function serve() {
  const clock = fixedClock(nowMs);
  const database = await tempDatabase({ clock });
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 3 },
    passwords: quickPasswords,
  });
  const endpoint = unguardedAdmin({
    ...organizationOperations(directory),
    ...userOperations(directory),
    ...domainOperations(directory, dns),
  });
  const socketPath = join(await tempFolder(), 'admin.sock');
  const listener = await listenOnAdminSocket(socketPath, endpoint, silentLogger);
  onTestFinished(() => listener.stop());
  const call = (operation: string, input: unknown): Promise<Answer> => post(socketPath, operation, input);
  const ok = async (operation: string, input: object): Promise<Record<string, unknown>> => {
    const { status, body } = await call(operation, input);
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  };
  const refusal = async (operation: string, input: object): Promise<unknown> => {
    const { status, body } = await call(operation, input);
    expect(status, JSON.stringify(body)).toBe(400);
    expect(body['Message']).toEqual(expect.any(String));
    return body['__type'];
  };
  return { clock, directory, call, ok, refusal };
}

async function serveOrganization() {
  const served = await serve();
  const { OrganizationId } = await served.ok('CreateOrganization', { Alias: 'acme' });
  const ofAcme = { OrganizationId: String(OrganizationId) };
  const createUser = async (name: string, more: object = {}) => {
    const wanted = { ...ofAcme, Name: name, DisplayName: name, Password: 'Password-1', ...more };
    return String((await served.ok('CreateUser', wanted))['UserId']);
  };
  const enable = async (name: string) => {
    const id = await createUser(name);
    await served.ok('RegisterToWorkMail', { ...ofAcme, EntityId: id, Email: `${name}@acme.mailstead.test` });
    return id;
  };
  return { ...served, ofAcme, createUser, enable };
}

function post(socketPath: string, operation: string, input: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'X-Amz-Target': operation.includes('.') ? operation : `WorkMailService.${operation}`,
      'Content-Type': 'application/x-amz-json-1.1',
    };
    const sent = request({ socketPath, method: 'POST', path: '/', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    sent.on('error', reject);
    sent.end(typeof input === 'string' ? input : JSON.stringify(input));
  });
}

const nobody = { OrganizationId: `m-${'0'.repeat(32)}` };
const someId = '12345678-1234-1234-1234-123456789012';

describe('every operation', () => {
  it.each([
    ['DescribeOrganization', {}],
    ['CreateUser', { Name: 'a', DisplayName: 'A', Password: 'Password-1' }],
    ['DescribeUser', { UserId: someId }],
    ['ListUsers', {}],
    ['ResetPassword', { UserId: someId, Password: 'Password-1' }],
    ['RegisterToWorkMail', { EntityId: someId, Email: 'a@acme.mailstead.test' }],
    ['DeregisterFromWorkMail', { EntityId: someId }],
    ['CreateAlias', { EntityId: someId, Alias: 'a@acme.mailstead.test' }],
    ['ListAliases', { EntityId: someId }],
    ['RegisterMailDomain', { DomainName: 'example.com' }],
    ['GetMailDomain', { DomainName: 'example.com' }],
    ['DeregisterMailDomain', { DomainName: 'example.com' }],
    ['UpdateDefaultMailDomain', { DomainName: 'example.com' }],
    ['ListMailDomains', {}],
    ['Mailstead.VerifyMailDomain', { DomainName: 'example.com' }],
    ['Mailstead.RotateDkimKeys', { DomainName: 'example.com' }],
  ])('%s refuses an organisation there is not, and survives nonsense', async (operation, input) => {
    const { call, refusal } = await serve();
    expect(await refusal(operation, { ...nobody, ...input })).toBe('OrganizationNotFoundException');
    expect(await refusal(operation, {})).toBe('InvalidParameterException');
    expect(await refusal(operation, { ...input, OrganizationId: '../../etc' })).toBe(
      'InvalidParameterException',
    );
    for (const nonsense of ['', '{', 'null', '[]', '42', '{"OrganizationId":{"a":[]}}']) {
      const { status, body } = await call(operation, nonsense);
      expect(status, nonsense).toBe(400);
      expect(body['__type']).toMatch(/^(InvalidParameter|Serialization)Exception$/);
    }
  });
});

describe('organisations', () => {
  it('CreateOrganization makes one that is described and listed as Active', async () => {
    const { ok } = await serve();
    const { OrganizationId } = await ok('CreateOrganization', {
      Alias: 'acme',
      Domains: [{ DomainName: 'example.com' }],
    });
    const id = String(OrganizationId);
    const summary = {
      OrganizationId: id,
      Alias: 'acme',
      DefaultMailDomain: 'acme.mailstead.test',
      State: 'Active',
    };
    expect(await ok('DescribeOrganization', { OrganizationId })).toEqual({
      ...summary,
      DirectoryId: `d-${id.slice(2, 12)}`,
      DirectoryType: 'VpcDirectory',
      CompletedDate: nowMs / 1000,
      ARN: `arn:aws:workmail:local:000000000000:organization/${id}`,
      InteroperabilityEnabled: false,
    });
    expect(await ok('ListOrganizations', {})).toEqual({ OrganizationSummaries: [summary] });
    expect(await ok('GetMailDomain', { OrganizationId, DomainName: 'example.com' })).toMatchObject({
      OwnershipVerificationStatus: 'PENDING',
    });
  });

  it('CreateOrganization refuses a taken alias, and what this server has not', async () => {
    const { ok, refusal } = await serve();
    await ok('CreateOrganization', { Alias: 'acme' });
    for (const [input, type] of [
      [{ Alias: 'Acme' }, 'NameAvailabilityException'],
      [{ Alias: 'd-acme' }, 'InvalidParameterException'],
      [{ Alias: 'a_b' }, 'InvalidParameterException'],
      [{ Alias: 'other', DirectoryId: 'd-0123456789' }, 'InvalidParameterException'],
      [{ Alias: 'other', EnableInteroperability: true }, 'InvalidParameterException'],
      [{ Alias: 'other', KmsKeyArn: 'arn:aws:kms:local:000000000000:key/mine' }, 'InvalidParameterException'],
      // The model lists no MailDomainInUseException here.
      [{ Alias: 'other', Domains: [{ DomainName: 'a.mailstead.test' }] }, 'InvalidParameterException'],
    ] as const) {
      expect(await refusal('CreateOrganization', input), JSON.stringify(input)).toBe(type);
    }
    expect((await ok('ListOrganizations', {}))['OrganizationSummaries']).toHaveLength(1);
  });

  it('CreateOrganization with the same client token makes one', async () => {
    const { ok, refusal, clock } = await serve();
    const input = { Alias: 'acme', ClientToken: 'token-1' };
    const first = await ok('CreateOrganization', input);
    expect(await ok('CreateOrganization', input)).toEqual(first);
    expect(await refusal('CreateOrganization', { Alias: 'other', ClientToken: 'token-1' })).toBe(
      'InvalidParameterException',
    );
    clock.move(24 * 60 * 60 * 1000);
    expect(await refusal('CreateOrganization', input)).toBe('NameAvailabilityException');
  });

  it('ListOrganizations goes page by page, by tokens of its own only', async () => {
    const { ok, refusal } = await serve();
    for (const Alias of ['a', 'b', 'c']) await ok('CreateOrganization', { Alias });
    const first = await ok('ListOrganizations', { MaxResults: 2 });
    const second = await ok('ListOrganizations', { MaxResults: 2, NextToken: first['NextToken'] });
    expect(first['OrganizationSummaries']).toHaveLength(2);
    expect(second['OrganizationSummaries']).toHaveLength(1);
    expect(second).not.toHaveProperty('NextToken');
    const token = String(first['NextToken']);
    const other = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
    for (const NextToken of ['x', `${token}A`, other, '%%%']) {
      expect(await refusal('ListOrganizations', { NextToken })).toBe('InvalidParameterException');
    }
    expect(await refusal('ListOrganizations', { MaxResults: 101 })).toBe('InvalidParameterException');
  });
});

describe('users', () => {
  it('CreateUser, RegisterToWorkMail, DescribeUser and DeregisterFromWorkMail lead through a life', async () => {
    const { ok, createUser, ofAcme, clock } = await serveOrganization();
    const UserId = await createUser('alice', { FirstName: 'Alice', HiddenFromGlobalAddressList: true });
    const created = {
      UserId,
      Name: 'alice',
      DisplayName: 'alice',
      State: 'DISABLED',
      UserRole: 'USER',
      FirstName: 'Alice',
      HiddenFromGlobalAddressList: true,
    };
    for (const id of [UserId, 'ALICE']) {
      expect(await ok('DescribeUser', { ...ofAcme, UserId: id })).toEqual(created);
    }
    const Email = 'alice@acme.mailstead.test';
    const entity = { ...ofAcme, EntityId: UserId };
    expect(await ok('RegisterToWorkMail', { ...entity, Email })).toEqual({});
    const dates = { EnabledDate: nowMs / 1000, MailboxProvisionedDate: nowMs / 1000 };
    const enabled = { ...created, Email, State: 'ENABLED', ...dates };
    clock.move(1000);
    await ok('RegisterToWorkMail', { ...entity, Email: 'Alice@Acme.mailstead.test' });
    for (const id of [UserId, Email]) {
      expect(await ok('DescribeUser', { ...ofAcme, UserId: id })).toEqual(enabled);
    }
    expect(await ok('DeregisterFromWorkMail', entity)).toEqual({});
    const disabled = { ...created, ...dates, DisabledDate: (nowMs + 1000) / 1000 };
    expect(await ok('DescribeUser', { ...ofAcme, UserId })).toEqual(disabled);
    await ok('RegisterToWorkMail', { ...entity, Email });
    expect(await ok('DescribeUser', { ...ofAcme, UserId })).toEqual({
      ...enabled,
      EnabledDate: (nowMs + 1000) / 1000,
    });
  });

  it('CreateUser refuses taken and reserved names, weak passwords, and roles', async () => {
    const { createUser, refusal, ofAcme } = await serveOrganization();
    await createUser('alice');
    const wanted = { ...ofAcme, Name: 'bob', DisplayName: '', Password: 'Password-1' };
    for (const [input, type] of [
      [{ ...wanted, Name: 'Alice' }, 'NameAvailabilityException'],
      [{ ...wanted, Name: 'guest' }, 'ReservedNameException'],
      [{ ...wanted, Name: 'b ob' }, 'InvalidParameterException'],
      [{ ...wanted, Password: 'password' }, 'InvalidPasswordException'],
      [{ ...wanted, Role: 'SYSTEM_USER' }, 'InvalidParameterException'],
      [{ ...wanted, Role: 'RESOURCE' }, 'InvalidParameterException'],
      [{ ...wanted, Role: 'REMOTE_USER' }, 'InvalidParameterException'],
      [{ ...wanted, Role: 'KING' }, 'InvalidParameterException'],
    ] as const) {
      expect(await refusal('CreateUser', input), JSON.stringify(input)).toBe(type);
    }
    expect(await refusal('DescribeUser', { ...ofAcme, UserId: 'bob' })).toBe('EntityNotFoundException');
  });

  it('CreateUser of one name by two at the same time makes one', async () => {
    const { call, ofAcme } = await serveOrganization();
    const input = { ...ofAcme, Name: 'alice', DisplayName: '', Password: 'Password-1' };
    const answers = await Promise.all([call('CreateUser', input), call('CreateUser', input)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(answers.find(({ status }) => status === 400)?.body).toMatchObject({
      __type: 'NameAvailabilityException',
    });
  });

  it('RegisterToWorkMail refuses addresses that cannot be had', async () => {
    const { ok, createUser, enable, refusal, ofAcme } = await serveOrganization();
    const alice = await enable('alice');
    const EntityId = await createUser('bob');
    await ok('RegisterMailDomain', { ...ofAcme, DomainName: 'example.com' });
    for (const [input, type] of [
      [{ EntityId, Email: 'alice@acme.mailstead.test' }, 'EmailAddressInUseException'],
      [{ EntityId, Email: 'journaling@acme.mailstead.test' }, 'EmailAddressInUseException'],
      [{ EntityId, Email: 'bob@example.com' }, 'MailDomainStateException'],
      [{ EntityId, Email: 'bob@example.org' }, 'MailDomainNotFoundException'],
      [{ EntityId, Email: 'bob' }, 'InvalidParameterException'],
      [{ EntityId: alice, Email: 'alice2@acme.mailstead.test' }, 'EntityAlreadyRegisteredException'],
      [{ EntityId: someId, Email: 'x@acme.mailstead.test' }, 'EntityNotFoundException'],
    ] as const) {
      expect(await refusal('RegisterToWorkMail', { ...ofAcme, ...input }), JSON.stringify(input)).toBe(type);
    }
    expect(await refusal('DeregisterFromWorkMail', { ...ofAcme, EntityId })).toBe('EntityStateException');
  });

  it('an address belongs to one user of the installation', async () => {
    const { ok, enable, refusal } = await serveOrganization();
    await enable('alice');
    const { OrganizationId } = await ok('CreateOrganization', { Alias: 'other' });
    const bob = await ok('CreateUser', {
      OrganizationId,
      Name: 'bob',
      DisplayName: '',
      Password: 'Password-1',
    });
    const entity = { OrganizationId, EntityId: bob['UserId'] };
    const Email = 'alice@acme.mailstead.test';
    expect(await refusal('RegisterToWorkMail', { ...entity, Email })).toBe('MailDomainNotFoundException');
    expect(await refusal('DescribeUser', { OrganizationId, UserId: Email })).toBe('EntityNotFoundException');
  });

  it('ListUsers lists every state, by one filter, page by page', async () => {
    const { ok, createUser, enable, refusal, ofAcme } = await serveOrganization();
    const alice = await enable('alice');
    const bob = await createUser('bob');
    const list = async (Filters: object) => (await ok('ListUsers', { ...ofAcme, Filters }))['Users'];
    const enabled = {
      Id: alice,
      Email: 'alice@acme.mailstead.test',
      Name: 'alice',
      DisplayName: 'alice',
      State: 'ENABLED',
      UserRole: 'USER',
      EnabledDate: nowMs / 1000,
    };
    const disabled = { Id: bob, Name: 'bob', DisplayName: 'bob', State: 'DISABLED', UserRole: 'USER' };
    expect(await list({})).toEqual([enabled, disabled].sort((a, b) => (a.Id < b.Id ? -1 : 1)));
    expect(await list({ State: 'ENABLED' })).toEqual([enabled]);
    expect(await list({ UsernamePrefix: 'BO' })).toEqual([disabled]);
    expect(await list({ PrimaryEmailPrefix: 'alice@' })).toEqual([enabled]);
    expect(await list({ IdentityProviderUserIdPrefix: 'a' })).toEqual([]);
    expect(
      await refusal('ListUsers', { ...ofAcme, Filters: { State: 'ENABLED', UsernamePrefix: 'a' } }),
    ).toBe('InvalidParameterException');
    const { Users, NextToken } = await ok('ListUsers', { ...ofAcme, MaxResults: 1 });
    const rest = await ok('ListUsers', { ...ofAcme, MaxResults: 1, NextToken });
    expect([Users, rest['Users']].flat()).toEqual(await list({}));
    expect(rest).not.toHaveProperty('NextToken');
    // A token goes on in the list it was given for.
    expect(await refusal('ListUsers', { ...ofAcme, NextToken, Filters: { State: 'ENABLED' } })).toBe(
      'InvalidParameterException',
    );
  });

  it('ResetPassword changes who can sign in, at once', async () => {
    const { ok, enable, refusal, directory, clock, ofAcme } = await serveOrganization();
    const UserId = await enable('alice');
    const signIns = new SignIn({ directory, clock });
    const signIn = (password: string) => signIns.signIn('alice', [password], '192.0.2.1');
    expect(await signIn('Password-1')).toMatchObject({ entity: UserId });
    await ok('ResetPassword', { ...ofAcme, UserId, Password: 'Pässword-2' });
    await expect(signIn('Password-1')).rejects.toMatchObject({ code: 'sign-in/failed' });
    expect(await signIn('Pässword-2')).toMatchObject({ entity: UserId });
    await ok('ResetPassword', { ...ofAcme, UserId, Password: 'Pässword-2' });
    for (const [input, type] of [
      [{ UserId, Password: 'short' }, 'InvalidPasswordException'],
      [{ UserId: someId, Password: 'Password-2' }, 'EntityNotFoundException'],
      [{ UserId }, 'InvalidParameterException'],
    ] as const) {
      expect(await refusal('ResetPassword', { ...ofAcme, ...input })).toBe(type);
    }
  });

  it('CreateAlias adds an address once, ListAliases has the primary one among them', async () => {
    const { ok, enable, createUser, refusal, ofAcme } = await serveOrganization();
    const alice = await enable('alice');
    const entity = { ...ofAcme, EntityId: alice };
    for (const Alias of ['z@acme.mailstead.test', 'b@acme.mailstead.test', 'Z@acme.mailstead.test']) {
      expect(await ok('CreateAlias', { ...entity, Alias })).toEqual({});
    }
    const all = ['alice@acme.mailstead.test', 'b@acme.mailstead.test', 'z@acme.mailstead.test'];
    expect(await ok('ListAliases', entity)).toEqual({ Aliases: all });
    const first = await ok('ListAliases', { ...entity, MaxResults: 2 });
    expect(first['Aliases']).toEqual(all.slice(0, 2));
    expect(await ok('ListAliases', { ...entity, NextToken: first['NextToken'] })).toEqual({
      Aliases: all.slice(2),
    });
    const bob = await enable('bob');
    const carol = await createUser('carol');
    for (const [input, type] of [
      [{ EntityId: bob, Alias: 'z@acme.mailstead.test' }, 'EmailAddressInUseException'],
      [{ EntityId: bob, Alias: 'alice@acme.mailstead.test' }, 'EmailAddressInUseException'],
      [{ EntityId: bob, Alias: 'bob@example.com' }, 'MailDomainNotFoundException'],
      [{ EntityId: carol, Alias: 'carol@acme.mailstead.test' }, 'EntityStateException'],
      [{ EntityId: someId, Alias: 'carol@acme.mailstead.test' }, 'EntityNotFoundException'],
    ] as const) {
      expect(await refusal('CreateAlias', { ...ofAcme, ...input }), JSON.stringify(input)).toBe(type);
    }
    expect(await refusal('ListAliases', { ...ofAcme, EntityId: someId })).toBe('EntityNotFoundException');
    expect(await ok('ListAliases', { ...ofAcme, EntityId: carol })).toEqual({ Aliases: [] });
  });
});

describe('mail domains', () => {
  it('GetMailDomain tells what to publish, and how far it is', async () => {
    const { ok, ofAcme } = await serveOrganization();
    await ok('RegisterMailDomain', { ...ofAcme, DomainName: 'Example.com' });
    const { Records, ...rest } = await ok('GetMailDomain', { ...ofAcme, DomainName: 'example.com' });
    expect(rest).toEqual({
      IsTestDomain: false,
      IsDefault: false,
      OwnershipVerificationStatus: 'PENDING',
      DkimVerificationStatus: 'PENDING',
      AcceptsMail: false,
      RoleAddresses: ['postmaster', 'abuse'].map((one) => ({
        Address: `${one}@example.com`,
        Recipients: [],
      })),
    });
    const shown = (Records as Record<string, unknown>[]).map(({ Type, Hostname, Value }) => ({
      Type,
      Hostname,
      Value,
    }));
    expect(shown).toEqual([
      { Type: 'TXT', Hostname: '_mailstead.example.com.', Value: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { Type: 'MX', Hostname: 'example.com.', Value: '10 mail.example.com.' },
      { Type: 'CNAME', Hostname: 'autodiscover.example.com.', Value: 'mail.example.com.' },
      { Type: 'TXT', Hostname: 'example.com.', Value: 'v=spf1 a:mail.example.com mx ~all' },
      {
        Type: 'TXT',
        Hostname: expect.stringMatching(/^ms-20270115-[0-9a-f]{8}-rsa\._domainkey\.example\.com\.$/),
        Value: expect.stringMatching(/^v=DKIM1; k=rsa; p=MII[\w+/]{389}$/),
      },
      {
        Type: 'TXT',
        Hostname: expect.stringMatching(/^ms-20270115-[0-9a-f]{8}-ed25519\._domainkey\.example\.com\.$/),
        Value: expect.stringMatching(/^v=DKIM1; k=ed25519; p=[\w+/]{43}=$/),
      },
      { Type: 'TXT', Hostname: '_dmarc.example.com.', Value: 'v=DMARC1;p=quarantine;pct=100;fo=1' },
      { Type: 'SRV', Hostname: '_autodiscover._tcp.example.com.', Value: '0 0 443 mail.example.com.' },
      { Type: 'CNAME', Hostname: 'autoconfig.example.com.', Value: 'mail.example.com.' },
      { Type: 'SRV', Hostname: '_imaps._tcp.example.com.', Value: '0 0 0 .' },
    ]);
    expect(await ok('GetMailDomain', { ...ofAcme, DomainName: 'acme.mailstead.test' })).toMatchObject({
      IsTestDomain: true,
      IsDefault: true,
      OwnershipVerificationStatus: 'VERIFIED',
    });
  });

  it('RegisterMailDomain refuses what is taken, malformed or too much, and repeats by its token', async () => {
    const { ok, refusal, ofAcme } = await serveOrganization();
    const registration = { ...ofAcme, DomainName: 'example.com', ClientToken: 'token-1' };
    expect(await ok('RegisterMailDomain', registration)).toEqual({});
    expect(await ok('RegisterMailDomain', registration)).toEqual({});
    for (const [input, type] of [
      [{ DomainName: 'example.com', ClientToken: 'token-2' }, 'MailDomainInUseException'],
      [{ DomainName: 'example.org', ClientToken: 'token-1' }, 'InvalidParameterException'],
      [{ DomainName: 'mailstead.test' }, 'MailDomainInUseException'],
      [{ DomainName: 'under_score.example' }, 'InvalidParameterException'],
      [{ DomainName: 'nodots' }, 'InvalidParameterException'],
    ] as const) {
      expect(await refusal('RegisterMailDomain', { ...ofAcme, ...input }), JSON.stringify(input)).toBe(type);
    }
    for (const DomainName of ['b.example', 'c.example'])
      await ok('RegisterMailDomain', { ...ofAcme, DomainName });
    expect(await refusal('RegisterMailDomain', { ...ofAcme, DomainName: 'd.example' })).toBe(
      'LimitExceededException',
    );
    expect(await refusal('GetMailDomain', { ...ofAcme, DomainName: 'd.example' })).toBe(
      'MailDomainNotFoundException',
    );
  });
});

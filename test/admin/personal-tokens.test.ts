/** Identity Center and personal access tokens over Amazon's client, and sign-in with tokens over ActiveSync and SMTP. */
import {
  CreateIdentityCenterApplicationCommand,
  DeleteIdentityCenterApplicationCommand,
  DeleteIdentityProviderConfigurationCommand,
  DeletePersonalAccessTokenCommand,
  DescribeIdentityProviderConfigurationCommand,
  GetPersonalAccessTokenMetadataCommand,
  ListPersonalAccessTokensCommand,
  PutIdentityProviderConfigurationCommand,
  type PutIdentityProviderConfigurationCommandInput,
  paginateListPersonalAccessTokens,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { autodiscover } from '../support/autodiscover-client.ts';
import { awsClient, createKey } from '../support/aws-client.ts';
import { runCommand } from '../support/command-line.ts';
import { SmtpClient } from '../support/smtp-client.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const InstanceArn = 'arn:aws:sso:::instance/ssoins-0123456789abcdef';
const nowhere = { OrganizationId: `m-${'0'.repeat(32)}` };

async function start() {
  const site = await startServer({ settings: { MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' } });
  const OrganizationId = site.organization;
  const key = await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = awsClient(site, key);
  const made = await client.send(
    new CreateIdentityCenterApplicationCommand({ Name: 'mail', InstanceArn, ClientToken: 'once' }),
  );
  const ApplicationArn = String(made.ApplicationArn);
  const configure = (
    AuthenticationMode: PutIdentityProviderConfigurationCommandInput['AuthenticationMode'],
    Status: 'ACTIVE' | 'INACTIVE',
    LifetimeInDays?: number,
  ) =>
    client.send(
      new PutIdentityProviderConfigurationCommand({
        OrganizationId,
        AuthenticationMode,
        IdentityCenterConfiguration: { InstanceArn, ApplicationArn },
        PersonalAccessTokenConfiguration: { Status, LifetimeInDays },
      }),
    );
  const create = async (UserId: string, Name = 'phone', LifetimeInDays?: number) => {
    const input = { OrganizationId, UserId, Name, LifetimeInDays };
    return site.admin('Mailstead.CreatePersonalAccessToken', input);
  };
  return { site, OrganizationId, client, ApplicationArn, configure, create };
}

/** What ActiveSync and submission answer to somebody. */
async function answers({ baseUrl, ca, server }: TestServer, address: string, password: string) {
  const asked = { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' };
  const credentials = `${address}:${password}`;
  const { status } = await autodiscover({ baseUrl, ca, ...asked, credentials });
  const session = await SmtpClient.greeted(server.addresses['submission'] ?? '');
  const login = Buffer.from(`\0${address}\0${password}`).toString('base64');
  const { code } = await session.command(`AUTH PLAIN ${login}`);
  session.close();
  return [status, code];
}

const open = [200, 235];
const shut = [401, 535];

test('personal access tokens sign in to ActiveSync and submission unless they are INACTIVE; IDENTITY_PROVIDER_ONLY refuses passwords', async () => {
  const { site, OrganizationId, client, configure, create } = await start();
  const [alice, bob] = [await site.addUser('alice'), await site.addUser('bob')];
  await site.admin('UpdateUser', { OrganizationId, UserId: bob.id, Role: 'REMOTE_USER' });
  const [hers, his] = [await create(alice.id), await create(bob.address)];
  const [token, remote] = [String(hers['Token']), String(his['Token'])];
  expect(token).toMatch(/^pat-[a-z2-7]{32}$/);
  expect(await answers(site, alice.address, token)).toEqual(open);
  await configure('IDENTITY_PROVIDER_AND_DIRECTORY', 'INACTIVE');
  expect(await answers(site, alice.address, token)).toEqual(shut);

  await configure('IDENTITY_PROVIDER_AND_DIRECTORY', 'ACTIVE');
  expect(await answers(site, alice.address, token)).toEqual(open);
  expect(await answers(site, alice.address, alice.password)).toEqual(open);
  expect(await answers(site, bob.address, remote)).toEqual(open);
  expect(await answers(site, bob.address, token)).toEqual(shut);

  await configure('IDENTITY_PROVIDER_ONLY', 'ACTIVE');
  expect(await answers(site, alice.address, token)).toEqual(open);
  expect(await answers(site, alice.address, alice.password)).toEqual(shut);

  const PersonalAccessTokenId = String(hers['PersonalAccessTokenId']);
  const metadata = { OrganizationId, PersonalAccessTokenId };
  const { DateLastUsed } = await client.send(new GetPersonalAccessTokenMetadataCommand(metadata));
  expect(DateLastUsed).toBeInstanceOf(Date);
  await client.send(new DeletePersonalAccessTokenCommand(metadata));
  expect(await answers(site, alice.address, token)).toEqual(shut);

  await configure('IDENTITY_PROVIDER_ONLY', 'INACTIVE');
  expect(await answers(site, bob.address, remote)).toEqual(shut);
  await client.send(new DeleteIdentityProviderConfigurationCommand({ OrganizationId }));
  expect(await answers(site, alice.address, alice.password)).toEqual(open);
  expect(await answers(site, bob.address, remote)).toEqual(open);
});

test('CreatePersonalAccessToken, ListPersonalAccessTokens, GetPersonalAccessTokenMetadata, DeletePersonalAccessToken', async () => {
  const { site, OrganizationId, client, configure, create } = await start();
  const { admin } = site;
  const [alice, bob] = [await site.addUser('alice'), await site.addUser('bob')];
  await configure('IDENTITY_PROVIDER_AND_DIRECTORY', 'ACTIVE', 30);
  const first = await create('alice', 'phone');
  const day = 24 * 60 * 60;
  expect(Number(first['ExpiresTime']) - Number(first['DateCreated'])).toBe(30 * day);
  const second = await create(alice.id, 'tablet', 3653);
  expect(Number(second['ExpiresTime']) - Number(second['DateCreated'])).toBe(3653 * day);
  const third = await create(bob.id);
  const { Token: _secret, ...kept } = first;
  const PersonalAccessTokenId = String(first['PersonalAccessTokenId']);
  expect(await admin('GetPersonalAccessTokenMetadata', { OrganizationId, PersonalAccessTokenId })).toEqual(
    kept,
  );

  const idsOf = async (input: object) => {
    const ids: unknown[] = [];
    for await (const page of paginateListPersonalAccessTokens(
      { client, pageSize: 1 },
      { OrganizationId, ...input },
    )) {
      ids.push(...(page.PersonalAccessTokenSummaries ?? []).map((one) => one.PersonalAccessTokenId));
    }
    return ids.sort();
  };
  const ids = [first, second, third].map((one) => one['PersonalAccessTokenId']);
  expect(await idsOf({})).toEqual(ids.toSorted());
  expect(await idsOf({ UserId: alice.address })).toEqual(ids.slice(0, 2).sort());
  const removal = new DeletePersonalAccessTokenCommand({ OrganizationId, PersonalAccessTokenId });
  await client.send(removal);
  await client.send(removal);
  expect(await idsOf({ UserId: 'alice' })).toEqual([ids[1]]);

  await admin('DeregisterFromWorkMail', { OrganizationId, EntityId: alice.id });
  await expect(create(alice.id)).rejects.toMatchObject({ name: 'EntityStateException' });
  await admin('DeleteUser', { OrganizationId, UserId: alice.id });
  expect(await idsOf({})).toEqual([ids[2]]);
  for (let n = 1; n < 100; n++) await create(bob.id);
  await expect(create(bob.id)).rejects.toMatchObject({ name: 'LimitExceededException' });
  const unknown = { OrganizationId, PersonalAccessTokenId };
  const refused: [string, object, string][] = [
    ['GetPersonalAccessTokenMetadata', unknown, 'ResourceNotFoundException'],
    ['ListPersonalAccessTokens', { OrganizationId, UserId: 'nobody' }, 'EntityNotFoundException'],
    ['ListPersonalAccessTokens', { OrganizationId, UserId: alice.id }, 'EntityStateException'],
    ['ListPersonalAccessTokens', { OrganizationId, NextToken: 'x' }, 'InvalidParameterException'],
    [
      'Mailstead.CreatePersonalAccessToken',
      { OrganizationId, UserId: 'nobody', Name: 'n' },
      'EntityNotFoundException',
    ],
    [
      'Mailstead.CreatePersonalAccessToken',
      { OrganizationId, UserId: bob.id, Name: 'n', LifetimeInDays: 3654 },
      'InvalidParameterException',
    ],
    ['GetPersonalAccessTokenMetadata', { ...unknown, ...nowhere }, 'OrganizationNotFoundException'],
    ['ListPersonalAccessTokens', nowhere, 'OrganizationNotFoundException'],
    ['DeletePersonalAccessToken', { ...unknown, ...nowhere }, 'OrganizationNotFoundException'],
    [
      'Mailstead.CreatePersonalAccessToken',
      { ...nowhere, UserId: 'a', Name: 'n' },
      'OrganizationNotFoundException',
    ],
  ];
  for (const [operation, input, name] of refused) {
    await expect(admin(operation, input), `${operation} ${name}`).rejects.toMatchObject({ name });
  }
  const all = await client.send(new ListPersonalAccessTokensCommand({ OrganizationId, MaxResults: 100 }));
  expect(all.PersonalAccessTokenSummaries).toHaveLength(100);
});

test('CreateIdentityCenterApplication, PutIdentityProviderConfiguration, DescribeIdentityProviderConfiguration, DeleteIdentityProviderConfiguration, DeleteIdentityCenterApplication', async () => {
  const { site, OrganizationId, client, ApplicationArn, configure } = await start();
  const { admin } = site;
  expect(ApplicationArn).toMatch(
    /^arn:aws:sso::0{12}:application\/ssoins-0123456789abcdef\/apl-[0-9a-f]{16}$/,
  );
  const again = { Name: 'mail', InstanceArn, ClientToken: 'once' };
  expect(await admin('CreateIdentityCenterApplication', again)).toEqual({ ApplicationArn });
  const describe = () => client.send(new DescribeIdentityProviderConfigurationCommand({ OrganizationId }));
  await expect(describe()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await configure('IDENTITY_PROVIDER_AND_DIRECTORY', 'ACTIVE', 90);
  expect(await describe()).toMatchObject({
    AuthenticationMode: 'IDENTITY_PROVIDER_AND_DIRECTORY',
    IdentityCenterConfiguration: { InstanceArn, ApplicationArn },
    PersonalAccessTokenConfiguration: { Status: 'ACTIVE', LifetimeInDays: 90 },
  });
  const removal = new DeleteIdentityCenterApplicationCommand({ ApplicationArn });
  await expect(client.send(removal)).rejects.toMatchObject({ name: 'OrganizationStateException' });

  const other = String((await admin('CreateOrganization', { Alias: 'other' }))['OrganizationId']);
  const put = {
    OrganizationId: other,
    AuthenticationMode: 'IDENTITY_PROVIDER_ONLY',
    IdentityCenterConfiguration: { InstanceArn, ApplicationArn },
    PersonalAccessTokenConfiguration: { Status: 'ACTIVE' },
  };
  const missing = ApplicationArn.replace(/.{16}$/, 'f'.repeat(16));
  const elsewhere = InstanceArn.replace(/.{16}$/, 'f'.repeat(16));
  const refused: [string, object, string][] = [
    ['PutIdentityProviderConfiguration', put, 'ResourceNotFoundException'],
    [
      'PutIdentityProviderConfiguration',
      { ...put, IdentityCenterConfiguration: { InstanceArn, ApplicationArn: missing } },
      'ResourceNotFoundException',
    ],
    [
      'PutIdentityProviderConfiguration',
      { ...put, OrganizationId, IdentityCenterConfiguration: { InstanceArn: elsewhere, ApplicationArn } },
      'InvalidParameterException',
    ],
    ['PutIdentityProviderConfiguration', { ...put, ...nowhere }, 'OrganizationNotFoundException'],
    ['DescribeIdentityProviderConfiguration', nowhere, 'OrganizationNotFoundException'],
    ['DeleteIdentityProviderConfiguration', nowhere, 'OrganizationNotFoundException'],
    [
      'CreateIdentityCenterApplication',
      { Name: 'x', InstanceArn: 'arn:aws:sso:::instance/x' },
      'InvalidParameterException',
    ],
    ['CreateIdentityCenterApplication', { ...again, Name: 'another' }, 'InvalidParameterException'],
    ['DeleteIdentityCenterApplication', { ApplicationArn: 'x'.repeat(10) }, 'InvalidParameterException'],
  ];
  for (const [operation, input, name] of refused) {
    await expect(admin(operation, input), `${operation} ${name}`).rejects.toMatchObject({ name });
  }
  await client.send(new DeleteIdentityProviderConfigurationCommand({ OrganizationId }));
  await expect(describe()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await client.send(removal);
  await client.send(removal);
  await expect(configure('IDENTITY_PROVIDER_ONLY', 'ACTIVE')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('token list|create|delete', async () => {
  const { site } = await start();
  await site.addUser('alice');
  const run = (...args: string[]) => runCommand(site.dataDir, ['token', ...args]);
  const made = await run('create', 'alice', 'phone', '--days', '30');
  expect(made.out).toMatch(/^Token +pat-[a-z2-7]{32}$/m);
  const id = /^Id +([0-9a-f]{32})$/m.exec(made.out)?.[1] ?? '';
  expect((await run('list', '--user', 'alice')).out).toMatch(new RegExp(`^${id} +alice@\\S+ +phone`, 'm'));
  expect((await run('delete', id)).out).toBe(`There is no token ${id} any more.\n`);
  expect((await run('list')).out).not.toContain(id);
  expect(await run('create', 'alice', 'phone', '--days', 'many')).toMatchObject({ code: 2, out: '' });
});

/** Access control rules over Amazon's client and by the command line, and what they keep out. */
import {
  DeleteAccessControlRuleCommand,
  GetAccessControlEffectCommand,
  type GetAccessControlEffectCommandInput,
  ListAccessControlRulesCommand,
  PutAccessControlRuleCommand,
  type PutAccessControlRuleCommandInput,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { autodiscover, autodiscoverRequest } from '../support/autodiscover-client.ts';
import { awsClient, createKey } from '../support/aws-client.ts';
import { runCommand } from '../support/command-line.ts';
import { SmtpClient } from '../support/smtp-client.ts';
import { startServer, type TestUser } from '../support/start-server.ts';

async function start() {
  const site = await startServer({ settings: { MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' } });
  const OrganizationId = site.organization;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = awsClient(site, key);
  const [alice, bob] = [await site.addUser('alice'), await site.addUser('bob')];
  const put = (rule: Partial<PutAccessControlRuleCommandInput>) => {
    const command = { OrganizationId, Name: 'rule', Effect: 'DENY', Description: 'A rule', ...rule } as const;
    return client.send(new PutAccessControlRuleCommand(command));
  };
  const remove = (Name: string) => client.send(new DeleteAccessControlRuleCommand({ OrganizationId, Name }));
  const list = async () => (await client.send(new ListAccessControlRulesCommand({ OrganizationId }))).Rules;
  const effect = async (asked: Partial<GetAccessControlEffectCommandInput>) => {
    const command = { OrganizationId, IpAddress: '192.0.2.7', Action: 'ActiveSync', ...asked };
    const { Effect, MatchedRules } = await client.send(new GetAccessControlEffectCommand(command));
    return { Effect, MatchedRules };
  };
  return { site, OrganizationId, alice, bob, put, remove, list, effect };
}

const byDefault = {
  Name: 'default',
  Effect: 'ALLOW',
  Description: 'Default WorkMail Rule',
  DateCreated: new Date(0),
};

test('PutAccessControlRule makes and replaces by name, ListAccessControlRules shows all, DeleteAccessControlRule takes one away', async () => {
  const { alice, put, remove, list, effect } = await start();
  expect(await list()).toEqual([byDefault]);
  expect(await effect({ UserId: alice.id })).toEqual({ Effect: 'ALLOW', MatchedRules: ['default'] });
  const lists = {
    IpRanges: ['192.0.2.0/24'],
    NotIpRanges: ['192.0.2.9/32'],
    Actions: ['ActiveSync', 'SMTP'],
    NotActions: ['IMAP'],
    UserIds: [alice.id],
    NotUserIds: [],
  };
  await put({ Name: 'no-phones', ...lists });
  const { NotUserIds: _none, ...kept } = lists;
  const stored = { Name: 'no-phones', Effect: 'DENY', Description: 'A rule', ...kept };
  expect(await list()).toEqual([
    byDefault,
    { ...stored, DateCreated: expect.any(Date), DateModified: expect.any(Date) },
  ]);
  expect(await effect({ UserId: alice.id })).toEqual({ Effect: 'DENY', MatchedRules: ['no-phones'] });
  expect(await effect({ UserId: alice.address, IpAddress: '192.0.2.9' })).toEqual({
    Effect: 'ALLOW',
    MatchedRules: ['default'],
  });
  await put({ Name: 'no-phones', Actions: ['AutoDiscover'] });
  expect((await list())?.[1]).not.toHaveProperty('IpRanges');
  expect(await effect({ UserId: alice.id })).toMatchObject({ Effect: 'ALLOW' });
  await remove('default');
  await remove('no-such-rule');
  expect(await list()).toMatchObject([{ Name: 'no-phones' }]);
  await remove('no-phones');
  expect(await list()).toEqual([]);
  expect(await effect({ UserId: alice.id })).toEqual({ Effect: 'DENY', MatchedRules: [] });
});

test('access control rules: what cannot be is refused', async () => {
  const { site, alice, put, list, effect } = await start();
  const nobody = '00000000-0000-4000-8000-000000000000';
  const InvalidParameterException = { name: 'InvalidParameterException' };
  const EntityNotFoundException = { name: 'EntityNotFoundException' };
  const ResourceNotFoundException = { name: 'ResourceNotFoundException' };
  await expect(put({ Actions: ['POP'] })).rejects.toMatchObject(InvalidParameterException);
  await expect(put({ NotActions: ['activesync'] })).rejects.toMatchObject(InvalidParameterException);
  for (const range of ['192.0.2.0', '192.0.2.0/33', '2001:db8::/32', '256.0.0.0/8']) {
    await expect(put({ IpRanges: [range] })).rejects.toMatchObject(InvalidParameterException);
  }
  await expect(put({ UserIds: [nobody] })).rejects.toMatchObject(EntityNotFoundException);
  await expect(put({ NotUserIds: [nobody] })).rejects.toMatchObject(EntityNotFoundException);
  await expect(put({ NotImpersonationRoleIds: ['role'] })).rejects.toMatchObject(ResourceNotFoundException);
  expect(await list()).toEqual([byDefault]);
  for (let n = 1; n < 10; n++) await put({ Name: `rule-${n}`, Actions: ['EWS'] });
  await expect(put({ Name: 'rule-10' })).rejects.toMatchObject({ name: 'LimitExceededException' });
  const most = Array.from({ length: 1_024 }, () => '192.168.100.128/25');
  await put({ Name: 'rule-9', Actions: ['IMAP'], IpRanges: most, NotIpRanges: most });
  expect(await list()).toHaveLength(10);
  for (const asked of [
    {},
    { UserId: alice.id, ImpersonationRoleId: 'role', Action: 'EWS' },
    { ImpersonationRoleId: 'role' },
    { UserId: alice.id, Action: 'POP' },
    { UserId: alice.id, IpAddress: '2001:db8::1' },
  ]) {
    await expect(effect(asked), JSON.stringify(asked)).rejects.toMatchObject(InvalidParameterException);
  }
  await expect(effect({ UserId: nobody })).rejects.toMatchObject(EntityNotFoundException);
  await expect(effect({ ImpersonationRoleId: 'role', Action: 'EWS' })).rejects.toMatchObject(
    ResourceNotFoundException,
  );
  const elsewhere = { OrganizationId: `m-${'0'.repeat(32)}` };
  for (const [operation, input] of [
    ['PutAccessControlRule', { Name: 'x', Effect: 'DENY', Description: 'x' }],
    ['PutAccessControlRule', { Name: 'x', Effect: 'DENY', Description: 'x', ImpersonationRoleIds: ['r'] }],
    ['DeleteAccessControlRule', { Name: 'x' }],
    ['ListAccessControlRules', {}],
    ['GetAccessControlEffect', { IpAddress: '192.0.2.7', Action: 'SMTP', UserId: alice.id }],
    ['GetAccessControlEffect', { IpAddress: '192.0.2.7', Action: 'EWS', ImpersonationRoleId: 'r' }],
  ] as const) {
    await expect(site.admin(operation, { ...elsewhere, ...input })).rejects.toMatchObject({
      name: 'OrganizationNotFoundException',
    });
  }
});

test('rules hold at once: ActiveSync 403, AutoDiscover 403, submission 550 5.7.1; a wrong password is told nothing of them', async () => {
  const { site, alice, bob, put, remove } = await start();
  const { baseUrl, ca } = site;
  type Client = Pick<TestUser, 'address' | 'password'>;
  const phone = async ({ address, password }: Client) => {
    const asked = { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' };
    return (await autodiscover({ baseUrl, ca, ...asked, credentials: `${address}:${password}` })).status;
  };
  const discovered = async ({ address, password }: Client) => {
    const body = autodiscoverRequest(address);
    return (await autodiscover({ baseUrl, ca, credentials: `${address}:${password}`, body })).status;
  };
  const greeted = () => SmtpClient.greeted(site.server.addresses['submission'] ?? '');
  const signIn = async (client: SmtpClient, { address, password }: Client) => {
    const login = Buffer.from(`\0${address}\0${password}`).toString('base64');
    return (await client.command(`AUTH PLAIN ${login}`)).line.slice(0, 9);
  };
  const submission = async (user: Client) => {
    const client = await greeted();
    const line = await signIn(client, user);
    client.close();
    return line;
  };
  const all = async (user: Client) => [await phone(user), await discovered(user), await submission(user)];
  const open = [200, 200, '235 2.7.0'];
  const session = await greeted();
  await signIn(session, bob);
  expect([await all(alice), await all(bob)]).toEqual([open, open]);

  const here = ['127.0.0.0/8'];
  await put({ Actions: ['ActiveSync'], UserIds: [bob.id], IpRanges: here });
  expect([await all(alice), await all(bob)]).toEqual([open, [403, 200, '235 2.7.0']]);
  await put({ Actions: ['AutoDiscover'], UserIds: [bob.id], IpRanges: here });
  expect(await all(bob)).toEqual([200, 403, '235 2.7.0']);
  expect((await session.command(`MAIL FROM:<${bob.address}>`)).code).toBe(250);
  await session.command('RSET');
  await put({ Actions: ['SMTP'], UserIds: [bob.id], IpRanges: here });
  expect(await all(bob)).toEqual([200, 200, '550 5.7.1']);
  // Who was signed in already is kept out, too.
  expect((await session.command(`MAIL FROM:<${bob.address}>`)).line).toMatch(/^550 5\.7\.1 /);
  session.close();
  await put({ UserIds: [bob.id], IpRanges: ['192.0.2.0/24'] });
  expect(await all(bob)).toEqual(open);

  await remove('default');
  const shut = [403, 403, '550 5.7.1'];
  expect([await all(alice), await all(bob)]).toEqual([shut, shut]);
  expect(await all({ ...bob, password: 'wrong' })).toEqual([401, 401, '535 5.7.8']);
  await put({ Name: 'here', Effect: 'ALLOW', IpRanges: here });
  expect(await all(bob)).toEqual(open);
});

test('access-rule list|put|delete|test', async () => {
  const { site, bob } = await start();
  const run = (...args: string[]) => runCommand(site.dataDir, ['access-rule', ...args]);
  expect((await run('list')).out).toMatch(
    /^NAME +EFFECT +WHEN +DESCRIPTION\ndefault +ALLOW +always +Default/,
  );
  expect(await run('put', 'office', '--effect', 'maybe')).toMatchObject({ code: 2, out: '' });
  const conditions = ['--not-ip', '192.0.2.0/24', '10.0.0.0/8', '--action', 'ActiveSync', '--user', 'bob'];
  expect(await run('put', 'office', '--effect', 'deny', ...conditions)).toMatchObject({
    code: 0,
    out: 'The rule office holds.\n',
  });
  expect((await run('list')).out).toMatch(
    /^office +DENY +ActiveSync; not from 192\.0\.2\.0\/24 or 10\.0\.0\.0\/8; bob@test\.mailstead\.test +office$/m,
  );
  expect((await run('test', 'bob', '198.51.100.1', 'ActiveSync')).out).toBe('DENY by office\n');
  expect((await run('test', bob.id, '10.1.1.1', 'ActiveSync')).out).toBe('ALLOW by default\n');
  expect((await run('delete', 'default')).out).toBe('There is no rule default any more.\n');
  expect((await run('test', 'bob', '10.1.1.1', 'ActiveSync')).out).toBe('DENY: no rule matches\n');
  await run('delete', 'office');
  expect((await run('list')).out).toBe('There is no rule: nobody can sign in.\n');
  expect(await run('put', 'office', '--effect', 'deny', '--ip', 'here')).toMatchObject({ code: 1, out: '' });
});

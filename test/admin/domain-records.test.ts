import { expect, test, vi } from 'vitest';
import type { Clock } from '#domain/outside';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { textOf } from '#protocols/activesync/wbxml/element';
import { runCommand } from '#test/support/command-line';
import { EasClient } from '#test/support/eas-client';
import { startNameServers } from '#test/support/name-servers';
import type { ShownRecord } from '#test/support/published-zone';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { systemOutside } from '../../src/outside.ts';

const DomainName = 'example.com';

/** A server with example.com registered, and two name servers of it that know nothing. */
async function start(clock: Clock = systemOutside.clock) {
  const dns = await startNameServers(DomainName, { [DomainName]: {} });
  const server = await startServer({
    clock,
    settings: { MAILSTEAD_DNS_SERVERS: dns.resolver, MAILSTEAD_DNS_PORT: String(dns.port) },
  });
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  await call('RegisterMailDomain', { DomainName });
  const token = async () => {
    const { Records } = await call('GetMailDomain', { DomainName });
    return (Records as ShownRecord[])[0]?.Value ?? '';
  };
  const verify = async () => {
    const { Records, ...state } = await call('Mailstead.VerifyMailDomain', { DomainName });
    const [ownership] = Records as ShownRecord[];
    return { state, ownership };
  };
  const publish = async (text: string, at: (readonly [number, string])[]) => {
    for (const [n, name] of at) Object.assign(dns.zones[n] ?? {}, { [name]: { txt: [text] } });
  };
  const run = async (...args: string[]) => (await runCommand(server.dataDir, args)).out;
  return { dns, server, call, token, verify, publish, run };
}

test('VerifyMailDomain asks every name server: one of two is INCONSISTENT, both prove the ownership; GetMailDomain says the same after', async () => {
  const { dns, call, token, verify, publish, run } = await start();
  const value = await token();
  const name = '_mailstead.example.com';
  await publish(value, [[0, name]]);
  const half = await verify();
  expect(half.ownership).toMatchObject({
    Status: 'INCONSISTENT',
    Found: [value],
    Advice: expect.stringContaining('ns1.example.com has it right, ns2.example.com has not'),
  });
  expect(half.state).toMatchObject({ OwnershipVerificationStatus: 'PENDING', AcceptsMail: false });
  await publish(value, [[1, name]]);
  // Of the cache nothing is asked.
  dns.cached[name] = { txt: ['old'] };
  const whole = await verify();
  expect(whole.ownership).toMatchObject({ Status: 'VERIFIED', Found: [value] });
  expect(whole.state).toMatchObject({ OwnershipVerificationStatus: 'VERIFIED', AcceptsMail: true });
  const { Records, ...state } = await call('GetMailDomain', { DomainName });
  expect(state).toEqual(whole.state);
  const [ownership, mx] = Records as ShownRecord[];
  expect(ownership).toMatchObject({ Status: 'VERIFIED', Advice: whole.ownership?.Advice });
  expect(mx).toMatchObject({ Status: 'MISSING', Advice: 'Add the MX record.' });
  const shown = await run('domain', 'show', DomainName);
  expect(shown).toMatch(/\nOWNERSHIP +VERIFIED +TXT +_mailstead\.example\.com\. +[0-9a-f]{64}\n/);
  expect(shown).toContain('\nAdvice  Add the MX record.\n');
});

/** A clock on which a minute takes a tenth of a second. */
function quickClock(): Clock {
  const { now, after } = systemOutside.clock;
  const beganMs = now();
  return {
    now: () => beganMs + (now() - beganMs) * 600,
    after: (delayMs, callback) => after(delayMs / 600, callback),
  };
}

test('a running server verifies a domain by itself once its record is there', async () => {
  const { call, token, publish } = await start(quickClock());
  const name = '_mailstead.example.com';
  await publish(await token(), [
    [0, name],
    [1, name],
  ]);
  await vi.waitFor(
    async () =>
      expect(await call('GetMailDomain', { DomainName })).toMatchObject({
        OwnershipVerificationStatus: 'VERIFIED',
        AcceptsMail: true,
      }),
    20_000,
  );
});

test('VerifyMailDomain tells of a host name that every name server has doubled', async () => {
  const { token, verify, publish } = await start();
  const doubled = '_mailstead.example.com.example.com';
  await publish(await token(), [
    [0, doubled],
    [1, doubled],
  ]);
  expect((await verify()).ownership).toMatchObject({
    Status: 'PENDING',
    Advice: `The record is at ${doubled}. instead: the DNS provider adds the domain name itself. Enter only "_mailstead" as the host name.`,
  });
});

test('a name server that fails is told of as SlowNameServers', async () => {
  const { dns, token, verify, publish, run } = await start();
  await publish(await token(), [[0, '_mailstead.example.com']]);
  Object.assign(dns.zones[1] ?? {}, { '_mailstead.example.com': { fails: true } });
  const { ownership, state } = await verify();
  expect(ownership).toMatchObject({ Status: 'VERIFIED' });
  expect(state).toMatchObject({ SlowNameServers: ['ns2.example.com'] });
  expect(await run('domain', 'show', DomainName)).toMatch(
    /\nSlow or silent name servers +ns2\.example\.com\n/,
  );
});

test('an ownership record that goes is told of in the list, by the doctor and by mail to the administrator, once', async () => {
  const { dns, server, call, token, verify, publish, run } = await start();
  const admin = await server.addUser('admin');
  await call('Mailstead.PutMailRouting', { Administrator: admin.id });
  const name = '_mailstead.example.com';
  const value = await token();
  await publish(value, [
    [0, name],
    [1, name],
  ]);
  await verify();
  expect(await run('domain', 'list')).toMatch(/\nexample\.com +yes\n/);
  for (const zone of dns.zones) delete zone[name];
  await verify();
  const { state } = await verify();
  expect(state).toMatchObject({ OwnershipVerificationStatus: 'FAILED', AcceptsMail: true });
  expect(await run('domain', 'list')).toMatch(/\nexample\.com +yes, until 20\d\d-.*put it back\n/);
  const report = await run('doctor');
  expect(report).toMatch(
    new RegExp(
      `mail is refused from 20.* on, because[^]*TXT _mailstead\\.example\\.com\\. with the value ${value}`,
    ),
  );
  expect(report).not.toContain('nobody has an address in it');
  const { baseUrl, ca } = server;
  const { address: user, password } = admin;
  const phone = new EasClient({ baseUrl, ca, user, password, version: '14.1', deviceId: 'phone' });
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await expect
    .poll(async () => (await phone.syncAll(inbox, { body: { type: 1 } })).size, { timeout: 20_000 })
    .toBe(1);
  const [letter] = phone.collection(inbox).items.values();
  expect(textOf(letter, Email.Subject)).toBe('The DNS record of example.com is gone');
  expect(textOf(letter, AirSyncBase.Body, AirSyncBase.Data)).toContain(
    `_mailstead.example.com.  TXT  "${value}"`,
  );
});

test('mail and addresses of an unverified domain are refused: RCPT with 550, operations with MailDomainStateException', async () => {
  const { server, call } = await start();
  const alice = await server.addUser('alice');
  const { UserId } = await call('CreateUser', { Name: 'bob', DisplayName: 'Bob' });
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  const Email = 'somebody@example.com';
  for (const [operation, input] of [
    ['RegisterToWorkMail', { EntityId: UserId, Email }],
    ['RegisterToWorkMail', { EntityId: GroupId, Email }],
    ['CreateAlias', { EntityId: alice.id, Alias: Email }],
    ['UpdatePrimaryEmailAddress', { EntityId: alice.id, Email }],
    ['UpdateDefaultMailDomain', { DomainName }],
  ] as const) {
    await expect(call(operation, input), operation).rejects.toMatchObject({
      name: 'MailDomainStateException',
    });
  }
  const client = await SmtpClient.greeted(server.server.addresses['smtp'] ?? '');
  await client.command('MAIL FROM:<x@elsewhere.example>');
  for (const address of [Email, 'postmaster@example.com']) {
    expect((await client.command(`RCPT TO:<${address}>`)).line).toMatch(/^550 5\.7\.1 /);
  }
  client.close();
});

test('GetMailDomain says who reads postmaster@ and abuse@', async () => {
  const { server, call, run } = await start();
  const test = 'test.mailstead.test';
  const alice = await server.addUser('alice');
  const roles = async () => (await call('GetMailDomain', { DomainName: test }))['RoleAddresses'];
  const answer = (...Recipients: string[]) =>
    ['postmaster', 'abuse'].map((name) => ({ Address: `${name}@${test}`, Recipients }));
  expect(await roles()).toEqual(answer());
  expect(await run('domain', 'show', test)).toMatch(
    /\npostmaster@test\.mailstead\.test +nobody: see mailstead routing administrator\n/,
  );
  await call('Mailstead.PutMailRouting', { Administrator: alice.id });
  expect(await roles()).toEqual(answer(alice.address));
  expect(await run('domain', 'show', test)).toMatch(/\nabuse@test\.mailstead\.test +alice@test/);
});

test('domain show --zone prints lines of a zone file, long values in strings of 255', async () => {
  const { call, run } = await start();
  const { Records } = await call('GetMailDomain', { DomainName });
  const lines = (await run('domain', 'show', DomainName, '--zone')).trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith(';'))).toEqual(['; optional:']);
  expect(lines).toHaveLength((Records as ShownRecord[]).length + 1);
  expect(lines).toContain('example.com.\t3600\tIN\tMX\t10 localhost.');
  expect(lines).toContain('_imaps._tcp.example.com.\t3600\tIN\tSRV\t0 0 0 .');
  expect(lines).toContain('_dmarc.example.com.\t3600\tIN\tTXT\t"v=DMARC1;p=quarantine;pct=100;fo=1"');
  const rsa = (Records as ShownRecord[]).find(({ Value }) => Value.includes('k=rsa'));
  const line = lines.find((one) => one.startsWith(rsa?.Hostname ?? '!')) ?? '';
  const strings = [...line.matchAll(/"([^"]*)"/g)].map(([, string = '']) => string);
  expect(strings.join('')).toBe(rsa?.Value);
  expect(strings.map(({ length }) => length)).toEqual([255, expect.any(Number)]);
});

import { expect, test } from 'vitest';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

/** A server with example.com registered, and a name server without it. */
async function start() {
  const zone = await startZone({});
  const server = await startServer({ settings: { MAILSTEAD_DNS_SERVERS: zone.server } });
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const ofExample = (operation: string) => call(operation, { DomainName: 'example.com' });
  await ofExample('RegisterMailDomain');
  const verify = async () => {
    const { Records, ...state } = await ofExample('Mailstead.VerifyMailDomain');
    return { state, records: Records as ShownRecord[] };
  };
  const rcpt = async (address: string) => {
    const client = await SmtpClient.greeted(server.server.addresses['smtp'] ?? '');
    await client.command('MAIL FROM:<x@elsewhere.example>');
    const reply = await client.command(`RCPT TO:<${address}>`);
    client.close();
    return reply.line;
  };
  return { zone, server, call, ofExample, verify, rcpt };
}

test('a domain is verified by its records in DNS, and mail for it is accepted from then on', async () => {
  const { zone, server, call, ofExample, verify, rcpt } = await start();
  const nothing = await verify();
  expect(nothing.state).toMatchObject({
    OwnershipVerificationStatus: 'PENDING',
    DkimVerificationStatus: 'PENDING',
  });
  expect(nothing.records[0]).toMatchObject({
    Type: 'TXT',
    Hostname: '_mailstead.example.com.',
    Purpose: 'OWNERSHIP',
    Status: 'PENDING',
    Found: [],
    Advice: expect.stringContaining('Add the TXT record.'),
  });
  const alice = await server.addUser('alice');
  const alias = { EntityId: alice.id, Alias: 'alice@example.com' };
  await expect(call('CreateAlias', alias)).rejects.toMatchObject({ name: 'MailDomainStateException' });
  expect(await rcpt('alice@example.com')).toMatch(/^550 5\.7\.1 /);

  zone.publish((await ofExample('GetMailDomain'))['Records'] as ShownRecord[]);
  const { state, records } = await verify();
  expect(state).toEqual({
    IsTestDomain: false,
    IsDefault: false,
    OwnershipVerificationStatus: 'VERIFIED',
    DkimVerificationStatus: 'VERIFIED',
    AcceptsMail: true,
    CheckedTime: expect.any(Number),
    SlowNameServers: [],
    RoleAddresses: [
      { Address: 'postmaster@example.com', Recipients: [] },
      { Address: 'abuse@example.com', Recipients: [] },
    ],
  });
  const needed = ['OWNERSHIP', 'MX', 'AUTODISCOVER', 'SPF', 'DKIM', 'DKIM', 'DMARC'];
  const services = ['AUTODISCOVER_SRV', 'AUTOCONFIG', 'SUBMISSIONS', 'SUBMISSION', 'IMAPS'];
  const optional = [...services, 'MTA_STS', 'MTA_STS_HOST'];
  expect(records.map(({ Purpose, Status, Advice, Optional }) => [Purpose, Status, Advice, Optional])).toEqual(
    [
      ...needed.map((one) => [one, 'VERIFIED', undefined, undefined]),
      ...optional.map((one) => [one, 'VERIFIED', undefined, true]),
    ],
  );
  // A key of 2048 bits comes in two strings.
  const [rsa] = records.filter(({ Purpose }) => Purpose === 'DKIM');
  expect(rsa?.Found).toEqual([rsa?.Value]);
  await call('CreateAlias', alias);
  expect(await rcpt('alice@example.com')).toMatch(/^250 /);
});

test('a name server that fails leaves the state as it was', async () => {
  const { zone, ofExample, verify } = await start();
  const records = (await ofExample('GetMailDomain'))['Records'] as ShownRecord[];
  zone.publish(records);
  await verify();
  for (const { Hostname } of records) zone.names[Hostname.replace(/\.$/, '')] = { fails: true };
  const { state, records: checked } = await verify();
  expect(state).toMatchObject({
    OwnershipVerificationStatus: 'VERIFIED',
    DkimVerificationStatus: 'VERIFIED',
  });
  expect(new Set(checked.map(({ Status }) => Status))).toEqual(new Set(['PENDING']));
});

test('new keys are shown beside those that sign, and those that signed until when they stay', async () => {
  const { zone, ofExample, verify } = await start();
  zone.publish((await ofExample('GetMailDomain'))['Records'] as ShownRecord[]);
  await verify();
  const rotated = (await ofExample('Mailstead.RotateDkimKeys'))['Records'] as ShownRecord[];
  const states = (list: readonly ShownRecord[]) =>
    list.filter(({ Purpose }) => Purpose === 'DKIM').map(({ KeyState }) => KeyState);
  expect(states(rotated)).toEqual(['SIGNING', 'SIGNING', 'NEXT', 'NEXT']);
  expect((await verify()).state).toMatchObject({ DkimVerificationStatus: 'VERIFIED' });
  zone.publish(rotated.filter(({ KeyState }) => KeyState === 'NEXT'));
  const { records, state } = await verify();
  expect(states(records)).toEqual(['SIGNING', 'SIGNING', 'RETIRED', 'RETIRED']);
  expect(state).toMatchObject({ DkimVerificationStatus: 'VERIFIED' });
  const week = 7 * 24 * 3_600;
  const retired = records.filter(({ KeyState }) => KeyState === 'RETIRED');
  for (const { KeepUntil, Advice } of retired) {
    expect(Math.abs((KeepUntil ?? 0) - Date.now() / 1000 - week)).toBeLessThan(3_600);
    expect(Advice).toContain('still under way');
  }
});

test('domains are listed, made the default and removed', async () => {
  const { zone, call, ofExample, verify } = await start();
  const test = 'test.mailstead.test';
  const list = async () => (await call('ListMailDomains'))['MailDomains'];
  expect(await list()).toEqual([
    { DomainName: 'example.com', DefaultDomain: false, AcceptsMail: false },
    { DomainName: test, DefaultDomain: true, AcceptsMail: true },
  ]);
  const first = await call('ListMailDomains', { MaxResults: 1 });
  expect(first['MailDomains']).toEqual([
    { DomainName: 'example.com', DefaultDomain: false, AcceptsMail: false },
  ]);
  const rest = await call('ListMailDomains', { NextToken: first['NextToken'] });
  expect(rest).toEqual({
    MailDomains: [{ DomainName: test, DefaultDomain: true, AcceptsMail: true }],
  });
  await expect(ofExample('UpdateDefaultMailDomain')).rejects.toMatchObject({
    name: 'MailDomainStateException',
  });
  zone.publish((await ofExample('GetMailDomain'))['Records'] as ShownRecord[]);
  await verify();
  await ofExample('UpdateDefaultMailDomain');
  expect(await call('DescribeOrganization')).toMatchObject({ DefaultMailDomain: 'example.com' });
  await expect(ofExample('DeregisterMailDomain')).rejects.toMatchObject({ name: 'MailDomainInUseException' });
  await call('UpdateDefaultMailDomain', { DomainName: test });
  const removed = [await ofExample('DeregisterMailDomain'), await ofExample('DeregisterMailDomain')];
  expect(removed).toEqual([{}, {}]);
  await expect(ofExample('GetMailDomain')).rejects.toMatchObject({ name: 'MailDomainNotFoundException' });
  await expect(ofExample('UpdateDefaultMailDomain')).rejects.toMatchObject({
    name: 'MailDomainNotFoundException',
  });
  await expect(call('DeregisterMailDomain', { DomainName: test })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  expect(await list()).toEqual([{ DomainName: test, DefaultDomain: true, AcceptsMail: true }]);
});

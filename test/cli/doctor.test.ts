import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startZone } from '#test/support/published-zone';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

interface Line {
  readonly Check: string;
  readonly Status: string;
  readonly Found: string;
  readonly Advice?: string;
}

/** A server, its DNS, and what the doctor says of it. */
async function examine(settings: Record<string, string> = {}) {
  const zone = await startZone({});
  const env = { MAILSTEAD_HOSTNAME: 'localhost', MAILSTEAD_DNS_SERVERS: zone.server, ...settings };
  const server = await startServer({ settings: env });
  const run = (args: readonly string[] = [], stdin = '') =>
    runCommand(server.dataDir, ['doctor', ...args], { env, stdin });
  const lines = async (args: readonly string[] = [], stdin = '') => {
    const { out, err, code } = await run([...args, '--json'], stdin);
    const { Status, Findings } = JSON.parse(out) as { Status: string; Findings: Line[] };
    const of = (check: string) => Findings.filter(({ Check }) => Check === check);
    return { Status, Findings, of, err, code };
  };
  return { zone, server, run, lines };
}

test('doctor: a server in its best years has no line that fails, and every listener is well', async () => {
  const { run, lines } = await examine();
  const { Findings, of, code, err } = await lines();
  expect(Findings.filter(({ Status }) => Status === 'FAIL')).toEqual([]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const at = /^127\.0\.0\.1:\d+ /;
  for (const listener of ['smtp', 'submission', 'submissions', 'https', 'http']) {
    expect(of(`listener ${listener}`)).toEqual([
      { Check: `listener ${listener}`, Status: 'OK', Found: expect.stringMatching(at) },
    ]);
  }
  expect(of('listener smtp')[0]?.Found).toMatch(/greets as localhost, STARTTLS works \(TLSv1\.3\)$/);
  expect(of('listener submissions')[0]?.Found).toMatch(/TLS from the start works .*AUTH is offered$/);
  expect(of('certificate names')).toMatchObject([{ Status: 'OK', Found: 'it is good for localhost' }]);
  expect(of('certificate validity')).toMatchObject([{ Status: 'OK' }]);
  expect(of('certificate chain')).toMatchObject([
    { Status: 'WARN', Found: expect.stringMatching(/^self-made/) },
  ]);
  expect(of('domain test.mailstead.test')).toMatchObject([{ Status: 'OK' }]);
  expect(of('autodiscover test.mailstead.test')).toMatchObject([{ Status: 'OK' }]);
  expect(of('queue test')).toMatchObject([{ Status: 'OK', Found: 'nothing waits' }]);
  expect(of('master key')).toMatchObject([{ Status: 'OK', Found: expect.stringContaining('mode 600') }]);
  for (const check of ['server', 'data directory', 'disk', 'clock']) expect(of(check)).toHaveLength(1);
  const { out } = await run();
  expect(out.split('\n')[0]).toMatch(/^ok {4}server {18}localhost answers at /);
  expect(out).toMatch(/\nwarn {2}backup .*\n {6}-> Make one with "mailstead backup FOLDER"/);
  expect(out).not.toContain('\u001b');
});

test('doctor: what others may read fails, with the command that mends it, and the exit code is 1', async () => {
  const { server, run, lines } = await examine();
  const key = join(server.dataDir, 'master.key');
  await chmod(key, 0o644);
  await chmod(server.dataDir, 0o755);
  const { of, code, err } = await lines();
  expect(code).toBe(1);
  expect(err).toMatch(/^2 of \d+ checks failed: do what the lines say\.\n$/);
  expect(of('master key')).toEqual([
    { Check: 'master key', Status: 'FAIL', Found: `${key} has mode 644`, Advice: `chmod 600 ${key}` },
  ]);
  expect(of('data directory')).toMatchObject([{ Status: 'FAIL', Advice: `chmod 700 ${server.dataDir}` }]);
  await unlink(key);
  expect((await run()).out).toMatch(/\nfail {2}master key .*it is not there\n/);
});

test('doctor: the records of a domain and the way of a phone to AutoDiscover are looked at in DNS', async () => {
  const { zone, server, lines } = await examine();
  const input = { OrganizationId: server.organization, DomainName: 'example.com' };
  await server.admin('RegisterMailDomain', { ...input, ClientToken: 'x' });
  const before = await lines();
  expect(before.code).toBe(1);
  expect(before.of('domain example.com')[0]).toMatchObject({
    Status: 'FAIL',
    Found: expect.stringMatching(/^OWNERSHIP \(TXT \S+\) is PENDING$/),
    Advice: expect.stringMatching(
      /^Add the TXT record\..* "mailstead domain verify example\.com" shows its value\.$/,
    ),
  });
  expect(before.of('domain example.com').filter(({ Found }) => Found.startsWith('IMAPS'))).toEqual([]);
  expect(before.of('domain example.com').find(({ Found }) => Found.startsWith('SPF'))?.Status).toBe('WARN');
  const { Records } = await server.admin('GetMailDomain', input);
  const records = Records as Parameters<typeof zone.publish>[0];
  zone.publish(records.filter(({ Type }) => Type !== 'MX'));
  expect((await lines()).of('domain example.com')).toMatchObject([
    { Status: 'FAIL', Found: 'MX (MX example.com.) is MISSING' },
  ]);
  zone.publish(records.filter(({ Type }) => Type === 'MX'));
  zone.names['localhost'] = { a: ['127.0.0.1'] };
  zone.names['autodiscover.example.com'] = { cname: 'localhost', a: ['127.0.0.1'] };
  const { of, code } = await lines();
  expect(code).toBe(0);
  expect(of('domain example.com')).toMatchObject([{ Status: 'OK' }]);
  await lines();
  const way = (await lines()).of('autodiscover example.com');
  expect(way[0]).toMatchObject({
    Status: 'OK',
    Found: expect.stringMatching(
      /^asked as https:\/\/autodiscover\.example\.com, it asks for the password and names https:\/\/localhost:\d+\//,
    ),
  });
  expect(way[1]).toMatchObject({ Found: 'the certificate is not good for autodiscover.example.com' });
  zone.names['autodiscover.example.com'] = { a: ['192.0.2.1'] };
  expect((await lines()).of('autodiscover example.com')[1]?.Found).toMatch(
    /^autodiscover\.example\.com leads to 192\.0\.2\.1/,
  );
});

test('doctor: the host name leads to an address and back', async () => {
  const { zone, lines } = await examine({ MAILSTEAD_HOSTNAME: 'mail.mailstead.dev' });
  expect((await lines()).of('host name')).toMatchObject([
    { Status: 'FAIL', Found: 'mail.mailstead.dev has no address in DNS' },
  ]);
  zone.names['mail.mailstead.dev'] = { a: ['10.0.0.1'] };
  expect((await lines()).of('host name')).toMatchObject([
    { Status: 'WARN', Found: expect.stringContaining('nobody reaches') },
  ]);
  zone.names['mail.mailstead.dev'] = { a: ['192.0.2.7'] };
  expect((await lines()).of('reverse DNS')).toMatchObject([
    { Status: 'WARN', Advice: expect.stringContaining('set its reverse record to mail.mailstead.dev') },
  ]);
});

test('doctor: a backup that the server made is known', async () => {
  const { server, lines } = await examine();
  expect((await lines()).of('backup')).toMatchObject([{ Status: 'WARN' }]);
  await server.admin('Mailstead.CreateBackup', { Folder: join(await tempFolder(), 'copy') });
  expect((await lines()).of('backup')).toMatchObject([
    { Status: 'OK', Found: expect.stringMatching(/^the last one is of 20/) },
  ]);
});

test('doctor: without a server it says so first, and what can be seen without one', async () => {
  const dataDir = await tempFolder();
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const { out, err, code } = await runCommand(dataDir, ['doctor'], {
    env: {
      MAILSTEAD_HOSTNAME: 'localhost',
      MAILSTEAD_LISTEN_SMTP: `127.0.0.1:${port}`,
      MAILSTEAD_LISTEN_HTTPS: '127.0.0.1:1',
    },
  });
  expect(code).toBe(1);
  expect(out).toMatch(/^fail {2}server +No server answers at /);
  expect(out).toContain(`another program listens on 127.0.0.1:${port}\n`);
  expect(out).toMatch(/\nok {4}listener https +127\.0\.0\.1:1 is free\n/);
  expect(out).toMatch(/\nfail {2}master key .*it is not there\n/);
  expect(err).toMatch(/checks failed/);
});

test('doctor --user: a phone’s day one: AutoDiscover, OPTIONS, Provision, FolderSync; nothing stays behind', async () => {
  const { server, lines } = await examine();
  const alice = await server.addUser('alice');
  const OrganizationId = server.organization;
  await server.admin('Mailstead.PutMobilePolicy', {
    OrganizationId,
    Policy: { PasswordRequired: true, MinimumPasswordLength: 6 },
  });
  const args = ['--user', alice.address, '--password-stdin'];
  const { of, code } = await lines(args, `${alice.password}\n`);
  expect(code).toBe(0);
  expect(of(`device of ${alice.address}`).map(({ Status, Found }) => `${Status} ${Found}`)).toEqual([
    'OK the mailbox holds 0 of 51200 MB',
    expect.stringMatching(/^OK AutoDiscover names https:\/\/localhost:\d+\/Microsoft-Server-ActiveSync$/),
    expect.stringMatching(/^OK OPTIONS: it speaks 2\.5,12\.0,12\.1,14\.0,14\.1,16\.0,16\.1$/),
    'OK Provision: the policy asks for a password of 6 characters or more',
    expect.stringMatching(/^OK FolderSync: a phone sees \d+ folders$/),
  ]);
  const { Devices } = await server.admin('Mailstead.ListMobileDevices', { OrganizationId });
  expect(Devices).toEqual([]);
});

test('doctor --user: quarantined, blocked, full, disabled, a wrong password and nobody are told apart', async () => {
  const { server, lines } = await examine();
  const alice = await server.addUser('alice');
  const OrganizationId = server.organization;
  const check = `device of ${alice.address}`;
  const told = async (password = alice.password) => {
    const { of, code } = await lines(['--user', alice.address, '--password-stdin'], password);
    const last = of(check).at(-1);
    return `${code} ${last?.Status} ${last?.Found}`;
  };
  const settings = (NewDevices: string) =>
    server.admin('Mailstead.PutMobileDeviceAccessSettings', { OrganizationId, NewDevices });
  await settings('QUARANTINE');
  expect(await told()).toMatch(/^0 WARN quarantined: /);
  await settings('BLOCK');
  expect(await told()).toMatch(/^1 FAIL new phones are blocked/);
  await settings('ALLOW');
  expect(await told('wrong')).toBe(
    '1 FAIL AutoDiscover is answered with HTTP 401: the password is not that of this address',
  );
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  const large = `Subject: large\r\n\r\n${'0123456789\r\n'.repeat(100_000)}`;
  expect((await client.mail('a@example.org', [alice.address], large)).code).toBe(250);
  client.close();
  await server.admin('UpdateMailboxQuota', { OrganizationId, UserId: alice.id, MailboxQuota: 1 });
  const full = await lines(['--user', alice.address, '--password-stdin'], alice.password);
  expect(full.of(check)[0]).toMatchObject({
    Status: 'FAIL',
    Found: expect.stringMatching(/takes no more mail$/),
  });
  await server.admin('DeregisterFromWorkMail', { OrganizationId, EntityId: alice.id });
  const { of } = await lines(['--user', alice.address, '--password-stdin'], alice.password);
  expect(of(check)[0]).toMatchObject({ Status: 'FAIL', Found: expect.stringContaining('DISABLED') });
  const nobody = await lines(['--user', 'nobody@test.mailstead.test', '--password-stdin'], 'x');
  expect(nobody.of('device of nobody@test.mailstead.test')).toMatchObject([
    { Found: 'there is no such user' },
  ]);
});

test('doctor --user: where new devices wait in quarantine nobody is told of the doctor', async () => {
  const { server, lines } = await examine({ MAILSTEAD_OUTBOUND_RELAY: 'smtp://127.0.0.1:1' });
  const { address, password } = await server.addUser('alice');
  const OrganizationId = server.organization;
  const settings = { NewDevices: 'QUARANTINE', NotifyAddresses: ['it@example.org'] };
  await server.admin('Mailstead.PutMobileDeviceAccessSettings', { OrganizationId, ...settings });
  const { of } = await lines(['--user', address, '--password-stdin'], password);
  expect(of(`device of ${address}`).at(-1)?.Found).toMatch(/^quarantined: /);
  expect((await server.admin('Mailstead.ListQueue', { OrganizationId }))['Messages']).toEqual([]);
});

const hasTerminals = spawnSync('script', ['--version']).status === 0;

test.runIf(hasTerminals)(
  'doctor --user asks for the password on the terminal and does not show it',
  async () => {
    const { server } = await examine();
    const { address, password } = await server.addUser('alice');
    const launcher = join(import.meta.dirname, '..', '..', 'bin', 'mailstead.js');
    const line = `${process.execPath} ${launcher} doctor --data ${server.dataDir} --user ${address}`;
    const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (!shown.includes('Password of') && (shown + chunk).includes('Password of')) {
        child.stdin.write(`x\u0015${password}y\u007f\r`);
      }
      shown += chunk;
    });
    await once(child.stdout, 'end');
    expect(shown).toMatch(/FolderSync: a phone sees \d+ folders/);
    expect(shown).toContain('\u001b[32mok  \u001b[0m');
    expect(shown).not.toContain(password);
  },
);

test.each([
  [['--password-stdin'], /needs --user/],
  [['--user', 'a@b.example'], /give it with --password-stdin/],
])('doctor: the wrong usage %j exits with 2', async (args, message) => {
  const { code, out, err } = await runCommand(await tempFolder(), ['doctor', ...args]);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
});

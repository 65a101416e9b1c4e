import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { startServer } from '#test/support/start-server';

/** A server, its DNS, and the command line on it. */
async function serve() {
  const zone = await startZone({});
  const server = await startServer({ settings: { MAILSTEAD_DNS_SERVERS: zone.server } });
  const run = (...args: string[]) => runCommand(server.dataDir, args);
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
  return { zone, run, json };
}

test('a domain is added, its records are shown, looked at and verified', async () => {
  const { zone, run, json } = await serve();
  const added = await run('domain', 'add', 'example.com');
  expect(added).toMatchObject({ code: 0, err: '' });
  expect(added.out).toMatch(/^Domain +example\.com\nOwnership +PENDING\nDKIM +PENDING\n/);
  expect(added.out).toMatch(
    /\nFOR +STATUS +TYPE +HOST NAME +VALUE\nOWNERSHIP +PENDING +TXT +_mailstead\.example\.com\. +[0-9a-f]{64}\n/,
  );
  expect((await run('domain', 'show', 'example.com')).out).toBe(added.out);
  const looked = await run('domain', 'verify', 'example.com');
  expect(looked.out).toMatch(
    /\nFOR +STATUS +TYPE +HOST NAME\nOWNERSHIP +PENDING +TXT +_mailstead\.example\.com\.\n/,
  );
  expect(looked.out).toMatch(
    /\nRecord +MX example\.com\.\nValue +10 localhost\.\nAdvice +Add the MX record\.\n/,
  );
  const { Records } = (await json('domain', 'show', 'example.com')) as { Records: ShownRecord[] };
  zone.publish(Records);
  zone.names['autodiscover.example.com'] = { cname: 'autodiscover.old.example' };
  const verified = await run('domain', 'verify', 'example.com');
  expect(verified.out).toMatch(/^Domain +example\.com\nOwnership +VERIFIED\nDKIM +VERIFIED\n/);
  expect(verified.out).toContain('\nFound   autodiscover.old.example.\nAdvice  Another host is named');
  expect(verified.out.match(/\nAdvice /g)).toHaveLength(1);
});

test('DKIM keys are rotated', async () => {
  const { zone, run, json } = await serve();
  const domain = 'test.mailstead.test';
  zone.publish((await json('domain', 'show', domain)).Records);
  await run('domain', 'verify', domain);
  const rotated = await run('domain', 'rotate-dkim', domain);
  expect(rotated.code).toBe(0);
  expect(rotated.out.match(/\nDKIM, new +PENDING +TXT +ms-/g)).toHaveLength(2);
  const { Records } = (await json('domain', 'show', domain)) as { Records: ShownRecord[] };
  zone.publish(Records.filter(({ KeyState }) => KeyState === 'NEXT'));
  const { out } = await run('domain', 'verify', domain);
  expect(out.match(/\nDKIM, keep until \d{4}-\d\d-\d\d [\d:]{8} UTC +VERIFIED +TXT /g)).toHaveLength(2);
});

test('domains are listed, made the default and removed; what goes wrong is one sentence', async () => {
  const { zone, run, json } = await serve();
  await run('domain', 'add', 'example.com');
  expect((await run('domain', 'list')).out).toBe(
    'DOMAIN               DEFAULT  ACCEPTS MAIL\nexample.com                   no\ntest.mailstead.test  yes      yes\n',
  );
  const early = await run('domain', 'default', 'example.com');
  expect(early).toMatchObject({ code: 1, out: '' });
  expect(early.err).toContain('MailDomainStateException');
  zone.publish((await json('domain', 'show', 'example.com')).Records);
  await run('domain', 'verify', 'example.com');
  expect(await run('domain', 'default', 'example.com')).toEqual({
    code: 0,
    out: 'example.com is the default domain.\n',
    err: '',
  });
  const used = await run('domain', 'remove', 'example.com');
  expect(used).toMatchObject({ code: 1, out: '' });
  expect(used.err).toMatch(/^MailDomainInUseException: The domain example\.com is the default domain/);
  await run('domain', 'default', 'test.mailstead.test');
  expect((await run('domain', 'remove', 'example.com')).out).toBe('example.com is removed.\n');
  expect(await json('domain', 'list')).toEqual({
    MailDomains: [{ DomainName: 'test.mailstead.test', DefaultDomain: true, AcceptsMail: true }],
  });
});

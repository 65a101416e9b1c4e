import { get } from 'node:https';
import { text as consume } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { hour, minute, startOutbound } from '#test/support/outbound-site';
import { startPolicyHost } from '#test/support/policy-host';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

const policyOf = (mode: string, mx = 'mx.one.example', maxAge = 86_400) =>
  `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: ${maxAge}\r\n`;

const names = ['mta-sts.one.example', 'mx.one.example'];

/** `one.example` announces a policy; its mail server has a good certificate unless told otherwise. */
async function start(text: string, options: Parameters<typeof startNextServer>[0] = {}, site = {}) {
  const host = await startPolicyHost(names, text);
  const next = await startNextServer({ cert: host.cert, key: host.key, ...options });
  const zone: Record<string, Parameters<typeof startDns>[0][string]> = {
    'one.example': { mx: [[10, 'mx.one.example']] },
    'mx.one.example': { a: ['127.0.0.1'], ttl: 1_000_000 },
    'mta-sts.one.example': { a: ['127.0.0.1'], ttl: 1_000_000 },
    '_mta-sts.one.example': { txt: ['v=STSv1; id=1;'] },
  };
  const open = async (more: object = {}) =>
    await startOutbound({
      dns: await startDns(zone),
      port: next.port,
      sts: { ca: host.ca, port: host.port },
      ...site,
      ...more,
    });
  return { host, next, zone, open, site: await open() };
}

test('an enforced policy: mail goes over verified TLS to a server it lists, and the policy is fetched once', async () => {
  const { host, next, site } = await start(policyOf('enforce'));
  await site.send(['bob@one.example']);
  await site.send(['bob@ONE.example']);
  expect(next.mails).toMatchObject([{ isSecure: true }, { isSecure: true }]);
  expect(host.asked).toEqual([`mta-sts.one.example:${host.port}`]);
});

describe('an enforced policy keeps mail in the queue', () => {
  test('from a server whose certificate is not for its name: 4.7.5, until it bounces', async () => {
    const other = await startPolicyHost(['mx.other.example'], '');
    const { next, site } = await start(policyOf('enforce', 'mx.one.example', 1_000_000), {
      cert: other.cert,
      key: other.key,
    });
    await site.send(['bob@one.example']);
    expect(next.mails).toEqual([]);
    const [mail] = await site.queued();
    expect(mail?.recipients[0]?.last).toMatchObject({ status: '4.7.5' });
    expect(mail?.recipients[0]?.last?.text).toMatch(/^mx\.one\.example .*TLS failed/);
    for (let hours = 0; hours <= 48; hours++) await site.pass(hour);
    expect(await site.queued()).toEqual([]);
    expect((await site.inbox())[0]).toMatch(/Status: 5\.4\.7\r\n[\s\S]*TLS failed/);
  });

  test('from a server without TLS: 4.7.4', async () => {
    const { next, site } = await start(policyOf('enforce'), { disabledCommands: ['STARTTLS'] });
    await site.send(['bob@one.example']);
    expect(next.mails).toEqual([]);
    expect((await site.queued())[0]?.recipients[0]?.last).toMatchObject({ status: '4.7.4' });
  });

  test('from a server it does not list: 4.7.0', async () => {
    const { next, site } = await start(policyOf('enforce', '*.mx.one.example'));
    await site.send(['bob@one.example']);
    expect(next.connections()).toBe(0);
    const last = (await site.queued())[0]?.recipients[0]?.last;
    expect(last).toMatchObject({ status: '4.7.0' });
    expect(last?.text).toContain('does not list mx.one.example');
  });
});

test('of several servers those are used that the policy lists', async () => {
  const { next, zone, site } = await start(policyOf('enforce', '*.one.example'));
  zone['one.example'] = {
    mx: [
      [1, 'evil.example'],
      [10, 'mx.one.example'],
    ],
  };
  zone['evil.example'] = { a: ['127.0.0.2'] };
  await site.send(['bob@one.example']);
  expect(next.mails).toMatchObject([{ isSecure: true }]);
});

test.each(['testing', 'none'])('mode %s: mail goes as without a policy', async (mode) => {
  const { next, site } = await start(policyOf(mode, 'mx.nobody.example'), { disabledCommands: ['STARTTLS'] });
  await site.send(['bob@one.example']);
  expect(next.mails).toMatchObject([{ isSecure: false }]);
});

test('a configured server is nobody the policy speaks of', async () => {
  const { host, next, open } = await start(policyOf('enforce', 'mx.nobody.example'));
  const site = await open({ relay: `smtp://127.0.0.1:${next.port}` });
  await site.send(['bob@one.example']);
  expect(next.mails).toHaveLength(1);
  expect(host.asked).toEqual([]);
});

describe('what is no policy', () => {
  const answers = [
    [
      'a redirect',
      { status: 302, headers: { Location: 'https://mx.one.example/', 'Content-Type': 'text/plain' } },
    ],
    ['another media type', { headers: { 'Content-Type': 'text/html' } }],
    ['an error', { status: 404 }],
    ['more than 64 KiB', { text: `${policyOf('enforce', 'mx.nobody.example')}${'x: y\r\n'.repeat(20_000)}` }],
    ['no version', { text: 'mode: enforce\nmx: mx.nobody.example\nmax_age: 1000\n' }],
    ['no mx', { text: 'version: STSv1\nmode: enforce\nmax_age: 1000\n' }],
    ['no max_age', { text: 'version: STSv1\nmode: enforce\nmx: mx.nobody.example\n' }],
    ['another mode', { text: policyOf('strict', 'mx.nobody.example') }],
  ] as const;
  test.each(answers)('%s', async (_name, answer) => {
    const { host, next, site } = await start(policyOf('enforce', 'mx.nobody.example'));
    host.policy = { ...host.policy, ...answer };
    await site.send(['bob@one.example']);
    expect(next.mails).toHaveLength(1);
    expect(host.asked).toHaveLength(1);
    // Nor is it asked for again at once.
    await site.send(['bob@one.example']);
    expect(host.asked).toHaveLength(1);
    await site.pass(5 * minute);
    await site.send(['bob@one.example']);
    expect(host.asked).toHaveLength(2);
  });

  test('one from a host whose certificate nobody knows', async () => {
    const { host, next, open } = await start(policyOf('enforce', 'mx.nobody.example'));
    const other = await startPolicyHost(names, '');
    const site = await open({ sts: { ca: other.ca, port: host.port } });
    await site.send(['bob@one.example']);
    expect(next.mails).toHaveLength(1);
    expect(host.asked).toEqual([]);
  });

  test.each([['v=STSv1; id=1;', 'v=STSv1; id=2;'], ['v=STSv2; id=1'], ['v=STSv1; id=a-b']])(
    'one announced by %s',
    async (...txt) => {
      const { host, next, zone, site } = await start(policyOf('enforce', 'mx.nobody.example'));
      zone['_mta-sts.one.example'] = { txt };
      await site.send(['bob@one.example']);
      expect(next.mails).toHaveLength(1);
      expect(host.asked).toEqual([]);
    },
  );
});

test('another id has the policy fetched again; while that fails, the one that is known counts', async () => {
  const { host, next, zone, site } = await start(policyOf('enforce', 'mx.nobody.example'));
  await site.send(['bob@one.example']);
  expect(next.mails).toEqual([]);
  zone['_mta-sts.one.example'] = { txt: ['v=STSv1; id=2;'] };
  host.policy = { status: 503, text: '' };
  await site.pass(10 * minute);
  expect(host.asked).toHaveLength(2);
  expect(next.mails).toEqual([]);
  host.policy = { text: policyOf('enforce') };
  await site.pass(30 * minute);
  expect(host.asked).toHaveLength(3);
  expect(next.mails).toMatchObject([{ isSecure: true }]);
});

test('a policy is fetched again after a day, and a restart does not forget it: it counts to its end', async () => {
  const folder = await tempFolder();
  const first = await start(policyOf('enforce', 'mx.nobody.example', 3 * 86_400), {}, { folder });
  await first.site.send(['bob@one.example']);
  await first.site.pass(25 * hour);
  expect(first.host.asked).toHaveLength(2);
  await first.site.runner.stop();
  await first.site.database.close();
  // Nobody announces anything any more.
  delete first.zone['_mta-sts.one.example'];
  const startMs = first.site.clock.now() + 2 * 24 * hour;
  const second = await first.open({ startMs });
  await second.send(['bob@one.example']);
  expect(first.next.mails).toEqual([]);
  await second.pass(25 * hour);
  await second.send(['bob@one.example']);
  expect(first.next.mails).not.toEqual([]);
});

test('our own policy is served at mta-sts of each domain of ours, and nowhere else', async () => {
  const { baseUrl, ca } = await startServer({ settings: { MAILSTEAD_MTA_STS_MODE: 'enforce' } });
  const ask = (host: string) =>
    new Promise<{ status: number | undefined; type: string | undefined; text: string }>((resolve, reject) => {
      const url = `${baseUrl}/.well-known/mta-sts.txt`;
      get(url, { ca, servername: 'localhost', headers: { Host: host }, agent: false }, async (response) => {
        const { statusCode: status, headers } = response;
        resolve({ status, type: headers['content-type'], text: await consume(response) });
      }).on('error', reject);
    });
  expect(await ask('MTA-STS.test.mailstead.test:8443')).toEqual({
    status: 200,
    type: 'text/plain; charset=utf-8',
    text: 'version: STSv1\r\nmode: enforce\r\nmx: localhost\r\nmax_age: 604800\r\n',
  });
  for (const host of ['mta-sts.other.example', 'test.mailstead.test', 'localhost', 'mta-sts.']) {
    expect((await ask(host)).status).toBe(404);
  }
});

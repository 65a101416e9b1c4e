import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { publicUrlOf } from './config.ts';
import { ConfigError, loadConfig, loadSettings } from './load.ts';
import { shownSettings, toToml } from './show.ts';
import { parseDuration, parseListenAddress, parseSize } from './units.ts';

const directory = mkdtempSync(join(tmpdir(), 'mailstead-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function load(toml: string, env: Record<string, string> = {}) {
  writeFileSync(join(directory, 'mailstead.toml'), toml);
  return loadConfig({ env, cwd: directory });
}

function faultsOf(toml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    load(toml, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('without file and environment every setting has its default', () => {
  const config = load('');
  expect(config).toMatchObject({
    baseDomain: 'mailstead.test',
    dataDir: join(directory, 'data'),
    publicUrl: undefined,
    publicSubmission: undefined,
    publicSubmissions: undefined,
    listen: {
      smtp: { host: '127.0.0.1', port: 2525 },
      submission: { host: '127.0.0.1', port: 2587 },
      submissions: { host: '127.0.0.1', port: 2465 },
      https: { host: '127.0.0.1', port: 8443 },
      http: { host: '127.0.0.1', port: 8080 },
      metrics: { host: '127.0.0.1', port: 9464 },
      insecureAuth: false,
    },
    tls: undefined,
    limits: {
      maxMessageBytes: 26_214_400,
      maxRecipients: 500,
      mailboxQuotaBytes: 50 * 2 ** 30,
      maxDomains: 100,
      maxConnectionsPerIp: 50,
    },
    outbound: { retryMs: [60e3, 300e3, 900e3, 1800e3, 3600e3, 7200e3, 14_400e3], expireMs: 172_800e3 },
    scanner: undefined,
    storage: { inlineBodyBytes: 32_768 },
  });
  expect(config.attachments.blockedExtensions).toHaveLength(90);
});

test('the file is read, and paths count from where the user stands', () => {
  const config = load(`
    hostname = "mail.example.com"
    public_url = "https://mail.example.com/"
    public_submission = "smtp.example.com:587"
    public_submissions = "smtp.example.com:465"
    data = "d"
    [listen]
    https = "[::]:0"
    metrics = ""
    [tls]
    cert = "c.pem"
    key = "/k.pem"
    [[outbound.route]]
    domain = "Example.com"
    relay = "smtp://old.example.com:25"
    only_unknown = true
  `);
  expect(config.dataDir).toBe(join(directory, 'd'));
  expect(config.tls).toEqual({ certFile: join(directory, 'c.pem'), keyFile: '/k.pem' });
  expect(config.listen).toMatchObject({ https: { host: '::', port: 0 }, metrics: undefined });
  expect(config.outbound.routes).toEqual([
    { domain: 'example.com', relay: 'smtp://old.example.com:25', onlyUnknown: true },
  ]);
  expect(publicUrlOf(config, 8443)).toBe('https://mail.example.com');
  expect(config.publicSubmission).toEqual({ host: 'smtp.example.com', port: 587 });
  expect(config.publicSubmissions).toEqual({ host: 'smtp.example.com', port: 465 });
});

test('the public URL defaults to the host name and the bound https port', () => {
  const config = load('hostname = "mail.example.com"');
  expect(publicUrlOf(config, 8443)).toBe('https://mail.example.com:8443');
  expect(publicUrlOf(config, 443)).toBe('https://mail.example.com');
});

test.each<[name: string, toml: string, env: Record<string, string>, faults: string[]]>([
  [
    'an address for programs without a port, or with port 0',
    'public_submission = "mail.example.com"\npublic_submissions = "mail.example.com:0"',
    {},
    [
      '✖ Expected host:port such as "mail.example.com:587" → at public_submission',
      '✖ Expected host:port such as "mail.example.com:587" → at public_submissions',
    ],
  ],
  ['an unknown key', '[smtp]\nprot = 1', {}, ['✖ Unrecognized key: "smtp"']],
  ['an unknown key in a section', '[listen]\nprot = 1', {}, ['✖ Unrecognized key: "prot" → at listen']],
  ['a wrong type', 'listen = 3', {}, ['✖ Invalid input: expected object, received number → at listen']],
  [
    'a size',
    '[limits]\nmessage_size = "25"',
    {},
    ['✖ Expected a size such as "25 MiB" → at limits.message_size'],
  ],
  [
    'a port',
    '[listen]\nsmtp = "h:65536"',
    {},
    ['✖ Expected host:port such as "127.0.0.1:2525", or "" for off → at listen.smtp'],
  ],
  [
    'a member of a list',
    '[outbound]\nretry = ["1m", "x"]',
    {},
    ['✖ Expected a duration such as "15m" or "2d" → at outbound.retry[1]'],
  ],
  ['a bounce too late', '[outbound]\nexpire = "6d"', {}, ['✖ Expected at most 5d → at outbound.expire']],
  [
    'a certificate without its key, beside another fault',
    'hostname = "a b"\n[tls]\ncert = "c"',
    {},
    [
      '✖ Expected a host name such as "mail.example.com" → at hostname',
      '✖ Expected a PEM file, as tls.cert is set → at tls.key',
    ],
  ],
  [
    'a relay',
    '[outbound]\nrelay = "http://x"',
    {},
    ['✖ Expected a relay such as "smtp://user:pass@host:587" → at outbound.relay'],
  ],
  [
    'a route without relay',
    '[[outbound.route]]\ndomain = "a.example"',
    {},
    ['✖ Expected a relay such as "smtp://user:pass@host:587" → at outbound.route[0].relay'],
  ],
  [
    'the environment',
    '',
    { MAILSTEAD_LIMITS_RECIPIENTS: 'many' },
    ['✖ Expected a whole number such as 100 → at limits.recipients (MAILSTEAD_LIMITS_RECIPIENTS)'],
  ],
  [
    'a network',
    '[authentication]\ntrusted_networks = ["lan", "192.0.2.0/33", "192.0.2.0/24"]',
    {},
    [
      '✖ Expected a network such as "192.0.2.0/24", or an address → at authentication.trusted_networks[0]',
      '✖ Expected a network such as "192.0.2.0/24", or an address → at authentication.trusted_networks[1]',
    ],
  ],
  [
    'numbers in the place of texts',
    '[scanner]\nurl = 1\ntimeout = 30\nmax_size = 5',
    {},
    [
      '✖ Expected a URL such as "http://127.0.0.1:11333" → at scanner.url',
      '✖ Expected a duration such as "15m" or "2d" → at scanner.timeout',
      '✖ Expected a size such as "25 MiB" → at scanner.max_size',
    ],
  ],
  ['TOML', 'a = ', {}, [expect.stringMatching(/^✖ Invalid TOML document: .* → at .*mailstead\.toml:1:5$/)]],
])('a fault in %s is named with its path', (_name, toml, env, faults) => {
  expect(faultsOf(toml, env)).toEqual(faults);
});

test('every fault is listed at once', () => {
  const faults = faultsOf('hostname = "a b"\n[limits]\nrecipients = 0\nfoo = 1\n[dns]\nservers = ["x"]');
  expect(faults).toHaveLength(4);
});

test('a named file that is missing is a fault; without a name it is not', () => {
  expect(() => loadConfig({ file: 'none.toml', env: {}, cwd: directory })).toThrow(
    /cannot be read \(ENOENT\)/,
  );
  expect(() => loadConfig({ env: { MAILSTEAD_CONFIG: 'none.toml' }, cwd: directory })).toThrow(/none\.toml/);
  expect(() => loadConfig({ env: {}, cwd: join(directory, 'elsewhere') })).not.toThrow();
});

test('the environment beats the file, and --data beats both', () => {
  const env = {
    MAILSTEAD_LISTEN_SMTP: '0.0.0.0:25',
    MAILSTEAD_LISTEN_HTTP: '',
    MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
    MAILSTEAD_LIMITS_DOMAINS: '7',
    MAILSTEAD_OUTBOUND_RETRY: '10s, 1m',
    MAILSTEAD_DNS_SERVERS: '',
    MAILSTEAD_DATA: 'from-env',
  };
  const config = load(
    'data = "from-file"\n[listen]\nsmtp = "127.0.0.1:1"\n[dns]\nservers = ["1.1.1.1"]',
    env,
  );
  expect(config).toMatchObject({
    dataDir: join(directory, 'from-env'),
    listen: { smtp: { host: '0.0.0.0', port: 25 }, http: undefined, insecureAuth: true },
    limits: { maxDomains: 7 },
    outbound: { retryMs: [10_000, 60_000] },
    dnsServers: [],
  });
  expect(loadConfig({ env, cwd: directory, data: '/elsewhere' }).dataDir).toBe('/elsewhere');
});

test('config show masks passwords, and what it prints can be read back', () => {
  const relay = 'smtps://user:s3cret@relay.example.com:465';
  const settings = loadSettings({
    env: { MAILSTEAD_OUTBOUND_RELAY: relay, MAILSTEAD_HOSTNAME: 'h' },
    cwd: '/',
  });
  const toml = toToml(shownSettings(settings));
  expect(toml).toContain('relay = "smtps://user:***@relay.example.com:465"');
  expect(toml).toContain('public_url = "https://h:8443"');
  expect(toml).not.toContain('s3cret');
  expect(faultsOf(toml)).toEqual([]);
});

test.each([
  ['25 MiB', 26_214_400],
  ['32KiB', 32_768],
  ['1.5 GiB', 1_610_612_736],
  ['10 MB', 10_000_000],
  ['7 B', 7],
  ['7', undefined],
  ['-1 MiB', undefined],
  ['MiB', undefined],
])('the size %s is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  ['90s', 90_000],
  ['1m', 60_000],
  ['2d', 172_800_000],
  ['1', undefined],
  ['1 week', undefined],
])('the duration %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:25', { host: '::1', port: 25 }],
  ['mail.example.com:443', { host: 'mail.example.com', port: 443 }],
  ['::1:25', undefined],
  [':25', undefined],
  ['h:99999', undefined],
])('the listen address %s', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

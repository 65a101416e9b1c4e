import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { createSigner } from '#protocols/autodiscover/signed-data';
import { makeAuthority, makeCertificate } from '#protocols/http/certificate-making';
import { autodiscover } from '#test/support/autodiscover-client';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { credentials, publicUrl, start } from './listeners.ts';

const run = promisify(execFile);
const path = '/mobileconfig?address=alice%40example.test';
const type = 'application/x-apple-aspen-config';

/** The values of a property list by their keys, dictionaries within it too. */
function valuesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/<key>(\w+)<\/key>\s*(?:<(true|false)\/>|<(?:string|integer)>([^<]*)<)/g)];
  return Object.fromEntries(pairs.map(([, key = '', bare, value]) => [key, bare ?? value ?? '']));
}

test('mobileconfig: who signs in gets a profile of its own account, with its primary address', async () => {
  const { https } = await start();
  for (const target of [
    path,
    '/mobileconfig',
    '/mobileconfig?Address=ALLY@example.test',
    '/mobileconfig?address=alice+work@example.test',
  ]) {
    const { status, headers, text } = await autodiscover({
      ...https,
      method: 'GET',
      path: target,
      credentials,
    });
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, type, 'no-store']);
    expect(new XMLParser().parse(text).plist.dict.array.dict.key).toContain('PayloadUUID');
    const [outer = '', inner = ''] = text.split('<array>');
    expect(valuesOf(outer)).toMatchObject({
      PayloadType: 'Configuration',
      PayloadOrganization: 'example.test',
    });
    expect(valuesOf(inner)).toMatchObject({
      PayloadType: 'com.apple.eas.account',
      EmailAddress: 'alice@example.test',
      UserName: 'alice@example.test',
      Host: 'mail.example.test',
      SSL: 'true',
      MailNumberOfPastDaysToSync: '31',
    });
    expect(text).not.toContain('Password');
  }
});

test('mobileconfig: identifiers and UUIDs of an account are always the same, and differ from each other', async () => {
  const read = async (url: string) => {
    const { https } = await start({ endpoints: { publicUrl: url, submission: [] } });
    const { text } = await autodiscover({ ...https, method: 'GET', path, credentials });
    return [...text.matchAll(/Payload(?:UUID|Identifier)<\/key>\s*<string>([^<]+)/g)].map(
      ([, value]) => value,
    );
  };
  const values = await read(publicUrl);
  expect(await read('https://elsewhere.example.test:8443')).toEqual(values);
  expect(new Set(values).size).toBe(4);
  const uuids = values.filter((value) =>
    /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/.test(value ?? ''),
  );
  expect(uuids).toHaveLength(2);
});

test('mobileconfig: a port of its own stands in Host', async () => {
  const { https } = await start({
    endpoints: { publicUrl: 'https://mail.example.test:8443', submission: [] },
  });
  const { text } = await autodiscover({ ...https, method: 'GET', path, credentials });
  expect(valuesOf(text)['Host']).toBe('mail.example.test:8443');
});

test('mobileconfig: 401 without credentials and with wrong ones; 404 for an address of somebody else or of nobody', async () => {
  const { https } = await start();
  const ask = (target: string, given: object) =>
    autodiscover({ ...https, method: 'GET', path: target, ...given });
  for (const given of [
    {},
    { credentials: 'alice@example.test:wrong' },
    { credentials: 'nobody@example.test:x' },
  ]) {
    const answer = await ask(path, given);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/^Basic /),
    ]);
  }
  const others = ['bob@example.test', 'nobody@foreign.test'].map(
    (address) => `/mobileconfig?address=${address}`,
  );
  const answers = await Promise.all(others.map((target) => ask(target, { credentials })));
  expect(answers.map(({ status, text }) => [status, text])).toEqual([
    [404, 'Not found\n'],
    [404, 'Not found\n'],
  ]);
});

test('mobileconfig over http leads to the public URL and asks for nothing; OPTIONS lists the methods', async () => {
  const { http, https, asked } = await start();
  const headers = { Host: 'elsewhere.test' };
  for (const given of [{}, { credentials }]) {
    const led = await autodiscover({ ...http, method: 'GET', path, headers, ...given });
    expect([led.status, led.headers['location']]).toEqual([302, `${publicUrl}${path}`]);
    expect(led.headers['www-authenticate']).toBeUndefined();
  }
  const split = await autodiscover({
    ...http,
    method: 'GET',
    path: '/mobileconfig?address=a%0d%0aX:%20y%26z',
  });
  expect(split.headers['location']).toBe(`${publicUrl}/mobileconfig?address=a%0D%0AX%3A%20y%26z`);
  expect(asked).toEqual([]);
  const options = await autodiscover({ ...https, method: 'OPTIONS', path: '/mobileconfig' });
  expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
});

/** A pair of an authority's, of a key that openssl makes. */
async function rsaPair(folder: string) {
  const files = ['ca.pem', 'ca-key.pem', 'cert.pem', 'key.pem', 'csr.pem'].map((name) => join(folder, name));
  const [ca = '', caKey = '', cert = '', key = '', csr = ''] = files;
  const rsa = ['-newkey', 'rsa:2048', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    ...rsa,
    '-keyout',
    caKey,
    '-out',
    ca,
    '-subj',
    '/CN=Authority/O=Müller',
    '-utf8',
  ]);
  await run('openssl', ['req', ...rsa, '-keyout', key, '-out', csr, '-subj', '/CN=mail.example.test']);
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    csr,
    '-CA',
    ca,
    '-CAkey',
    caKey,
    '-CAcreateserial',
    '-out',
    cert,
  ]);
  const [certText, keyText, caText] = await Promise.all(
    [cert, key, ca].map((file) => readFile(file, 'utf8')),
  );
  return { cert: `${certText}${caText}`, key: keyText ?? '', ca: caText ?? '' };
}

async function ecPair(hostname = 'mail.example.test') {
  const authority = makeAuthority(new Date());
  const { cert, key } = makeCertificate(authority, [hostname], new Date());
  return { cert: cert + authority.cert, key, ca: authority.cert };
}

test.each([
  ['RSA', rsaPair],
  ['EC', () => ecPair()],
])(
  'mobileconfig: signed with an %s key, openssl verifies it and finds the profile',
  async (_kind, makePair) => {
    const folder = await tempFolder();
    const { cert, key, ca } = await makePair(folder);
    const sign = createSigner({ cert, key }, () => Date.now());
    if (sign === undefined) throw new Error('nothing signs');
    const { https } = await start({ signProfile: sign });
    const signed = await autodiscover({ ...https, method: 'GET', path, credentials });
    expect([signed.status, signed.headers['content-type']]).toEqual([200, type]);
    const unsigned = await autodiscover({ ...(await start()).https, method: 'GET', path, credentials });
    const file = join(folder, 'profile');
    await Promise.all([writeFile(file, signed.bytes), writeFile(`${file}.ca`, ca)]);
    const verify = [
      'cms',
      '-verify',
      '-inform',
      'DER',
      '-CAfile',
      `${file}.ca`,
      '-purpose',
      'any',
      '-binary',
    ];
    const { stdout } = await run('openssl', [...verify, '-in', file]);
    expect(stdout).toBe(unsigned.text);
    // X.690 §11.6, which openssl does not look at: contentType, signingTime, messageDigest.
    const [typeAt = -1, timeAt = -1, digestAt = -1] = [3, 5, 4].map((last) =>
      signed.bytes.lastIndexOf(Buffer.from([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, last])),
    );
    expect([typeAt > 0, typeAt < timeAt, timeAt < digestAt]).toEqual([true, true, true]);
    const at = signed.bytes.indexOf('com.apple.eas.account');
    signed.bytes[at] = 0x43;
    await writeFile(file, signed.bytes);
    await expect(run('openssl', [...verify, '-in', file])).rejects.toThrow(/verif|digest/i);
  },
);

test('mobileconfig: a key that is neither RSA nor EC signs nothing', async () => {
  const folder = await tempFolder();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=mail.example.test'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ed25519',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  const [certText = '', keyText = ''] = await Promise.all([cert, key].map((file) => readFile(file, 'utf8')));
  expect(createSigner({ cert: certText, key: keyText }, () => 0)).toBeUndefined();
});

test('mobileconfig: the whole server signs with a certificate of the configuration, and not with one of its own', async () => {
  const own = await startServer();
  const folder = await tempFolder();
  const { cert, key, ca } = await ecPair('localhost');
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await mkdir(join(folder, 'data', 'tls'), { recursive: true, mode: 0o700 });
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  await writeFile(join(folder, 'data', 'tls', 'ca.pem'), ca);
  const settings = { MAILSTEAD_TLS_CERT: certFile, MAILSTEAD_TLS_KEY: keyFile };
  const configured = await startServer({ folder, settings });
  const profiles = [own, configured].map(async (server) => {
    const { address, password } = await server.addUser('alice');
    const given = { baseUrl: server.baseUrl, ca: server.ca, credentials: `${address}:${password}` };
    return (await autodiscover({ ...given, method: 'GET', path: '/mobileconfig' })).bytes;
  });
  const [plain, signed] = await Promise.all(profiles);
  expect(plain?.toString()).toMatch(/^<\?xml/);
  expect([signed?.[0], signed?.includes('com.apple.eas.account')]).toEqual([0x30, true]);
});

import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateCertificate } from './certificate.ts';

const dayMs = 86_400_000;
const hostnames = ['mail.example.com', 'localhost', '127.0.0.1', '::1'];
const now = new Date('2026-11-22T12:00:00Z');
let dir: string;

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'mailstead-tls-')), 'tls');
});
afterEach(() => rm(join(dir, '..'), { recursive: true }));

test('the made authority and certificate are files of mode 0600 in a directory of mode 0700', async () => {
  await loadOrCreateCertificate({ dir, hostnames, now });
  expect((await readdir(dir)).sort()).toEqual(['ca-key.pem', 'ca.pem', 'cert.pem', 'key.pem']);
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
});

test('the authority lasts ten years, the certificate one, and it holds every name and address', async () => {
  const { cert, ca } = await loadOrCreateCertificate({ dir, hostnames, now });
  const leaf = new X509Certificate(cert);
  const authority = new X509Certificate(ca ?? '');
  expect(authority.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(authority.publicKey) && leaf.checkIssued(authority)).toBe(true);
  expect(leaf.subjectAltName).toBe(
    'DNS:mail.example.com, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect((authority.validToDate.getTime() - now.getTime()) / dayMs).toBe(3650);
  expect((leaf.validToDate.getTime() - now.getTime()) / dayMs).toBe(365);
});

test.each(['127.0.0.1', 'localhost'])(
  'a client that trusts the authority accepts the server as %s',
  async (host) => {
    const { cert, key, ca } = await loadOrCreateCertificate({ dir, hostnames, now: new Date() });
    const server = createServer({ cert, key }, (_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const status = await new Promise((resolve, reject) => {
      const request = get({ host, port, ca: ca ?? '', agent: false, family: 4 }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject);
    });
    expect(status).toBe(200);
    await new Promise((resolve) => server.close(resolve));
  },
);

test('a second start uses the same certificate', async () => {
  const first = await loadOrCreateCertificate({ dir, hostnames, now });
  const second = await loadOrCreateCertificate({ dir, hostnames: ['localhost'], now });
  expect(first.isNew).toBe(true);
  expect(second).toEqual({ ...first, isNew: false });
});

test.each<[why: string, change: { hostnames?: string[]; now?: Date }]>([
  ['a new name', { hostnames: [...hostnames, 'autodiscover.example.com'] }],
  ['a new address', { hostnames: [...hostnames, '192.0.2.1'] }],
  ['less than 30 days left', { now: new Date(now.getTime() + 336 * dayMs) }],
])('%s makes a new certificate under the same authority', async (_why, change) => {
  const first = await loadOrCreateCertificate({ dir, hostnames, now });
  const second = await loadOrCreateCertificate({ dir, hostnames, now, ...change });
  expect(second.isNew).toBe(true);
  expect(second.cert).not.toBe(first.cert);
  expect(second.ca).toBe(first.ca);
});

test('a key that does not belong to its certificate, as after a crash between two writes, is replaced', async () => {
  const first = await loadOrCreateCertificate({ dir, hostnames, now });
  await writeFile(join(dir, 'key.pem'), await readFile(join(dir, 'ca-key.pem')));
  const second = await loadOrCreateCertificate({ dir, hostnames, now });
  expect(second.isNew).toBe(true);
  expect(second.ca).toBe(first.ca);
});

test('configured files are used as they are', async () => {
  const made = await loadOrCreateCertificate({ dir, hostnames, now });
  const files = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  const loaded = await loadOrCreateCertificate({ files, dir: '/nowhere', hostnames: [], now });
  expect(loaded).toEqual({ cert: made.cert, key: made.key, isNew: false });
});

test('configured files that are missing or do not belong together are named', async () => {
  await loadOrCreateCertificate({ dir, hostnames, now });
  const missing = { certFile: join(dir, 'none.pem'), keyFile: join(dir, 'key.pem') };
  await expect(loadOrCreateCertificate({ files: missing, dir, hostnames, now })).rejects.toThrow(
    /none\.pem cannot/,
  );
  const foreign = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'ca-key.pem') };
  await expect(loadOrCreateCertificate({ files: foreign, dir, hostnames, now })).rejects.toThrow(
    /is not the private/,
  );
  const none = { certFile: join(dir, 'none.pem'), keyFile: join(dir, 'no-key.pem') };
  await expect(loadOrCreateCertificate({ files: none, dir, hostnames, now })).rejects.toThrow(
    /none\.pem cannot be read → at tls\.cert\n.*no-key\.pem cannot be read → at tls\.key/,
  );
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ValidateCert } from '#protocols/activesync/wbxml/code-pages/validate-cert';
import { childrenOf, type Element, el, integerOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { type Issued, MailAuthority } from '#test/support/mail-authority';
import { startRevocationHost } from '#test/support/revocation-host';
import { tempFolder } from '#test/support/temp-store';
import { startPeopleSite } from './people-site.ts';
import { startEndpoint } from './server.ts';

const { Certificates, Certificate, CertificateChain, CheckCRL, Status } = ValidateCert;
/** One of each form: what these commands say differs below 14.0 and from 14.1 on alone. */
const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.1'] as const;
const day = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * day);

const listOf = (tag: typeof Certificates, certificates: readonly string[]) =>
  el(tag, ...certificates.map((one) => el(Certificate, one)));

async function ask(phone: EasClient, parts: readonly Element[], validateRequest = true) {
  const request = el(ValidateCert.ValidateCert, ...parts);
  const { element, rootStatus } = await phone.command('ValidateCert', request, { validateRequest });
  return {
    root: rootStatus,
    statuses: childrenOf(element, Certificate).map((one) => integerOf(one, Status)),
  };
}

/** The Status of one certificate, with these authorities beside it. */
async function validate(
  phone: EasClient,
  { base64 }: Pick<Issued, 'base64'>,
  chain: readonly Pick<Issued, 'base64'>[] = [],
  checkCrl?: number,
) {
  const given = chain.map((one) => one.base64);
  const { root, statuses } = await ask(phone, [
    ...(given.length === 0 ? [] : [listOf(CertificateChain, given)]),
    listOf(Certificates, [base64]),
    ...(checkCrl === undefined ? [] : [el(CheckCRL, checkCrl)]),
  ]);
  expect(root).toBe(1);
  return statuses[0];
}

/** A server that trusts the authority `root`, and a phone. */
async function start(
  root: MailAuthority,
  settings: Record<string, string> = {},
  version: (typeof versions)[number] = '16.1',
) {
  const site = await startPeopleSite({
    MAILSTEAD_SMIME_TRUSTED_AUTHORITIES: root.own.file,
    MAILSTEAD_SMIME_PRIVATE_ADDRESSES: 'true',
    ...settings,
  });
  return site.phoneOf(version);
}

describe.each(versions)('ValidateCert in %s', (version) => {
  test('Certificate Status 1, 4, 7 in the order of the request; the root has 1', async () => {
    const [root, stranger] = [await MailAuthority.create('root'), await MailAuthority.create('stranger')];
    const phone = await start(root, {}, version);
    const good = await root.issue();
    const foreign = await stranger.issue();
    const old = await root.issue({ from: at(-20), until: at(-1) });
    const { root: status, statuses } = await ask(phone, [
      listOf(Certificates, [good.base64, foreign.base64, old.base64, good.base64]),
    ]);
    expect(status).toBe(1);
    expect(statuses).toEqual([1, 4, 7, 1]);
  });

  test('Status 2: no certificate, more than 100, no base64, CheckCRL that is neither 0 nor 1', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root, {}, version);
    const { base64 } = await root.issue();
    const rootOf = async (...parts: Element[]) => (await ask(phone, parts, false)).root;
    const many = (count: number) => Array.from({ length: count }, () => base64);
    expect(await rootOf()).toBe(2);
    expect(await rootOf(el(Certificates))).toBe(2);
    expect(await rootOf(listOf(Certificates, many(101)))).toBe(2);
    expect(await rootOf(listOf(Certificates, ['?!']))).toBe(2);
    expect(await rootOf(listOf(Certificates, ['']))).toBe(2);
    expect(await rootOf(listOf(Certificates, ['A'.repeat(64 * 1024 + 4)]))).toBe(2);
    expect(await rootOf(listOf(Certificates, [base64]), listOf(CertificateChain, many(101)))).toBe(2);
    expect(await rootOf(listOf(Certificates, [base64]), el(CheckCRL, '2'))).toBe(2);
    expect((await ask(phone, [listOf(Certificates, many(100))])).statuses).toEqual(many(100).map(() => 1));
  });

  test('Status 17: a fault of the server', async () => {
    const phone = (await startEndpoint()).phone(version);
    await phone.provision();
    expect((await ask(phone, [listOf(Certificates, ['MAA='])])).root).toBe(17);
  });
});

describe('ValidateCert, the certificate itself', () => {
  test('Status 5: what is no certificate, and nonsense inside of one', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    const { der } = await root.issue();
    const broken = (bytes: Buffer) => validate(phone, { base64: bytes.toString('base64') });
    expect(await broken(Buffer.from('nonsense'))).toBe(5);
    expect(await broken(der.subarray(0, der.length - 1))).toBe(5);
    expect(await broken(Buffer.concat([der, Buffer.of(0)]))).toBe(5);
    for (let n = 0; n < 40; n++) {
      const changed = Buffer.from(der);
      const place = (n * 97) % changed.length;
      changed[place] = (changed[place] ?? 0) ^ (1 << (n % 8));
      expect([3, 4, 5, 6, 7, 9, 10, 11], `bit ${n % 8} of ${place}`).toContain(await broken(changed));
    }
  });

  test('Status 3: a signature that its issuer has not made', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    const { der } = await root.issue();
    const changed = Buffer.from(der);
    // The last byte of the signature.
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
    expect(await validate(phone, { base64: changed.toString('base64') })).toBe(3);
    // Another authority of the same name.
    const impostor = await MailAuthority.create('root');
    expect(await validate(phone, await impostor.issue())).toBe(3);
  });

  test('Status 6: a key or a certificate that is not for signing mail', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    const issue = (...extensions: string[]) => root.issue({ extensions });
    expect(await validate(phone, await issue('keyUsage=keyEncipherment'))).toBe(6);
    expect(await validate(phone, await issue('extendedKeyUsage=serverAuth,clientAuth'))).toBe(6);
    expect(await validate(phone, await issue('keyUsage=nonRepudiation'))).toBe(1);
    expect(await validate(phone, await issue('extendedKeyUsage=serverAuth,anyExtendedKeyUsage'))).toBe(1);
    expect(await validate(phone, await issue('basicConstraints=CA:FALSE'))).toBe(1);
  });

  test('Status 7: not yet valid', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    expect(await validate(phone, await root.issue({ from: at(1) }))).toBe(7);
  });

  test('Status 10: no mail address; Status 11: something critical that we do not know', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    expect(await validate(phone, await root.issue({ address: '' }))).toBe(10);
    expect(await validate(phone, await root.issue({ more: ['1.2.3.4=critical,ASN1:NULL'] }))).toBe(11);
    expect(await validate(phone, await root.issue({ more: ['1.2.3.4=ASN1:NULL'] }))).toBe(1);
  });
});

describe('ValidateCert, the chain', () => {
  test('goes by CertificateChain, in any order and with others in it, to a trusted authority', async () => {
    const root = await MailAuthority.create('root');
    const one = await MailAuthority.create('one', root);
    const two = await MailAuthority.create('two', one);
    const other = await MailAuthority.create('other');
    const phone = await start(root);
    const certificate = await two.issue();
    expect(await validate(phone, certificate, [other.own, one.own, root.own, two.own])).toBe(1);
    expect(await validate(phone, certificate, [two.own])).toBe(4);
    expect(await validate(phone, certificate)).toBe(4);
    expect(await validate(phone, certificate, [{ base64: 'MAA=' }, two.own, one.own])).toBe(1);
  });

  test('Status 4: an authority that is sent along is not trusted by that', async () => {
    const [root, stranger] = [await MailAuthority.create('root'), await MailAuthority.create('stranger')];
    const phone = await start(root);
    expect(await validate(phone, await stranger.issue(), [stranger.own])).toBe(4);
    const self = await MailAuthority.create('self', undefined, {
      extensions: ['keyUsage=digitalSignature', 'subjectAltName=email:a@b.test'],
    });
    expect(await validate(phone, self.own)).toBe(4);
  });

  test('Status 8: an authority in it that has expired', async () => {
    const root = await MailAuthority.create('root');
    const old = await MailAuthority.create('old', root, { from: at(-20), until: at(-1) });
    const phone = await start(root);
    expect(await validate(phone, await old.issue(), [old.own])).toBe(8);
  });

  test('Status 9: somebody in it who may not sign certificates, or not for mail, or not so many', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    const under = async (...extensions: string[]) => {
      const issuer = await MailAuthority.create('issuer', root, { extensions });
      return validate(phone, await issuer.issue(), [issuer.own]);
    };
    expect(await under('basicConstraints=CA:FALSE')).toBe(9);
    expect(await under('keyUsage=digitalSignature')).toBe(9);
    expect(await under('basicConstraints=CA:TRUE', 'keyUsage=digitalSignature')).toBe(9);
    expect(await under('basicConstraints=CA:TRUE', 'extendedKeyUsage=serverAuth')).toBe(9);
    expect(await under('basicConstraints=CA:TRUE', '1.2.3.4=critical,ASN1:NULL')).toBe(9);
    expect(await under('basicConstraints=CA:TRUE')).toBe(1);
    const last = { extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign'] };
    const one = await MailAuthority.create('one', root, last);
    const two = await MailAuthority.create('two', one);
    expect(await validate(phone, await one.issue(), [one.own])).toBe(1);
    expect(await validate(phone, await two.issue(), [two.own, one.own])).toBe(9);
  });

  test('that is made to be followed for ever ends at once', async () => {
    const root = await MailAuthority.create('root');
    const phone = await start(root);
    // Each of a hundred authorities of one name could be the issuer of each other.
    const same = await MailAuthority.create('same');
    const certificates = [];
    for (let n = 0; n < 20; n++) {
      certificates.push(await same.issueOwnName({ extensions: ['basicConstraints=CA:TRUE'] }));
    }
    const leaf = await same.issue();
    expect([4, 5]).toContain(await validate(phone, leaf, [same.own, ...certificates]));
  });
});

describe('ValidateCert, revocation', () => {
  test('by CRL: Status 13 for the certificate, 15 for an authority in its chain, with and without CheckCRL', async () => {
    const host = await startRevocationHost();
    const root = await MailAuthority.create('root');
    const more = [`crlDistributionPoints=URI:${host.url('/root.crl')}`];
    const issuer = await MailAuthority.create('issuer', root, { more });
    const own = [`crlDistributionPoints=URI:${host.url('/issuer.crl')}`];
    const [good, bad] = [await issuer.issue({ more: own }), await issuer.issue({ more: own })];
    await issuer.revoke(bad);
    const lists = { root: await root.revocationList(), issuer: await issuer.revocationList() };
    host.answers.set('/root.crl', () => lists.root);
    host.answers.set('/issuer.crl', () => lists.issuer);
    const phone = await start(root);
    for (const checkCrl of [undefined, 0, 1]) {
      expect(await validate(phone, good, [issuer.own], checkCrl)).toBe(1);
      expect(await validate(phone, bad, [issuer.own], checkCrl)).toBe(13);
    }
    // Fetched once, and remembered.
    expect([...host.asked].sort()).toEqual(['GET /issuer.crl', 'GET /root.crl']);
    await root.revoke(issuer.own);
    lists.root = await root.revocationList();
    const later = await start(root);
    expect(await validate(later, good, [issuer.own])).toBe(15);
    expect(await validate(later, bad, [issuer.own], 1)).toBe(15);
  });

  test('by OCSP, of the issuer and of whom it has appointed; who is not appointed is not believed', async () => {
    const host = await startRevocationHost();
    const root = await MailAuthority.create('root');
    const more = [`authorityInfoAccess=OCSP;URI:${host.url('/ocsp')}`];
    const [good, bad] = [await root.issue({ more }), await root.issue({ more })];
    await root.revoke(bad);
    const responder = await root.issue({ extensions: ['extendedKeyUsage=OCSPSigning'], address: '' });
    const impostor = await root.issue();
    for (const [signer, expected] of [
      [undefined, [1, 13]],
      [responder, [1, 13]],
      [impostor, [16, 16]],
    ] as const) {
      host.answers.set('/ocsp', (request) => root.ocspAnswer(request, signer));
      const phone = await start(root);
      const said = [await validate(phone, good, [], 1), await validate(phone, bad, [], 1)];
      expect(said).toEqual(expected);
    }
    expect(new Set(host.asked)).toEqual(new Set(['POST /ocsp']));
  });

  test('an OCSP responder that fails is made up for by the CRL', async () => {
    const host = await startRevocationHost();
    const root = await MailAuthority.create('root');
    const more = [
      `authorityInfoAccess=OCSP;URI:${host.url('/gone')}`,
      `crlDistributionPoints=URI:${host.url('/root.crl')}`,
    ];
    const bad = await root.issue({ more });
    await root.revoke(bad);
    const list = await root.revocationList();
    host.answers.set('/root.crl', () => list);
    expect(await validate(await start(root), bad, [], 1)).toBe(13);
    expect(host.asked).toEqual(['POST /gone', 'GET /root.crl']);
  });

  test('CheckCRL 1: Status 14 if nobody answers, 16 if nobody knows; 0 and none: Status 1', async () => {
    const host = await startRevocationHost();
    const root = await MailAuthority.create('root');
    const stranger = await MailAuthority.create('root');
    host.answers.set('/nonsense', () => Buffer.from('nonsense'));
    host.answers.set('/huge', () => Buffer.alloc(5 * 1024 * 1024 + 1));
    const old = await root.revocationList(at(-1));
    host.answers.set('/old', () => old);
    const foreign = await stranger.revocationList();
    host.answers.set('/foreign', () => foreign);
    const good = await root.revocationList();
    host.answers.set('/crl', () => good);
    const phone = await start(root);
    const at404 = await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/404')}`] });
    const cases: [Issued, number][] = [
      [at404, 14],
      [await root.issue({ more: ['crlDistributionPoints=URI:http://127.0.0.1:1/crl'] }), 14],
      [await root.issue({ more: ['crlDistributionPoints=URI:http://no.such.name.invalid/crl'] }), 14],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/nonsense')}`] }), 14],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/huge')}`] }), 14],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/elsewhere')}`] }), 14],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/old')}`] }), 16],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/foreign')}`] }), 16],
      [await root.issue({ more: ['crlDistributionPoints=URI:https://127.0.0.1/crl'] }), 16],
      [await root.issue({ more: ['crlDistributionPoints=URI:file:///etc/passwd'] }), 16],
      [await root.issue(), 16],
      [await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/crl')}`] }), 1],
    ];
    for (const [certificate, expected] of cases) {
      expect(await validate(phone, certificate, [], 1), certificate.file).toBe(expected);
      expect(await validate(phone, certificate, [], 0)).toBe(1);
      expect(await validate(phone, certificate)).toBe(1);
    }
    // What could not be had is not asked for again at once.
    expect(host.asked.filter((path) => path === 'GET /404')).toHaveLength(1);
  });

  test('nothing is asked of this machine and of private networks unless smime.private_addresses is on', async () => {
    const host = await startRevocationHost();
    const root = await MailAuthority.create('root');
    const phone = await start(root, { MAILSTEAD_SMIME_PRIVATE_ADDRESSES: 'false' });
    for (const url of [
      host.url('/crl'),
      `http://localhost:${host.port}/crl`,
      `http://[::1]:${host.port}/crl`,
      `http://[::ffff:127.0.0.1]:${host.port}/crl`,
      `http://2130706433:${host.port}/crl`,
    ]) {
      const certificate = await root.issue({ more: [`crlDistributionPoints=URI:${url}`] });
      expect(await validate(phone, certificate, [], 1), url).toBe(14);
    }
    expect(host.asked).toEqual([]);
  });

  test('certificates whose authority is not trusted have nothing asked', async () => {
    const host = await startRevocationHost();
    const [root, stranger] = [await MailAuthority.create('root'), await MailAuthority.create('stranger')];
    const phone = await start(root);
    const more = [`crlDistributionPoints=URI:${host.url('/crl')}`];
    expect(await validate(phone, await stranger.issue({ more }), [stranger.own], 1)).toBe(4);
    expect(host.asked).toEqual([]);
  });
});

test('ValidateCert: Status 111 (HTTP 503 below 14.0) for the ninth request that a user has at once', async () => {
  const host = await startRevocationHost();
  const root = await MailAuthority.create('root');
  const held = Promise.withResolvers<Uint8Array>();
  host.answers.set('/held', () => held.promise);
  const phone = await start(root);
  const { base64 } = await root.issue({ more: [`crlDistributionPoints=URI:${host.url('/held')}`] });
  const request = el(ValidateCert.ValidateCert, listOf(Certificates, [base64]), el(CheckCRL, 1));
  const asked = Array.from({ length: 8 }, () => phone.post('ValidateCert', request));
  await expect.poll(() => host.asked).toHaveLength(1);
  expect((await phone.post('ValidateCert', request)).rootStatus).toBe(111);
  phone.version = '12.1';
  expect((await phone.post('ValidateCert', request)).status).toBe(503);
  held.resolve(Buffer.from('nothing'));
  for (const { rootStatus } of await Promise.all(asked)) expect(rootStatus).toBe(1);
});

test('the server does not start with a file in smime.trusted_authorities that holds no certificate', async () => {
  const file = join(await tempFolder(), 'nothing.pem');
  await writeFile(file, 'nothing');
  const started = startPeopleSite({ MAILSTEAD_SMIME_TRUSTED_AUTHORITIES: `${file},${file}.not-there` });
  await expect(started).rejects.toMatchObject({
    name: 'CertificateError',
    message: expect.stringMatching(/holds no certificate.*\n.*cannot be read.*smime\.trusted_authorities/),
  });
});

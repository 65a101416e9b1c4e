import { expect, test } from 'vitest';
import { MailAuthority } from '#test/support/mail-authority';
import { Certificate } from './certificate.ts';
import { DerError } from './der.ts';
import { ocspRequest, readOcspAnswer } from './ocsp.ts';
import { RevocationList } from './revocation-list.ts';

/** What openssl signs now is good by then, however long the tests before it took. */
const nowMs = () => Date.now() + 60_000;

async function made() {
  const authority = await MailAuthority.create('ca');
  const issued = await authority.issue({
    more: ['crlDistributionPoints=URI:http://a.test/crl', 'authorityInfoAccess=OCSP;URI:http://a.test/ocsp'],
  });
  const [certificate, issuer] = [new Certificate(issued.der), new Certificate(authority.own.der)];
  await authority.revoke(issued);
  const list = await authority.revocationList();
  const answer = await authority.ocspAnswer(ocspRequest(certificate, issuer));
  return { certificate, issuer, der: issued.der, list, answer };
}

/** Each truncation of some bytes, and each of them changed. */
function* brokenForms(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.subarray(0, length);
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0x00, 0x7f, 0x80, 0x84, 0xff, (bytes[at] ?? 0) ^ 1]) {
      const changed = Uint8Array.from(bytes);
      changed[at] = value;
      if (value !== bytes[at]) yield changed;
    }
  }
}

/** What `read` gives for each broken form; 'refused' for a DerError. */
function outcomes(bytes: Uint8Array, read: (broken: Uint8Array) => unknown): Set<unknown> {
  const seen = new Set<unknown>();
  for (const broken of brokenForms(bytes)) {
    try {
      seen.add(read(broken));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      seen.add('refused');
    }
  }
  return seen;
}

test('a certificate tells what it is for, and where its revocation is told', async () => {
  const { certificate, issuer } = await made();
  expect(certificate).toMatchObject({
    addresses: ['alice@test.mailstead.test'],
    crlUrls: ['http://a.test/crl'],
    ocspUrls: ['http://a.test/ocsp'],
    signsMail: true,
    isAuthority: false,
  });
  expect(issuer).toMatchObject({ isAuthority: true, isSelfIssued: true, signsRevocationLists: true });
});

const pss = ['-sigopt', 'rsa_padding_mode:pss'];

test.each([
  ['RSA', [], true],
  ['RSA', ['-md', 'sha512'], true],
  ['RSA', pss, true],
  ['RSA', [...pss, '-md', 'sha384'], true],
  ['RSA', ['-md', 'sha1'], undefined],
  ['RSA', [...pss, '-md', 'sha1'], undefined],
  ['ED25519', [], true],
  [undefined, ['-md', 'sha384'], true],
] as const)('a revocation list signed with %s %s tells %s', async (algorithm, signing, told) => {
  const wanted = algorithm === undefined ? {} : { algorithm };
  const authority = await MailAuthority.create('ca', undefined, wanted);
  const issued = await authority.issue();
  await authority.revoke(issued);
  const list = new RevocationList(await authority.revocationList(undefined, signing));
  const [certificate, issuer] = [new Certificate(issued.der), new Certificate(authority.own.der)];
  expect(list.tells(certificate, issuer, nowMs())).toBe(told);
  const other = new Certificate((await authority.issue()).der);
  expect(list.tells(other, issuer, nowMs())).toBe(told === undefined ? undefined : false);
});

test('a broken certificate is refused, or read without a fault', async () => {
  const { der } = await made();
  outcomes(der, (broken) => {
    const { addresses, crlUrls, ocspUrls, signsMail, isAuthority, pathLength, signsOcsp } = new Certificate(
      broken,
    );
    return [addresses, crlUrls, ocspUrls, signsMail, isAuthority, pathLength, signsOcsp].length;
  });
});

test('a broken revocation list is refused, or tells nothing', async () => {
  const { certificate, issuer, list } = await made();
  expect(new RevocationList(list).tells(certificate, issuer, nowMs())).toBe(true);
  const seen = outcomes(list, (broken) => new RevocationList(broken).tells(certificate, issuer, nowMs()));
  // What stands outside of the signed part may change: that the certificate is good it never tells.
  seen.delete(true);
  expect(seen).toEqual(new Set(['refused', undefined]));
});

test('a broken OCSP answer is refused, or tells nothing', async () => {
  const { certificate, issuer, answer } = await made();
  const read = (der: Uint8Array) => readOcspAnswer(der, certificate, issuer, nowMs())?.isRevoked;
  expect(read(answer)).toBe(true);
  const seen = outcomes(answer, read);
  seen.delete(true);
  expect(seen).toEqual(new Set(['refused', undefined]));
});

import { expect, test } from 'vitest';
import type { MailboxId, OrganizationId } from '#domain/ids';
import { MailAuthority } from '#test/support/mail-authority';
import { systemOutside } from '../../outside.ts';
import { Revocation, UnreachableError } from './revocation.ts';
import { CertificateValidator } from './validator.ts';

const owner = { organization: 'm-1' as OrganizationId, mailbox: 'alice' as MailboxId };

function validatorOf(...trusted: readonly Uint8Array[]): CertificateValidator {
  const { clock } = systemOutside;
  const fetch = () => Promise.reject(new UnreachableError('nobody is asked here'));
  return new CertificateValidator({
    revocation: new Revocation({ fetch }, clock),
    clock,
    trusted: () => trusted,
  });
}

test.each([
  ['RSA, exponent 65537', 'RSA', ['rsa_keygen_pubexp:65537'], 'valid'],
  ['RSA, an exponent of 33 bits', 'RSA', ['rsa_keygen_pubexp:4294967297'], 'signature-invalid'],
  ['Ed25519', 'ED25519', [], 'valid'],
] as const)(
  'signatures of a key that takes too long to verify are not verified: %s',
  async (_what, algorithm, keyOptions, verdict) => {
    const root = await MailAuthority.create('root', undefined, { algorithm, keyOptions });
    const { der } = await root.issue();
    const request = { owner, certificates: [der], chain: [], isRevocationRequired: false };
    expect(await validatorOf(root.own.der).validate(request)).toEqual([verdict]);
  },
);

test('others have their turn between the verifications of one request', async () => {
  const [root, twin] = [await MailAuthority.create('root'), await MailAuthority.create('root')];
  const certificates = [(await root.issue()).der, (await root.issue()).der, (await root.issue()).der];
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const validator = validatorOf(twin.own.der, root.own.der);
  const verdicts = await validator.validate({ owner, certificates, chain: [], isRevocationRequired: false });
  isOver = true;
  expect(verdicts).toEqual(['valid', 'valid', 'valid']);
  expect(turns).toBeGreaterThanOrEqual(6);
});

import { expect, test } from 'vitest';
import { MailAuthority } from '#test/support/mail-authority';
import { systemOutside } from '../../outside.ts';
import type { MailboxId, OrganizationId } from '../ids.ts';
import { Revocation } from './revocation.ts';
import { CertificateValidator } from './validator.ts';

test('a user has two requests validated at a time, six wait, and more are refused; others are not held up', async () => {
  const root = await MailAuthority.create('root');
  const url = (n: number) => `http://crl.example.test/${n}`;
  const issue = async (n: number) =>
    (await root.issue({ more: [`crlDistributionPoints=URI:${url(n)}`] })).der;
  const [first, second, third, fourth] = [await issue(1), await issue(2), await issue(3), await issue(4)];
  const { clock } = systemOutside;
  const nothing = Promise.withResolvers<Uint8Array>();
  const asked: string[] = [];
  const fetch = (from: string) => {
    asked.push(from);
    return nothing.promise;
  };
  const validator = new CertificateValidator({
    revocation: new Revocation({ fetch }, clock),
    clock,
    trusted: () => [root.own.der],
  });
  const askAs = (name: string, certificate: Uint8Array) =>
    validator.validate({
      owner: { organization: 'm-1' as OrganizationId, mailbox: name as MailboxId },
      certificates: [certificate],
      chain: [],
      isRevocationRequired: true,
    });
  const more = [third, third, third, third, third, third];
  const served = [first, second, ...more].map((certificate) => askAs('alice', certificate));
  await expect(askAs('alice', first)).rejects.toMatchObject({ name: 'DomainError', code: 'server/busy' });
  const other = askAs('bob', fourth);
  await expect.poll(() => asked).toEqual([url(1), url(2), url(4)]);
  nothing.resolve(Buffer.alloc(0));
  expect(await Promise.all([...served, other])).toEqual(Array.from({ length: 9 }, () => ['unreachable']));
  expect(asked.toSorted()).toEqual([1, 2, 3, 4].map(url));
  expect(await askAs('alice', first)).toEqual(['unreachable']);
});

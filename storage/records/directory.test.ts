import { expect, test } from 'vitest';
import { domainLookCodec, entityCodec, organizationCodec } from './directory.ts';
import { pack } from './packed.ts';

test('a user’s row of a version without personal details is read', () => {
  const row = [
    'user',
    'alice',
    'Alice',
    null,
    null,
    false,
    'ENABLED',
    ['a@x.test'],
    'hash',
    1,
    2,
    null,
    3,
    null,
  ];
  const user = entityCodec.decode(pack(row), 1);
  expect(user).toMatchObject({
    name: 'alice',
    addresses: ['a@x.test'],
    mailboxProvisionedMs: 3,
    details: undefined,
  });
  const more = { ...user, details: { city: 'Rome', office: 'B12' } };
  expect(entityCodec.decode(entityCodec.encode(more), 1)).toMatchObject(more);
});

test('a user’s row of a version without quotas and roles is read, and what came since is kept', () => {
  const row = ['user', 'alice', 'Alice', null, null, false, 'ENABLED', [], 'hash', 1, 2, null, 3, null, null];
  const user = entityCodec.decode(pack(row), 1);
  expect(user).toMatchObject({ name: 'alice', passwordHash: 'hash' });
  for (const more of [
    { quotaMebibytes: 100 },
    { mailboxDeprovisionedMs: 4 },
    { isRemote: true, identityProviderUserId: '11111111-2222-3333-4444-555555555555' },
  ]) {
    const changed = { ...user, ...more };
    expect(entityCodec.decode(entityCodec.encode(changed), 1)).toEqual(changed);
  }
});

test('an organisation’s row of a version that deleted none is read', () => {
  const active = organizationCodec.decode(pack(['acme', 'Active', 'acme.test', 'acme.test', 1]), 1);
  expect(active).toMatchObject({ alias: 'acme', state: 'Active', deletedMs: undefined });
  const deleted = { ...active, state: 'Deleted', deletedMs: 2 } as const;
  expect(organizationCodec.decode(organizationCodec.encode(deleted), 1)).toEqual(deleted);
});

test('what was found in DNS is kept', () => {
  const look = {
    lookedMs: 1,
    checks: [
      { key: 'MX MX x.test.', status: 'VERIFIED', advice: undefined, isSeen: true },
      { key: 'SPF TXT x.test.', status: 'MISSING', advice: 'Add it.', isSeen: false },
    ],
    slow: ['ns.x.test'],
    ownershipGoneMs: undefined,
    ownershipGoneForMs: undefined,
    wasDefault: undefined,
  } as const;
  for (const one of [
    look,
    { ...look, ownershipGoneMs: 7 },
    { ...look, ownershipGoneMs: 7, ownershipGoneForMs: 9, wasDefault: true },
  ]) {
    expect(domainLookCodec.decode(domainLookCodec.encode(one), 1)).toEqual(one);
  }
  expect(domainLookCodec.decode(pack([1, [], [], 7]), 1)).toMatchObject({
    ownershipGoneMs: 7,
    ownershipGoneForMs: undefined,
  });
});

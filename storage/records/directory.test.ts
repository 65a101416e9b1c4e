import { expect, test } from 'vitest';
import { entityCodec } from './directory.ts';
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

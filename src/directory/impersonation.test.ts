import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { StoredDirectory } from '#storage/directory-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import { Impersonation } from './impersonation.ts';

const minuteMs = 60_000;

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const store = new StoredDirectory(database);
  const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 };
  const directory = new Directory({ store, mailboxes: database.mail, outside, settings });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const roles = new Impersonation({ store, outside, newId: () => 'role' });
  return { clock, store, organization, roles };
}

test('tokens of impersonation roles are kept as hashes for 15 minutes, 500 of a role, and go with it', async () => {
  const { clock, store, organization, roles } = await open();
  await roles.create(organization, { name: 'r', type: 'READ_ONLY', description: undefined, rules: [] });
  const kept = async () => (await store.kept(organization, 'impersonationTokens', 'role'))?.tokens ?? [];
  const assume = async () => String((await roles.assume(organization, 'role'))?.token);
  const hashed = (token: string) => createHash('sha256').update(token).digest();

  const first = await assume();
  expect(first.startsWith(`${organization}.role.`)).toBe(true);
  expect(await kept()).toEqual([[hashed(first), clock.now() + 15 * minuteMs]]);
  clock.move(15 * minuteMs - 1);
  const second = await assume();
  clock.move(1);
  const third = await assume();
  expect((await kept()).map(([hash]) => hash)).toEqual([hashed(second), hashed(third)]);
  for (let n = 0; n < 499; n++) await assume();
  expect(await kept()).toHaveLength(500);
  expect((await kept())[0]?.[0]).toEqual(hashed(third));
  await roles.delete(organization, 'role');
  expect([await kept(), await roles.assume(organization, 'role')]).toEqual([[], undefined]);
});

test('CreateImpersonationRole: a ClientToken is kept with a hash of its request, which may name 200 long addresses', async () => {
  const { store, organization, roles } = await open();
  const wanted = { name: 'r', type: 'READ_ONLY', description: 'd'.repeat(256), rules: [] } as const;
  await roles.create(organization, wanted, 'once');
  expect((await store.clientToken(organization, 'once'))?.request).toMatch(
    /^CreateImpersonationRole [0-9a-f]{64}$/,
  );
  await expect(roles.create(organization, { ...wanted, name: 's' }, 'once')).rejects.toMatchObject({
    code: 'request/invalid',
  });
});

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { quickPasswords } from '#test/support/quick-passwords';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import { organizationSettings } from './organization-settings.ts';
import { SignIn } from './sign-in.ts';

const dayMs = 24 * 60 * 60 * 1000;

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const store = new StoredDirectory(database);
  const directory = new Directory({
    store,
    mailboxes: database.mail,
    outside,
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 },
    passwords: quickPasswords,
  });
  const { personalTokens: tokens, identityProviders } = organizationSettings(store, outside, directory);
  const organization: OrganizationId = await directory.createOrganization({ alias: 'acme' });
  const user = await directory.createUser(organization, { name: 'alice', displayName: 'Alice' });
  const address = 'alice@acme.mailstead.test';
  await directory.registerToWorkMail(organization, user, address);
  const instanceArn = 'arn:aws:sso:::instance/ssoins-0123456789abcdef';
  const applicationArn = await identityProviders.createApplication('mail', instanceArn);
  const provider = { mode: 'IDENTITY_PROVIDER_ONLY', instanceArn, applicationArn } as const;
  await identityProviders.put(organization, { ...provider, tokens: 'ACTIVE', lifetimeDays: undefined });
  const signIns = new SignIn({ directory, clock, passwords: quickPasswords, tokens });
  const signIn = (secret: string) => signIns.signIn(address, [secret], '192.0.2.1');
  return { clock, tokens, organization, user, address, signIn, store, directory };
}

test('a personal access token signs in until it expires, remembered or not', async () => {
  const { clock, tokens, organization, address, signIn } = await open();
  const { secret } = await tokens.create(organization, { user: 'alice', name: 'n', lifetimeDays: 1 });
  clock.move(dayMs - 1000);
  expect(await signIn(secret)).toMatchObject({ address });
  clock.move(999);
  expect(await signIn(secret)).toMatchObject({ address });
  clock.move(1);
  await expect(signIn(secret)).rejects.toMatchObject({ code: 'sign-in/failed' });
});

test('the last use of a personal access token is kept within an hour', async () => {
  const { clock, tokens, organization, signIn } = await open();
  const { secret, id } = await tokens.create(organization, { user: 'alice', name: 'n', lifetimeDays: 1 });
  const began = clock.now();
  const lastUsed = async () => (await tokens.find(organization, id))?.lastUsedMs;
  expect(await lastUsed()).toBeUndefined();
  await signIn(secret);
  clock.move(30 * 60_000);
  await signIn(secret);
  expect(await lastUsed()).toBe(began);
  clock.move(30 * 60_000);
  await signIn(secret);
  expect(await lastUsed()).toBe(began + 60 * 60_000);
});

test('a personal access token is kept as its hash alone', async () => {
  const { tokens, organization, store } = await open();
  const { secret, id } = await tokens.create(organization, { user: 'alice', name: 'n', lifetimeDays: 1 });
  const kept = await store.kept(organization, 'personalToken', id);
  expect(kept?.hash).toHaveLength(32);
  expect(JSON.stringify(kept)).not.toContain(secret);
});

test('where passwords are not taken, nobody is told that one of a disabled user is right', async () => {
  const { directory, organization, user, signIn } = await open();
  await directory.resetPassword(organization, user, 'Password-1');
  await directory.deregisterFromWorkMail(organization, user);
  await expect(signIn('Password-1')).rejects.toMatchObject({ code: 'sign-in/failed' });
});

test('a personal access token signs in as long as its user and organisation are there and enabled, remembered or not', async () => {
  const { directory, tokens, organization, user, address, signIn, store } = await open();
  const { secret, id } = await tokens.create(organization, { user, name: 'n', lifetimeDays: 1 });
  const refused = { code: 'sign-in/failed' };
  expect(await signIn(secret)).toMatchObject({ address });
  await directory.deregisterFromWorkMail(organization, user);
  await expect(signIn(secret)).rejects.toMatchObject(refused);
  await directory.registerToWorkMail(organization, user, address);
  expect(await signIn(secret)).toMatchObject({ address });
  await directory.removal.delete(organization, { isForced: true });
  await expect(signIn(secret)).rejects.toMatchObject(refused);
  await directory.removal.restore(organization);
  expect(await signIn(secret)).toMatchObject({ address });
  await directory.deregisterFromWorkMail(organization, user);
  await directory.users.delete(organization, user);
  const again = await directory.createUser(organization, { name: 'alice', displayName: 'Alice' });
  await directory.registerToWorkMail(organization, again, address);
  await expect(signIn(secret)).rejects.toMatchObject(refused);
  expect(await store.kept(organization, 'personalToken', id)).toBeUndefined();
});

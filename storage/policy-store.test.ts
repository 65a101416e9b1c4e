import { expect, test } from 'vitest';
import type { DeviceId, EntityId } from '#domain/ids';
import { tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { StoredPolicies } from './policy-store.ts';

const user = '8f2b0a1c-0000-4000-8000-000000000001' as EntityId;
const stored = (revision: number) => ({
  revision,
  policy: { settings: { AllowCamera: false }, allowNonProvisionableDevices: false },
  everSet: ['AllowCamera' as const],
});

test('a policy is kept for its target only', async () => {
  const database = await tempDatabase();
  const organization = tempOrganization(database);
  const policies = new StoredPolicies(database);
  await policies.updatePolicy(organization, 'organization', () => stored(3));
  expect(await policies.policy(organization, 'organization')).toEqual(stored(3));
  expect(await policies.policy(organization, user)).toBeUndefined();
  expect(await policies.policy(tempOrganization(database), 'organization')).toBeUndefined();
});

test('a policy taken back leaves its revision', async () => {
  const database = await tempDatabase();
  const organization = tempOrganization(database);
  const policies = new StoredPolicies(database);
  await policies.updatePolicy(organization, user, () => stored(1));
  await policies.updatePolicy(
    organization,
    user,
    (before) => before && { ...before, revision: 2, policy: undefined },
  );
  expect(await policies.policy(organization, user)).toEqual({ ...stored(2), policy: undefined });
});

test('devices are listed page by page, each once, and no longer after removal', async () => {
  const database = await tempDatabase();
  const organization = tempOrganization(database);
  const policies = new StoredPolicies(database);
  const [alice, bob] = [await tempMailbox(database, organization), await tempMailbox(database, organization)];
  for (const [ref, id] of [
    [alice, 'one'],
    [alice, 'two'],
    [alice, 'two'],
    [bob, 'one'],
  ] as const) {
    await policies.addDevice(ref, id as DeviceId);
  }
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await policies.deviceEntries(organization, after, 2);
    found.push(...page.rows.map(({ ref, device }) => `${ref.mailbox}/${device}`));
    after = page.next;
  } while (after !== undefined);
  expect(found.sort()).toEqual([`${alice.mailbox}/one`, `${alice.mailbox}/two`, `${bob.mailbox}/one`].sort());
  await policies.removeDevice(bob, 'one' as DeviceId);
  const left = await policies.deviceEntries(organization, undefined, 100);
  expect(left.rows.map(({ device }) => device).sort()).toEqual(['one', 'two']);
});

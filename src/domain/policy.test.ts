import { expect, test } from 'vitest';
import { noGroups } from '#test/support/no-groups';
import type { EntityId, MailboxId, OrganizationId } from './ids.ts';
import { Policies, type PolicyChange, type PolicyStore, type StoredPolicy } from './policy.ts';

const organization = `m-${'1'.repeat(32)}` as OrganizationId;
const alice = '00000000-0000-4000-8000-000000000001' as EntityId;
const ref = { organization, mailbox: alice as string as MailboxId };

/** A store that counts its reads. */
function memory() {
  const kept = new Map<string, StoredPolicy>();
  const reads: string[] = [];
  const store: PolicyStore = {
    policy: async (_organization, target) => {
      reads.push(target);
      return kept.get(target);
    },
    updatePolicy: async (_organization, target, decide) => {
      const next = decide(kept.get(target));
      if (next !== undefined) kept.set(target, next);
      return next;
    },
  };
  return { store, reads };
}

const put = (policies: Policies, target: 'organization' | EntityId, settings: Record<string, unknown>) =>
  policies.put(organization, target, { settings, allowNonProvisionableDevices: false });

test('the policy in force is read once, until it is put anew', async () => {
  const { store, reads } = memory();
  const policies = new Policies(store, noGroups);
  for (let n = 0; n < 3; n++) expect((await policies.effective(ref)).revision).toBe('organization:0');
  expect(reads).toEqual([alice, 'organization']);
  await put(policies, 'organization', { AllowCamera: false });
  expect(await policies.effective(ref)).toMatchObject({
    revision: 'organization:1',
    settings: { AllowCamera: false },
  });
  expect(reads.length).toBe(3);
});

test('no two policies ever have the same revision', async () => {
  const policies = new Policies(memory().store, noGroups);
  const seen: string[] = [];
  const note = async () => seen.push((await policies.effective(ref)).revision);
  await note();
  await put(policies, 'organization', {});
  await note();
  await put(policies, alice, {});
  await note();
  await policies.delete(organization, alice);
  await put(policies, alice, {});
  await note();
  await policies.delete(organization, 'organization');
  await policies.delete(organization, alice);
  await note();
  expect(seen).toEqual(['organization:0', 'organization:1', `${alice}:1`, `${alice}:3`, 'organization:2']);
});

test('what a device may still hold is known after its policy is gone', async () => {
  const policies = new Policies(memory().store, noGroups);
  await put(policies, alice, { AllowCamera: false });
  await policies.delete(organization, alice);
  await put(policies, 'organization', { AllowWiFi: false });
  expect([...(await policies.effective(ref)).everSet].sort()).toEqual(['AllowCamera', 'AllowWiFi']);
});

test('those concerned are told, and nobody else', async () => {
  const policies = new Policies(memory().store, noGroups);
  const told: PolicyChange[] = [];
  const unwatch = policies.watch((change) => told.push(change));
  await put(policies, alice, {});
  await put(policies, 'organization', {});
  unwatch();
  await put(policies, 'organization', {});
  expect(told).toEqual([ref, { organization }]);
});

test('a refused put changes nothing', async () => {
  const policies = new Policies(memory().store, noGroups);
  await expect(put(policies, 'organization', { MinimumPasswordLength: 0 })).rejects.toMatchObject({
    code: 'request/invalid',
  });
  expect((await policies.get(organization, 'organization')).revision).toBe(0);
});

test('several groups make one policy, another one whenever it changes, and the user’s own comes first', async () => {
  const ids = [2, 3, 4].map((n) => `00000000-0000-4000-8000-00000000000${n}` as EntityId);
  const [one, two, three] = ids as [EntityId, EntityId, EntityId];
  let of: readonly EntityId[] = [];
  const bob = '00000000-0000-4000-8000-000000000009' as string as MailboxId;
  const groups = {
    groupsOf: async () => of,
    isGroup: async (_organization: OrganizationId, entity: EntityId) => ids.includes(entity),
    mailboxesOf: async (_organization: OrganizationId, entity: EntityId) =>
      ids.includes(entity) ? [ref.mailbox, bob] : [entity as string as MailboxId],
  };
  const policies = new Policies(memory().store, groups);
  const told: PolicyChange[] = [];
  policies.watch((change) => told.push(change));
  const seen: string[] = [];
  const now = async () => {
    const { revision, settings } = await policies.effective(ref);
    seen.push(revision);
    return settings;
  };
  await put(policies, 'organization', { AllowWiFi: false });
  await put(policies, one, { MinimumPasswordLength: 6 });
  expect(await now()).toEqual({ AllowWiFi: false });
  of = [one, three];
  expect(await now()).toEqual({ MinDevicePasswordLength: 6 });
  await put(policies, two, { MinimumPasswordLength: 4, AllowCamera: false });
  of = [one, two, three];
  expect(await now()).toEqual({ MinDevicePasswordLength: 6, AllowCamera: false });
  await put(policies, two, { AllowCamera: false });
  expect(await now()).toEqual({ MinDevicePasswordLength: 6, AllowCamera: false });
  await put(policies, alice, { AllowBluetooth: 0 });
  expect(await now()).toEqual({ AllowBluetooth: 0 });
  of = [];
  await policies.delete(organization, alice);
  expect(await now()).toEqual({ AllowWiFi: false });
  // A device keeps what it had of a group until it is told otherwise.
  expect([...(await policies.effective(ref)).everSet].sort()).toEqual([
    'AllowBluetooth',
    'AllowCamera',
    'AllowWiFi',
    'MinDevicePasswordLength',
  ]);
  expect(seen).toEqual([
    'organization:1',
    `${one}:1`,
    expect.stringMatching(/^groups:[0-9a-f]{32}$/),
    expect.stringMatching(/^groups:[0-9a-f]{32}$/),
    `${alice}:1`,
    'organization:1',
  ]);
  expect(new Set(seen).size).toBe(seen.length - 1);
  const both = [ref, { organization, mailbox: bob }];
  expect(told).toEqual([{ organization }, ...both, ...both, ...both, ref, ref]);
  told.length = 0;
  await policies.membershipChanged({ organization, groups: [three], mailboxes: [ref.mailbox] });
  expect(told).toEqual([]);
  await policies.membershipChanged({ organization, groups: [three, one], mailboxes: [ref.mailbox] });
  expect(told).toEqual([ref]);
});

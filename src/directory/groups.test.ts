import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { type EntityId, mailboxOf } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { organizationPart } from '#storage/keys';
import { organizationRows } from '#storage/layout';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import type { MembershipChange } from './groups.ts';

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const store = new StoredDirectory(database);
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 };
  const directory = new Directory({ store, mailboxes: database.mail, outside, settings });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const user = (name: string) => directory.createUser(organization, { name, displayName: name });
  const group = (name: string) =>
    directory.groups.create(organization, { name, hiddenFromGlobalAddressList: false });
  const told: MembershipChange[] = [];
  directory.groups.onMembershipChange((change) => told.push(change));
  return { database, store, directory, organization, user, group, told };
}

it('a group of more members than one transaction takes away is deleted whole', async () => {
  const { database, store, directory, organization, group, told } = await open();
  const [crowd, parent] = [await group('crowd'), await group('parent')];
  await directory.groups.associateMember(organization, parent, crowd);
  const id = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as EntityId;
  for (let from = 0; from < 1_200; from += 400) {
    await store.transact(organization, async (tx) => {
      for (let n = from; n < from + 400; n++) tx.putMember(organization, crowd, id(n));
    });
  }
  await directory.groups.delete(organization, crowd);
  const part = organizationPart(organization);
  for (const row of [organizationRows.member, organizationRows.membership]) {
    expect((await database.store.page(part, row.range())).rows).toEqual([]);
  }
  expect(told.at(-1)?.groups).toEqual([crowd, parent]);
});

it('whoever watches is told which groups and whose mailboxes a change concerns', async () => {
  const { directory, organization, user, group, told } = await open();
  const { groups } = directory;
  const [alice, bob] = [await user('alice'), await user('bob')];
  const [outer, inner] = [await group('outer'), await group('inner')];
  await groups.associateMember(organization, inner, alice);
  await groups.associateMember(organization, inner, bob);
  await groups.associateMember(organization, inner, bob);
  await groups.associateMember(organization, outer, inner);
  await groups.disassociateMember(organization, inner, alice);
  const mailboxes = [alice, bob].sort().map(mailboxOf);
  expect(told).toEqual([
    { organization, groups: [inner], mailboxes: [mailboxOf(alice)] },
    { organization, groups: [inner], mailboxes: [mailboxOf(bob)] },
    { organization, groups: [outer], mailboxes },
    { organization, groups: [inner, outer], mailboxes: [mailboxOf(alice)] },
  ]);
  const groupsOf = (entity: EntityId) => groups.groupsOf({ organization, mailbox: mailboxOf(entity) });
  expect(await groupsOf(bob)).toEqual([inner, outer].sort());
  expect(await groupsOf(alice)).toEqual([]);
});

it('an address of a group signs nobody in', async () => {
  const { directory, organization, group } = await open();
  await directory.registerToWorkMail(organization, await group('staff'), 'staff@acme.mailstead.test');
  for (const name of ['staff', 'staff@acme.mailstead.test', 'acme\\staff']) {
    expect(await directory.userFor(name)).toBeUndefined();
  }
  expect(await directory.findUser(organization, 'staff')).toBeUndefined();
});

it('two groups that are put into each other at once do not become a cycle', async () => {
  const { directory, organization, group } = await open();
  const [one, two] = [await group('one'), await group('two')];
  const results = await Promise.allSettled([
    directory.groups.associateMember(organization, one, two),
    directory.groups.associateMember(organization, two, one),
  ]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

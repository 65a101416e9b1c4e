import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { organizationPart } from '#storage/keys';
import { organizationRows } from '#storage/layout';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import type { Account } from './account.ts';
import { Directory } from './directory.ts';

const at = (name: string) => `${name}@acme.mailstead.test`;

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const store = new StoredDirectory(database);
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 };
  const directory = new Directory({ store, mailboxes: database.mail, outside, settings });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const { permissions, groups } = directory;
  const enable = async (id: EntityId, name: string, owner: OrganizationId, domain = 'acme') => {
    await directory.registerToWorkMail(owner, id, `${name}@${domain}.mailstead.test`);
    return id;
  };
  const user = async (name: string) =>
    enable(
      await directory.createUser(organization, { name, displayName: `The ${name}` }),
      name,
      organization,
    );
  const right = async (sender: EntityId, address: string, owner = organization) => {
    const ref = { organization: owner, mailbox: mailboxOf(sender) };
    const account = (await directory.account(ref)) as Account;
    return (await permissions.senderRight(account, address))?.permission;
  };
  return {
    database,
    store,
    directory,
    organization,
    permissions,
    groups,
    enable,
    user,
    right,
    group: async (name: string, ...members: EntityId[]) => {
      const id = await groups.create(organization, { name, hiddenFromGlobalAddressList: false });
      for (const member of members) await groups.associateMember(organization, id, member);
      return enable(id, name, organization);
    },
    room: async (name: string) => {
      const wanted = { name, type: 'ROOM', hiddenFromGlobalAddressList: false } as const;
      return enable(await directory.resources.create(organization, wanted), name, organization);
    },
    disable: (id: EntityId) => directory.deregisterFromWorkMail(organization, id),
  };
}

it('SEND_AS and SEND_ON_BEHALF of a user, a group and a resource hold for the primary address, until they are taken back', async () => {
  const { organization, permissions, directory, user, group, room, right } = await open();
  const [alice, bob] = [await user('alice'), await user('bob')];
  await group('team');
  await room('blue');
  await directory.createAlias(organization, alice, at('ally'));
  for (const name of ['alice', 'team', 'blue']) {
    expect(await right(bob, at(name))).toBeUndefined();
    await permissions.put(organization, name, bob, ['SEND_ON_BEHALF']);
    expect(await right(bob, at(name))).toBe('SEND_ON_BEHALF');
    await permissions.put(organization, name, bob, ['SEND_ON_BEHALF', 'SEND_AS']);
    expect(await right(bob, at(name).toUpperCase())).toBe('SEND_AS');
  }
  expect(await right(bob, at('ally'))).toBeUndefined();
  expect(await right(bob, at('alice+tag'))).toBeUndefined();
  expect(await right(alice, at('team'))).toBeUndefined();
  await permissions.put(organization, 'alice', bob, ['FULL_ACCESS']);
  expect(await right(bob, at('alice'))).toBeUndefined();
  await permissions.delete(organization, 'team', bob);
  expect(await right(bob, at('team'))).toBeUndefined();
});

it('what a group is granted its members have, through enabled groups only; the strongest counts', async () => {
  const { organization, permissions, groups, user, group, right, disable, enable } = await open();
  const [alice, bob] = [await user('alice'), await user('bob')];
  const inner = await group('inner', bob);
  const outer = await group('outer', inner);
  await permissions.put(organization, alice, outer, ['SEND_ON_BEHALF']);
  expect(await right(bob, at('alice'))).toBe('SEND_ON_BEHALF');
  await permissions.put(organization, alice, inner, ['SEND_AS']);
  expect(await right(bob, at('alice'))).toBe('SEND_AS');
  await disable(inner);
  expect(await right(bob, at('alice'))).toBeUndefined();
  await enable(inner, 'inner', organization);
  await permissions.delete(organization, alice, inner);
  expect(await right(bob, at('alice'))).toBe('SEND_ON_BEHALF');
  await groups.disassociateMember(organization, outer, inner);
  expect(await right(bob, at('alice'))).toBeUndefined();
});

it('nobody sends by an address of somebody disabled, or of another organization', async () => {
  const { directory, organization, permissions, user, right, disable, enable } = await open();
  const [alice, bob] = [await user('alice'), await user('bob')];
  await permissions.put(organization, alice, bob, ['SEND_AS']);
  await disable(alice);
  expect(await right(bob, at('alice'))).toBeUndefined();
  await enable(alice, 'alice', organization);
  expect(await right(bob, at('alice'))).toBe('SEND_AS');
  const other = await directory.createOrganization({ alias: 'other' });
  const wanted = { name: 'bob', displayName: 'Bob' };
  const theirs = await enable(await directory.createUser(other, wanted), 'bob', other, 'other');
  expect(await right(theirs, at('alice'), other)).toBeUndefined();
  await expect(permissions.put(organization, alice, theirs, ['SEND_AS'])).rejects.toMatchObject({
    code: 'entity/not-found',
  });
});

it('a group or a resource that is deleted leaves no row behind, however much it granted and was granted', async () => {
  const { database, store, directory, organization, groups, group, room, disable } = await open();
  const [crowd, blue] = [await group('crowd'), await room('blue')];
  const id = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as EntityId;
  for (const entity of [crowd, blue]) {
    await store.transact(organization, async (tx) => {
      for (let n = 0; n < 200; n++) {
        tx.putGrant(organization, entity, { grantee: id(n), permissions: ['SEND_AS'] });
        if (entity === crowd) tx.putGrant(organization, id(n), { grantee: crowd, permissions: ['SEND_AS'] });
      }
    });
    await disable(entity);
  }
  await groups.delete(organization, crowd);
  await directory.resources.delete(organization, blue);
  const part = organizationPart(organization);
  for (const row of [organizationRows.mailboxGrant, organizationRows.mailboxGrantTo]) {
    expect((await database.store.page(part, row.range())).rows).toEqual([]);
  }
});

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EntityId, OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { countingStore } from '#test/support/counting-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import type { UserFilter } from './entity-filter.ts';
import { IndexesByOrganization } from './indexes-by-organization.ts';
import type { User } from './user.ts';

const hourMs = 3_600_000;

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const counted = countingStore(database.store);
  const store = new StoredDirectory({ ...database, store: counted.store });
  const directory = new Directory({
    store,
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 },
    passwords: { hash: async (password) => password, verify: async () => true, decoy: '' },
  });
  const organization = await directory.createOrganization({ alias: 'acme' });
  return { clock, store, directory, organization, take: counted.take };
}

const userOf = (organization: OrganizationId, n: number): User => ({
  kind: 'user',
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as EntityId,
  organization,
  name: `user${n}`,
  displayName: `User ${n}`,
  hiddenFromGlobalAddressList: false,
  state: 'DISABLED',
  addresses: [],
  createdMs: 0,
});

async function filled(users: number) {
  const opened = await open();
  const { store, organization } = opened;
  for (let n = 0; n < users; n += 500) {
    await store.transact(organization, async (tx) => {
      for (let at = n; at < Math.min(n + 500, users); at++) tx.putEntity(userOf(organization, at));
    });
  }
  return opened;
}

/** Ids of all pages of a list. */
async function all(
  list: (after: EntityId | undefined) => ReturnType<Directory['listUsers']>,
): Promise<EntityId[]> {
  const ids: EntityId[] = [];
  let after: EntityId | undefined;
  do {
    const page = await list(after);
    ids.push(...page.rows.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

describe('lists', () => {
  test('read who belongs into the page, and nobody else, once the organisation was listed', async () => {
    const { directory, organization, take } = await filled(1200);
    const one = () => directory.listUsers(organization, { namePrefix: 'USER1199' }, undefined, 100);
    expect((await one()).rows.map(({ name }) => name)).toEqual(['user1199']);
    take();
    expect((await one()).rows).toHaveLength(1);
    expect(take()).toBe(2);
    expect((await directory.listUsers(organization, { state: 'ENABLED' }, undefined, 100)).rows).toEqual([]);
    expect((await directory.groups.list(organization, {}, undefined, 100)).rows).toEqual([]);
    expect((await directory.resources.list(organization, {}, undefined, 100)).rows).toEqual([]);
    expect(take()).toBe(6);
    const id = await directory.createUser(organization, { name: 'user11990', displayName: 'New' });
    take();
    expect((await one()).rows.map((user) => user.id).sort()).toEqual(
      [id, userOf(organization, 1199).id].sort(),
    );
    // The organisation, whom the change was of, and the page.
    expect(take()).toBe(3);
  });

  test('hold what is so now, whatever changed, users, groups and resources, in pages and whole', async () => {
    const { store, directory, organization } = await filled(30);
    const filters: readonly UserFilter[] = [
      {},
      { namePrefix: 'user1' },
      { displayNamePrefix: 'Ne' },
      { state: 'ENABLED' },
      { state: 'DELETED' },
      { addressPrefix: 'USER' },
      { identityProviderPrefix: 'i' },
      { namePrefix: 'user', state: 'DISABLED', displayNamePrefix: '' },
    ];
    const belongs = (user: User, filter: UserFilter) => {
      const begins = (text: string | undefined, prefix: string | undefined) =>
        prefix === undefined || (text?.toLowerCase().startsWith(prefix.toLowerCase()) ?? false);
      return (
        begins(user.name, filter.namePrefix) &&
        begins(user.displayName, filter.displayNamePrefix) &&
        begins(user.state === 'ENABLED' ? user.addresses[0] : undefined, filter.addressPrefix) &&
        begins(user.identityProviderUserId, filter.identityProviderPrefix) &&
        (filter.state === undefined || user.state === filter.state)
      );
    };
    const check = async () => {
      const entities = (await store.entities(organization, undefined, 900)).rows;
      for (const filter of filters) {
        const users = entities.filter((entity) => entity.kind === 'user' && belongs(entity, filter));
        const listed = await all((after) => directory.listUsers(organization, filter, after, 7));
        expect(listed, JSON.stringify(filter)).toEqual(users.map(({ id }) => id));
      }
      for (const [kind, lists] of [
        ['group', directory.groups],
        ['resource', directory.resources],
      ] as const) {
        const expected = entities.filter((entity) => entity.kind === kind).map(({ id }) => id);
        const { rows } = await lists.list(organization, {}, undefined, 100);
        expect(rows.map(({ id }) => id)).toEqual(expected);
      }
    };
    await check();
    const id = await directory.createUser(organization, { name: 'new', displayName: 'New' });
    await check();
    await directory.registerToWorkMail(organization, id, 'user@acme.mailstead.test');
    await directory.people.update(organization, id, { identityProviderUserId: 'Id', displayName: 'Newer' });
    const group = await directory.groups.create(organization, {
      name: 'user1group',
      hiddenFromGlobalAddressList: false,
    });
    const rooms = ['room1', 'room2', 'room3'].map((name) =>
      directory.resources.create(organization, { name, type: 'ROOM', hiddenFromGlobalAddressList: false }),
    );
    const [room = ''] = await Promise.all(rooms);
    await check();
    await directory.deregisterFromWorkMail(organization, id);
    await directory.users.delete(organization, id);
    await directory.groups.delete(organization, group);
    await directory.resources.delete(organization, room);
    await check();
  });

  test('an entity that changes while it is listed is as it is now, and one that goes is left out', async () => {
    const { store, directory, organization } = await filled(3);
    const entitiesOf = store.entitiesOf.bind(store);
    await directory.listUsers(organization, { state: 'DISABLED' }, undefined, 2);
    store.entitiesOf = async (of, ids) => {
      store.entitiesOf = entitiesOf;
      const [first, second] = [userOf(organization, 0), userOf(organization, 1)];
      await store.transact(organization, async (tx) => {
        tx.putEntity({ ...first, state: 'DELETED' });
        tx.deleteEntity(second, second.name);
      });
      return entitiesOf(of, ids);
    };
    const page = await directory.listUsers(organization, { state: 'DISABLED' }, undefined, 2);
    expect(page).toEqual({ rows: [], next: userOf(organization, 1).id });
    expect((await directory.listUsers(organization, { state: 'DISABLED' }, page.next, 2)).rows).toHaveLength(
      1,
    );
  });
});

describe('indexes in memory', () => {
  async function indexes(users: number, maxEntries = 1000) {
    const opened = await filled(users);
    const { store, clock } = opened;
    let built = 0;
    const of = new IndexesByOrganization<{ readonly size: number }>({
      store,
      nowMs: () => clock.now(),
      maxEntries,
      build: async (entities) => {
        built++;
        let size = 0;
        for await (const _entity of entities) size++;
        return { size };
      },
      update: ({ size }, changed) => ({ size: size + changed.size }),
    });
    store.onEntityChange((changed) => of.changed(changed));
    return { ...opened, of, built: () => built };
  }

  test('are dropped when nobody has asked for an hour', async () => {
    const { of, organization, clock, directory, built } = await indexes(3);
    const other = await directory.createOrganization({ alias: 'other' });
    await of.of(organization);
    clock.move(hourMs - 1);
    await of.of(organization);
    expect([of.size, built()]).toEqual([3, 1]);
    clock.move(hourMs);
    await of.of(other);
    expect(of.size).toBe(0);
    await of.of(organization);
    expect([of.size, built()]).toEqual([3, 3]);
    clock.move(hourMs);
    // A change of others is enough.
    await directory.createUser(other, { name: 'new', displayName: 'New' });
    expect(of.size).toBe(0);
  });

  test('that nobody asks while thousands change are dropped, and built again', async () => {
    const { of, store, organization, built } = await indexes(2);
    await of.of(organization);
    for (const from of [0, 900, 1800]) {
      await store.transact(organization, async (tx) => {
        for (let n = from; n < from + 900; n++) tx.putEntity(userOf(organization, n));
      });
    }
    expect(of.size).toBe(0);
    expect(await of.of(organization)).toEqual({ size: 2700 });
    expect(built()).toBe(2);
  });
});

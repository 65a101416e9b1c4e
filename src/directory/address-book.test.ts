import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EntityId, OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { AddressBook } from './address-book.ts';
import { Directory } from './directory.ts';
import type { PasswordHasher } from './password.ts';
import type { User } from './user.ts';

const passwords: PasswordHasher = { hash: async () => 'x', verify: async () => false, decoy: '' };
const page = { from: 0, limit: 100 };

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const store = new StoredDirectory(database);
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 };
  const directory = new Directory({ store, mailboxes: database.mail, outside, settings, passwords });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const names = async (query: string, of = organization) =>
    (await directory.addressBook.search(of, query, page)).entries.map(({ displayName }) => displayName);
  const enable = (id: string, name: string, of = 'acme', organizationId = organization) =>
    directory.registerToWorkMail(organizationId, id, `${name}@${of}.mailstead.test`);
  const addUser = async (name: string, displayName: string) => {
    const id = await directory.createUser(organization, { name, displayName });
    await enable(id, name);
    return id;
  };
  return { store, directory, organization, names, enable, addUser };
}

describe('the address book', () => {
  test('finds words of names, user name, addresses, title, company, department and office from their beginning', async () => {
    const { directory, organization, names, addUser } = await open();
    const id = await addUser('ann.lee', 'Ann-Marie O’Neill');
    await directory.createAlias(organization, id, 'sales@acme.mailstead.test');
    await directory.people.update(organization, id, {
      firstName: 'Annemarie',
      lastName: 'Neill Smith',
      details: {
        jobTitle: 'Chief Cook',
        company: 'Acme Ltd',
        department: 'R&D',
        office: 'B12',
        city: 'Rome',
      },
    });
    for (const found of [
      'ann',
      'ANN-M',
      'marie',
      "o'nei",
      'o’neill',
      'neill',
      'smith annem',
      'ann.lee@acme.mail',
      'sales',
      'coo chi',
      'acm',
      'r&d',
      'b1',
      'O’Neill, Ann-Marie',
      '<ann.lee@acme.mailstead.test>',
    ]) {
      expect(await names(found), found).toEqual(['Ann-Marie O’Neill']);
    }
    for (const missed of ['nn', 'mailstead', 'rome', 'ann bob', 'lee@', '', '  ', '*', '@']) {
      expect(await names(missed), missed).toEqual([]);
    }
  });

  test('makes no difference of case, accents and compatibility forms', async () => {
    const { names, addUser } = await open();
    await addUser('jurgen', 'Jürgen Müller-Groß');
    await addUser('soren', 'Søren Łukasz');
    await addUser('yamada', '山田 太郎');
    for (const query of ['jurgen', 'JÜRGEN', 'ju\u0308r', 'mull', 'gross', 'ｊｕｒ']) {
      expect(await names(query), query).toEqual(['Jürgen Müller-Groß']);
    }
    expect(await names('soren lukasz')).toEqual(['Søren Łukasz']);
    expect(await names('太')).toEqual(['山田 太郎']);
  });

  test('is sorted by display name, and gives a part with the number of all', async () => {
    const { directory, organization, names, addUser } = await open();
    for (const name of ['zoë', 'Émile', 'adam', 'Eve'])
      await addUser(`x${name.length}${name.charCodeAt(0)}`, name);
    expect(await names('x')).toEqual(['adam', 'Émile', 'Eve', 'zoë']);
    const { entries, total } = await directory.addressBook.search(organization, 'x', { from: 1, limit: 2 });
    expect([entries.map(({ displayName }) => displayName), total]).toEqual([['Émile', 'Eve'], 4]);
  });

  test('holds users, groups and resources that are enabled and not hidden, as they are now', async () => {
    const { directory, organization, names, enable, addUser } = await open();
    const alice = await addUser('staff-a', 'Staff Alice');
    const group = await directory.groups.create(organization, {
      name: 'Staff',
      hiddenFromGlobalAddressList: false,
    });
    const room = await directory.resources.create(organization, {
      name: 'staff-room',
      type: 'ROOM',
      description: 'Upstairs',
      hiddenFromGlobalAddressList: false,
    });
    await directory.createUser(organization, { name: 'staff-b', displayName: 'Staff Bob' });
    expect(await names('staff')).toEqual(['Staff Alice']);
    await enable(group, 'everybody');
    await enable(room, 'room');
    expect(await names('staff')).toEqual(['Staff', 'Staff Alice', 'staff-room']);
    expect(await names('upst')).toEqual(['staff-room']);
    await directory.people.update(organization, alice, { hiddenFromGlobalAddressList: true });
    await directory.groups.update(organization, group, { hiddenFromGlobalAddressList: true });
    await directory.resources.update(organization, room, { name: 'staff-hall' });
    expect(await names('staff')).toEqual(['staff-hall']);
    await directory.people.update(organization, alice, {
      hiddenFromGlobalAddressList: false,
      displayName: 'Staff Zoe',
    });
    await directory.deregisterFromWorkMail(organization, room);
    expect(await names('staff')).toEqual(['Staff Zoe']);
    await directory.updatePrimaryAddress(organization, alice, 'new@acme.mailstead.test');
    expect((await directory.addressBook.search(organization, 'new', page)).entries[0]?.address).toBe(
      'new@acme.mailstead.test',
    );
  });

  test('of one organisation is never seen by another', async () => {
    const { directory, organization, names, enable, addUser } = await open();
    await addUser('alice', 'Alice');
    const other = await directory.createOrganization({ alias: 'other' });
    const stranger = await directory.createUser(other, { name: 'alina', displayName: 'Alina' });
    await enable(stranger, 'alina', 'other', other);
    expect(await names('al')).toEqual(['Alice']);
    expect(await names('al', other)).toEqual(['Alina']);
    expect(await directory.addressBook.find(organization, 'alina@other.mailstead.test')).toBeUndefined();
    expect(await directory.addressBook.find(other, 'ALINA@Other.Mailstead.Test')).toMatchObject({
      displayName: 'Alina',
    });
  });

  test('finds an address only of one who is listed', async () => {
    const { directory, organization, addUser } = await open();
    const alice = await addUser('alice', 'Alice');
    await directory.createAlias(organization, alice, 'al@acme.mailstead.test');
    const find = (address: string) => directory.addressBook.find(organization, address);
    expect(await find('al@acme.mailstead.test')).toMatchObject({ address: 'alice@acme.mailstead.test' });
    expect(await find('nobody@acme.mailstead.test')).toBeUndefined();
    await directory.people.update(organization, alice, { hiddenFromGlobalAddressList: true });
    expect(await find('al@acme.mailstead.test')).toBeUndefined();
    await directory.people.update(organization, alice, { hiddenFromGlobalAddressList: false });
    await directory.deregisterFromWorkMail(organization, alice);
    expect(await find('al@acme.mailstead.test')).toBeUndefined();
  });
});

describe('the index', () => {
  const userOf = (organization: OrganizationId, n: number): User => ({
    kind: 'user',
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as EntityId,
    organization,
    name: `user${n}`,
    displayName: `User ${String(n).padStart(5, '0')}`,
    hiddenFromGlobalAddressList: false,
    state: 'ENABLED',
    addresses: [`user${n}@acme.mailstead.test`],
    createdMs: 0,
  });

  async function filled(count: number) {
    const opened = await open();
    const { store, organization } = opened;
    for (let n = 0; n < count; n += 500) {
      await store.transact(organization, async (tx) => {
        for (let at = n; at < Math.min(n + 500, count); at++) tx.putEntity(userOf(organization, at));
      });
    }
    return opened;
  }

  test('follows thousands of changes, those too that come while it is built', async () => {
    const { store, organization } = await filled(3000);
    const book = new AddressBook(store, Date.now);
    const building = book.search(organization, 'user', page);
    const changes = async (from: number, to: number) => {
      await store.transact(organization, async (tx) => {
        for (let n = from; n < to; n++) {
          const { id } = userOf(organization, n);
          tx.putEntity({
            ...userOf(organization, n),
            displayName: `Changed ${n}`,
            name: `changed${n}`,
            addresses: ['c@x.test'],
          });
          book.changed({ organization, id });
        }
      });
    };
    await changes(0, 900);
    expect((await building).total).toBeGreaterThan(0);
    expect((await book.search(organization, 'changed', page)).total).toBe(900);
    await changes(900, 1800);
    await changes(1800, 2700);
    expect((await book.search(organization, 'changed', page)).total).toBe(2700);
    expect((await book.search(organization, 'user', page)).total).toBe(300);
  });

  test('of organisations that nobody searches any more are dropped', async () => {
    const { store, directory, organization } = await filled(40);
    const book = new AddressBook(store, Date.now, 50);
    await book.search(organization, 'user', page);
    expect(book.size).toBe(40);
    const other = await directory.createOrganization({ alias: 'other' });
    await store.transact(other, async (tx) => {
      for (let n = 0; n < 20; n++) tx.putEntity(userOf(other, n));
    });
    expect((await book.search(other, 'user', page)).total).toBe(20);
    expect(book.size).toBe(20);
    expect((await book.search(organization, 'user', page)).total).toBe(40);
    expect(book.size).toBe(40);
  });

  test('is built again after the store has failed', async () => {
    const { store, organization } = await filled(3);
    let fails = true;
    const broken = Object.create(store) as StoredDirectory;
    broken.entities = (...args) => (fails ? Promise.reject(new Error('disk')) : store.entities(...args));
    const book = new AddressBook(broken, Date.now);
    await expect(book.search(organization, 'user', page)).rejects.toThrow('disk');
    fails = false;
    expect((await book.search(organization, 'user', page)).total).toBe(3);
  });

  test('a user’s row takes its photo and certificates along when it goes', async () => {
    const { store, organization } = await filled(2);
    const [gone, stays] = [userOf(organization, 0), userOf(organization, 1)];
    const photo = randomBytes(102_400);
    await store.transact(organization, async (tx) => {
      for (const { id } of [gone, stays]) {
        tx.putPhoto(organization, id, photo);
        tx.putCertificates(organization, id, [photo.subarray(0, 10)]);
      }
    });
    expect(await store.photo(organization, gone.id)).toEqual(photo);
    await store.transact(organization, async (tx) => tx.deleteEntity(gone, gone.name));
    expect(await store.photo(organization, gone.id)).toBeUndefined();
    expect(await store.certificates(organization, gone.id)).toEqual([]);
    expect(await store.photo(organization, stays.id)).toEqual(photo);
    expect(await store.certificates(organization, stays.id)).toEqual([photo.subarray(0, 10)]);
  });
});

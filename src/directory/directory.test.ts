import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { openDatabase } from '#storage/database';
import { StoredDirectory } from '#storage/directory-store';
import { organizationPart, prefixRange, systemPart } from '#storage/keys';
import { systemRows } from '#storage/layout';
import { fixedClock, tempDatabase, tempFolder } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import { Lookups } from './lookups.ts';
import type { PasswordHasher } from './password.ts';

const plainPasswords: PasswordHasher = {
  hash: async (password) => `plain:${password}`,
  verify: async (hash, password) => hash === `plain:${password}`,
  decoy: '',
};

async function open(maxDomains = 100) {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const store = new StoredDirectory(database);
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains };
  const passwords = plainPasswords;
  const directory = new Directory({ store, mailboxes: database.mail, outside, settings, passwords });
  const verify = async (organization: OrganizationId, name: string) => {
    await directory.domains.register(organization, name);
    const { domain } = await directory.domains.get(organization, name);
    await store.transact(organization, async (tx) =>
      tx.putDomain(organization, { ...domain, state: 'Verified' }),
    );
  };
  return { clock, database, store, directory, verify };
}

async function withOrganization(alias = 'acme') {
  const opened = await open();
  const organization = await opened.directory.createOrganization({ alias });
  return { ...opened, organization };
}

const user = (name: string) => ({ name, displayName: name.toUpperCase(), password: 'Password-1' });

async function enabledUser(
  directory: Directory,
  organization: OrganizationId,
  name: string,
  domain = 'acme',
) {
  const id = await directory.createUser(organization, user(name));
  await directory.registerToWorkMail(organization, id, `${name}@${domain}.mailstead.test`);
  return id;
}

const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });

describe('an organisation', () => {
  it('is Active at once, with a verified test domain that is its default', async () => {
    const { directory, organization, clock } = await withOrganization('Acme');
    expect(organization).toMatch(/^m-[0-9a-f]{32}$/);
    expect(await directory.describeOrganization(organization)).toEqual({
      id: organization,
      alias: 'acme',
      state: 'Active',
      testDomain: 'acme.mailstead.test',
      defaultDomain: 'acme.mailstead.test',
      createdMs: clock.now(),
    });
    expect(await directory.domains.get(organization, 'ACME.mailstead.test')).toMatchObject({
      domain: { state: 'Verified', test: true },
      isDefault: true,
    });
  });

  it('has an alias nobody else has, whatever the case, and bad ones are refused', async () => {
    const { directory } = await withOrganization();
    await expect(directory.createOrganization({ alias: 'ACME' })).rejects.toEqual(
      refused('organization/alias-in-use'),
    );
    for (const alias of ['', 'd-1234567890', 'a--b', '-a', 'a.b', 'ä', 'a'.repeat(63)]) {
      await expect(directory.createOrganization({ alias })).rejects.toEqual(refused('request/invalid'));
    }
    expect((await directory.listOrganizations(undefined, 100)).rows).toHaveLength(1);
  });

  it('is made once when the same client token asks twice, and its keys are kept over a restart', async () => {
    const { directory, database } = await open();
    const wanted = { alias: 'acme', domains: ['example.com'], clientToken: 'token-1' };
    const first = await directory.createOrganization(wanted);
    expect(await directory.createOrganization(wanted)).toBe(first);
    expect(database.keys.has(first)).toBe(true);
    await expect(directory.createOrganization({ ...wanted, alias: 'other' })).rejects.toEqual(
      refused('request/invalid'),
    );
    expect(await directory.domains.get(first, 'example.com')).toMatchObject({
      domain: { state: 'Pending' },
    });
  });

  it('is not there at all when one of its domains is taken', async () => {
    const { directory, store, database } = await open();
    await directory.createOrganization({ alias: 'acme', domains: ['example.com'] });
    await expect(
      directory.createOrganization({ alias: 'other', domains: ['free.example', 'example.com'] }),
    ).rejects.toEqual(refused('domain/in-use'));
    expect(await store.organizationByAlias('other')).toBeUndefined();
    const half = await database.store.page(systemPart(), systemRows.dataKey.range());
    expect(half.rows).toHaveLength(2);
    expect(await store.domainOwner('free.example')).toBeUndefined();
  });

  it('is listed page by page', async () => {
    const { directory } = await open();
    const ids: OrganizationId[] = [];
    for (const alias of ['a', 'b', 'c']) ids.push(await directory.createOrganization({ alias }));
    const first = await directory.listOrganizations(undefined, 2);
    const second = await directory.listOrganizations(first.next, 2);
    expect(second.next).toBeUndefined();
    expect([...first.rows, ...second.rows].map(({ id }) => id)).toEqual([...ids].sort());
  });

  it('that does not exist has no users', async () => {
    const { directory } = await open();
    const nobody = `m-${'0'.repeat(32)}` as OrganizationId;
    for (const act of [
      () => directory.describeOrganization(nobody),
      () => directory.createUser(nobody, user('alice')),
      () => directory.describeUser(nobody, 'alice'),
      () => directory.listUsers(nobody, {}, undefined, 10),
      () => directory.registerToWorkMail(nobody, 'alice', 'alice@acme.mailstead.test'),
      () => directory.deregisterFromWorkMail(nobody, 'alice'),
      () => directory.resetPassword(nobody, 'alice', 'Password-1'),
      () => directory.createAlias(nobody, 'alice', 'alice@acme.mailstead.test'),
      () => directory.listAliases(nobody, 'alice'),
      () => directory.domains.register(nobody, 'example.com'),
      () => directory.domains.get(nobody, 'example.com'),
    ]) {
      await expect(act()).rejects.toEqual(refused('organization/not-found'));
    }
  });
});

describe('a domain', () => {
  it('belongs to one organisation of the installation, and none below the base domain can be registered', async () => {
    const { directory, organization } = await withOrganization();
    const other = await directory.createOrganization({ alias: 'other' });
    await directory.domains.register(organization, 'Example.COM', 'token-1');
    await directory.domains.register(organization, 'example.com', 'token-1');
    for (const [who, name] of [
      [organization, 'example.com'],
      [other, 'example.com'],
      [other, 'mailstead.test'],
      [other, 'third.mailstead.test'],
    ] as const) {
      await expect(directory.domains.register(who, name)).rejects.toEqual(refused('domain/in-use'));
    }
    for (const name of [
      'example',
      'a_b.example',
      '-a.example',
      '1.2.3.4',
      'a..b',
      `${'a'.repeat(64)}.example`,
    ]) {
      await expect(directory.domains.register(other, name)).rejects.toEqual(refused('request/invalid'));
    }
    await expect(directory.domains.get(other, 'example.com')).rejects.toEqual(refused('domain/not-found'));
  });

  it('is one of a limited number', async () => {
    const { directory } = await open(2);
    const organization = await directory.createOrganization({ alias: 'acme', domains: ['one.example'] });
    await directory.domains.register(organization, 'two.example');
    await expect(directory.domains.register(organization, 'three.example')).rejects.toEqual(
      refused('limit/exceeded'),
    );
  });

  it('receives only once it is verified', async () => {
    const { directory, organization, verify } = await withOrganization();
    const alice = await enabledUser(directory, organization, 'alice');
    await directory.domains.register(organization, 'pending.example');
    await expect(directory.createAlias(organization, alice, 'alice@pending.example')).rejects.toEqual(
      refused('domain/not-verified'),
    );
    expect(await directory.resolveRecipient('alice@pending.example')).toEqual({ kind: 'elsewhere' });
    await verify(organization, 'example.com');
    await directory.createAlias(organization, alice, 'alice@example.com');
    expect(await directory.resolveRecipient('alice@EXAMPLE.com')).toMatchObject({ kind: 'mailbox' });
  });
});

describe('a user', () => {
  it('is disabled until registered, then has a mailbox and receives by every address', async () => {
    const { directory, organization, database, clock } = await withOrganization();
    const id = await directory.createUser(organization, { ...user('Alice'), firstName: 'Alice' });
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await directory.describeUser(organization, 'aLICE')).toMatchObject({
      id,
      name: 'Alice',
      firstName: 'Alice',
      lastName: undefined,
      state: 'DISABLED',
      addresses: [],
    });
    const ref = { organization, mailbox: mailboxOf(id) };
    expect(await directory.account(ref)).toBeUndefined();
    await directory.registerToWorkMail(organization, 'alice', 'Alice@Acme.Mailstead.Test');
    await directory.createAlias(organization, id, 'a.smith@acme.mailstead.test');
    const account = {
      organization,
      entity: id,
      mailbox: ref,
      address: 'alice@acme.mailstead.test',
      addresses: ['alice@acme.mailstead.test', 'a.smith@acme.mailstead.test'],
      displayName: 'ALICE',
    };
    expect(await directory.account(ref)).toEqual(account);
    for (const address of [
      'ALICE@acme.mailstead.TEST',
      'alice+tag+x@acme.mailstead.test',
      'A.Smith@acme.mailstead.test',
    ]) {
      expect(await directory.resolveRecipient(address)).toEqual({ kind: 'mailbox', account });
    }
    expect(await database.mail.mailbox(ref).folders()).toHaveLength(10);
    expect(await directory.describeUser(organization, 'a.smith@acme.mailstead.test')).toMatchObject({
      state: 'ENABLED',
      enabledMs: clock.now(),
      mailboxProvisionedMs: clock.now(),
    });
  });

  it('is found by nobody else: other addresses are unknown, other domains elsewhere', async () => {
    const { directory, organization } = await withOrganization();
    await enabledUser(directory, organization, 'alice');
    for (const [address, kind] of [
      ['bob@acme.mailstead.test', 'unknown'],
      ['+alice@acme.mailstead.test', 'unknown'],
      ['alice@other.mailstead.test', 'elsewhere'],
      ['alice@example.com', 'elsewhere'],
      ['alice@[127.0.0.1]', 'elsewhere'],
      ['alice', 'unknown'],
      ['', 'unknown'],
      ['alice@', 'unknown'],
      ['a'.repeat(5000), 'unknown'],
    ]) {
      expect(await directory.resolveRecipient(address ?? '')).toEqual({ kind });
    }
  });

  it('with the exact address gets mail that another one would get by a tag', async () => {
    const { directory, organization } = await withOrganization();
    const alice = await enabledUser(directory, organization, 'alice');
    const bob = await enabledUser(directory, organization, 'bob');
    const address = 'alice+lists@acme.mailstead.test';
    expect(await directory.resolveRecipient(address)).toMatchObject({ account: { entity: alice } });
    await directory.createAlias(organization, bob, address);
    expect(await directory.resolveRecipient(address)).toMatchObject({ account: { entity: bob } });
  });

  it('has a name nobody else in the organisation has, and no reserved one', async () => {
    const { directory, organization } = await withOrganization();
    const other = await directory.createOrganization({ alias: 'other' });
    await directory.createUser(organization, user('alice'));
    await directory.createUser(other, user('alice'));
    await expect(directory.createUser(organization, user('ALICE'))).rejects.toEqual(refused('name/in-use'));
    await expect(directory.createUser(organization, user('Administrator'))).rejects.toEqual(
      refused('name/reserved'),
    );
    for (const name of ['', 'a b', 'a@b', 'ä', '../x', 'a'.repeat(65)]) {
      await expect(directory.createUser(organization, user(name))).rejects.toEqual(
        refused('request/invalid'),
      );
    }
    await expect(directory.createUser(organization, { ...user('carol'), password: 'short' })).rejects.toEqual(
      refused('password/invalid'),
    );
    await expect(directory.describeUser(organization, 'carol')).rejects.toEqual(refused('entity/not-found'));
  });

  it('is never answered for from memory once a change is done', async () => {
    const { directory, organization } = await withOrganization();
    const id = await enabledUser(directory, organization, 'alice');
    const address = 'alice@acme.mailstead.test';
    for (let round = 0; round < 20; round++) {
      const lookups = Array.from({ length: 5 }, () => directory.resolveRecipient(address));
      const change = directory.deregisterFromWorkMail(organization, id);
      lookups.push(directory.resolveRecipient(address));
      await change;
      expect(await directory.resolveRecipient(address)).toEqual({ kind: 'disabled' });
      await Promise.all(lookups);
      expect(await directory.resolveRecipient(address)).toEqual({ kind: 'disabled' });
      await directory.registerToWorkMail(organization, id, address);
      expect(await directory.resolveRecipient(address)).toMatchObject({ kind: 'mailbox' });
    }
  });

  it('looked up while a change lands is not remembered as before it', async () => {
    const { directory, organization, database, clock } = await withOrganization();
    await enabledUser(directory, organization, 'alice');
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    let reads = 0;
    class SlowStore extends StoredDirectory {
      override async entity(...of: Parameters<StoredDirectory['entity']>) {
        const entity = await super.entity(...of);
        reads++;
        await held;
        return entity;
      }
    }
    const lookups = new Lookups(new SlowStore(database), 'mail.example.com');
    const ref = {
      organization,
      mailbox: mailboxOf((await directory.describeUser(organization, 'alice')).id),
    };
    const before = [lookups.resolveRecipient('alice@acme.mailstead.test'), lookups.account(ref)];
    while (reads < 2) await new Promise((done) => setImmediate(done));
    clock.move(1);
    await directory.deregisterFromWorkMail(organization, 'alice');
    lookups.forget({ organization });
    release();
    await Promise.all(before);
    expect(await lookups.resolveRecipient('alice@acme.mailstead.test')).toEqual({ kind: 'disabled' });
    expect(await lookups.account(ref)).toBeUndefined();
  });

  it('looked up is remembered until its own organisation changes, whatever others do', async () => {
    const { directory, organization, database } = await withOrganization();
    const other = await directory.createOrganization({ alias: 'other' });
    await enabledUser(directory, organization, 'alice');
    let reads = 0;
    class CountingStore extends StoredDirectory {
      override addressHolder(...of: Parameters<StoredDirectory['addressHolder']>) {
        reads++;
        return super.addressHolder(...of);
      }
    }
    const lookups = new Lookups(new CountingStore(database), 'mail.example.com');
    const lookUp = async () => {
      await lookups.resolveRecipient('alice@acme.mailstead.test');
      return reads;
    };
    expect([await lookUp(), await lookUp()]).toEqual([1, 1]);
    lookups.forget({ organization: other });
    expect(await lookUp()).toBe(1);
    lookups.forget({ organization });
    expect(await lookUp()).toBe(2);
  });

  it('of one name is made once when two ask at the same time', async () => {
    const { directory, organization } = await withOrganization();
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => directory.createUser(organization, user('alice'))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((await directory.listUsers(organization, {}, undefined, 10)).rows).toHaveLength(1);
  });

  it('gets no address that is taken, reserved, malformed or of a domain not ours', async () => {
    const { directory, organization, verify } = await withOrganization();
    const other = await directory.createOrganization({ alias: 'other' });
    await verify(other, 'example.com');
    await enabledUser(directory, organization, 'alice');
    const bob = await directory.createUser(organization, user('bob'));
    for (const [address, code] of [
      ['alice@acme.mailstead.test', 'address/in-use'],
      ['ALICE@ACME.mailstead.test', 'address/in-use'],
      ['journaling@acme.mailstead.test', 'address/in-use'],
      ['bob@example.com', 'domain/not-found'],
      ['bob@nowhere.example', 'domain/not-found'],
      ['bob', 'address/invalid'],
      ['bob..x@acme.mailstead.test', 'address/invalid'],
      ['"b ob"@acme.mailstead.test', 'address/invalid'],
      [`${'b'.repeat(65)}@acme.mailstead.test`, 'address/invalid'],
      ['bob@acme.mailstead.test\r\nx', 'address/invalid'],
    ] as const) {
      await expect(directory.registerToWorkMail(organization, bob, address)).rejects.toEqual(refused(code));
    }
    expect(await directory.describeUser(organization, bob)).toMatchObject({ state: 'DISABLED' });
  });

  it('of two who want one address at the same time, in two organisations or one, one gets it', async () => {
    const { directory, organization } = await withOrganization();
    const ids = await Promise.all(
      ['a', 'b', 'c'].map((name) => directory.createUser(organization, user(name))),
    );
    const results = await Promise.allSettled(
      ids.map((id) => directory.registerToWorkMail(organization, id, 'sales@acme.mailstead.test')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const enabled = await directory.listUsers(organization, { state: 'ENABLED' }, undefined, 10);
    expect(enabled.rows).toHaveLength(1);
  });

  it('registered again with the same address stays as it is, with another one is refused', async () => {
    const { directory, organization, clock } = await withOrganization();
    const id = await enabledUser(directory, organization, 'alice');
    const before = await directory.describeUser(organization, id);
    clock.move(1000);
    await directory.registerToWorkMail(organization, id, 'ALICE@acme.mailstead.test');
    expect(await directory.describeUser(organization, id)).toEqual(before);
    await expect(directory.registerToWorkMail(organization, id, 'other@acme.mailstead.test')).rejects.toEqual(
      refused('entity/already-registered'),
    );
  });

  it('that is disabled refuses mail, keeps the mailbox, and comes back with its aliases', async () => {
    const { directory, organization, database } = await withOrganization();
    const due = async () => (await database.store.page(systemPart(), systemRows.due.range())).rows.length;
    const id = await enabledUser(directory, organization, 'alice');
    await directory.createAlias(organization, id, 'a@acme.mailstead.test');
    await directory.createAlias(organization, id, 'b@acme.mailstead.test');
    await directory.deregisterFromWorkMail(organization, id);
    expect(await directory.resolveRecipient('alice@acme.mailstead.test')).toEqual({ kind: 'disabled' });
    expect(await directory.account({ organization, mailbox: mailboxOf(id) })).toBeUndefined();
    expect(await directory.listAliases(organization, id)).toEqual([]);
    expect(await due()).toBe(1);
    await expect(directory.describeUser(organization, 'a@acme.mailstead.test')).rejects.toEqual(
      refused('entity/not-found'),
    );
    for (const act of [
      () => directory.deregisterFromWorkMail(organization, id),
      () => directory.createAlias(organization, id, 'c@acme.mailstead.test'),
    ]) {
      await expect(act()).rejects.toEqual(refused('entity/state'));
    }
    const bob = await enabledUser(directory, organization, 'bob');
    await directory.createAlias(organization, bob, 'b@acme.mailstead.test');
    await directory.registerToWorkMail(organization, id, 'alice@acme.mailstead.test');
    expect(await due()).toBe(0);
    expect(await directory.listAliases(organization, id)).toEqual([
      'a@acme.mailstead.test',
      'alice@acme.mailstead.test',
    ]);
    expect(await directory.resolveRecipient('b@acme.mailstead.test')).toMatchObject({
      account: { entity: bob },
    });
  });

  it('that is deleted is refused everything', async () => {
    const { directory, organization, store } = await withOrganization();
    const id = await directory.createUser(organization, user('alice'));
    const entity = await directory.describeUser(organization, id);
    await store.transact(organization, async (tx) => tx.putEntity({ ...entity, state: 'DELETED' }));
    for (const act of [
      () => directory.registerToWorkMail(organization, id, 'alice@acme.mailstead.test'),
      () => directory.deregisterFromWorkMail(organization, id),
      () => directory.resetPassword(organization, id, 'Password-2'),
      () => directory.createAlias(organization, id, 'alice@acme.mailstead.test'),
      () => directory.listAliases(organization, id),
    ]) {
      await expect(act()).rejects.toEqual(refused('entity/state'));
    }
  });

  it('may have 100 aliases, each once', async () => {
    const { directory, organization } = await withOrganization();
    const id = await enabledUser(directory, organization, 'alice');
    for (let i = 0; i < 100; i++) await directory.createAlias(organization, id, `a${i}@acme.mailstead.test`);
    await directory.createAlias(organization, id, 'A7@acme.mailstead.test');
    await expect(directory.createAlias(organization, id, 'one-more@acme.mailstead.test')).rejects.toEqual(
      refused('limit/exceeded'),
    );
    expect(await directory.listAliases(organization, id)).toHaveLength(101);
  });

  it('is listed in order of id, filtered, page by page', async () => {
    const { directory, organization } = await withOrganization();
    const ids: EntityId[] = [];
    for (const name of ['alice', 'adam', 'bob']) ids.push(await enabledUser(directory, organization, name));
    const disabled = await directory.createUser(organization, user('anna'));
    const pages: EntityId[][] = [];
    let after: EntityId | undefined;
    do {
      const page = await directory.listUsers(organization, { namePrefix: 'A' }, after, 2);
      pages.push(page.rows.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    expect(pages.flat()).toEqual([ids[0], ids[1], disabled].sort());
    const list = async (filter: Parameters<Directory['listUsers']>[1]) =>
      (await directory.listUsers(organization, filter, undefined, 10)).rows.map(({ name }) => name).sort();
    expect(await list({ state: 'DISABLED' })).toEqual(['anna']);
    expect(await list({ addressPrefix: 'b' })).toEqual(['bob']);
    expect(await list({ displayNamePrefix: 'ad' })).toEqual(['adam']);
    expect(await list({ state: 'DELETED' })).toEqual([]);
  });

  it('is told of by onChange when password, state or address changes, until taken back', async () => {
    const { directory, organization } = await withOrganization();
    const told: EntityId[] = [];
    const stop = directory.onChange((entity) => told.push(entity));
    const id = await enabledUser(directory, organization, 'alice');
    await directory.createAlias(organization, id, 'a@acme.mailstead.test');
    await directory.resetPassword(organization, id, 'Password-2');
    await directory.deregisterFromWorkMail(organization, id);
    expect(told).toEqual([id, id, id, id]);
    stop();
    await directory.resetPassword(organization, id, 'Password-3');
    expect(told).toHaveLength(4);
  });

  it('is the same after a restart', async () => {
    const options = {
      folder: await tempFolder(),
      inlineBodyBytes: 32 * 1024,
      now: () => 1_800_000_000_000,
      onFatal: (error: unknown) => {
        throw error;
      },
    };
    const settings = { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 };
    const outside = { clock: fixedClock(0), random: { bytes: (length: number) => randomBytes(length) } };
    const openAgain = async () => {
      const database = await openDatabase(options);
      const store = new StoredDirectory(database);
      return { database, directory: new Directory({ store, mailboxes: database.mail, outside, settings }) };
    };
    const first = await openAgain();
    const organization = await first.directory.createOrganization({ alias: 'acme' });
    await enabledUser(first.directory, organization, 'alice');
    const user = await first.directory.describeUser(organization, 'alice');
    const recipient = await first.directory.resolveRecipient('alice@acme.mailstead.test');
    await first.database.close();
    const second = await openAgain();
    expect(await second.directory.describeUser(organization, 'alice')).toEqual(user);
    expect(await second.directory.resolveRecipient('alice@acme.mailstead.test')).toEqual(recipient);
    await second.database.close();
  });

  it('who leaves nothing in clear in the keys and values', async () => {
    const { directory, organization, database } = await withOrganization();
    await enabledUser(directory, organization, 'wilhelmina');
    for (const part of [systemPart(), organizationPart(organization)]) {
      const { rows } = await database.store.page(part, prefixRange(new Uint8Array(0)));
      expect(rows.length).toBeGreaterThan(2);
      for (const [k, v] of rows) {
        expect(Buffer.concat([k, v]).toString('latin1').toLowerCase()).not.toMatch(
          /wilhelmina|acme|mailstead/,
        );
      }
    }
  });
});

import { expect, test } from 'vitest';
import type { EntityId, OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { systemPart } from '#storage/keys';
import { systemRows } from '#storage/layout';
import { Choices } from '#test/support/choices';
import { countingStore } from '#test/support/counting-store';
import { count, openMaintained } from '#test/support/maintenance';
import type { Directory } from './directory.ts';
import { Lookups } from './lookups.ts';

const hostname = 'mail.example.com';

/** Asks every organisation, as it was before there were indexes. */
class Unindexed extends StoredDirectory {
  override namesakes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  override administeredOrganizations(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

async function open() {
  const site = await openMaintained();
  await site.run();
  const { database } = site;
  const unindexed = () => new Lookups(new Unindexed(database), hostname);
  const indexed = () => new Lookups(new StoredDirectory(database), hostname);
  return { ...site, unindexed, indexed };
}

async function addUser(directory: Directory, organization: OrganizationId, name: string, domain: string) {
  const id = await directory.createUser(organization, { name, displayName: name });
  await directory.registerToWorkMail(organization, id, `${name}@${domain}`);
  return id;
}

test('a sign-in name without a domain, and postmaster of this server, cost the same however many organisations there are', async () => {
  const { clock, directory, organization, database } = await open();
  await addUser(directory, organization, 'alice', 'acme.mailstead.test');
  await directory.putMailRouting(organization, { administrator: 'alice' });
  const reads = async () => {
    const { store, take } = countingStore(database.store);
    const lookups = () => new Lookups(new StoredDirectory({ ...database, store }), hostname);
    const nobody = [await lookups().userFor('nobody'), take()];
    const alice = [(await lookups().userFor('ALICE'))?.name, take()];
    const postmaster = [(await lookups().resolveRecipient(`postmaster@${hostname}`)).kind, take()];
    return { nobody, alice, postmaster };
  };
  const before = await reads();
  expect(before).toMatchObject({ nobody: [undefined, 2], alice: ['alice', expect.any(Number)] });
  expect(before.postmaster[0]).toBe('mailbox');
  for (let n = 0; n < 30; n++) {
    clock.move(1);
    const other = await directory.createOrganization({ alias: `other${n}` });
    const bob = await addUser(directory, other, 'bob', `other${n}.mailstead.test`);
    await directory.putMailRouting(other, { administrator: bob });
  }
  expect(await reads()).toEqual(before);
  // One that many have is found to mean nobody with the second.
  const { store, take } = countingStore(database.store);
  expect(await new Lookups(new StoredDirectory({ ...database, store }), hostname).userFor('bob')).toBe(
    undefined,
  );
  expect(take()).toBeLessThan(2 * Number(before.alice[1]));
});

test('a name that more than a hundred users have means nobody, though all but one are in other domains', async () => {
  const { directory, organization, database, indexed } = await open();
  await addUser(directory, organization, 'alice', 'acme.mailstead.test');
  const [alice] = (await directory.listUsers(organization, {}, undefined, 1)).rows;
  if (alice === undefined) throw new Error('nobody');
  const store = new StoredDirectory(database);
  const namesake = (n: number) => ({
    ...alice,
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as EntityId,
    name: `user${n}`,
    addresses: [`alice@example${n}.com`],
  });
  const add = (from: number, to: number) =>
    store.transact(organization, async (tx) => {
      for (let n = from; n < to; n++) tx.putEntity(namesake(n));
    });
  await add(0, 99);
  expect((await indexed().userFor('alice'))?.id).toBe(alice.id);
  await add(99, 100);
  expect(await indexed().userFor('alice')).toBeUndefined();
  expect((await indexed().userFor('acme\\alice'))?.id).toBe(alice.id);
});

test('a name is indexed for who has it, and an organisation for its administrator, as long as that is so', async () => {
  const { directory, organization: acme, database, run } = await open();
  const store = new StoredDirectory(database);
  const domain = 'acme.mailstead.test';
  await directory.domains.register(acme, 'example.com');
  const { domain: second } = await directory.domains.get(acme, 'example.com');
  await store.transact(acme, async (tx) => tx.putDomain(acme, { ...second, state: 'Verified' }));
  const indexed = async () => {
    const names = ['ann', 'sales', 'office'];
    const found = await Promise.all(names.map((name) => store.namesakes(name, 10)));
    const administered = (await store.administeredOrganizations(10))?.length === 1;
    return [...names.filter((_, at) => found[at]?.length === 1), ...(administered ? ['administered'] : [])];
  };
  const steps: readonly [() => Promise<unknown>, readonly string[]][] = [
    [() => directory.createUser(acme, { name: 'Ann', displayName: 'Ann' }), []],
    [() => directory.registerToWorkMail(acme, 'ann', `office@${domain}`), ['ann', 'office']],
    [() => directory.createAlias(acme, 'ann', `sales@${domain}`), ['ann', 'sales', 'office']],
    [() => directory.createAlias(acme, 'ann', 'Sales@example.com'), ['ann', 'sales', 'office']],
    [() => directory.deleteAlias(acme, 'ann', `sales@${domain}`), ['ann', 'sales', 'office']],
    [() => directory.updatePrimaryAddress(acme, 'ann', `ann@${domain}`), ['ann', 'sales', 'office']],
    [() => directory.deleteAlias(acme, 'ann', `office@${domain}`), ['ann', 'sales']],
    [() => directory.putMailRouting(acme, { administrator: 'ann' }), ['ann', 'sales', 'administered']],
    [() => directory.deregisterFromWorkMail(acme, 'ann'), ['administered']],
    [() => directory.putMailRouting(acme, {}), []],
    [() => directory.registerToWorkMail(acme, 'ann', 'ann@example.com'), ['ann', 'sales']],
    [() => directory.putMailRouting(acme, { administrator: 'ann' }), ['ann', 'sales', 'administered']],
    [() => directory.deregisterFromWorkMail(acme, 'ann'), ['administered']],
    [() => directory.users.delete(acme, 'ann'), []],
    [() => run(31 * 24 * 3_600_000), []],
  ];
  for (const [n, [step, expected]] of steps.entries()) {
    await step();
    expect(await indexed(), `step ${n}`).toEqual(expected);
  }
});

test.each([1, 2, 3])(
  'indexed names and administrators say what asking every organisation says, whatever was changed, seed %i',
  async (seed) => {
    const { directory, organization: acme, database, unindexed, indexed, run } = await open();
    const other = await directory.createOrganization({ alias: 'other' });
    const domainOf = (of: OrganizationId) => `${of === acme ? 'acme' : 'other'}.mailstead.test`;
    const store = new StoredDirectory(database);
    for (const organization of [acme, other]) {
      const name = `second.${domainOf(organization)}.example`;
      await directory.domains.register(organization, name);
      const { domain } = await directory.domains.get(organization, name);
      await store.transact(organization, async (tx) =>
        tx.putDomain(organization, { ...domain, state: 'Verified' }),
      );
    }
    const names = ['ann', 'ben', 'sales', 'office'];
    const choices = new Choices(seed);
    const draw = <T>(list: readonly T[]): T => list[choices.below(list.length)] as T;
    const addressIn = (of: OrganizationId) =>
      `${draw(names)}@${draw([domainOf(of), `second.${domainOf(of)}.example`])}`;
    const acts: readonly ((of: OrganizationId, who: string) => Promise<unknown>)[] = [
      (of, who) => directory.createUser(of, { name: who, displayName: who }),
      (of, who) => directory.registerToWorkMail(of, who, addressIn(of)),
      (of, who) => directory.registerToWorkMail(of, who, `${who}@${domainOf(of)}`),
      (of, who) => directory.deregisterFromWorkMail(of, who),
      (of, who) => directory.createAlias(of, who, addressIn(of)),
      (of, who) => directory.createAlias(of, who, addressIn(of)),
      (of, who) => directory.deleteAlias(of, who, addressIn(of)),
      (of, who) => directory.updatePrimaryAddress(of, who, addressIn(of)),
      (of) => directory.domains.setDefault(of, draw([domainOf(of), `second.${domainOf(of)}.example`])),
      (of, who) => directory.putMailRouting(of, { administrator: who }),
      (of) => directory.putMailRouting(of, {}),
      (of, who) => directory.users.delete(of, who),
      (of) => directory.removal.delete(of, { isForced: true }),
      (of) => directory.removal.restore(of),
      (of) => directory.removal.restore(of),
    ];
    let found = 0;
    for (let n = 0; n < 200; n++) {
      const [of, who] = [draw([acme, other]), draw(names)];
      // What is refused changes nothing.
      await draw(acts)(of, who).catch(() => undefined);
      const answers = async (lookups: Lookups) => [
        ...(await Promise.all(names.map((name) => lookups.userFor(name)))),
        await lookups.resolveRecipient('postmaster'),
      ];
      const expected = await answers(unindexed());
      expect(await answers(indexed()), `step ${n}`).toEqual(expected);
      found += expected.filter((one) => one !== undefined).length;
    }
    expect(found).toBeGreaterThan(200);
    // Nothing is left of what is gone for good.
    for (const of of [acme, other]) {
      await directory.removal.restore(of).catch(() => undefined);
      await directory.removal.delete(of, { isForced: true });
    }
    await run(31 * 24 * 3_600_000);
    const rest = (kind: 'signInName' | 'administered') =>
      count(database.store, systemPart(), systemRows[kind].range());
    expect([await rest('signInName'), await rest('administered')]).toEqual([0, 0]);
  },
);

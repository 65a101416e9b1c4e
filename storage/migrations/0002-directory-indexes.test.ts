import { expect, test } from 'vitest';
import { silentLogger } from '#telemetry/log';
import { count, dayMs, enabledUser, failingOnce, openMaintained } from '#test/support/maintenance';
import { indexedSince } from '../directory-indexes.ts';
import { organizationPart, systemPart } from '../keys.ts';
import { systemRows } from '../layout.ts';
import { Maintenance } from '../maintenance.ts';

const system = systemPart();
const kinds = ['signInName', 'administered'] as const;

/** Two organisations as an older version left them: without the rows by which they are found. */
async function openOld() {
  const site = await openMaintained();
  const { database, directory, organization: acme } = site;
  const alice = await enabledUser(directory, acme, 'alice');
  await directory.createAlias(acme, alice.id, 'sales@acme.mailstead.test');
  await directory.putMailRouting(acme, { administrator: 'alice' });
  const gone = await enabledUser(directory, acme, 'gone');
  await directory.deregisterFromWorkMail(acme, gone.id);
  const other = await directory.createOrganization({ alias: 'other' });
  const bob = await directory.createUser(other, { name: 'bob', displayName: 'Bob' });
  await directory.registerToWorkMail(other, bob, 'bob@other.mailstead.test');
  const rows = () =>
    Promise.all(kinds.map((kind) => count(database.store, system, systemRows[kind].range())));
  const whole = await rows();
  for (const kind of kinds) await database.store.deleteRange(system, systemRows[kind].range());
  const found = async () => {
    const named = await Promise.all(['alice', 'sales', 'bob', 'gone'].map((name) => directory.userFor(name)));
    return [...named.map((user) => user?.name), (await directory.resolveRecipient('postmaster')).kind];
  };
  return { ...site, other, rows, whole, found };
}

const everybody = ['alice', 'alice', 'bob', undefined, 'mailbox'];

test('0002: before it everybody is found as before, after it by the rows that newer versions write', async () => {
  const { database, rows, whole, found, run } = await openOld();
  expect(whole).toEqual([3, 1]);
  expect(await rows()).toEqual([0, 0]);
  expect(await found()).toEqual(everybody);
  await run();
  expect(await rows()).toEqual(whole);
  expect(await database.store.get(system, indexedSince)).toBeDefined();
  expect(await found()).toEqual(everybody);
});

test('0002: cut off anywhere it is gone on with by the next run, and nobody is missed meanwhile', async () => {
  const { database, clock, organization, other, rows, whole, found, run } = await openOld();
  const cuts = [
    // The transaction of the routing, that of the users, those of the other organisation, the last.
    [organizationPart(organization), 0],
    [organizationPart(organization), 1],
    [organizationPart(other), 1],
    [undefined, 0],
  ] as const;
  for (const [part, which] of cuts) {
    let seen = 0;
    const store = failingOnce(database.store, (parts) => {
      const isIt =
        part === undefined
          ? parts.length === 1 && parts[0] === system
          : parts.some((one) => one.name === part.name);
      return isIt && seen++ === which;
    });
    await new Maintenance({ ...database, store, clock, log: silentLogger })
      .runDue(clock.now())
      .catch(() => undefined);
    expect(await database.store.get(system, indexedSince)).toBeUndefined();
    expect(await found()).toEqual(everybody);
  }
  await run(dayMs);
  expect(await rows()).toEqual(whole);
  expect(await found()).toEqual(everybody);
});

test('0002: who is changed while it runs has the rows of what they are then', async () => {
  const { directory, organization, rows, found, run } = await openOld();
  const running = run();
  await directory.deleteAlias(organization, 'alice', 'sales@acme.mailstead.test');
  await directory.putMailRouting(organization, {});
  await running;
  expect(await rows()).toEqual([2, 0]);
  expect(await found()).toEqual(['alice', undefined, 'bob', undefined, 'unknown']);
});

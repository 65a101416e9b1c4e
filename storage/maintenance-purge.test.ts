import { expect, test } from 'vitest';
import { type DeviceId, type EntityId, mailboxOf } from '#domain/ids';
import { silentLogger } from '#telemetry/log';
import {
  addLarge,
  count,
  dayMs,
  enabledUser,
  failingOnce,
  inbox,
  largeItem,
  openMaintained as open,
  partOf,
  traces,
} from '#test/support/maintenance';
import { newItem } from '#test/support/new-item';
import { StoredDirectory } from './directory-store.ts';
import { idBytes, organizationPart, prefixRange, systemPart } from './keys.ts';
import { organizationRows, systemRows } from './layout.ts';
import { Maintenance } from './maintenance.ts';
import { StoredPolicies } from './policy-store.ts';

const phone = 'phone1' as DeviceId;
const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });

test('a mailbox disabled for 30 days is removed, with its references and devices, and nothing else', async () => {
  const { clock, database, directory, organization, run } = await open();
  const alice = await enabledUser(directory, organization, 'alice');
  const bob = await enabledUser(directory, organization, 'bob');
  const item = await largeItem(database, organization);
  const deleted = await largeItem(database, organization);
  for (const { ref } of [alice, bob]) await addLarge(database, ref, item);
  const gone = await addLarge(database, alice.ref, deleted);
  const policies = new StoredPolicies(database);
  for (const { ref } of [alice, bob]) await policies.addDevice(ref, phone);
  await directory.deregisterFromWorkMail(organization, 'alice');
  await run(30 * dayMs - 1);
  expect((await database.mail.mailbox(alice.ref).usage()).items).toBe(2);
  await database.mail.transact([alice.ref], (of) => of(alice.ref).deleteItem(gone));

  await run(1);
  expect(await count(database.store, partOf(alice.ref), prefixRange(new Uint8Array(0)))).toBe(0);
  expect(await traces(database, organization, item.blob)).toMatchObject({ references: 1 });
  expect(await traces(database, organization, deleted.blob)).toMatchObject({ references: 0 });
  expect(await count(database.store, systemPart(), systemRows.due.range())).toBe(0);
  const entries = organizationRows.deviceEntry;
  const inOrganization = organizationPart(organization);
  expect(await count(database.store, inOrganization, entries.range(idBytes(alice.ref.mailbox)))).toBe(0);
  expect(await count(database.store, inOrganization, entries.range(idBytes(bob.ref.mailbox)))).toBe(1);
  expect((await database.mail.mailbox(bob.ref).usage()).items).toBe(1);
  const removedMs = async () => (await directory.describeUser(organization, alice.id)).mailboxDeprovisionedMs;
  expect(await removedMs()).toBe(clock.now());

  // The user is still there; enabled again, it has a new and empty mailbox, whose numbers go on.
  await directory.registerToWorkMail(organization, alice.id, 'alice@acme.mailstead.test');
  expect(await removedMs()).toBeUndefined();
  const reader = database.mail.mailbox(alice.ref);
  expect(await reader.folders()).toHaveLength(10);
  expect(await reader.usage()).toEqual({ bytes: 0, items: 0 });
  const added = await database.mail.transact([alice.ref], (of) =>
    of(alice.ref).addItem(inbox, newItem('new', clock.now())),
  );
  expect(added.id).toBeGreaterThan(gone.id);
  await run(60 * dayMs);
  expect((await reader.usage()).items).toBe(1);
});

test("the mailbox of a resource goes as a user's does, also when the resource is deleted before", async () => {
  const { clock, database, directory, organization, run } = await open();
  const store = new StoredDirectory(database);
  const room = async (name: string) => {
    const made = { name, type: 'ROOM', description: undefined, hiddenFromGlobalAddressList: false } as const;
    const id = await directory.resources.create(organization, made);
    await directory.registerToWorkMail(organization, id, `${name}@acme.mailstead.test`);
    const ref = { organization, mailbox: mailboxOf(id) };
    return { id, ref, folders: async () => (await database.mail.mailbox(ref).folders()).length };
  };
  const [blue, red, green] = [await room('blue'), await room('red'), await room('green')];
  // As if it had been enabled while the maintenance was about to remove it.
  await store.transact(organization, async (tx) => tx.putPurge(clock.now(), green.ref));
  for (const { id } of [blue, red]) await directory.deregisterFromWorkMail(organization, id);
  await directory.resources.delete(organization, red.id);
  await run(30 * dayMs - 1);
  expect([await blue.folders(), await red.folders(), await green.folders()]).toEqual([10, 10, 10]);
  await run(1);
  expect([await blue.folders(), await red.folders(), await green.folders()]).toEqual([0, 0, 10]);
  expect(await count(database.store, systemPart(), systemRows.due.range())).toBe(0);
  await directory.registerToWorkMail(organization, blue.id, 'blue@acme.mailstead.test');
  await run(60 * dayMs);
  expect(await blue.folders()).toBe(10);
  // One that was deleted while it was registered leaves nothing behind either.
  const made = {
    name: 'van',
    type: 'EQUIPMENT',
    description: 'A van',
    hiddenFromGlobalAddressList: true,
  } as const;
  const van = await directory.resources.create(organization, made);
  const ref = { organization, mailbox: mailboxOf(van) };
  await database.mail.createMailbox(ref);
  await directory.resources.delete(organization, van);
  await run(30 * dayMs);
  expect(await database.mail.mailbox(ref).folders()).toHaveLength(0);
  expect(await count(database.store, systemPart(), systemRows.due.range())).toBe(0);
});

test('a mailbox enabled in time, or disabled again later, is not removed', async () => {
  const { database, directory, organization, run } = await open();
  const alice = await enabledUser(directory, organization, 'alice');
  await directory.deregisterFromWorkMail(organization, 'alice');
  await run(29 * dayMs);
  await directory.registerToWorkMail(organization, alice.id, 'alice@acme.mailstead.test');
  await directory.deregisterFromWorkMail(organization, 'alice');
  await run(29 * dayMs);
  expect(await database.mail.mailbox(alice.ref).folders()).toHaveLength(10);
  await run(dayMs);
  expect(await database.mail.mailbox(alice.ref).folders()).toHaveLength(0);
});

test('a removal that was broken off is finished by the next run; until then the user is not enabled', async () => {
  const { clock, database, directory, organization, run } = await open();
  const alice = await enabledUser(directory, organization, 'alice');
  const bob = await enabledUser(directory, organization, 'bob');
  for (const name of ['alice', 'bob']) await directory.deregisterFromWorkMail(organization, name);
  const first = [alice, bob].sort((a, b) => (a.id < b.id ? -1 : 1))[0] ?? alice;
  const store = failingOnce(database.store, (_parts, kind) => kind === 'deleteRange');
  clock.move(30 * dayMs);
  await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
  const second = first === alice ? bob : alice;
  expect(await database.mail.mailbox(first.ref).folders()).toHaveLength(10);
  expect(await database.mail.mailbox(second.ref).folders()).toHaveLength(0);
  const register = (id: EntityId) =>
    directory.registerToWorkMail(organization, id, `x${id}@acme.mailstead.test`);
  await expect(register(first.id)).rejects.toEqual(refused('entity/state'));
  await register(second.id);
  await run();
  expect(await database.mail.mailbox(first.ref).folders()).toHaveLength(0);
  await register(first.id);
  expect(await database.mail.mailbox(first.ref).folders()).toHaveLength(10);
  expect(await database.mail.mailbox(second.ref).folders()).toHaveLength(10);
});

test('a deleted user goes for good with its mailbox in 30 days, also when its removal had begun', async () => {
  const { clock, database, directory, organization, run } = await open();
  const alice = await enabledUser(directory, organization, 'alice');
  const never = await directory.createUser(organization, { name: 'never', displayName: 'never' });
  await directory.deregisterFromWorkMail(organization, 'alice');
  // Broken off in the middle, thirty days after it was disabled.
  clock.move(30 * dayMs);
  const store = failingOnce(database.store, (_parts, kind) => kind === 'deleteRange');
  await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
  for (const id of [alice.id, never]) await directory.users.delete(organization, id);
  const again = await enabledUser(directory, organization, 'alice');
  await run(30 * dayMs - 1);
  for (const id of [alice.id, never]) {
    expect(await directory.describeUser(organization, id)).toMatchObject({ state: 'DELETED' });
  }
  await run(1);
  for (const id of [alice.id, never]) {
    await expect(directory.describeUser(organization, id)).rejects.toEqual(refused('entity/not-found'));
  }
  expect(await count(database.store, partOf(alice.ref), prefixRange(new Uint8Array(0)))).toBe(0);
  expect(await count(database.store, systemPart(), systemRows.due.range())).toBe(0);
  expect(await directory.describeUser(organization, 'alice')).toMatchObject({ id: again.id });
});

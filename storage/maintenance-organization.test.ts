import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { AccessKeys } from '#directory/access-keys';
import { silentLogger } from '#telemetry/log';
import {
  addLarge,
  count,
  dayMs,
  enabledUser,
  failingOnce,
  largeItem,
  openMaintained,
  partOf,
} from '#test/support/maintenance';
import { StoredAccessKeys } from './access-key-store.ts';
import { blobPart, idBytes, organizationPart, prefixRange, systemPart } from './keys.ts';
import { systemRows } from './layout.ts';
import { Maintenance } from './maintenance.ts';
import type { Store } from './store.ts';

const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });
const whole = prefixRange(new Uint8Array(0));
const system = systemPart();

/** Two organisations, each with a user, a disabled one, a body, an own domain and an access key; acme is deleted. */
async function open() {
  const site = await openMaintained();
  const { clock, database, directory, organization: acme } = site;
  const random = { bytes: randomBytes };
  const keys = new AccessKeys(new StoredAccessKeys(database), { clock, random });
  const other = await directory.createOrganization({ alias: 'other', domains: ['other.example'] });
  await directory.domains.register(acme, 'acme.example');
  const alice = await enabledUser(directory, acme, 'alice');
  const gone = await enabledUser(directory, acme, 'gone');
  await directory.deregisterFromWorkMail(acme, gone.id);
  const room = await directory.resources.create(acme, {
    name: 'room',
    type: 'ROOM',
    hiddenFromGlobalAddressList: false,
  });
  await directory.registerToWorkMail(acme, room, 'room@acme.mailstead.test');
  await directory.deregisterFromWorkMail(acme, room);
  await directory.resources.delete(acme, room);
  const bodies = [await largeItem(database, acme), await largeItem(database, other)] as const;
  await addLarge(database, alice.ref, bodies[0]);
  const bob = await directory.createUser(other, { name: 'bob', displayName: 'bob' });
  await directory.registerToWorkMail(other, bob, 'bob@other.mailstead.test');
  const bobs = { organization: other, mailbox: bob as string as typeof alice.ref.mailbox };
  await addLarge(database, bobs, bodies[1]);
  const grant = { managed: 'AmazonWorkMailFullAccess' } as const;
  await keys.create(acme, 'acme', grant);
  await keys.create(other, 'other', grant);
  await directory.putMailRouting(acme, { administrator: 'alice' });
  await directory.removal.delete(acme, { isForced: true });
  return { ...site, acme, other, alice, gone, bobs, bodies };
}

type Site = Awaited<ReturnType<typeof open>>;

/** How many rows there are of what an organisation has. */
async function rowsOf({ database: { store } }: Site, id: Site['acme'], mailboxes: readonly Site['bobs'][]) {
  const parts = [
    organizationPart(id),
    ...mailboxes.map(partOf),
    ...Array.from({ length: 256 }, (_, first) => blobPart(id, first)),
  ];
  let rows = 0;
  for (const part of parts) rows += await count(store, part, whole);
  for (const row of [systemRows.dataKey, systemRows.organization, systemRows.accessKeyOwner] as const) {
    rows += await count(store, system, row.range(idBytes(id)));
  }
  return rows;
}

const kinds = [
  'domainOwner',
  'address',
  'alias',
  'due',
  'accessKey',
  'dataKey',
  'signInName',
  'administered',
] as const;
async function systemCounts({ store }: { readonly store: Store }) {
  const counts = await Promise.all(kinds.map((kind) => count(store, system, systemRows[kind].range())));
  return Object.fromEntries(kinds.map((kind, at) => [kind, counts[at]]));
}

test('an organisation deleted for 30 days is removed with all it has, and nothing of others', async () => {
  const site = await open();
  const { acme, other, alice, gone, bobs, bodies, database, directory, run } = site;
  const before = await rowsOf(site, other, [bobs]);
  await run(30 * dayMs - 1);
  expect(await directory.findOrganization(acme)).toMatchObject({ state: 'Deleted' });
  expect((await database.mail.mailbox(alice.ref).usage()).items).toBe(1);
  // Mail that it has sent is still signed.
  expect(await directory.domains.defaultDomain(acme)).toBe('acme.mailstead.test');

  await run(1);
  expect(await directory.findOrganization(acme)).toBeUndefined();
  expect(await rowsOf(site, acme, [alice.ref, gone.ref])).toBe(0);
  expect(await rowsOf(site, other, [bobs])).toBe(before);
  expect(await systemCounts(database)).toEqual({
    domainOwner: 2,
    address: 1,
    alias: 1,
    due: 0,
    accessKey: 1,
    dataKey: 2,
    signInName: 1,
    administered: 0,
  });
  expect(database.keys.has(acme)).toBe(false);
  await expect(directory.removal.restore(acme)).rejects.toEqual(refused('organization/not-found'));
  // A backup that is under way has the file of each row it took; the next sweep takes the file.
  expect(await database.blobs.list()).toHaveLength(2);
  await run(dayMs);
  expect((await database.blobs.list()).map(({ id }) => Buffer.from(id))).toEqual([
    Buffer.from(bodies[1].blob),
  ]);

  const again = await directory.createOrganization({ alias: 'acme', domains: ['acme.example'] });
  await enabledUser(directory, again, 'alice');
  expect(await directory.resolveRecipient('alice@acme.mailstead.test')).toMatchObject({
    account: { organization: again },
  });
});

test('one restored in time is not removed; from the time of its removal on it cannot be restored', async () => {
  const { acme, directory, run, clock } = await open();
  clock.move(30 * dayMs - 1);
  await directory.removal.restore(acme);
  await run(dayMs);
  expect(await directory.resolveRecipient('alice@acme.mailstead.test')).toMatchObject({ kind: 'mailbox' });
  await directory.removal.delete(acme, { isForced: true });
  clock.move(30 * dayMs);
  await expect(directory.removal.restore(acme)).rejects.toEqual(refused('organization/state'));
});

test('a removal that is broken off anywhere is finished by the next run', async () => {
  const site = await open();
  const { acme, alice, gone, database, clock, directory, run } = site;
  clock.move(30 * dayMs);
  const cut = async (isBroken: Parameters<typeof failingOnce>[1]) => {
    const store = failingOnce(database.store, isBroken);
    await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
    expect(await directory.findOrganization(acme)).toMatchObject({ state: 'Deleted' });
  };
  const named = (part: { readonly name: string }) => (parts: readonly { readonly name: string }[]) =>
    parts.length === 1 && parts[0]?.name === part.name;
  for (const part of [partOf(alice.ref), blobPart(acme, 255), organizationPart(acme)]) {
    await cut((parts, kind) => kind === 'deleteRange' && named(part)(parts));
  }
  await run();
  expect(await rowsOf(site, acme, [alice.ref, gone.ref])).toBe(0);
  expect(await directory.findOrganization(acme)).toBeUndefined();
});

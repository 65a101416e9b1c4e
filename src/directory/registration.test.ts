import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { StoredDirectory } from '#storage/directory-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';

const acme = 'acme.mailstead.test';
const own = 'acme.example';

/** An organisation with a verified domain of its own beside its test domain, and a room. */
async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const database = await tempDatabase({ clock });
  const store = new StoredDirectory(database);
  const directory = new Directory({
    store,
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mx.example.net', maxDomains: 100 },
  });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const addDomain = async () => {
    await directory.domains.register(organization, own);
    const { domain } = await directory.domains.get(organization, own);
    await store.transact(organization, async (tx) =>
      tx.putDomain(organization, { ...domain, state: 'Verified' }),
    );
  };
  await addDomain();
  const room = await directory.resources.create(organization, {
    name: 'blue',
    type: 'ROOM',
    hiddenFromGlobalAddressList: false,
  });
  return { directory, store, organization, addDomain, room };
}

const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });

test('an address in a domain that went meanwhile belongs to nobody when its owner is enabled without it', async () => {
  const { directory, store, organization, addDomain, room } = await open();
  await directory.registerToWorkMail(organization, room, `blue@${acme}`);
  await directory.createAlias(organization, room, `blue@${own}`);
  await directory.deregisterFromWorkMail(organization, room);
  await directory.domains.deregister(organization, own);
  await directory.registerToWorkMail(organization, room, `blue@${acme}`);
  expect(await directory.listAliases(organization, room)).toEqual([`blue@${acme}`]);
  expect(await store.addressHolder(`blue@${own}`)).toBeUndefined();
  // The domain comes back: its mail for nobody is not taken for mail to a disabled mailbox.
  await addDomain();
  expect(await directory.resolveRecipient(`blue@${own}`)).toEqual({ kind: 'unknown' });
  await directory.createAlias(organization, room, `blue@${own}`);
  expect(await directory.resolveRecipient(`blue@${own}`)).toMatchObject({ kind: 'mailbox' });
});

test('a resource that has an address whose mail somebody is to read from before does not get it back', async () => {
  const { directory, store, organization, room } = await open();
  await directory.registerToWorkMail(organization, room, `blue@${acme}`);
  const { addresses, ...resource } = await directory.resources.describe(organization, room);
  const abuse = `abuse@${acme}`;
  await store.transact(organization, async (tx) => {
    tx.putAddress(abuse, { organization, entity: room, released: false });
    tx.putEntity({ ...resource, addresses: [...addresses, abuse] });
  });
  await directory.deregisterFromWorkMail(organization, room);
  await directory.registerToWorkMail(organization, room, `blue@${acme}`);
  expect(await directory.listAliases(organization, room)).toEqual([`blue@${acme}`]);
  expect(await store.addressHolder(abuse)).toBeUndefined();
});

test('disabling and enabling by another address leaves nobody with more than 100 aliases', async () => {
  const { directory, organization, room } = await open();
  await directory.registerToWorkMail(organization, room, `blue@${acme}`);
  for (let n = 1; n <= 100; n++) {
    await directory.createAlias(organization, room, `blue-${n}@${acme}`);
  }
  await directory.deregisterFromWorkMail(organization, room);
  await expect(directory.registerToWorkMail(organization, room, `red@${acme}`)).rejects.toEqual(
    refused('limit/exceeded'),
  );
  expect(await directory.resolveRecipient(`red@${acme}`)).toEqual({ kind: 'unknown' });
  await directory.registerToWorkMail(organization, room, `blue-7@${acme}`);
  expect(await directory.resources.describe(organization, room)).toMatchObject({ state: 'ENABLED' });
  expect(await directory.listAliases(organization, room)).toHaveLength(101);
});

test('somebody whose name has the form of an id is found by it', async () => {
  const { directory, organization, room } = await open();
  for (const name of ['0b6f7c1e-2d3a-4b5c-8d9e-0f1a2b3c4d5e', `r-${'e'.repeat(32)}`]) {
    const id = await directory.createUser(organization, { name, displayName: 'Imported' });
    await directory.registerToWorkMail(organization, name.toUpperCase(), `${name}@${acme}`);
    expect(await directory.describeUser(organization, name)).toMatchObject({ id, state: 'ENABLED' });
  }
  // An id comes before a name.
  const name = room;
  await directory.createUser(organization, { name, displayName: 'Mistaken' });
  expect(await directory.describeEntity(organization, room)).toMatchObject({ id: room, kind: 'resource' });
});

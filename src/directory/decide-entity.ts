/** Decisions on users, and on the addresses of all entities, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { domainOf, ownableAddress, withoutTag } from './address.ts';
import { canonicalAddress, canonicalName } from './canonical-name.ts';
import { activeOrganization } from './decide-organization.ts';
import { isRoleAddress } from './mail-routing.ts';
import { journalingAddress, type Organization } from './organization.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import { isResourceId } from './resource.ts';
import { type Entity, hasMailbox, type MailboxOwner, type User, userName } from './user.ts';

/** How long the mailbox of a disabled user or resource is kept. */
export const keepDisabledMs = 30 * 24 * 60 * 60 * 1000;
const maxAliases = 100;

/** Of the variants that are no resource's. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){2}-[0-9a-d][0-9a-f]{3}-[0-9a-f]{12}$/;

/** findEntity finds one by its id, one of its addresses, or its name. */
export async function findEntity(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<Entity | undefined> {
  const id = idOrAddressOrName.toLowerCase();
  if (uuid.test(id) || isResourceId(id)) {
    const known = await reader.entity(organization, id as EntityId);
    if (known !== undefined) return known;
  }
  const address = canonicalAddress(idOrAddressOrName);
  if (domainOf(address) !== undefined) {
    const holder = await reader.addressHolder(address);
    if (holder?.organization === organization && !holder.released) {
      return reader.entity(organization, holder.entity);
    }
  }
  const named = await namedSo(reader, organization, canonicalName(idOrAddressOrName));
  return named === undefined ? undefined : reader.entity(organization, named);
}

async function namedSo(
  reader: DirectoryReader,
  organization: OrganizationId,
  name: string,
): Promise<EntityId | undefined> {
  const [user, group, resource] = await Promise.all([
    reader.entityByName(organization, 'user', name),
    reader.entityByName(organization, 'group', name),
    reader.entityByName(organization, 'resource', name),
  ]);
  return user ?? group ?? resource;
}

/** checkNameFree throws DomainError name/in-use: a name means one entity: a user, a group or a resource. */
export async function checkNameFree(
  reader: DirectoryReader,
  organization: OrganizationId,
  name: string,
): Promise<void> {
  if ((await namedSo(reader, organization, name)) === undefined) return;
  throw new DomainError('name/in-use', 'The name is in use.');
}

/** entityAt finds who has an address. Throws DomainError entity/not-found. */
export async function entityAt(
  reader: DirectoryReader,
  organization: OrganizationId,
  address: string,
): Promise<Entity> {
  const holder = await reader.addressHolder(canonicalAddress(address));
  const isHeld = holder?.organization === organization && !holder.released;
  const entity = isHeld ? await reader.entity(organization, holder.entity) : undefined;
  if (entity !== undefined) return entity;
  throw new DomainError('entity/not-found', 'Nobody has the address.');
}

/** userOf finds a user. Throws DomainError entity/not-found, also for what is no user. */
export async function userOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<User> {
  const found = await entityOf(reader, organization, idOrAddressOrName);
  if (found.kind === 'user') return found;
  throw new DomainError('entity/not-found', 'The user does not exist.');
}

/** entityOf is findEntity that throws DomainError entity/not-found. */
export async function entityOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<Entity> {
  const entity = await findEntity(reader, organization, idOrAddressOrName);
  if (entity === undefined) throw new DomainError('entity/not-found', 'The entity does not exist.');
  return entity;
}

export type NewUser = Pick<
  User,
  | 'name'
  | 'displayName'
  | 'firstName'
  | 'lastName'
  | 'hiddenFromGlobalAddressList'
  | 'isRemote'
  | 'identityProviderUserId'
>;

/** Makes a disabled user. Throws DomainError name/in-use, name/reserved, request/invalid. */
export async function createUser(
  tx: DirectoryTx,
  organization: OrganizationId,
  made: NewUser & Pick<User, 'id' | 'passwordHash' | 'createdMs'>,
): Promise<void> {
  await activeOrganization(tx, organization);
  const name = userName(made.name);
  await checkNameFree(tx, organization, name);
  tx.putName(organization, 'user', name, made.id);
  tx.putEntity({ ...made, kind: 'user', organization, state: 'DISABLED', addresses: [] });
}

/**
 * checkRegistration tells what registering the entity with this address would do: the entity and the address, or
 * `done` when it is so already. Throws DomainError entity/not-found, entity/state, entity/already-registered,
 * address/in-use, address/invalid, domain/not-found, domain/not-verified.
 */
export async function checkRegistration(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrName: string,
  email: string,
): Promise<{ readonly entity: Entity; readonly address: string; readonly done: boolean }> {
  const active = await activeOrganization(reader, organization);
  const entity = notDeleted(await entityOf(reader, organization, idOrName));
  const address = await freeAddress(reader, active, entity, email);
  if (entity.state === 'DISABLED') {
    // Between the two, storage removes what was kept 30 days; nothing that arrives meanwhile may go with it.
    if (isBeingPurged(entity)) {
      throw new DomainError(
        'entity/state',
        'The old mailbox of the entity is being removed. Try again in a minute.',
      );
    }
    return { entity, address, done: false };
  }
  if (entity.addresses[0] === address) return { entity, address, done: true };
  throw new DomainError('entity/already-registered', 'The entity is registered with another address.');
}

function isBeingPurged(entity: Entity): boolean {
  return hasMailbox(entity) && entity.purgeMs !== undefined && entity.mailboxProvisionedMs === undefined;
}

/** Enables an entity; the mailbox of one that has one is there. Throws as checkRegistration does, and limit/exceeded. */
export async function register(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrName: string,
  email: string,
  nowMs: number,
): Promise<Entity> {
  const { entity, address, done } = await checkRegistration(tx, organization, idOrName, email);
  if (done) return entity;
  const kept = await stillHeld(tx, entity);
  const verified = await inVerifiedDomains(tx, organization, kept);
  const usable = verified.filter((held) => isReadable(entity, held));
  const addresses = [...new Set([address, ...usable])];
  checkAliases(addresses.length - 1);
  // In a domain that comes back, one of those would mean a disabled mailbox.
  for (const gone of kept) if (!addresses.includes(gone)) tx.deleteAddress(gone, entity);
  for (const held of addresses) {
    tx.putAddress(held, { organization, entity: entity.id, released: false });
  }
  const changes = { state: 'ENABLED', addresses, enabledMs: nowMs, disabledMs: undefined } as const;
  const enabled: Entity = hasMailbox(entity)
    ? withMailbox(tx, { ...entity, ...changes }, nowMs)
    : { ...entity, ...changes };
  tx.putEntity(enabled);
  return enabled;
}

/** One whose mailbox is not to be removed. */
function withMailbox(tx: DirectoryTx, owner: MailboxOwner, nowMs: number): MailboxOwner {
  const { organization, id, purgeMs, mailboxProvisionedMs = nowMs } = owner;
  if (purgeMs !== undefined) tx.deletePurge(purgeMs, { organization, mailbox: mailboxOf(id) });
  const provided = { ...owner, purgeMs: undefined, mailboxProvisionedMs };
  return provided.kind === 'user' ? { ...provided, mailboxDeprovisionedMs: undefined } : provided;
}

/** Disables an entity; its mailbox is kept for 30 days, the addresses until somebody takes them. */
export async function deregister(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrName: string,
  nowMs: number,
): Promise<Entity> {
  await activeOrganization(tx, organization);
  const entity = enabledOnly(await entityOf(tx, organization, idOrName));
  for (const address of entity.addresses) {
    tx.putAddress(address, { organization, entity: entity.id, released: true });
  }
  const changes = { state: 'DISABLED', disabledMs: nowMs } as const;
  const purgeMs = nowMs + keepDisabledMs;
  if (hasMailbox(entity)) tx.putPurge(purgeMs, { organization, mailbox: mailboxOf(entity.id) });
  const disabled: Entity = hasMailbox(entity)
    ? { ...entity, ...changes, purgeMs }
    : { ...entity, ...changes };
  tx.putEntity(disabled);
  return disabled;
}

/** Gives an enabled entity one more address; one it has already stays as it is. */
export async function createAlias(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  alias: string,
): Promise<Entity> {
  const active = await activeOrganization(tx, organization);
  const entity = enabledOnly(await entityOf(tx, organization, id));
  const address = await freeAddress(tx, active, entity, alias);
  if (entity.addresses.includes(address)) return entity;
  checkAliases(entity.addresses.length);
  tx.putAddress(address, { organization, entity: entity.id, released: false });
  const changed: Entity = { ...entity, addresses: [...entity.addresses, address] };
  tx.putEntity(changed);
  return changed;
}

/**
 * Takes an alias away from an enabled entity; nothing happens if it has no such one. Throws DomainError entity/not-found,
 * entity/state, request/invalid for the primary address.
 */
export async function deleteAlias(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  alias: string,
): Promise<Entity> {
  await activeOrganization(tx, organization);
  const entity = enabledOnly(await entityOf(tx, organization, id));
  const address = canonicalAddress(alias);
  if (entity.addresses[0] === address) {
    throw new DomainError(
      'request/invalid',
      'The primary address is no alias: make another one the primary address first.',
    );
  }
  if (!entity.addresses.includes(address)) return entity;
  tx.deleteAddress(address, entity);
  const changed: Entity = { ...entity, addresses: entity.addresses.filter((held) => held !== address) };
  tx.putEntity(changed);
  return changed;
}

/** Makes an address the primary one of an enabled entity, one of its aliases or a new one; the old one becomes an alias. */
export async function updatePrimaryAddress(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrAddressOrName: string,
  email: string,
): Promise<Entity> {
  const active = await activeOrganization(tx, organization);
  const entity = enabledOnly(await entityOf(tx, organization, idOrAddressOrName));
  const address = await freeAddress(tx, active, entity, email);
  if (entity.addresses[0] === address) return entity;
  const others = entity.addresses.filter((held) => held !== address);
  checkAliases(others.length);
  tx.putAddress(address, { organization, entity: entity.id, released: false });
  const changed: Entity = { ...entity, addresses: [address, ...others] };
  tx.putEntity(changed);
  return changed;
}

/** Stores a new password. */
export async function resetPassword(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  passwordHash: string,
): Promise<Entity> {
  await activeOrganization(tx, organization);
  const user = notDeleted(await userOf(tx, organization, id));
  checkHasPassword(user);
  const changed: User = { ...user, passwordHash };
  tx.putEntity(changed);
  return changed;
}

/** checkHasPassword throws DomainError request/unsupported for another system's user. */
export function checkHasPassword({ isRemote }: Pick<User, 'isRemote'>): void {
  if (isRemote !== true) return;
  throw new DomainError('request/unsupported', 'A user of another system has no password here.');
}

/** The canonical form of an address this entity has or may have. */
async function freeAddress(
  reader: DirectoryReader,
  organization: Organization,
  entity: Entity,
  text: string,
): Promise<string> {
  const { address, domain } = ownableAddress(text);
  if (!isReadable(entity, address)) {
    throw new DomainError('address/invalid', 'A resource cannot have this address: nobody reads its mail.');
  }
  const registered = await reader.domain(organization.id, domain);
  if (registered === undefined) {
    throw new DomainError('domain/not-found', `The domain ${domain} is not a domain of the organization.`);
  }
  if (registered.state !== 'Verified') {
    throw new DomainError('domain/not-verified', `The domain ${domain} is not verified.`);
  }
  const holder = await reader.addressHolder(address);
  const held = holder !== undefined && !holder.released && holder.entity !== entity.id;
  if (held || address === journalingAddress(organization)) {
    throw new DomainError('address/in-use', 'The address is in use.');
  }
  return address;
}

/** Mail to postmaster and abuse is to be read by somebody: RFC 5321 §4.5.1, RFC 2142 §4. */
function isReadable({ kind }: Entity, address: string): boolean {
  return kind !== 'resource' || !isRoleAddress(withoutTag(address) ?? address);
}

function checkAliases(count: number): void {
  if (count > maxAliases) {
    throw new DomainError('limit/exceeded', `An entity may have ${maxAliases} aliases.`);
  }
}

/** Which of a disabled entity's addresses nobody has taken. */
function stillHeld(reader: DirectoryReader, { id, addresses }: Entity): Promise<readonly string[]> {
  return those(addresses, async (address) => (await reader.addressHolder(address))?.entity === id);
}

function inVerifiedDomains(
  reader: DirectoryReader,
  organization: OrganizationId,
  addresses: readonly string[],
): Promise<readonly string[]> {
  return those(addresses, async (address) => {
    const domain = await reader.domain(organization, domainOf(address) ?? '');
    return domain?.state === 'Verified';
  });
}

async function those(
  addresses: readonly string[],
  isMeant: (address: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const answers = await Promise.all(addresses.map(isMeant));
  return addresses.filter((_, index) => answers[index]);
}

/** notDeleted throws DomainError entity/state for a deleted entity. */
export function notDeleted<E extends Entity>(entity: E): E {
  if (entity.state !== 'DELETED') return entity;
  throw new DomainError('entity/state', 'The entity is deleted.');
}

/** enabledOnly throws DomainError entity/state for an entity that is not enabled. */
export function enabledOnly(entity: Entity): Entity {
  if (entity.state === 'ENABLED') return entity;
  throw new DomainError('entity/state', `The entity is ${entity.state}.`);
}

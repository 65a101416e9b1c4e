/** Decisions on users and their addresses, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { domainOf, ownableAddress } from './address.ts';
import { canonicalAddress, canonicalName } from './canonical-name.ts';
import { activeOrganization } from './decide-organization.ts';
import { journalingAddress, type Organization } from './organization.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import { type Entity, type User, userName } from './user.ts';

/** How long the mailbox of a disabled user is kept. */
const keepDisabledMs = 30 * 24 * 60 * 60 * 1000;
const maxAliases = 100;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** findEntity finds one by its id, one of its addresses, or its name. */
export async function findEntity(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<Entity | undefined> {
  const id = idOrAddressOrName.toLowerCase();
  if (uuid.test(id)) return reader.entity(organization, id as EntityId);
  const address = canonicalAddress(idOrAddressOrName);
  if (domainOf(address) !== undefined) {
    const holder = await reader.addressHolder(address);
    if (holder?.organization === organization && !holder.released) {
      return reader.entity(organization, holder.entity);
    }
  }
  const named = await reader.entityByName(organization, 'user', canonicalName(idOrAddressOrName));
  return named === undefined ? undefined : reader.entity(organization, named);
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
  'name' | 'displayName' | 'firstName' | 'lastName' | 'hiddenFromGlobalAddressList'
>;

/** Makes a disabled user. Throws DomainError name/in-use, name/reserved, request/invalid. */
export async function createUser(
  tx: DirectoryTx,
  organization: OrganizationId,
  made: NewUser & Pick<User, 'id' | 'passwordHash' | 'createdMs'>,
): Promise<void> {
  await activeOrganization(tx, organization);
  const name = userName(made.name);
  if ((await tx.entityByName(organization, 'user', name)) !== undefined) {
    throw new DomainError('name/in-use', 'The name is in use.');
  }
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
  const address = await freeAddress(reader, active, entity.id, email);
  if (entity.state === 'DISABLED') {
    // Between the two, storage removes what was kept 30 days; nothing that arrives meanwhile may go with it.
    if (entity.purgeMs !== undefined && entity.mailboxProvisionedMs === undefined) {
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

/** Enables an entity whose mailbox is there. */
export async function register(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrName: string,
  email: string,
  nowMs: number,
): Promise<Entity> {
  const { entity, address, done } = await checkRegistration(tx, organization, idOrName, email);
  if (done) return entity;
  const addresses = [address, ...(await stillHeld(tx, entity)).filter((held) => held !== address)];
  for (const held of addresses) {
    tx.putAddress(held, { organization, entity: entity.id, released: false });
  }
  if (entity.purgeMs !== undefined) {
    tx.deletePurge(entity.purgeMs, { organization, mailbox: mailboxOf(entity.id) });
  }
  const enabled: Entity = {
    ...entity,
    state: 'ENABLED',
    addresses,
    enabledMs: nowMs,
    disabledMs: undefined,
    purgeMs: undefined,
    mailboxProvisionedMs: entity.mailboxProvisionedMs ?? nowMs,
  };
  tx.putEntity(enabled);
  return enabled;
}

/** Disables an entity; its mailbox is kept for 30 days, its addresses until somebody takes them. */
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
  const purgeMs = nowMs + keepDisabledMs;
  tx.putPurge(purgeMs, { organization, mailbox: mailboxOf(entity.id) });
  const disabled: Entity = { ...entity, state: 'DISABLED', disabledMs: nowMs, purgeMs };
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
  const address = await freeAddress(tx, active, entity.id, alias);
  if (entity.addresses.includes(address)) return entity;
  if (entity.addresses.length > maxAliases) {
    throw new DomainError('limit/exceeded', `A user may have ${maxAliases} aliases.`);
  }
  tx.putAddress(address, { organization, entity: entity.id, released: false });
  const changed: Entity = { ...entity, addresses: [...entity.addresses, address] };
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
  const changed: Entity = { ...notDeleted(await entityOf(tx, organization, id)), passwordHash };
  tx.putEntity(changed);
  return changed;
}

/** The canonical form of an address this entity has or may have. */
async function freeAddress(
  reader: DirectoryReader,
  organization: Organization,
  entity: EntityId,
  text: string,
): Promise<string> {
  const { address, domain } = ownableAddress(text);
  const registered = await reader.domain(organization.id, domain);
  if (registered === undefined) {
    throw new DomainError('domain/not-found', `The domain ${domain} is not a domain of the organization.`);
  }
  if (registered.state !== 'Verified') {
    throw new DomainError('domain/not-verified', `The domain ${domain} is not verified.`);
  }
  const holder = await reader.addressHolder(address);
  const held = holder !== undefined && !holder.released && holder.entity !== entity;
  if (held || address === journalingAddress(organization)) {
    throw new DomainError('address/in-use', 'The address is in use.');
  }
  return address;
}

/** Which of a disabled entity's addresses nobody has taken. */
async function stillHeld(reader: DirectoryReader, entity: Entity): Promise<readonly string[]> {
  const holders = await Promise.all(entity.addresses.map((address) => reader.addressHolder(address)));
  return entity.addresses.filter((_, index) => holders[index]?.entity === entity.id);
}

/** notDeleted throws DomainError entity/state for a deleted entity. */
export function notDeleted(entity: Entity): Entity {
  if (entity.state !== 'DELETED') return entity;
  throw new DomainError('entity/state', 'The entity is deleted.');
}

function enabledOnly(entity: Entity): Entity {
  if (entity.state === 'ENABLED') return entity;
  throw new DomainError('entity/state', `The entity is ${entity.state}.`);
}

/** Decisions on resources, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import { mailboxOf, type OrganizationId } from '#domain/ids';
import { checkNameFree, entityOf, findEntity, keepDisabledMs, notDeleted } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import { forgetGrants } from './decide-permission.ts';
import { deleteDelegates } from './delegations.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import { type BookingOptions, defaultBooking, type Resource, resourceName } from './resource.ts';

/** What a resource is made with. */
export type NewResource = Pick<Resource, 'name' | 'type' | 'description' | 'hiddenFromGlobalAddressList'>;

/** What of a resource can be changed; what is not there stays. An empty description is none. */
export interface ResourceChanges extends Partial<NewResource> {
  readonly booking?: BookingOptions;
}

/** resourceOf finds a resource by its id, address or name. Throws DomainError entity/not-found, also for what is none. */
export async function resourceOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<Resource> {
  const found = await entityOf(reader, organization, idOrAddressOrName);
  if (found.kind === 'resource') return found;
  throw new DomainError('entity/not-found', 'The resource does not exist.');
}

/** Makes a disabled resource. Throws DomainError name/in-use, name/reserved, request/invalid. */
export async function createResource(
  tx: DirectoryTx,
  organization: OrganizationId,
  made: NewResource & Pick<Resource, 'id' | 'createdMs'>,
): Promise<void> {
  await activeOrganization(tx, organization);
  const name = resourceName(made.name);
  await checkNameFree(tx, organization, name);
  tx.putName(organization, 'resource', name, made.id);
  tx.putEntity({
    ...made,
    kind: 'resource',
    organization,
    booking: defaultBooking,
    state: 'DISABLED',
    addresses: [],
  });
}

/**
 * Changes what is given. Throws DomainError entity/not-found, entity/state, name/in-use, name/reserved, request/invalid,
 * resource/unattended.
 */
export async function updateResource(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  changes: ResourceChanges,
): Promise<Resource> {
  await activeOrganization(tx, organization);
  const before = notDeleted(await resourceOf(tx, organization, id));
  const changed: Resource = { ...before, ...changes };
  const { rows: delegates } = await tx.delegates(organization, before.id, undefined, 1);
  if (!changed.booking.acceptsRequests && delegates.length === 0) {
    throw new DomainError(
      'resource/unattended',
      'The resource must accept requests (AutoAcceptRequests true), or have a delegate who does.',
    );
  }
  const [oldName, name] = [resourceName(before.name), resourceName(changed.name)];
  if (name !== oldName) {
    await checkNameFree(tx, organization, name);
    tx.deleteEntity(before, oldName);
    tx.putName(organization, 'resource', name, before.id);
  }
  const stored = { ...changed, description: changed.description === '' ? undefined : changed.description };
  tx.putEntity(stored);
  return stored;
}

/**
 * Takes some of a disabled resource's delegates and permissions away, and once there are none left the resource with its name
 * and addresses; its mailbox goes when it is due. True when it is gone, or there is none: call it until then. Throws
 * DomainError entity/state, request/invalid for what is no resource.
 */
export async function deleteResource(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrAddressOrName: string,
  nowMs: number,
): Promise<boolean> {
  await activeOrganization(tx, organization);
  const resource = await findEntity(tx, organization, idOrAddressOrName);
  if (resource === undefined) return true;
  const { id, state, addresses } = resource;
  if (resource.kind !== 'resource') throw new DomainError('request/invalid', 'The entity is not a resource.');
  if (state === 'ENABLED') throw new DomainError('entity/state', 'The resource is ENABLED.');
  if (!(await forgetGrants(tx, organization, id))) return false;
  if (!(await deleteDelegates(tx, organization, id))) return false;
  for (const address of addresses) {
    if ((await tx.addressHolder(address))?.entity === id) tx.deleteAddress(address, resource);
  }
  // Somebody who was registering it may have made its mailbox already.
  if (resource.purgeMs === undefined) {
    tx.putPurge(nowMs + keepDisabledMs, { organization, mailbox: mailboxOf(id) });
  }
  tx.deleteKept(organization, 'lastExport', resource.id);
  tx.deleteEntity(resource, resourceName(resource.name));
  return true;
}

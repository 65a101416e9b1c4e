/** Decisions on who decides for resources, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { entityOf, notDeleted } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import { resourceOf } from './decide-resource.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import type { Entity } from './user.ts';

/**
 * Makes a user or a group a delegate of a resource; one that is it already stays. Throws DomainError entity/not-found,
 * entity/state, request/invalid for a resource.
 */
export async function associateDelegate(
  tx: DirectoryTx,
  organization: OrganizationId,
  resource: string,
  delegate: string,
): Promise<void> {
  const ids = await bothOf(tx, organization, resource, delegate);
  tx.putDelegate(organization, ids.resource, ids.delegate);
}

/**
 * Takes a delegate away. Throws DomainError entity/not-found, also for what is none, and entity/state for the last one of a
 * resource that does not accept requests by itself.
 */
export async function disassociateDelegate(
  tx: DirectoryTx,
  organization: OrganizationId,
  resource: string,
  delegate: string,
): Promise<void> {
  const ids = await bothOf(tx, organization, resource, delegate);
  if (!(await tx.isDelegate(organization, ids.resource, ids.delegate))) {
    throw new DomainError('entity/not-found', 'The entity is not a delegate of the resource.');
  }
  const { rows } = await tx.delegates(organization, ids.resource, undefined, 2);
  if (rows.length === 1 && !ids.acceptsRequests) {
    throw new DomainError(
      'entity/state',
      'It is the last delegate of a resource that does not accept requests by itself.',
    );
  }
  tx.deleteDelegate(organization, ids.resource, ids.delegate);
}

async function bothOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  resourceId: string,
  delegateId: string,
): Promise<{
  readonly resource: EntityId;
  readonly delegate: EntityId;
  readonly acceptsRequests: boolean;
}> {
  await activeOrganization(reader, organization);
  const { id: resource, booking } = await resourceOf(reader, organization, resourceId);
  const delegate: Entity = notDeleted(await entityOf(reader, organization, delegateId));
  if (delegate.kind === 'resource') {
    throw new DomainError('request/invalid', 'A resource cannot be a delegate.');
  }
  return { resource, delegate: delegate.id, acceptsRequests: booking.acceptsRequests };
}

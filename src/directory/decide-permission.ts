/** Decisions on mailbox permissions, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { enabledOnly, entityOf, notDeleted } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import { type MailboxPermission, mailboxPermissions } from './mailbox-permission.ts';
import type { DirectoryTx } from './ports.ts';

/** A grant takes two deletions, and there are two ways round; a transaction holds a thousand. */
const grantsAtOnce = 150;

/**
 * Replaces what a user or a group may do with an entity. Throws DomainError entity/not-found, entity/state for one of the two
 * that is not enabled, request/invalid for no permission at all, a resource that is granted something, and FULL_ACCESS to or of
 * a group.
 */
export async function putPermissions(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrName: string,
  granteeIdOrName: string,
  wanted: readonly MailboxPermission[],
): Promise<void> {
  await activeOrganization(tx, organization);
  const entity = enabledOnly(await entityOf(tx, organization, idOrName));
  const grantee = enabledOnly(await entityOf(tx, organization, granteeIdOrName));
  if (grantee.kind === 'resource') {
    throw new DomainError(
      'request/invalid',
      'Permissions are granted to users and groups, not to resources.',
    );
  }
  const permissions = mailboxPermissions.filter((one) => wanted.includes(one));
  if (permissions.length === 0) throw new DomainError('request/invalid', 'Name at least one permission.');
  if (permissions.includes('FULL_ACCESS') && (grantee.kind === 'group' || entity.kind === 'group')) {
    throw new DomainError(
      'request/invalid',
      'FULL_ACCESS is of a mailbox, and granted to a user, not a group.',
    );
  }
  tx.putGrant(organization, entity.id, { grantee: grantee.id, permissions });
}

/** Takes away all that a user or a group may do with an entity; nothing happens if that is nothing. Throws DomainError entity/not-found, entity/state. */
export async function deletePermissions(
  tx: DirectoryTx,
  organization: OrganizationId,
  idOrName: string,
  granteeIdOrName: string,
): Promise<void> {
  await activeOrganization(tx, organization);
  const entity = notDeleted(await entityOf(tx, organization, idOrName));
  const grantee = notDeleted(await entityOf(tx, organization, granteeIdOrName));
  tx.deleteGrant(organization, entity.id, grantee.id);
}

/** Takes away some of what was granted on an entity that is to go, and to it; true when nothing is left. Call it until then. */
export async function forgetGrants(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: EntityId,
): Promise<boolean> {
  const own = await tx.grants(organization, id, undefined, grantsAtOnce);
  for (const { grantee } of own.rows) tx.deleteGrant(organization, id, grantee);
  const others = await tx.grantsTo(organization, id, undefined, grantsAtOnce);
  for (const entity of others.rows) tx.deleteGrant(organization, entity, id);
  return own.next === undefined && others.next === undefined;
}

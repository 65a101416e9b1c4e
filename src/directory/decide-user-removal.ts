/** Decisions on the deletion of users, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { canonicalName } from './canonical-name.ts';
import { findEntity, keepDisabledMs } from './decide-entity.ts';
import { forgetRouting, membershipsAtOnce } from './decide-group.ts';
import { activeOrganization } from './decide-organization.ts';
import { forgetGrants } from './decide-permission.ts';
import { forgetTokens } from './decide-token.ts';
import { deleteDelegations } from './delegations.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import type { User } from './user.ts';

/**
 * A disabled user that is to go; undefined if there is none, or it is deleted already. Throws DomainError entity/state,
 * request/invalid for what is no user.
 */
export async function userToDelete(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<User | undefined> {
  await activeOrganization(reader, organization);
  const found = await findEntity(reader, organization, idOrAddressOrName);
  if (found === undefined) return undefined;
  if (found.kind !== 'user') throw new DomainError('request/invalid', 'The entity is not a user.');
  if (found.state === 'ENABLED') throw new DomainError('entity/state', 'The user is ENABLED.');
  return found.state === 'DELETED' ? undefined : found;
}

/**
 * Takes away some of what leads to a user, and once there is nothing left its name, addresses, photo, certificates and password:
 * it is DELETED then, and goes with its mailbox in 30 days; true when that is done. Call it until then.
 */
export async function deleteUser(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: EntityId,
  nowMs: number,
): Promise<boolean> {
  const user = await userToDelete(tx, organization, id);
  if (user === undefined) return true;
  const groups = await tx.groupsWith(organization, id, undefined, membershipsAtOnce);
  for (const group of groups.rows) tx.deleteMember(organization, group, id);
  if (groups.rows.length > 0) return false;
  if (!(await deleteDelegations(tx, organization, id))) return false;
  if (!(await forgetGrants(tx, organization, id))) return false;
  if (!(await tx.deleteSettingsOf(organization, id))) return false;
  await forgetTokens(tx, organization, id);
  tx.deleteKept(organization, 'lastExport', id);
  for (const address of user.addresses) {
    if ((await tx.addressHolder(address))?.entity === id) tx.deleteAddress(address, user);
  }
  await forgetRouting(tx, organization, id);
  const mailbox = { organization, mailbox: mailboxOf(id) };
  if (user.purgeMs !== undefined) tx.deletePurge(user.purgeMs, mailbox);
  const purgeMs = nowMs + keepDisabledMs;
  tx.putPurge(purgeMs, mailbox);
  tx.deleteEntity(user, canonicalName(user.name));
  tx.putEntity({
    ...user,
    state: 'DELETED',
    addresses: [],
    passwordHash: undefined,
    details: undefined,
    purgeMs,
    disabledMs: user.disabledMs ?? nowMs,
  });
  return true;
}

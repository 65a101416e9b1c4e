/** What goes with a resource, or with a user or group that decides for some. */
import type { EntityId, OrganizationId } from '#domain/ids';
import type { DirectoryTx } from './ports.ts';

/** Each takes two deletions; a transaction holds a thousand. */
const delegationsAtOnce = 400;

/** deleteDelegates takes some of a resource's delegates away; true when there are none left. */
export async function deleteDelegates(
  tx: DirectoryTx,
  organization: OrganizationId,
  resource: EntityId,
): Promise<boolean> {
  const { rows } = await tx.delegates(organization, resource, undefined, delegationsAtOnce);
  for (const delegate of rows) tx.deleteDelegate(organization, resource, delegate);
  return rows.length < delegationsAtOnce;
}

/** deleteDelegations takes some of what a user or a group decides for away from it; true when there is nothing left. */
export async function deleteDelegations(
  tx: DirectoryTx,
  organization: OrganizationId,
  delegate: EntityId,
): Promise<boolean> {
  const resources = await tx.delegations(organization, delegate, delegationsAtOnce);
  for (const resource of resources) tx.deleteDelegate(organization, resource, delegate);
  return resources.length < delegationsAtOnce;
}

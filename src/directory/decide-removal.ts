/** Decisions on the deletion of organisations, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { activeOrganization, madeBefore, rememberToken } from './decide-organization.ts';
import { type Organization, removalMs } from './organization.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';

const entitiesPerPage = 500;

/** What DeleteOrganization is asked for. */
export interface OrganizationDeletion {
  /** Even if users are enabled. */
  readonly isForced: boolean;
  readonly clientToken?: string | undefined;
}

/**
 * Makes an organisation Deleted; all that it has stays as it is. A client token that was used for the same does nothing
 * more. Throws DomainError organization/not-found, and organization/state for one with enabled users unless forced.
 */
export async function deleteOrganization(
  tx: DirectoryTx,
  id: OrganizationId,
  { isForced, clientToken }: OrganizationDeletion,
  nowMs: number,
): Promise<void> {
  const request = JSON.stringify(['DeleteOrganization', id, isForced]);
  // It is kept with those of the installation, where others' have the same names.
  const token = clientToken === undefined ? undefined : `${id} ${clientToken}`;
  if ((await madeBefore(tx, undefined, token, request, nowMs)) !== undefined) return;
  const organization = await activeOrganization(tx, id);
  if (!isForced && (await hasEnabledUsers(tx, id))) {
    throw new DomainError(
      'organization/state',
      'The organization has enabled users: disable them, or force it.',
    );
  }
  tx.putOrganization({ ...organization, state: 'Deleted', deletedMs: nowMs });
  rememberToken(tx, undefined, token, { request, result: id, usedMs: nowMs });
}

/**
 * Makes a Deleted organisation active again, as it was. Throws DomainError organization/not-found, organization/state for one
 * that is not deleted, or whose time is over.
 */
export async function restoreOrganization(
  tx: DirectoryTx,
  id: OrganizationId,
  nowMs: number,
): Promise<Organization> {
  const organization = await tx.organization(id);
  if (organization === undefined) {
    throw new DomainError('organization/not-found', 'The organization does not exist.');
  }
  const untilMs = removalMs(organization);
  if (organization.state !== 'Deleted' || untilMs === undefined) {
    throw new DomainError('organization/state', `The organization is ${organization.state}.`);
  }
  // What is removed begins to be so at this time (maintenance-organization.ts).
  if (untilMs <= nowMs) throw new DomainError('organization/state', 'The organization is being removed.');
  const restored: Organization = { ...organization, state: 'Active', deletedMs: undefined };
  tx.putOrganization(restored);
  return restored;
}

async function hasEnabledUsers(reader: DirectoryReader, organization: OrganizationId): Promise<boolean> {
  let after: EntityId | undefined;
  do {
    const page = await reader.entities(organization, after, entitiesPerPage);
    if (page.rows.some(({ kind, state }) => kind === 'user' && state === 'ENABLED')) return true;
    after = page.next;
  } while (after !== undefined);
  return false;
}

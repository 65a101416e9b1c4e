/** Decisions on groups and their members, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { checkNameFree, entityOf, notDeleted } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import { forgetGrants } from './decide-permission.ts';
import { deleteDelegations } from './delegations.ts';
import { type Group, groupName } from './group.ts';
import { groupsAbove } from './membership.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import type { Entity } from './user.ts';

/** Each takes two deletions; a transaction holds a thousand. */
export const membershipsAtOnce = 400;

/** A group with one of its members. */
export interface Membership {
  readonly group: Group;
  readonly member: Entity;
}

/** groupOf finds a group by its id, address or name. Throws DomainError entity/not-found, also for what is no group. */
export async function groupOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<Group> {
  const found = await entityOf(reader, organization, idOrAddressOrName);
  if (found.kind === 'group') return found;
  throw new DomainError('entity/not-found', 'The group does not exist.');
}

/** Makes a disabled group. Throws DomainError name/in-use, name/reserved, request/invalid. */
export async function createGroup(
  tx: DirectoryTx,
  organization: OrganizationId,
  made: Pick<Group, 'id' | 'name' | 'hiddenFromGlobalAddressList' | 'createdMs'>,
): Promise<void> {
  await activeOrganization(tx, organization);
  const name = groupName(made.name);
  await checkNameFree(tx, organization, name);
  tx.putName(organization, 'group', name, made.id);
  tx.putEntity({
    ...made,
    kind: 'group',
    name: made.name.trim(),
    organization,
    state: 'DISABLED',
    addresses: [],
  });
}

/** Changes what is given. Throws DomainError entity/not-found. */
export async function updateGroup(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  changes: Partial<Pick<Group, 'hiddenFromGlobalAddressList'>>,
): Promise<Entity> {
  await activeOrganization(tx, organization);
  const changed: Group = { ...(await groupOf(tx, organization, id)), ...changes };
  tx.putEntity(changed);
  return changed;
}

/**
 * Puts a user or a group into a group; undefined if it is there already. Throws DomainError entity/not-found,
 * entity/state, request/invalid for a group that would be in itself.
 */
export async function associateMember(
  tx: DirectoryTx,
  organization: OrganizationId,
  groupId: string,
  memberId: string,
): Promise<Membership | undefined> {
  const { group, member } = await bothOf(tx, organization, groupId, memberId);
  if (await tx.isMember(organization, group.id, member.id)) return undefined;
  const isCycle =
    member.id === group.id || (await groupsAbove(tx, organization, group.id)).includes(member.id);
  if (isCycle) throw new DomainError('request/invalid', 'The group would be a member of itself.');
  tx.putMember(organization, group.id, member.id);
  return { group, member };
}

/** Takes a member out of a group. Throws DomainError entity/not-found, also for what is no member. */
export async function disassociateMember(
  tx: DirectoryTx,
  organization: OrganizationId,
  groupId: string,
  memberId: string,
): Promise<Membership> {
  const { group, member } = await bothOf(tx, organization, groupId, memberId);
  if (!(await tx.isMember(organization, group.id, member.id))) {
    throw new DomainError('entity/not-found', 'The entity is not a member of the group.');
  }
  tx.deleteMember(organization, group.id, member.id);
  return { group, member };
}

/** A disabled group that is to go; undefined if there is none. Throws DomainError entity/state, request/invalid. */
export async function groupToDelete(
  reader: DirectoryReader,
  organization: OrganizationId,
  id: EntityId,
): Promise<Group | undefined> {
  const found = await reader.entity(organization, id);
  if (found === undefined) return undefined;
  if (found.kind !== 'group') throw new DomainError('request/invalid', 'The entity is not a group.');
  if (found.state === 'ENABLED') throw new DomainError('entity/state', 'The group is ENABLED.');
  return found;
}

/**
 * Takes away some of a group's memberships and mailbox permissions, and once there are none left the group, its name, its addresses and the mail
 * routing to it; true when it is gone. Call it until then.
 */
export async function deleteGroup(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: EntityId,
): Promise<boolean> {
  const group = await groupToDelete(tx, organization, id);
  if (group === undefined) return true;
  const members = await tx.members(organization, id, undefined, membershipsAtOnce);
  for (const member of members.rows) tx.deleteMember(organization, id, member);
  if (members.rows.length > 0) return false;
  const groups = await tx.groupsWith(organization, id, undefined, membershipsAtOnce);
  for (const above of groups.rows) tx.deleteMember(organization, above, id);
  if (groups.rows.length > 0) return false;
  if (!(await forgetGrants(tx, organization, id))) return false;
  if (!(await deleteDelegations(tx, organization, id))) return false;
  for (const address of group.addresses) {
    if ((await tx.addressHolder(address))?.entity === id) tx.deleteAddress(address, group);
  }
  await forgetRouting(tx, organization, id);
  tx.deleteEntity(group, groupName(group.name));
  return true;
}

/** forgetRouting takes an entity out of the mail routing. */
export async function forgetRouting(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: EntityId,
): Promise<void> {
  const { administrator, catchAll } = await tx.mailRouting(organization);
  const left = [...catchAll].filter(([, entity]) => entity !== id);
  if (administrator !== id && left.length === catchAll.size) return;
  await tx.putMailRouting(organization, {
    administrator: administrator === id ? undefined : administrator,
    catchAll: new Map(left),
  });
}

async function bothOf(
  tx: DirectoryTx,
  organization: OrganizationId,
  groupId: string,
  memberId: string,
): Promise<Membership> {
  await activeOrganization(tx, organization);
  const group = await groupOf(tx, organization, groupId);
  const member = await entityOf(tx, organization, memberId);
  notDeleted(group);
  notDeleted(member);
  if (member.kind === 'resource') {
    throw new DomainError('request/invalid', 'A resource cannot be a member of a group.');
  }
  return { group, member };
}

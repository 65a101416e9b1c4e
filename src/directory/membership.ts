/** Who is in whom: memberships followed through nested groups. */
import { DomainError } from '#domain/errors';
import { type EntityId, type MailboxId, mailboxOf, type OrganizationId } from '#domain/ids';
import type { DirectoryReader } from './ports.ts';
import type { Entity } from './user.ts';

const perPage = 500;

/** The members of a group itself, page by page. */
async function* membersOf(
  reader: DirectoryReader,
  organization: OrganizationId,
  group: EntityId,
): AsyncGenerator<readonly Entity[]> {
  let after: EntityId | undefined;
  do {
    const page = await reader.members(organization, group, after, perPage);
    yield await reader.entitiesOf(organization, page.rows);
    after = page.next;
  } while (after !== undefined);
}

/** Every group an entity is in, by way of other groups too: each once, in order of id. */
export async function groupsAbove(
  reader: DirectoryReader,
  organization: OrganizationId,
  entity: EntityId,
): Promise<readonly EntityId[]> {
  return (await climb(reader, organization, entity, async (groups) => groups)).sort();
}

/** The same by way of enabled groups only, in no order: a disabled one is in nothing, and nothing comes by it. */
export function enabledGroupsAbove(
  reader: DirectoryReader,
  organization: OrganizationId,
  entity: EntityId,
): Promise<readonly EntityId[]> {
  return climb(reader, organization, entity, async (groups) =>
    (await reader.entitiesOf(organization, groups))
      .filter(({ state }) => state === 'ENABLED')
      .map(({ id }) => id),
  );
}

/** The groups above an entity that `counts` leaves of each page of them, each once. */
async function climb(
  reader: DirectoryReader,
  organization: OrganizationId,
  entity: EntityId,
  counts: (groups: readonly EntityId[]) => Promise<readonly EntityId[]>,
): Promise<EntityId[]> {
  const found = new Set<EntityId>();
  const todo = [entity];
  for (let below = todo.pop(); below !== undefined; below = todo.pop()) {
    let after: EntityId | undefined;
    do {
      const page = await reader.groupsWith(organization, below, after, perPage);
      for (const group of await counts(page.rows.filter((id) => !found.has(id)))) {
        found.add(group);
        todo.push(group);
      }
      after = page.next;
    } while (after !== undefined);
  }
  return [...found];
}

/** The mailboxes an entity stands for, in any state: a user's or a resource's own, or those of all users in a group. */
export async function mailboxesBelow(
  reader: DirectoryReader,
  { organization, id, kind }: Entity,
): Promise<readonly MailboxId[]> {
  if (kind !== 'group') return [mailboxOf(id)];
  const users = new Set<MailboxId>();
  await walk(reader, organization, id, (member) => {
    if (member.kind === 'user') users.add(mailboxOf(member.id));
    return true;
  });
  return [...users];
}

/**
 * The enabled users that a message to an enabled group goes to, each once: disabled users and groups are passed over, a
 * group that is met again is not entered again. Throws group/too-large beyond `max`.
 */
export async function expandGroup(
  reader: DirectoryReader,
  organization: OrganizationId,
  group: EntityId,
  max: number,
): Promise<readonly Entity[]> {
  const users = new Map<EntityId, Entity>();
  await walk(reader, organization, group, (member) => {
    if (member.state !== 'ENABLED') return false;
    if (member.kind === 'user') users.set(member.id, member);
    if (users.size > max)
      throw new DomainError('group/too-large', `The group has more than ${max} mailboxes.`);
    return true;
  });
  return [...users.values()];
}

/** Meets the members of a group, and of each group in it for which `meet` gives true, once. */
async function walk(
  reader: DirectoryReader,
  organization: OrganizationId,
  group: EntityId,
  meet: (member: Entity) => boolean,
): Promise<void> {
  const entered = new Set([group]);
  const todo = [group];
  for (let above = todo.pop(); above !== undefined; above = todo.pop()) {
    for await (const members of membersOf(reader, organization, above)) {
      for (const member of members) {
        if (!meet(member) || member.kind !== 'group' || entered.has(member.id)) continue;
        entered.add(member.id);
        todo.push(member.id);
      }
    }
  }
}

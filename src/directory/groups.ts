import type { EntityId, MailboxId, MailboxRef, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import * as entities from './decide-entity.ts';
import * as decide from './decide-group.ts';
import { activeOrganization } from './decide-organization.ts';
import { type EntityFilter, listed, matching } from './entity-filter.ts';
import type { EntityLists } from './entity-lists.ts';
import { type Group, groupName } from './group.ts';
import type { Lookups } from './lookups.ts';
import { groupsAbove, mailboxesBelow } from './membership.ts';
import type { DirectoryStore } from './ports.ts';
import type { Entity } from './user.ts';

/** Users have come into groups, or left them. */
export interface MembershipChange {
  readonly organization: OrganizationId;
  /** The group that was changed and all that it is in. */
  readonly groups: readonly EntityId[];
  /** Whom it concerns. */
  readonly mailboxes: readonly MailboxId[];
}

interface GroupsParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  readonly lists: EntityLists;
  newId(): EntityId;
  nowMs(): number;
}

const groupsPerPage = 100;

/**
 * Groups of users and groups. Every refusal is a DomainError; an operation on an organisation throws
 * organization/not-found and organization/state.
 */
export class Groups {
  readonly #parts: GroupsParts;
  readonly #listeners = new Set<(change: MembershipChange) => void>();

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** Calls back when users have come into groups or left them; the result takes it back. */
  onMembershipChange(listener: (change: MembershipChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every group the owner of a mailbox is in, by way of other groups too. */
  groupsOf(ref: MailboxRef): Promise<readonly EntityId[]> {
    return this.#parts.lookups.groupsOf(ref);
  }

  /** The mailboxes of an entity: a user's or a resource's own, or those of all users in a group; none if there is no such entity. */
  async mailboxesOf(organization: OrganizationId, id: EntityId): Promise<readonly MailboxId[]> {
    const entity = await this.#parts.store.entity(organization, id);
    return entity === undefined ? [] : mailboxesBelow(this.#parts.store, entity);
  }

  async isGroup(organization: OrganizationId, id: EntityId): Promise<boolean> {
    return (await this.#parts.store.entity(organization, id))?.kind === 'group';
  }

  /** Makes a disabled group. Throws name/in-use, name/reserved, request/invalid. */
  async create(
    organization: OrganizationId,
    wanted: Pick<Group, 'name' | 'hiddenFromGlobalAddressList'>,
  ): Promise<EntityId> {
    groupName(wanted.name);
    const made = { ...wanted, id: this.#parts.newId(), createdMs: this.#parts.nowMs() };
    await this.#parts.store.transact(organization, (tx) => decide.createGroup(tx, organization, made));
    return made.id;
  }

  /** By id, address or name. Throws entity/not-found. */
  async describe(organization: OrganizationId, idOrAddressOrName: string): Promise<Group> {
    await activeOrganization(this.#parts.store, organization);
    return decide.groupOf(this.#parts.store, organization, idOrAddressOrName);
  }

  /** Changes what is given. Throws entity/not-found. */
  async update(
    organization: OrganizationId,
    id: string,
    changes: Partial<Pick<Group, 'hiddenFromGlobalAddressList'>>,
  ): Promise<void> {
    const changed = await this.#parts.store.transact(organization, (tx) =>
      decide.updateGroup(tx, organization, id, changes),
    );
    this.#parts.lookups.forget(changed);
  }

  /**
   * Takes a disabled group away, with its memberships and addresses; nothing happens if there is none. Throws
   * entity/state, request/invalid for what is no group.
   */
  async delete(organization: OrganizationId, idOrAddressOrName: string): Promise<void> {
    const { store } = this.#parts;
    await activeOrganization(store, organization);
    const found = await entities.findEntity(store, organization, idOrAddressOrName);
    const group = found && (await decide.groupToDelete(store, organization, found.id));
    if (group === undefined) return;
    const change = await this.#change(group, group);
    try {
      let isGone = false;
      // A transaction is bounded, a group is not: what is cut off is gone on with by the next request.
      while (!isGone) {
        isGone = await store.transact(organization, (tx) => decide.deleteGroup(tx, organization, group.id));
      }
    } finally {
      this.#tell(change);
    }
  }

  /** In order of id, after `after`. */
  list(
    organization: OrganizationId,
    filter: EntityFilter,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Group, EntityId>> {
    return this.#parts.lists.list(organization, 'group', filter, { after, limit });
  }

  /** Puts a user or a group into a group; one that is there already stays. Throws entity/not-found, entity/state, request/invalid for a cycle. */
  async associateMember(organization: OrganizationId, group: string, member: string): Promise<void> {
    const done = await this.#parts.store.transact(organization, (tx) =>
      decide.associateMember(tx, organization, group, member),
    );
    if (done !== undefined) this.#tell(await this.#changed(done));
  }

  /** Takes a member out of a group. Throws entity/not-found, also for what is no member. */
  async disassociateMember(organization: OrganizationId, group: string, member: string): Promise<void> {
    const done = await this.#parts.store.transact(organization, (tx) =>
      decide.disassociateMember(tx, organization, group, member),
    );
    this.#tell(await this.#changed(done));
  }

  /** The users and groups in a group itself, in order of id, after `after`. Throws entity/not-found. */
  async listMembers(
    organization: OrganizationId,
    group: string,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Entity, EntityId>> {
    const { id } = await this.describe(organization, group);
    const { rows, ...next } = await this.#parts.store.members(organization, id, after, limit);
    return { rows: await this.#parts.store.entitiesOf(organization, rows), ...next };
  }

  /** The groups a user or group is in itself, in order of id, after `after`. Throws entity/not-found, entity/state for a deleted user. */
  async listFor(
    organization: OrganizationId,
    idOrAddressOrName: string,
    namePrefix: string | undefined,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Group, EntityId>> {
    const { store } = this.#parts;
    await activeOrganization(store, organization);
    const { id } = entities.notDeleted(await entities.entityOf(store, organization, idOrAddressOrName));
    const isMatching = matching({ namePrefix });
    const rows: Group[] = [];
    let from = after;
    do {
      const page = await store.groupsWith(organization, id, from, groupsPerPage);
      for (const group of await store.entitiesOf(organization, page.rows)) {
        if (group.kind !== 'group' || !isMatching(listed(group))) continue;
        const last = rows.at(-1);
        if (rows.length === limit && last !== undefined) return { rows, next: last.id };
        rows.push(group);
      }
      from = page.next;
    } while (from !== undefined);
    return { rows };
  }

  async #changed({ group, member }: decide.Membership): Promise<MembershipChange> {
    // Nothing stale is answered, even if what follows fails.
    this.#parts.lookups.forget({ organization: group.organization });
    return this.#change(group, member);
  }

  async #change(group: Group, member: Entity): Promise<MembershipChange> {
    const { store } = this.#parts;
    const { organization, id } = group;
    return {
      organization,
      groups: [id, ...(await groupsAbove(store, organization, id))],
      mailboxes: await mailboxesBelow(store, member),
    };
  }

  #tell(change: MembershipChange): void {
    this.#parts.lookups.forget({ organization: change.organization });
    for (const listener of this.#listeners) listener(change);
  }
}

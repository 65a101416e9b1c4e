import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import type { Account } from './account.ts';
import { canonicalAddress } from './canonical-name.ts';
import { entityOf } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import * as decide from './decide-permission.ts';
import type { MailboxGrant, MailboxPermission } from './mailbox-permission.ts';
import { enabledGroupsAbove } from './membership.ts';
import type { DirectoryStore } from './ports.ts';
import type { Entity } from './user.ts';

/** A grant as it is listed. */
interface ListedGrant extends MailboxGrant {
  readonly granteeKind: 'user' | 'group';
}

/** SenderRight is what lets an account send by the primary address of another entity. */
export interface SenderRight {
  readonly permission: 'SEND_AS' | 'SEND_ON_BEHALF';
  readonly address: string;
  readonly displayName: string;
  /** Somebody reads what comes back to that address: a user. */
  readonly isRead: boolean;
}

const grantsPerPage = 100;

/**
 * MailboxPermissions keeps who may do what with whose mailbox and address. Every refusal is a DomainError; an operation on an
 * organisation throws organization/not-found and organization/state.
 */
export class MailboxPermissions {
  readonly #store: DirectoryStore;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /**
   * Replaces what a user or a group may do with a user, group or resource. Throws entity/not-found, entity/state,
   * request/invalid.
   */
  async put(
    organization: OrganizationId,
    entity: string,
    grantee: string,
    permissions: readonly MailboxPermission[],
  ): Promise<void> {
    await this.#store.transact(organization, (tx) =>
      decide.putPermissions(tx, organization, entity, grantee, permissions),
    );
  }

  /** Takes all of it away. Throws entity/not-found, entity/state. */
  async delete(organization: OrganizationId, entity: string, grantee: string): Promise<void> {
    await this.#store.transact(organization, (tx) =>
      decide.deletePermissions(tx, organization, entity, grantee),
    );
  }

  /** What there is of an entity, in order of the grantees' ids, after `after`. Throws entity/not-found. */
  async list(
    organization: OrganizationId,
    idOrName: string,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<ListedGrant, EntityId>> {
    await activeOrganization(this.#store, organization);
    const { id } = await entityOf(this.#store, organization, idOrName);
    const rows: ListedGrant[] = [];
    let from = after;
    do {
      const page = await this.#store.grants(organization, id, from, grantsPerPage);
      for (const grant of await this.#listed(organization, page.rows)) {
        const last = rows.at(-1);
        if (rows.length === limit && last !== undefined) return { rows, next: last.grantee };
        rows.push(grant);
      }
      from = page.next;
    } while (from !== undefined);
    return { rows };
  }

  /**
   * By what right an account may send by an address: one of its own, or its groups'; undefined if it may not. Only a primary
   * address of somebody enabled counts, as aliases only receive; groups that are disabled pass nothing on.
   */
  async senderRight(account: Account, given: string): Promise<SenderRight | undefined> {
    const { organization } = account;
    const address = canonicalAddress(given);
    const holder = await this.#store.addressHolder(address);
    if (holder === undefined || holder.released || holder.organization !== organization) return undefined;
    const entity = await this.#store.entity(organization, holder.entity);
    if (entity?.state !== 'ENABLED' || entity.addresses[0] !== address) return undefined;
    const permission = await this.#sendPermission(account, entity.id);
    if (permission === undefined) return undefined;
    const displayName = entity.kind === 'user' ? entity.displayName : entity.name;
    return { permission, address, displayName, isRead: entity.kind === 'user' };
  }

  async #sendPermission(
    { organization, entity: sender }: Account,
    entity: EntityId,
  ): Promise<SenderRight['permission'] | undefined> {
    const own = (await this.#store.grant(organization, entity, sender)) ?? [];
    if (own.includes('SEND_AS')) return 'SEND_AS';
    let isOnBehalf = own.includes('SEND_ON_BEHALF');
    for (const group of await enabledGroupsAbove(this.#store, organization, sender)) {
      const granted = (await this.#store.grant(organization, entity, group)) ?? [];
      if (granted.includes('SEND_AS')) return 'SEND_AS';
      isOnBehalf ||= granted.includes('SEND_ON_BEHALF');
    }
    return isOnBehalf ? 'SEND_ON_BEHALF' : undefined;
  }

  /** Those whose grantee is there. */
  async #listed(
    organization: OrganizationId,
    grants: readonly MailboxGrant[],
  ): Promise<readonly ListedGrant[]> {
    const ids = grants.map(({ grantee }) => grantee);
    const grantees = new Map<EntityId, Entity>();
    for (const entity of await this.#store.entitiesOf(organization, ids)) grantees.set(entity.id, entity);
    return grants.flatMap((grant) => {
      const entity = grantees.get(grant.grantee);
      if (entity === undefined || entity.state === 'DELETED' || entity.kind === 'resource') return [];
      return [{ ...grant, granteeKind: entity.kind }];
    });
  }
}

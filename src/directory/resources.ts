import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import * as delegates from './decide-delegate.ts';
import { activeOrganization } from './decide-organization.ts';
import * as decide from './decide-resource.ts';
import type { EntityFilter } from './entity-filter.ts';
import type { EntityLists } from './entity-lists.ts';
import type { Lookups } from './lookups.ts';
import type { DirectoryStore } from './ports.ts';
import { type Resource, resourceName } from './resource.ts';
import type { Entity } from './user.ts';

interface ResourcesParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  readonly lists: EntityLists;
  newId(): EntityId;
  nowMs(): number;
}

/**
 * Rooms and equipment. Every refusal is a DomainError; an operation on an organisation throws organization/not-found and
 * organization/state.
 */
export class Resources {
  readonly #parts: ResourcesParts;

  constructor(parts: ResourcesParts) {
    this.#parts = parts;
  }

  /** Makes a disabled resource. Throws name/in-use, name/reserved, request/invalid. */
  async create(organization: OrganizationId, wanted: decide.NewResource): Promise<EntityId> {
    resourceName(wanted.name);
    const made = { ...wanted, id: this.#parts.newId(), createdMs: this.#parts.nowMs() };
    await this.#parts.store.transact(organization, (tx) => decide.createResource(tx, organization, made));
    return made.id;
  }

  /** By id, address or name. Throws entity/not-found. */
  async describe(organization: OrganizationId, idOrAddressOrName: string): Promise<Resource> {
    await activeOrganization(this.#parts.store, organization);
    return decide.resourceOf(this.#parts.store, organization, idOrAddressOrName);
  }

  /** Changes what is given. Throws entity/not-found, name/in-use, name/reserved, request/invalid, resource/unattended. */
  async update(organization: OrganizationId, id: string, changes: decide.ResourceChanges): Promise<void> {
    const changed = await this.#parts.store.transact(organization, (tx) =>
      decide.updateResource(tx, organization, id, changes),
    );
    this.#parts.lookups.forget(changed);
  }

  /**
   * Takes a disabled resource away; its mailbox is kept for the rest of its 30 days. Nothing happens if there is none.
   * Throws entity/state, request/invalid for what is no resource.
   */
  async delete(organization: OrganizationId, idOrAddressOrName: string): Promise<void> {
    let isGone = false;
    // A transaction is bounded, its delegates and what it granted are not.
    while (!isGone) {
      isGone = await this.#parts.store.transact(organization, (tx) =>
        decide.deleteResource(tx, organization, idOrAddressOrName, this.#parts.nowMs()),
      );
    }
    this.#parts.lookups.forget({ organization });
  }

  /** Makes a user or a group a delegate; one that is it already stays. Throws entity/not-found, entity/state, request/invalid. */
  async associateDelegate(organization: OrganizationId, resource: string, delegate: string): Promise<void> {
    await this.#parts.store.transact(organization, (tx) =>
      delegates.associateDelegate(tx, organization, resource, delegate),
    );
  }

  /** Throws entity/not-found, also for what is no delegate, entity/state for the last one that has to be, request/invalid. */
  async disassociateDelegate(
    organization: OrganizationId,
    resource: string,
    delegate: string,
  ): Promise<void> {
    await this.#parts.store.transact(organization, (tx) =>
      delegates.disassociateDelegate(tx, organization, resource, delegate),
    );
  }

  /** In order of id, after `after`. Throws entity/not-found. */
  async listDelegates(
    organization: OrganizationId,
    resource: string,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Entity, EntityId>> {
    const { id } = await this.describe(organization, resource);
    const { rows, ...next } = await this.#parts.store.delegates(organization, id, after, limit);
    return { rows: await this.#parts.store.entitiesOf(organization, rows), ...next };
  }

  /** In order of id, after `after`. */
  list(
    organization: OrganizationId,
    filter: EntityFilter,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Resource, EntityId>> {
    return this.#parts.lists.list(organization, 'resource', filter, { after, limit });
  }
}

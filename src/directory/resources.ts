import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { activeOrganization } from './decide-organization.ts';
import * as decide from './decide-resource.ts';
import type { EntityFilter } from './entity-filter.ts';
import { listEntities } from './list-entities.ts';
import type { Lookups } from './lookups.ts';
import type { DirectoryStore } from './ports.ts';
import { type Resource, resourceName } from './resource.ts';

interface ResourcesParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
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
    // A transaction is bounded, what it granted is not.
    while (!isGone) {
      isGone = await this.#parts.store.transact(organization, (tx) =>
        decide.deleteResource(tx, organization, idOrAddressOrName, this.#parts.nowMs()),
      );
    }
    this.#parts.lookups.forget();
  }

  /** In order of id, after `after`. */
  list(
    organization: OrganizationId,
    filter: EntityFilter,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Resource, EntityId>> {
    return listEntities(this.#parts.store, organization, 'resource', filter, { after, limit });
  }
}

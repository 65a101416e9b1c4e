import type { EntityId, OrganizationId } from '#domain/ids';
import * as decide from './decide-removal.ts';
import type { Lookups } from './lookups.ts';
import type { Organization } from './organization.ts';
import type { DirectoryStore } from './ports.ts';

interface OrganizationRemovalParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  nowMs(): number;
  /** Tells whoever serves an entity that its state has changed. */
  tell(entity: EntityId): void;
  /** Tells whoever looks at its domains that they are back. */
  restored(organization: OrganizationId): Promise<void>;
}

const entitiesPerPage = 500;

/** Organisations that go, and those that come back. Every refusal is a DomainError. */
export class OrganizationRemoval {
  readonly #parts: OrganizationRemovalParts;

  constructor(parts: OrganizationRemovalParts) {
    this.#parts = parts;
  }

  /**
   * Nothing of the organisation is served or accepted any more once this resolves; its data is kept for 30 days. Throws
   * organization/not-found, organization/state (also for one with enabled users, unless forced).
   */
  async delete(id: OrganizationId, wanted: decide.OrganizationDeletion): Promise<void> {
    const { store, lookups, nowMs } = this.#parts;
    await store.transact(id, (tx) => decide.deleteOrganization(tx, id, wanted, nowMs()));
    lookups.forget({ organization: id });
    await this.signOutAll(id);
  }

  /** Ends sessions of its users, and requests that wait. */
  async signOutAll(id: OrganizationId): Promise<void> {
    const { store, tell } = this.#parts;
    let after: EntityId | undefined;
    do {
      const page = await store.entities(id, after, entitiesPerPage);
      for (const entity of page.rows) if (entity.state === 'ENABLED') tell(entity.id);
      after = page.next;
    } while (after !== undefined);
  }

  /** Takes a deletion back. Throws organization/not-found, organization/state. */
  async restore(id: OrganizationId): Promise<Organization> {
    const { store, lookups, nowMs } = this.#parts;
    const organization = await store.transact(id, (tx) => decide.restoreOrganization(tx, id, nowMs()));
    lookups.forget({ organization: id });
    await this.#parts.restored(id);
    return organization;
  }
}

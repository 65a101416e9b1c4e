import type { OrganizationId } from '#domain/ids';
import * as decide from './decide-removal.ts';
import type { Lookups } from './lookups.ts';
import type { Organization } from './organization.ts';
import type { DirectoryStore } from './ports.ts';

interface OrganizationRemovalParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  nowMs(): number;
}

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
    lookups.forget();
  }

  /** Takes a deletion back. Throws organization/not-found, organization/state. */
  async restore(id: OrganizationId): Promise<Organization> {
    const { store, lookups, nowMs } = this.#parts;
    const restored = await store.transact(id, (tx) => decide.restoreOrganization(tx, id, nowMs()));
    lookups.forget();
    return restored;
  }
}

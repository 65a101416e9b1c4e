import type { OrganizationId } from '#domain/ids';
import { activeOrganization } from './decide-organization.ts';
import type { EmailMonitoring } from './kept.ts';
import type { DirectoryStore } from './ports.ts';

/** Where organisations want logs of mail. An operation throws DomainError organization/not-found and organization/state. */
export class EmailMonitoringSettings {
  readonly #store: DirectoryStore;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /** Replaces what there is. */
  async put(organization: OrganizationId, wanted: EmailMonitoring): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      tx.putKept(organization, 'emailMonitoring', '', wanted);
    });
  }

  /** Undefined if none is wanted. */
  async find(organization: OrganizationId): Promise<EmailMonitoring | undefined> {
    await activeOrganization(this.#store, organization);
    return this.#store.kept(organization, 'emailMonitoring', '');
  }

  /** Nothing happens if none is wanted. */
  async delete(organization: OrganizationId): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      tx.deleteKept(organization, 'emailMonitoring', '');
    });
  }
}

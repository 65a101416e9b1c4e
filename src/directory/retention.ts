import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import { activeOrganization } from './decide-organization.ts';
import type { RetentionPolicy, RetentionRule } from './kept.ts';
import type { DirectoryStore } from './ports.ts';

/** How long organisations keep mail. An operation throws DomainError organization/not-found and organization/state. */
export class RetentionPolicies {
  readonly #store: DirectoryStore;
  readonly #newId: () => string;

  constructor(store: DirectoryStore, newId: () => string) {
    this.#store = store;
    this.#newId = newId;
  }

  /**
   * Makes the policy of an organisation, or replaces the one of this id. Throws limit/exceeded for a second one, request/invalid for an
   * unknown id, a folder named twice, and an action without a period.
   */
  async put(
    organization: OrganizationId,
    wanted: Omit<RetentionPolicy, 'id'> & { readonly id: string | undefined },
  ): Promise<void> {
    checkRules(wanted.rules);
    const newOne = this.#newId();
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const known = await tx.kept(organization, 'retentionPolicy', '');
      if (wanted.id === undefined && known !== undefined) {
        throw new DomainError('limit/exceeded', `There is the retention policy ${known.id} already.`);
      }
      if (wanted.id !== known?.id) {
        throw new DomainError('request/invalid', 'There is no retention policy of this Id.');
      }
      tx.putKept(organization, 'retentionPolicy', '', { ...wanted, id: wanted.id ?? newOne });
    });
  }

  /** Undefined if there is none. */
  async find(organization: OrganizationId): Promise<RetentionPolicy | undefined> {
    await activeOrganization(this.#store, organization);
    return this.#store.kept(organization, 'retentionPolicy', '');
  }

  /** Nothing happens if there is none of this id. */
  async delete(organization: OrganizationId, id: string): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const known = await tx.kept(organization, 'retentionPolicy', '');
      if (known?.id === id) tx.deleteKept(organization, 'retentionPolicy', '');
    });
  }
}

function checkRules(rules: readonly RetentionRule[]): void {
  if (new Set(rules.map(({ folder }) => folder)).size < rules.length) {
    throw new DomainError('request/invalid', 'A folder is named twice.');
  }
  if (rules.some(({ action, periodDays }) => action !== 'NONE' && periodDays === undefined)) {
    throw new DomainError('request/invalid', 'An action other than NONE needs a Period.');
  }
}

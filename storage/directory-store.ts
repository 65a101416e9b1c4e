import type { DirectoryStore, DirectoryTx, EntityRef } from '#directory/ports';
import type { OrganizationId } from '#domain/ids';
import { type DirectoryStoreOptions, StoredReader } from './directory-reader.ts';
import { StoredTx } from './directory-tx.ts';
import { organizationPart, systemPart } from './keys.ts';

const system = systemPart();

/** StoredDirectory is the DirectoryStore over one Store. */
export class StoredDirectory extends StoredReader implements DirectoryStore {
  readonly #options: DirectoryStoreOptions;
  readonly #listeners = new Set<(changed: EntityRef) => void>();

  constructor(options: DirectoryStoreOptions) {
    super(options.store, options);
    this.#options = options;
  }

  onEntityChange(listener: (changed: EntityRef) => void): void {
    this.#listeners.add(listener);
  }

  transact<T>(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<T>): Promise<T> {
    return this.#transact(organization, decide);
  }

  transactInstallation<T>(decide: (tx: DirectoryTx) => Promise<T>): Promise<T> {
    return this.#options.store.transact([system], (tx) => decide(new StoredTx(tx, this.#options)));
  }

  async transactNew<T>(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<T>): Promise<T> {
    const wrapped = this.keys.create(organization);
    // Rows of the organisation are sealed with it in the same transaction.
    this.keys.add(organization, wrapped);
    let made = false;
    try {
      return await this.#transact(organization, async (tx) => {
        const result = await decide(tx);
        made = (await tx.organization(organization)) !== undefined;
        if (made) tx.putDataKey(organization, wrapped);
        return result;
      });
    } catch (error) {
      made = false;
      throw error;
    } finally {
      if (!made) this.keys.forget(organization);
    }
  }

  async #transact<T>(organization: OrganizationId, decide: (tx: StoredTx) => Promise<T>): Promise<T> {
    const parts = [system, organizationPart(organization)];
    let changed: readonly EntityRef[] = [];
    const result = await this.#options.store.transact(parts, async (tx) => {
      const decided = new StoredTx(tx, this.#options);
      const result = await decide(decided);
      changed = decided.changed;
      return result;
    });
    for (const one of changed) for (const listener of this.#listeners) listener(one);
    return result;
  }
}

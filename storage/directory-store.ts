import type { DirectoryStore, DirectoryTx } from '#directory/ports';
import type { OrganizationId } from '#domain/ids';
import { type DirectoryStoreOptions, StoredReader } from './directory-reader.ts';
import { StoredTx } from './directory-tx.ts';
import { organizationPart, systemPart } from './keys.ts';

const system = systemPart();

/** StoredDirectory is the DirectoryStore over one Store. */
export class StoredDirectory extends StoredReader implements DirectoryStore {
  readonly #options: DirectoryStoreOptions;

  constructor(options: DirectoryStoreOptions) {
    super(options.store, options);
    this.#options = options;
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

  #transact<T>(organization: OrganizationId, decide: (tx: StoredTx) => Promise<T>): Promise<T> {
    const parts = [system, organizationPart(organization)];
    return this.#options.store.transact(parts, (tx) => decide(new StoredTx(tx, this.#options)));
  }
}

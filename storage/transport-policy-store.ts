/** MTA-STS policies of other domains, in the partition of the installation. */
import type { TransportPolicy, TransportPolicyStore } from '#domain/transport-policy';
import type { KeyRing } from './key-ring.ts';
import { systemPart } from './keys.ts';
import { systemRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Store } from './store.ts';

interface TransportPolicyStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** Rows looked at in one transaction. */
const pageRows = 200;

export class StoredTransportPolicies implements TransportPolicyStore {
  readonly #o: TransportPolicyStoreOptions;
  readonly #part = systemPart();

  constructor(options: TransportPolicyStoreOptions) {
    this.#o = options;
  }

  async get(domain: string): Promise<TransportPolicy | undefined> {
    const key = this.#key(domain);
    const stored = await this.#o.store.get(this.#part, key);
    return stored && rows.transportPolicy.decode(this.#o.sealer, this.#part, key, stored);
  }

  async put(domain: string, policy: TransportPolicy): Promise<void> {
    const key = this.#key(domain);
    const value = rows.transportPolicy.encode(this.#o.sealer, this.#part, key, policy);
    await this.#o.store.transact([this.#part], async (tx) => tx.put(this.#part, key, value));
  }

  async removeExpired(nowMs: number): Promise<void> {
    const { gte, lt } = rows.transportPolicy.range();
    for (let from: Bytes | undefined = gte; from !== undefined; ) {
      const at: Bytes = from;
      from = await this.#o.store.transact([this.#part], async (tx) => {
        const page = await tx.page(this.#part, { gte: at, lt, limit: pageRows });
        for (const [key, stored] of page.rows) {
          const { expiresMs } = rows.transportPolicy.decode(this.#o.sealer, this.#part, key, stored);
          if (expiresMs <= nowMs) tx.del(this.#part, key);
        }
        return page.next;
      });
    }
  }

  #key(domain: string): Bytes {
    return rows.transportPolicy.key(this.#o.keys.nameKey(undefined, domain));
  }
}

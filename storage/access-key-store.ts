/** Access keys of the admin API, in the installation's partition: they are looked up before anybody knows whose they are. */
import type { AccessKey, AccessKeyStore } from '#directory/access-keys';
import type { OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { firstRows } from './first-rows.ts';
import { idBytes, systemPart } from './keys.ts';
import { systemRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Range, Reader, Store } from './store.ts';

interface AccessKeyStoreOptions {
  readonly store: Store;
  readonly sealer: Sealer;
}

const part = systemPart();
/** Where a key's id stands in its row `n`. */
const idAt = 17;
const noOrganization = Buffer.alloc(16);

export class StoredAccessKeys implements AccessKeyStore {
  readonly #o: AccessKeyStoreOptions;

  constructor(options: AccessKeyStoreOptions) {
    this.#o = options;
  }

  accessKey(id: string): Promise<AccessKey | undefined> {
    return this.#read(this.#o.store, id);
  }

  async accessKeys(
    organization: OrganizationId | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessKey, string>> {
    const all = rangeOf(organization);
    const gte = after === undefined ? all.gte : Buffer.concat([all.gte, Buffer.from(after), Buffer.of(0)]);
    const found = await firstRows(this.#o.store, part, { ...all, gte }, limit + 1);
    const ids = found.map(([key]) => Buffer.from(key.subarray(idAt)).toString());
    const keys = await Promise.all(ids.slice(0, limit).map((id) => this.accessKey(id)));
    const listed = keys.filter((key) => key !== undefined);
    const last = ids[limit - 1];
    return ids.length > limit && last !== undefined ? { rows: listed, next: last } : { rows: listed };
  }

  addAccessKey(key: AccessKey, most: number): Promise<boolean> {
    return this.#o.store.transact([part], async (tx) => {
      const found = await firstRows(tx, part, rangeOf(key.organization), most);
      if (found.length >= most) return false;
      const owner = ownerKey(key);
      tx.put(part, owner, rows.accessKeyOwner.encode(this.#o.sealer, part, owner, null));
      const row = rows.accessKey.key(Buffer.from(key.id));
      tx.put(part, row, rows.accessKey.encode(this.#o.sealer, part, row, key));
      return true;
    });
  }

  async deleteAccessKey(key: AccessKey): Promise<void> {
    await this.#o.store.transact([part], async (tx) => {
      tx.del(part, ownerKey(key));
      tx.del(part, rows.accessKey.key(Buffer.from(key.id)));
    });
  }

  async setLastUsed({ id }: AccessKey, lastUsedMs: number): Promise<void> {
    const row = rows.accessKey.key(Buffer.from(id));
    await this.#o.store.transact(
      [part],
      async (tx) => {
        const found = await this.#read(tx, id);
        if (found === undefined) return;
        tx.put(part, row, rows.accessKey.encode(this.#o.sealer, part, row, { ...found, lastUsedMs }));
      },
      'soon',
    );
  }

  async #read(reader: Reader, id: string): Promise<AccessKey | undefined> {
    const row = rows.accessKey.key(Buffer.from(id));
    const stored = await reader.get(part, row);
    return stored && rows.accessKey.decode(this.#o.sealer, part, row, stored);
  }
}

function rangeOf(organization: OrganizationId | undefined): Range {
  return rows.accessKeyOwner.range(organization === undefined ? noOrganization : idBytes(organization));
}

function ownerKey({ organization, id }: AccessKey): Bytes {
  const owner = organization === undefined ? noOrganization : idBytes(organization);
  return rows.accessKeyOwner.key(owner, Buffer.from(id));
}

/** Mobile policies and the list of devices of an organisation, over one Store. */
import type { DeviceEntry, DeviceIndex } from '#domain/devices';
import type { DeviceId, MailboxRef, OrganizationId } from '#domain/ids';
import type { PolicyStore, PolicyTarget, StoredPolicy } from '#domain/policy';
import type { PageOf } from '#domain/ports';
import type { KeyRing } from './key-ring.ts';
import { idBytes, organizationPart } from './keys.ts';
import { organizationRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Reader, Store } from './store.ts';

interface PolicyStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** Where a page of devices begins, as text: the hex digits of the row's key. */
const CURSOR = /^(?:[0-9a-f]{2}){1,512}$/;

export class StoredPolicies implements PolicyStore, DeviceIndex {
  readonly #o: PolicyStoreOptions;

  constructor(options: PolicyStoreOptions) {
    this.#o = options;
  }

  policy(organization: OrganizationId, target: PolicyTarget): Promise<StoredPolicy | undefined> {
    return this.#read(this.#o.store, organization, target);
  }

  updatePolicy(
    organization: OrganizationId,
    target: PolicyTarget,
    decide: (stored: StoredPolicy | undefined) => StoredPolicy | undefined,
  ): Promise<StoredPolicy | undefined> {
    const part = organizationPart(organization);
    return this.#o.store.transact([part], async (tx) => {
      const next = decide(await this.#read(tx, organization, target));
      const key = policyKey(organization, target);
      if (next !== undefined) tx.put(part, key, rows.policy.encode(this.#o.sealer, part, key, next));
      return next;
    });
  }

  async addDevice(ref: MailboxRef, device: DeviceId): Promise<void> {
    const part = organizationPart(ref.organization);
    const key = this.#entryKey(ref, device);
    const entry = rows.deviceEntry.encode(this.#o.sealer, part, key, { mailbox: ref.mailbox, device });
    await this.#o.store.transact([part], async (tx) => tx.put(part, key, entry));
  }

  async removeDevice(ref: MailboxRef, device: DeviceId): Promise<void> {
    const part = organizationPart(ref.organization);
    await this.#o.store.transact([part], async (tx) => tx.del(part, this.#entryKey(ref, device)));
  }

  async deviceEntries(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<DeviceEntry, string>> {
    const part = organizationPart(organization);
    const { gte, lt } = rows.deviceEntry.range();
    const asked = after !== undefined && CURSOR.test(after) ? Buffer.from(after, 'hex') : gte;
    const from = Buffer.compare(asked, gte) < 0 ? gte : asked;
    const page = await this.#o.store.page(part, { gte: from, lt, limit });
    const found = page.rows.map(([key, stored]) => {
      const { mailbox, device } = rows.deviceEntry.decode(this.#o.sealer, part, key, stored);
      return { ref: { organization, mailbox }, device };
    });
    return page.next === undefined
      ? { rows: found }
      : { rows: found, next: Buffer.from(page.next).toString('hex') };
  }

  async #read(
    reader: Reader,
    organization: OrganizationId,
    target: PolicyTarget,
  ): Promise<StoredPolicy | undefined> {
    const part = organizationPart(organization);
    const key = policyKey(organization, target);
    const stored = await reader.get(part, key);
    return stored && rows.policy.decode(this.#o.sealer, part, key, stored);
  }

  #entryKey(ref: MailboxRef, device: DeviceId): Bytes {
    return rows.deviceEntry.key(idBytes(ref.mailbox), this.#o.keys.nameKey(ref.organization, device));
  }
}

function policyKey(organization: OrganizationId, target: PolicyTarget): Bytes {
  return rows.policy.key(idBytes(target === 'organization' ? organization : target));
}

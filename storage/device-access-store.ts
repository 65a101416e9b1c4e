/** Mobile device access rules, overrides and settings of an organisation, over one Store. */
import type { AccessRule } from '#domain/access-rule';
import type {
  AccessOverride,
  DeviceAccessSettings,
  DeviceAccessStore,
  DeviceAccessTx,
  RuleTokenUse,
} from '#domain/device-access-store';
import type { DeviceId, MailboxRef, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import type { KeyRing } from './key-ring.ts';
import { idBytes, organizationPart, systemPart, u64 } from './keys.ts';
import { organizationRows as rows, systemRows } from './layout.ts';
import type { Row, Sealer } from './rows.ts';
import type { Bytes, Reader, Store, Tx } from './store.ts';

interface DeviceAccessStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** Where a page begins, as text: the hex digits of the row's key. */
const cursor = /^(?:[0-9a-f]{2}){1,512}$/;

class AccessReader {
  readonly #reader: Reader;
  protected readonly o: DeviceAccessStoreOptions;

  constructor(reader: Reader, options: DeviceAccessStoreOptions) {
    this.#reader = reader;
    this.o = options;
  }

  async accessRules(organization: OrganizationId): Promise<readonly AccessRule[] | undefined> {
    const part = organizationPart(organization);
    if ((await this.#reader.get(part, rows.accessRulesChanged.key())) === undefined) return undefined;
    const { rows: found } = await this.#reader.page(part, rows.accessRule.range());
    return found
      .map(([key, stored]) => rows.accessRule.decode(this.o.sealer, part, key, stored))
      .sort((a, b) => a.position - b.position)
      .map(({ rule }) => rule);
  }

  async accessOverride(ref: MailboxRef, device: DeviceId): Promise<AccessOverride | undefined> {
    const part = organizationPart(ref.organization);
    const key = this.overrideKey(ref, device);
    const stored = await this.#reader.get(part, key);
    if (stored === undefined) return undefined;
    const { mailbox, ...override } = rows.accessOverride.decode(this.o.sealer, part, key, stored);
    return { ref, ...override };
  }

  async ruleToken(organization: OrganizationId, token: string): Promise<RuleTokenUse | undefined> {
    const part = organizationPart(organization);
    const key = rows.clientToken.key(this.o.keys.nameKey(organization, token));
    const stored = await this.#reader.get(part, key);
    return stored && rows.clientToken.decode(this.o.sealer, part, key, stored);
  }

  protected overrideKey({ organization, mailbox }: MailboxRef, device: DeviceId): Bytes {
    return rows.accessOverride.key(idBytes(mailbox), this.o.keys.nameKey(organization, device));
  }

  protected ruleKey(organization: OrganizationId, id: string): Bytes {
    return rows.accessRule.key(this.o.keys.nameKey(organization, id));
  }
}

class AccessTx extends AccessReader implements DeviceAccessTx {
  readonly #tx: Tx;

  constructor(tx: Tx, options: DeviceAccessStoreOptions) {
    super(tx, options);
    this.#tx = tx;
  }

  async putAccessRules(organization: OrganizationId, rules: readonly AccessRule[]): Promise<void> {
    const part = organizationPart(organization);
    for (const { id } of (await this.accessRules(organization)) ?? []) {
      if (!rules.some((rule) => rule.id === id)) this.#tx.del(part, this.ruleKey(organization, id));
    }
    for (const [position, rule] of rules.entries()) {
      this.#put(organization, rows.accessRule, this.ruleKey(organization, rule.id), { position, rule });
    }
    this.#put(organization, rows.accessRulesChanged, rows.accessRulesChanged.key(), null);
  }

  putAccessOverride({ ref, ...override }: AccessOverride): void {
    const key = this.overrideKey(ref, override.device);
    this.#put(ref.organization, rows.accessOverride, key, { ...override, mailbox: ref.mailbox });
  }

  deleteAccessOverride(ref: MailboxRef, device: DeviceId): void {
    this.#tx.del(organizationPart(ref.organization), this.overrideKey(ref, device));
  }

  putRuleToken(organization: OrganizationId, token: string, use: RuleTokenUse): void {
    const key = rows.clientToken.key(this.o.keys.nameKey(organization, token));
    this.#put(organization, rows.clientToken, key, use);
  }

  #put<T>(organization: OrganizationId, row: Row<never, T>, key: Bytes, value: T): void {
    const part = organizationPart(organization);
    this.#tx.put(part, key, row.encode(this.o.sealer, part, key, value));
  }
}

export class StoredDeviceAccess extends AccessReader implements DeviceAccessStore {
  constructor(options: DeviceAccessStoreOptions) {
    super(options.store, options);
  }

  async accessOverrides(
    organization: OrganizationId,
    of: { readonly mailbox?: MailboxRef['mailbox'] | undefined; readonly device?: DeviceId | undefined },
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessOverride, string>> {
    const part = organizationPart(organization);
    const { gte, lt } = rows.accessOverride.range(...(of.mailbox === undefined ? [] : [idBytes(of.mailbox)]));
    const asked = after !== undefined && cursor.test(after) ? Buffer.from(after, 'hex') : gte;
    const from = Buffer.compare(asked, gte) < 0 ? gte : asked;
    const page = await this.o.store.page(part, { gte: from, lt, limit });
    const found = page.rows
      .map(([key, stored]) => rows.accessOverride.decode(this.o.sealer, part, key, stored))
      .filter(({ device }) => of.device === undefined || device === of.device)
      .map(({ mailbox, ...override }) => ({ ref: { organization, mailbox }, ...override }));
    return page.next === undefined
      ? { rows: found }
      : { rows: found, next: Buffer.from(page.next).toString('hex') };
  }

  async accessSettings(organization: OrganizationId): Promise<DeviceAccessSettings | undefined> {
    const part = organizationPart(organization);
    const key = rows.accessSettings.key();
    const stored = await this.o.store.get(part, key);
    return stored && rows.accessSettings.decode(this.o.sealer, part, key, stored);
  }

  async putAccessSettings(organization: OrganizationId, settings: DeviceAccessSettings): Promise<void> {
    const part = organizationPart(organization);
    const key = rows.accessSettings.key();
    const value = rows.accessSettings.encode(this.o.sealer, part, key, settings);
    await this.o.store.transact([part], async (tx) => tx.put(part, key, value));
  }

  async removeMailboxAt({ organization, mailbox }: MailboxRef, dueMs: number): Promise<void> {
    const part = systemPart();
    const key = systemRows.due.key(u64(dueMs), idBytes(organization), idBytes(mailbox));
    await this.o.store.transact([part], async (tx) =>
      tx.put(part, key, systemRows.due.encode(this.o.sealer, part, key, null)),
    );
  }

  transactAccess<T>(organization: OrganizationId, decide: (tx: DeviceAccessTx) => Promise<T>): Promise<T> {
    return this.o.store.transact([organizationPart(organization)], (tx) => decide(new AccessTx(tx, this.o)));
  }
}

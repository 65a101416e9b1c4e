/** Calls of the admin API: in the partition of the organisation that they are about, or the installation's. */
import type { AuditEvent, AuditPeriod, AuditStore } from '#directory/audit-log';
import type { OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { idBytes, organizationPart, systemPart, u64 } from './keys.ts';
import { organizationRows, systemRows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Part, Store } from './store.ts';

interface AuditStoreOptions {
  readonly store: Store;
  readonly sealer: Sealer;
}

/** Where the time stands in a row's key. */
const timeAt = 1;
/** Where a page begins, as text: the hex digits of a key. */
const cursorForm = /^(?:[0-9a-f]{2}){1,64}$/;

export class StoredAudit implements AuditStore {
  readonly #o: AuditStoreOptions;

  constructor(options: AuditStoreOptions) {
    this.#o = options;
  }

  async putAuditEvent({ atMs, organization, ...event }: AuditEvent, urgency: 'now' | 'soon'): Promise<void> {
    const { part, row } = placeOf(organization);
    const key = row.key(u64(atMs), idBytes(event.requestId));
    const value = row.encode(this.#o.sealer, part, key, event);
    await this.#o.store.transact([part], async (tx) => tx.put(part, key, value), urgency);
  }

  async auditEvents(
    organization: OrganizationId | undefined,
    { fromMs, untilMs }: AuditPeriod,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AuditEvent, string>> {
    const { part, row } = placeOf(organization);
    const gte = row.range(u64(fromMs)).gte;
    const end = row.range(u64(untilMs)).gte;
    const asked = after !== undefined && cursorForm.test(after) ? Buffer.from(after, 'hex') : end;
    const lt = Buffer.compare(asked, end) < 0 ? asked : end;
    const page = await this.#o.store.page(part, { gte, lt, reverse: true, limit });
    const events = page.rows.map(([key, stored]) => ({
      ...row.decode(this.#o.sealer, part, key, stored),
      atMs: u64.read(key, timeAt),
      organization,
    }));
    return page.next === undefined
      ? { rows: events }
      : { rows: events, next: Buffer.from(page.next).toString('hex') };
  }
}

function placeOf(organization: OrganizationId | undefined): { part: Part; row: typeof systemRows.audit } {
  return organization === undefined
    ? { part: systemPart(), row: systemRows.audit }
    : { part: organizationPart(organization), row: organizationRows.audit };
}

/** The rows of an organisation's access control rules. */
import type { AccessControlRule } from '#directory/access-control-rule';
import type { OrganizationId } from '#domain/ids';
import type { KeyRing } from './key-ring.ts';
import { organizationPart } from './keys.ts';
import { organizationRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Reader, Tx } from './store.ts';

interface Options {
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** In any order; undefined while they were never changed. */
export async function accessControlRules(
  reader: Reader,
  { sealer }: Options,
  organization: OrganizationId,
): Promise<readonly AccessControlRule[] | undefined> {
  const part = organizationPart(organization);
  if ((await reader.get(part, rows.accessControlChanged.key())) === undefined) return undefined;
  const found: AccessControlRule[] = [];
  const range = rows.accessControlRule.range();
  for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
    const page: Awaited<ReturnType<Reader['page']>> = await reader.page(part, { ...range, gte });
    for (const [key, stored] of page.rows) {
      found.push(rows.accessControlRule.decode(sealer, part, key, stored));
    }
    gte = page.next;
  }
  return found;
}

/** From now on the stored ones count. */
export function putAccessControlRule(
  tx: Tx,
  { keys, sealer }: Options,
  organization: OrganizationId,
  rule: AccessControlRule,
): void {
  const part = organizationPart(organization);
  const key = rows.accessControlRule.key(keys.nameKey(organization, rule.name));
  tx.put(part, key, rows.accessControlRule.encode(sealer, part, key, rule));
  const changed = rows.accessControlChanged.key();
  tx.put(part, changed, rows.accessControlChanged.encode(sealer, part, changed, null));
}

/** Nothing happens if there is none. */
export function deleteAccessControlRule(
  tx: Tx,
  { keys }: Options,
  organization: OrganizationId,
  name: string,
): void {
  tx.del(organizationPart(organization), rows.accessControlRule.key(keys.nameKey(organization, name)));
}

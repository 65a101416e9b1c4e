/** Client tokens name the same request for a day (decide-organization.ts): SDKs make a new one for each request. */
import type { OrganizationId } from '#domain/ids';
import { organizationPart, systemPart } from './keys.ts';
import { organizationRows, systemRows } from './layout.ts';
import { deleteWhere, type MaintenanceRun, onceADay, organizationsWithKeys } from './maintenance-context.ts';

const dayMs = 24 * 3_600_000;
const clientTokenKind = 6;

/** Forgets the tokens that name nothing any more, if that was last done a day ago. */
export async function forgetOldClientTokens(run: MaintenanceRun): Promise<void> {
  await onceADay(run, clientTokenKind, async () => {
    for (const owner of [undefined, ...(await organizationsWithKeys(run))]) await forgetThoseOf(run, owner);
  });
}

async function forgetThoseOf(run: MaintenanceRun, owner: OrganizationId | undefined): Promise<void> {
  const [part, row] =
    owner === undefined
      ? [systemPart(), systemRows.clientToken]
      : [organizationPart(owner), organizationRows.clientToken];
  const first = await run.store.page(part, { ...row.range(), limit: 1 });
  if (first.rows.length === 0) return;
  await deleteWhere(run, part, row.range(), (_tx, key, value) => {
    return row.decode(run.sealer, part, key, value).usedMs <= run.nowMs - dayMs;
  });
}

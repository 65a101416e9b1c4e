/** Calls of the admin API are kept for 90 days, as CloudTrail keeps its events. */
import { organizationPart, systemPart, u64 } from './keys.ts';
import { organizationRows, systemRows } from './layout.ts';
import { type MaintenanceRun, onceADay, organizationsWithKeys, removeRange } from './maintenance-context.ts';

const keepMs = 90 * 24 * 3_600_000;

const auditKind = 5;

/** Forgets the calls that are older, if that was last done a day ago: each organisation is looked at. */
export async function forgetOldCalls(run: MaintenanceRun): Promise<void> {
  await onceADay(run, auditKind, () => forgetBefore(run));
}

async function forgetBefore(run: MaintenanceRun): Promise<void> {
  const organizations = await organizationsWithKeys(run);
  const before = u64(Math.max(0, run.nowMs - keepMs));
  const old = { gte: systemRows.audit.range().gte, lt: systemRows.audit.range(before).gte };
  const oldOfOne = { gte: organizationRows.audit.range().gte, lt: organizationRows.audit.range(before).gte };
  await removeRange(run, systemPart(), old);
  for (const organization of organizations) {
    const part = organizationPart(organization);
    const { rows } = await run.store.page(part, { ...oldOfOne, limit: 1 });
    if (rows.length > 0) await removeRange(run, part, oldOfOne);
  }
}

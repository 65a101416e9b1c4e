/**
 * 0002: the rows `U` and `P` (directory-indexes.ts) of organisations that were stored before there were any. Runs in the background
 * after the start, once for an installation, in short transactions; until it is over every organisation is asked, as before.
 */
import type { EntityId, OrganizationId } from '#domain/ids';
import { indexedSince } from '../directory-indexes.ts';
import { StoredDirectory } from '../directory-store.ts';
import { systemPart } from '../keys.ts';
import { systemRows } from '../layout.ts';
import type { MaintenanceRun } from '../maintenance-context.ts';

const organizationsAtOnce = 100;
/** Each is found by up to 102 names, and each of these is a row. */
const entitiesAtOnce = 20;

/** Does what is left to do. An organisation that fails is logged, and tried again in the next run. */
export async function indexDirectory(run: MaintenanceRun): Promise<void> {
  const { store, sealer, nowMs, log, signal } = run;
  const system = systemPart();
  if ((await store.get(system, indexedSince)) !== undefined) return;
  const directory = new StoredDirectory(run);
  let isWhole = true;
  for await (const organization of organizationsOf(run, directory)) {
    try {
      await indexOrganization(run, directory, organization);
    } catch (err) {
      signal.throwIfAborted();
      isWhole = false;
      log.error('maintenance.task.failed', { err }, { organization });
    }
  }
  if (!isWhole) return;
  const value = systemRows.lastDone.encode(sealer, system, indexedSince, nowMs);
  await store.transact([system], async (tx) => tx.put(system, indexedSince, value));
}

async function* organizationsOf(
  { signal }: MaintenanceRun,
  directory: StoredDirectory,
): AsyncGenerator<OrganizationId> {
  let after: OrganizationId | undefined;
  do {
    signal.throwIfAborted();
    const page = await directory.organizations(after, organizationsAtOnce);
    for (const { id } of page.rows) yield id;
    after = page.next;
  } while (after !== undefined);
}

/** Whoever changes meanwhile has rows of its own making: what is written is what is read in the same transaction. */
async function indexOrganization(
  { signal }: MaintenanceRun,
  directory: StoredDirectory,
  organization: OrganizationId,
): Promise<void> {
  await directory.transact(organization, async (tx) => {
    const routing = await tx.mailRouting(organization);
    if (routing.administrator !== undefined) await tx.putMailRouting(organization, routing);
  });
  let after: EntityId | undefined;
  do {
    signal.throwIfAborted();
    const from = after;
    after = await directory.transact(organization, async (tx) => {
      const page = await tx.entities(organization, from, entitiesAtOnce);
      for (const entity of page.rows) {
        if (entity.kind === 'user' && entity.state === 'ENABLED') tx.putEntity(entity);
      }
      return page.next;
    });
  } while (after !== undefined);
}

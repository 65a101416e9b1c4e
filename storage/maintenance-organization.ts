/**
 * Organisations deleted 30 days ago are removed for good: mailboxes, bodies, directory, addresses, domains, access keys, and
 * last the data keys, without which nothing that a disk or an old backup of the rows still holds can be read.
 */
import { type Organization, removalMs } from '#directory/organization';
import type { EntityId, MailboxId, OrganizationId } from '#domain/ids';
import { administeredKey } from './directory-indexes.ts';
import { StoredDirectory } from './directory-store.ts';
import {
  blobPart,
  entityIdOf,
  idBytes,
  mailboxPart,
  organizationIdOf,
  organizationPart,
  prefixRange,
  systemPart,
} from './keys.ts';
import { systemRows } from './layout.ts';
import { type MaintenanceRun, pagesOf, removeRange } from './maintenance-context.ts';
import type { Bytes } from './store.ts';

const system = systemPart();
/** Of each up to 101 addresses go in one transaction, with what it is found by. */
const entitiesAtOnce = 10;
const whole = prefixRange(new Uint8Array(0));
/** Where the organisation stands in a key. */
const organizationAfterDue = 9;
const mailboxAfterDue = 25;
/** Where an access key's id stands in its row `n`. */
const accessKeyAt = 17;

/** Removes every organisation that is due. One that fails is logged, and tried again in the next run. */
export async function removeOrganizations(run: MaintenanceRun): Promise<void> {
  for (const organization of await dueOrganizations(run)) {
    try {
      await remove(run, organization);
      run.log.info('maintenance.organization.removed', { organization: organization.id });
    } catch (err) {
      run.signal.throwIfAborted();
      run.log.error('maintenance.task.failed', { err }, { organization: organization.id });
    }
  }
}

async function dueOrganizations(run: MaintenanceRun): Promise<readonly Organization[]> {
  const due: Organization[] = [];
  const { organization: row } = systemRows;
  for await (const page of pagesOf(run, run.store, system, row.range())) {
    for (const [key, value] of page) {
      const found = { id: organizationIdOf(key.subarray(1)), ...row.decode(run.sealer, system, key, value) };
      if ((removalMs(found) ?? Number.POSITIVE_INFINITY) <= run.nowMs) due.push(found);
    }
  }
  return due;
}

/** Can be broken off anywhere and done again: what leads to something goes after it, the organisation's own row last. */
async function remove(run: MaintenanceRun, organization: Organization): Promise<void> {
  const { id } = organization;
  await removeEntities(run, id);
  await removeDueMailboxes(run, id);
  // The files of bodies that no row names go with a later sweep (maintenance-sweep.ts).
  for (let first = 0; first < 256; first++) await removeRange(run, blobPart(id, first), whole);
  await removeDomains(run, id);
  await removeAccessKeys(run, id);
  await removeRange(run, system, systemRows.deviceTrace.range(idBytes(id)));
  await removeRange(run, organizationPart(id), whole);
  await removeOwnRows(run, organization);
}

/** Mailboxes of entities, and what leads to these. */
async function removeEntities(run: MaintenanceRun, id: OrganizationId): Promise<void> {
  const directory = new StoredDirectory(run);
  let after: EntityId | undefined;
  do {
    run.signal.throwIfAborted();
    const page = await directory.entities(id, after, entitiesAtOnce);
    for (const { id: entity, kind } of page.rows) {
      if (kind !== 'group') await removeMailbox(run, id, entity);
    }
    await directory.transact(id, async (tx) => {
      for (const entity of page.rows) {
        for (const address of entity.addresses) {
          if ((await tx.addressHolder(address))?.organization === id) tx.deleteAddress(address, entity);
        }
        tx.deleteEntity(entity, undefined);
      }
    });
    after = page.next;
  } while (after !== undefined);
}

function removeMailbox(run: MaintenanceRun, id: OrganizationId, entity: EntityId): Promise<void> {
  return removeRange(run, mailboxPart(id, entity as string as MailboxId), whole);
}

/** Mailboxes kept of those who are gone. */
async function removeDueMailboxes(run: MaintenanceRun, id: OrganizationId): Promise<void> {
  for await (const page of pagesOf(run, run.store, system, systemRows.due.range())) {
    const own = page.map(([key]) => key).filter((key) => isOf(key.subarray(organizationAfterDue), id));
    for (const key of own) await removeMailbox(run, id, entityIdOf(key.subarray(mailboxAfterDue)));
    await removeKeys(run, own);
  }
}

async function removeDomains(run: MaintenanceRun, id: OrganizationId): Promise<void> {
  const directory = new StoredDirectory(run);
  for (const { name } of await directory.domains(id)) {
    await directory.transact(id, async (tx) => tx.deleteDomain(id, name));
  }
}

async function removeAccessKeys(run: MaintenanceRun, id: OrganizationId): Promise<void> {
  for await (const page of pagesOf(run, run.store, system, systemRows.accessKeyOwner.range(idBytes(id)))) {
    const own = page.map(([key]) => key);
    const keys = own.map((key) => systemRows.accessKey.key(key.subarray(accessKeyAt)));
    await removeKeys(run, [...keys, ...own]);
  }
}

async function removeOwnRows(run: MaintenanceRun, organization: Organization): Promise<void> {
  const { id, alias } = organization;
  const dataKeys = await run.store.page(system, systemRows.dataKey.range(idBytes(id)));
  await removeKeys(run, [
    systemRows.alias.key(run.keys.nameKey(undefined, alias)),
    ...dataKeys.rows.map(([key]) => key),
    administeredKey(organization),
    systemRows.organization.key(idBytes(id)),
  ]);
  run.keys.forget(id);
}

async function removeKeys({ store }: MaintenanceRun, keys: readonly Bytes[]): Promise<void> {
  if (keys.length === 0) return;
  await store.transact([system], async (tx) => {
    for (const key of keys) tx.del(system, key);
  });
}

function isOf(bytes: Bytes, id: OrganizationId): boolean {
  return Buffer.compare(bytes.subarray(0, 16), idBytes(id)) === 0;
}

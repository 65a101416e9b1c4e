/** Mailboxes of users and resources disabled or deleted 30 days ago are removed for good (storage design, section 8). */
import { hasMailbox } from '#directory/user';
import type { EntityId, MailboxId, MailboxRef } from '#domain/ids';
import { StoredDirectory } from './directory-store.ts';
import {
  entityIdOf,
  idBytes,
  mailboxPart,
  organizationIdOf,
  organizationPart,
  prefixRange,
  systemPart,
  u64,
  uniqueParts,
} from './keys.ts';
import { mailboxRows, organizationRows, systemRows } from './layout.ts';
import { type MaintenanceRun, pagesOf, partOfBlob, removeRange, unlink } from './maintenance-context.ts';
import { taskOf, unlinkBodies } from './maintenance-tasks.ts';
import type { Bytes, Part } from './store.ts';
import { TaskKind } from './tasks.ts';

/** Each may name a body in a partition of its own. */
const itemsAtOnce = 100;

/** Removes every mailbox that is due. One that fails is logged, and tried again in the next run. */
export async function purgeMailboxes(run: MaintenanceRun): Promise<void> {
  const { gte } = systemRows.due.range();
  const range = { gte, lt: systemRows.due.range(u64(run.nowMs + 1)).gte };
  for await (const page of pagesOf(run, run.store, systemPart(), range)) {
    for (const [key] of page) {
      const organization = organizationIdOf(key.subarray(9, 25));
      const entity = entityIdOf(key.subarray(25));
      const ref = { organization, mailbox: entity as string as MailboxId };
      try {
        await purge(run, u64.read(key, 1), entity, ref);
      } catch (err) {
        run.signal.throwIfAborted();
        run.log.error('maintenance.task.failed', { err }, { mailbox: ref.mailbox });
      }
    }
  }
}

/** Can be broken off anywhere and done again: the due entry goes last. */
async function purge(run: MaintenanceRun, dueMs: number, entity: EntityId, ref: MailboxRef): Promise<void> {
  const directory = new StoredDirectory(run);
  const { organization } = ref;
  const isDue = await directory.transact(organization, async (tx) => {
    const found = await tx.entity(organization, entity);
    if (found !== undefined && hasMailbox(found) && found.purgeMs !== dueMs) {
      // Enabled meanwhile, or disabled again at another time.
      tx.deletePurge(dueMs, ref);
      return false;
    }
    // From now on it has no mailbox, and is not enabled before this is over (decide-entity.ts).
    if (found !== undefined && hasMailbox(found) && found.mailboxProvisionedMs !== undefined) {
      const gone = { ...found, mailboxProvisionedMs: undefined };
      tx.putEntity(gone.kind === 'user' ? { ...gone, mailboxDeprovisionedMs: run.nowMs } : gone);
    }
    return true;
  });
  if (!isDue) {
    return;
  }
  await removeMailbox(run, ref);
  await directory.transact(organization, async (tx) => {
    const found = await tx.entity(organization, entity);
    // One that was deleted meanwhile is due at another time.
    if (found !== undefined && hasMailbox(found) && found.purgeMs === dueMs) {
      if (found.state === 'DELETED') tx.deleteEntity(found, undefined);
      else tx.putEntity({ ...found, purgeMs: undefined });
    }
    tx.deletePurge(dueMs, ref);
  });
  run.log.info('maintenance.mailbox.removed', { organization, mailbox: ref.mailbox });
}

/** References to bodies go together with the rows that name the bodies, then everything else. */
async function removeMailbox(run: MaintenanceRun, ref: MailboxRef): Promise<void> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  for await (const page of pagesOf(run, run.store, part, {
    ...mailboxRows.item.range(),
    limit: itemsAtOnce,
  })) {
    await removeItems(run, ref, part, page);
  }
  for await (const page of pagesOf(run, run.store, part, {
    ...mailboxRows.task.range(),
    limit: itemsAtOnce,
  })) {
    const tasks = page.map(([key]) => taskOf(key));
    await unlinkBodies(
      run,
      ref,
      tasks.filter(({ kind }) => kind === TaskKind.UnlinkBlob),
    );
  }
  // The folders go last: as long as there are some, createMailbox does not begin anew amid what is being removed.
  const whole = prefixRange(new Uint8Array(0));
  const folders = mailboxRows.folder.range();
  await removeRange(run, part, { gte: whole.gte, lt: folders.gte });
  await removeRange(run, part, { gte: folders.lt, lt: whole.lt });
  await removeRange(run, part, folders);
  const devices = organizationRows.deviceEntry.range(idBytes(ref.mailbox));
  await removeRange(run, organizationPart(ref.organization), devices);
}

async function removeItems(
  { store, sealer }: MaintenanceRun,
  ref: MailboxRef,
  part: Part,
  page: readonly (readonly [Bytes, Bytes])[],
): Promise<void> {
  const items = page.map(([key, value]) => ({
    key,
    body: mailboxRows.item.decode(sealer, part, key, value).body,
  }));
  const blobs = items.flatMap(({ body }) => (body.kind === 'blob' ? [body.id] : []));
  await store.transact(uniqueParts([part, ...blobs.map((blob) => partOfBlob(ref, blob))]), async (tx) => {
    for (const { key } of items) {
      tx.del(part, key);
    }
    for (const blob of blobs) {
      unlink(tx, ref, blob);
    }
  });
}

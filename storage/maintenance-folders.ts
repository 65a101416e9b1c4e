/** What deleted folders held goes in short steps, off the path of requests. */
import { listEnd, listStart, type Position } from '#domain/change';
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import { mailboxPart, u32 } from './keys.ts';
import { mailboxRows as rows } from './layout.ts';
import { type MaintenanceRun, removeRange } from './maintenance-context.ts';

/** So many items go in one transaction. */
const itemsAtOnce = 100;

/**
 * Deletes the items of a deleted folder, then its change log and what devices hold of it. May be broken off after any step
 * and done again. Does nothing while there is a folder of that number.
 */
export async function emptyDeletedFolder(
  run: MaintenanceRun,
  ref: MailboxRef,
  folder: FolderId,
): Promise<void> {
  const reader = run.mail.mailbox(ref);
  if ((await reader.folder(folder)) !== undefined) return;
  for (let from: Position | undefined = listStart; from !== undefined; ) {
    run.signal.throwIfAborted();
    from = await deleteItems(run, ref, folder, from);
  }
  const part = mailboxPart(ref.organization, ref.mailbox);
  await removeRange(run, part, rows.change.range(u32(folder)));
  await removeRange(run, part, rows.trimmed.range(u32(folder)));
  await run.mail.transact([ref], async (of) => {
    for (const { id } of await of(ref).devices()) of(ref).deleteSyncStates(id, folder);
  });
}

/** Deletes the next items of its list; gives where to go on, undefined at the end. */
async function deleteItems(
  { mail }: MaintenanceRun,
  ref: MailboxRef,
  folder: FolderId,
  from: Position,
): Promise<Position | undefined> {
  const places = await mail.mailbox(ref).list(folder, { from, to: listEnd, limit: itemsAtOnce });
  const last = places.at(-1);
  if (last === undefined) return undefined;
  await mail.transact([ref], async (of) => {
    const tx = of(ref);
    for (const item of await tx.items(
      folder,
      places.map((place) => place.item as ItemId),
    )) {
      if (item !== undefined) await tx.deleteItem(item);
    }
  });
  return { receivedMs: last.receivedMs, item: last.item + 1 };
}

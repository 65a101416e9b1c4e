import { listEnd, listStart } from './change.ts';
import { deleteFoldersBelow } from './folder-commands.ts';
import type { FolderId, ItemId } from './ids.ts';
import type { Mailbox } from './mailbox.ts';

/** So many deletions are one transaction. */
const itemsAtOnce = 100;

/**
 * Deletes everything in a folder for good, as it was when this began, and with `subfolders` the folders below it that
 * its owner made. Goes step by step: when it breaks off, it can be repeated. Throws `folder/not-found`.
 */
export async function emptyFolder(mailbox: Mailbox, folder: FolderId, subfolders: boolean): Promise<void> {
  await mailbox.folder(folder);
  await deleteItems(mailbox, folder);
  if (subfolders) await deleteFoldersBelow(mailbox, folder);
}

async function deleteItems(mailbox: Mailbox, folder: FolderId): Promise<void> {
  const newest = await mailbox.reader.lastSeq();
  for (let from = listStart; ; ) {
    const places = await mailbox.reader.list(folder, { from, to: listEnd, limit: itemsAtOnce });
    const last = places.at(-1);
    if (last === undefined) return;
    await mailbox.transact(async (tx) => {
      for (const item of await tx.items(
        folder,
        places.map((place) => place.item as ItemId),
      )) {
        if (item !== undefined && item.added <= newest) await tx.deleteItem(item);
      }
    });
    from = { receivedMs: last.receivedMs, item: last.item + 1 };
  }
}

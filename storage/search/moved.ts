/** What has become of items since their segment was written. */
import type { FolderId, ItemId } from '#domain/ids';
import type { SegmentItems } from '#domain/search/mail-index';
import type { Sealer } from '../rows.ts';
import type { Part, Tx } from '../store.ts';
import { IndexRows, type Moved } from './index-rows.ts';

/** The search index of a mailbox learns what becomes of an item in it; `folder` is 0 if it is gone. */
export async function noteForSearch(
  tx: Tx,
  { part, sealer }: { readonly part: Part; readonly sealer: Sealer },
  item: ItemId,
  folder: FolderId,
  isReplaced = false,
): Promise<void> {
  await new IndexRows(sealer, part).note(tx, item, folder, isReplaced);
}

/** Puts items in the places where they have moved. */
export function applyMoved({ ids, folders }: SegmentItems, moved: Moved): void {
  for (let n = 0; n < ids.length; n++) {
    const change = moved.get(ids[n] ?? 0);
    if (change !== undefined) folders[n] = change.folder;
  }
}

/** The numbers of those whose content was replaced. */
export function replacedIn({ ids }: SegmentItems, moved: Moved): number[] {
  const found: number[] = [];
  for (let n = 0; n < ids.length; n++) if (moved.get(ids[n] ?? 0)?.isReplaced === true) found.push(n);
  return found;
}

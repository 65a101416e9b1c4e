/** What became of folders since a state of a device. */
import { ChangeKind } from './change.ts';
import type { FolderId } from './ids.ts';
import type { MailboxReader } from './ports.ts';
import type { FolderSyncState } from './sync-state.ts';

/** What became of a folder that a device is to be told of. */
interface Fate {
  /** The device has it, from before or because it made it itself. */
  readonly isHeld: boolean;
  /** It is another one than the device has: deleted, and perhaps made again with another type. */
  readonly wasDeleted: boolean;
}

/** What others did to the folders that a device has or is to have; those deleted stand in the order of that. */
export async function fatesOf(
  reader: MailboxReader,
  { seq: since, own = [] }: Pick<FolderSyncState, 'seq' | 'own'>,
): Promise<ReadonlyMap<FolderId, Fate>> {
  const ownSeqs = new Set(own);
  const fates = new Map<FolderId, Fate>();
  const known = new Map<FolderId, boolean>();
  for (let after: number | undefined = since; after !== undefined; ) {
    const page = await reader.hierarchyChanges(after);
    for (const { seq, changes } of page.rows) {
      const isOwn = ownSeqs.has(seq);
      for (const { kind, folder } of changes) {
        const isHeld = known.get(folder) ?? (kind !== ChangeKind.Add || isOwn);
        known.set(folder, isHeld);
        const isDelete = kind === ChangeKind.Delete;
        const wasDeleted = isDelete || fates.get(folder)?.wasDeleted === true;
        // What the device deleted itself, or never heard of, is no news, whatever happened to it before.
        if (isDelete) fates.delete(folder);
        if (!isOwn && (isHeld || !isDelete)) fates.set(folder, { isHeld, wasDeleted });
      }
    }
    after = page.next;
  }
  return fates;
}

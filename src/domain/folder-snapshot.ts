import type { Folder } from './folder.ts';
import type { MailboxReader, MailboxTx } from './ports.ts';

/** The folders of a mailbox as they were read while others could change them. */
export interface FolderSnapshot {
  /** No later than the oldest of what was read. */
  readonly seq: number;
  readonly folders: readonly Folder[];
}

/** Reads all folders, up to thousands, before a transaction that would keep others waiting. */
export async function snapshotOf(reader: MailboxReader): Promise<FolderSnapshot> {
  const seq = await reader.lastSeq();
  return { seq, folders: await reader.folders() };
}

/** All folders as a transaction finds them: those read before, if nobody changed any since. */
export async function foldersNow(
  tx: MailboxTx,
  { seq, folders }: FolderSnapshot,
): Promise<readonly Folder[]> {
  const { rows } = await tx.hierarchyChanges(seq);
  return rows.length === 0 ? folders : tx.folders();
}

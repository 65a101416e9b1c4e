import { ChangeKind, type HierarchyChange } from './change.ts';
import { DomainError } from './errors.ts';
import { type Folder, rootFolder } from './folder.ts';
import type { DeviceId, FolderId } from './ids.ts';
import type { Mailbox } from './mailbox.ts';
import type { Random } from './outside.ts';
import type { MailboxReader, MailboxTx } from './ports.ts';
import type { FolderSyncState } from './sync-state.ts';

/** What a device has to do to its folder tree; parents stand before their children. */
export interface HierarchyAnswer {
  /** The key in force now: the request's own if there was nothing to say. */
  readonly key: string;
  readonly added: readonly Folder[];
  readonly updated: readonly Folder[];
  readonly deleted: readonly FolderId[];
}

/** The key of a device that has no folder tree. */
const KEY_ZERO = '0';

/**
 * Brings a device's folder tree up to date (MS-ASCMD, FolderSync): the whole tree for key 0, else what others changed
 * since the key. A key one behind means that our last answer was lost: it is worked out again. Throws
 * `sync/invalid-key`.
 */
export function syncHierarchy(
  mailbox: Mailbox,
  device: DeviceId,
  key: string,
  random: Random,
): Promise<HierarchyAnswer> {
  return mailbox.transact((tx) =>
    key === KEY_ZERO ? startOver(tx, device, random) : catchUp(tx, device, key),
  );
}

/** Whether others changed the folder tree since the device's last FolderSync; true if it never made one. */
export async function isHierarchyNews(reader: MailboxReader, device: DeviceId): Promise<boolean> {
  const [newest] = await reader.folderSyncStates(device);
  if (newest === undefined) return true;
  for (let after: number | undefined = newest.seq; after !== undefined; ) {
    const page = await reader.hierarchyChanges(after);
    if (page.rows.some((change) => change.device !== device)) return true;
    after = page.next;
  }
  return false;
}

async function startOver(tx: MailboxTx, device: DeviceId, random: Random): Promise<HierarchyAnswer> {
  const nonce = Buffer.from(random.bytes(6)).toString('base64url');
  const state = { nonce, number: 1, seq: await tx.lastSeq() };
  tx.putFolderSyncState(device, state);
  // The other generation belongs to a life that is over: no key names it any more.
  tx.putFolderSyncState(device, { nonce: '', number: 0, seq: 0 });
  return { key: keyOf(state), added: parentsFirst(await tx.folders()), updated: [], deleted: [] };
}

async function catchUp(tx: MailboxTx, device: DeviceId, key: string): Promise<HierarchyAnswer> {
  const base = (await tx.folderSyncStates(device)).find((state) => state.number > 0 && keyOf(state) === key);
  if (base === undefined)
    throw new DomainError('sync/invalid-key', 'The key names no state of the folder tree.');
  const touched = foldChanges(await allChanges(tx, base.seq), device);
  if (touched.size === 0) return { key, added: [], updated: [], deleted: [] };
  const folders = new Map((await tx.folders()).map((folder) => [folder.id, folder]));
  const added: Folder[] = [];
  const updated: Folder[] = [];
  const deleted: FolderId[] = [];
  for (const [id, wasThere] of touched) {
    const folder = folders.get(id);
    if (folder !== undefined) (wasThere ? updated : added).push(folder);
    else if (wasThere) deleted.push(id);
  }
  const next: FolderSyncState = { ...base, number: base.number + 1, seq: await tx.lastSeq() };
  tx.putFolderSyncState(device, next);
  return { key: keyOf(next), added: parentsFirst(added), updated: parentsFirst(updated), deleted };
}

async function allChanges(tx: MailboxTx, seq: number): Promise<readonly HierarchyChange[]> {
  const found: HierarchyChange[] = [];
  for (let after: number | undefined = seq; after !== undefined; ) {
    const page = await tx.hierarchyChanges(after);
    found.push(...page.rows);
    after = page.next;
  }
  return found;
}

/** The folders that others changed, and whether the device knew of each: from before, or because it made it itself. */
function foldChanges(changes: readonly HierarchyChange[], device: DeviceId): ReadonlyMap<FolderId, boolean> {
  const touched = new Map<FolderId, boolean>();
  const known = new Map<FolderId, boolean>();
  for (const change of changes) {
    const isOwn = change.device === device;
    for (const { kind, folder } of change.changes) {
      if (!known.has(folder)) known.set(folder, kind !== ChangeKind.Add || isOwn);
      if (!isOwn) touched.set(folder, known.get(folder) ?? true);
      // What the device deleted itself is no news to it, whatever happened to it before.
      else if (kind === ChangeKind.Delete) touched.delete(folder);
    }
  }
  return touched;
}

/** Phones were seen to fail on a child whose parent they have not met. */
function parentsFirst(folders: readonly Folder[]): readonly Folder[] {
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const depthOf = (folder: Folder): number => {
    let depth = 0;
    let parent = byId.get(folder.parent);
    while (parent !== undefined && parent.id !== rootFolder && depth < folders.length) {
      depth++;
      parent = byId.get(parent.parent);
    }
    return depth;
  };
  return folders
    .map((folder) => ({ folder, depth: depthOf(folder) }))
    .sort((a, b) => a.depth - b.depth || a.folder.id - b.folder.id)
    .map(({ folder }) => folder);
}

function keyOf({ nonce, number }: FolderSyncState): string {
  return `${nonce}.${number}`;
}

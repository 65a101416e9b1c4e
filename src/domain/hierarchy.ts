import type { Folder } from './folder.ts';
import { type FolderSnapshot, foldersNow, snapshotOf } from './folder-snapshot.ts';
import { parentsFirst } from './folder-tree.ts';
import { fatesOf } from './hierarchy-fates.ts';
import { findHierarchyState, isBehind, newestState } from './hierarchy-state.ts';
import { ancestorsOf, type HierarchyStep, inOrder } from './hierarchy-steps.ts';
import type { DeviceId, FolderId } from './ids.ts';
import type { Mailbox } from './mailbox.ts';
import type { Random } from './outside.ts';
import type { MailboxReader, MailboxTx } from './ports.ts';
import { type FolderSyncState, syncKeyOf } from './sync-state.ts';

/** What a device has to do to its folder tree. */
export interface HierarchyAnswer {
  /** The key in force now: the request's own if there was nothing to say. */
  readonly key: string;
  /** In the order to do them. A folder whose type changed is deleted, and added. */
  readonly steps: readonly HierarchyStep[];
  /** The device is to be told of the recipient cache, which is no folder of the mailbox. */
  readonly tellsRecipients: boolean;
}

/** A device that asks for the folder tree. */
interface AskingDevice {
  readonly id: DeviceId;
  /** It speaks a version that knows the recipient cache. */
  readonly readsRecipients: boolean;
}

/** The key of a device that has no folder tree. */
const KEY_ZERO = '0';

/**
 * Brings a device's folder tree up to date (MS-ASCMD, FolderSync): the whole tree for key 0, else what changed since the
 * key, but for what the device was told to have done itself. A key one behind means that our last answer was lost: it is
 * worked out again. A device is told once of the recipient cache, by the first answer that may. Throws `sync/invalid-key`.
 */
export async function syncHierarchy(
  mailbox: Mailbox,
  device: AskingDevice,
  key: string,
  random: Random,
): Promise<HierarchyAnswer> {
  if (key !== KEY_ZERO) return mailbox.transact((tx) => catchUp(tx, device, key));
  const snapshot = await snapshotOf(mailbox.reader);
  return mailbox.transact((tx) => startOver(tx, snapshot, device, random));
}

/** Whether there is anything to tell a device of the folder tree since its last FolderSync; true if it never made one. */
export async function isHierarchyNews(reader: MailboxReader, device: DeviceId): Promise<boolean> {
  const newest = await newestState(reader, device);
  return newest === undefined || (await isBehind(reader, newest));
}

async function startOver(
  tx: MailboxTx,
  snapshot: FolderSnapshot,
  { id, readsRecipients }: AskingDevice,
  random: Random,
): Promise<HierarchyAnswer> {
  const nonce = Buffer.from(random.bytes(6)).toString('base64url');
  const knowsRecipients = readsRecipients || undefined;
  const state = { nonce, number: 1, seq: await tx.lastSeq(), knowsRecipients };
  tx.putFolderSyncState(id, state);
  // The other generation belongs to a life that is over: no key names it any more.
  tx.putFolderSyncState(id, { nonce: '', number: 0, seq: 0 });
  const added = parentsFirst(await foldersNow(tx, snapshot));
  const steps = added.map((folder) => ({ kind: 'add', folder }) as const);
  return { key: syncKeyOf(state), steps, tellsRecipients: readsRecipients };
}

async function catchUp(
  tx: MailboxTx,
  { id: device, readsRecipients }: AskingDevice,
  key: string,
): Promise<HierarchyAnswer> {
  const { base, newest } = await findHierarchyState(tx, device, key);
  const tellsRecipients = readsRecipients && base.knowsRecipients !== true;
  const fates = await fatesOf(tx, base);
  // With the key before the newest it comes again: what our last answer told it counts no more.
  if (fates.size === 0 && !tellsRecipients && base === newest) return { key, steps: [], tellsRecipients };
  const folders = new Map((await foldersOf(tx, [...fates.keys()])).map((folder) => [folder.id, folder]));
  const added: Folder[] = [];
  const updated: Folder[] = [];
  const deleted: FolderId[] = [];
  for (const [id, { isHeld, wasDeleted }] of fates) {
    const folder = folders.get(id);
    const isOther = folder === undefined || wasDeleted;
    if (isHeld && isOther) deleted.push(id);
    if (folder !== undefined) (isHeld && !isOther ? updated : added).push(folder);
  }
  const knowsRecipients = readsRecipients || base.knowsRecipients;
  const next = nextState(base, newest, {
    seq: await tx.lastSeq(),
    knowsRecipients: knowsRecipients || undefined,
  });
  if (next !== newest) tx.putFolderSyncState(device, next);
  const above = await ancestorsOf(tx, updated, folders);
  return {
    key: syncKeyOf(next),
    steps: inOrder({ added, updated, deleted, above }),
    tellsRecipients,
  };
}

/**
 * An answer that says the same as the lost one has its key, and another one has not: so it does not matter which of them
 * arrives, or the device starts over.
 */
function nextState(
  base: FolderSyncState,
  newest: FolderSyncState,
  told: Pick<FolderSyncState, 'seq' | 'knowsRecipients'>,
): FolderSyncState {
  const { nonce } = base;
  if (base === newest) return { nonce, number: base.number + 1, ...told };
  const isSame = newest.seq === told.seq && newest.knowsRecipients === told.knowsRecipients;
  if (isSame && newest.own === undefined) return newest;
  return { nonce, number: newest.number + 2, ...told };
}

/** Those of these folders that exist. */
async function foldersOf(tx: MailboxTx, ids: readonly FolderId[]): Promise<readonly Folder[]> {
  if (ids.length > worthReadingAll) return tx.folders();
  const found = await Promise.all(ids.map((id) => tx.folder(id)));
  return found.filter((folder) => folder !== undefined);
}

/** From so many on, all folders at once are read faster than one by one. */
const worthReadingAll = 100;

/** Making, changing and deleting folders, by a device with a key of the folder tree or by anybody. */
import { ChangeKind } from './change.ts';
import { DomainError } from './errors.ts';
import { type Folder, isUserFolder, maxFolders, rootFolder } from './folder.ts';
import { type FolderSnapshot, foldersNow, snapshotOf } from './folder-snapshot.ts';
import { FolderTree } from './folder-tree.ts';
import { type FoundState, findHierarchyState, isBehind } from './hierarchy-state.ts';
import type { DeviceId, FolderId } from './ids.ts';
import type { Mailbox } from './mailbox.ts';
import type { MailboxTx } from './ports.ts';
import { type FolderCommand, type FolderSyncState, syncKeyOf } from './sync-state.ts';

/** So many deletions of folders are one transaction. */
const foldersAtOnce = 800;
/** A device that made so many changes without asking for those of others starts over. */
const maxOwn = 500;

/** Who asks, and the last key it has. */
export interface KeyedDevice {
  readonly device: DeviceId;
  readonly key: string;
}

/**
 * Does what a device asks for to the folder tree (MS-ASCMD, FolderCreate, FolderUpdate, FolderDelete). The new key covers
 * it; what others did meanwhile is told by the next FolderSync. A key one behind means that our answer was lost: the same
 * request is answered again, and nothing is done twice. What a deleted folder and those below it hold is deleted for good,
 * by and by. Gives the key in force and the folder. Throws `sync/invalid-key` and as `changeFolders` does.
 */
export async function changeFoldersByKey(
  mailbox: Mailbox,
  asks: KeyedDevice,
  command: FolderCommand,
): Promise<{ readonly key: string; readonly folder: FolderId }> {
  for (;;) {
    const snapshot = await snapshotOf(mailbox.reader);
    const answer = await mailbox.transact((tx) => keyedStep(tx, snapshot, asks, command));
    if (answer !== undefined) return answer;
  }
}

/**
 * The same for whoever has no key: all devices are told by their next FolderSync. Gives the folder. Throws
 * `folder/not-found`, `folder/special`, `folder/parent-not-found`, `folder/name-in-use`, `folder/too-many`.
 */
export async function changeFolders(mailbox: Mailbox, command: FolderCommand): Promise<FolderId> {
  for (;;) {
    const snapshot = await snapshotOf(mailbox.reader);
    const done = await mailbox.transact((tx) => step(tx, snapshot, command));
    if (done.isDone) return done.folder;
  }
}

/** Deletes the folders below one that its owner made, with all they hold. It may break off, and be repeated. */
export async function deleteFoldersBelow(mailbox: Mailbox, root: FolderId): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const snapshot = await snapshotOf(mailbox.reader);
    isDone = await mailbox.transact(async (tx) =>
      deleteSomeBelow(tx, new FolderTree(await foldersNow(tx, snapshot)), root, undefined),
    );
  }
}

/** One transaction of it; undefined if there is more to do. */
async function keyedStep(
  tx: MailboxTx,
  snapshot: FolderSnapshot,
  { device, key }: KeyedDevice,
  command: FolderCommand,
): Promise<{ key: string; folder: FolderId } | undefined> {
  const found = await findHierarchyState(tx, device, key);
  const { base, newest } = found;
  if (base !== newest && newest.done !== undefined && isSame(newest.done.command, command)) {
    return { key: syncKeyOf(newest), folder: newest.done.folder };
  }
  if ((base.own?.length ?? 0) >= maxOwn) {
    throw new DomainError('sync/invalid-key', 'The device has not asked for the changes of others.');
  }
  const { folder, isDone, isChanged } = await step(tx, snapshot, command, { device, state: base });
  const before = base.deleting?.folder === folder ? base.deleting.seqs : [];
  const seqs = isChanged ? [...before, await tx.seq()] : before;
  if (!isDone) {
    tx.putFolderSyncState(device, { ...base, deleting: { folder, seqs } });
    return undefined;
  }
  const next = await stateAfter(tx, found, seqs, { command, folder });
  tx.putFolderSyncState(device, next);
  return { key: syncKeyOf(next), folder };
}

/** The state after a command that the device knows of, with the changes of these numbers. */
async function stateAfter(
  tx: MailboxTx,
  { base, newest }: FoundState,
  seqs: readonly number[],
  done: FolderSyncState['done'],
): Promise<FolderSyncState> {
  const { nonce, seq, knowsRecipients } = base;
  const number = base === newest ? base.number + 1 : newest.number + 2;
  const own = [...(base.own ?? []), ...seqs];
  // Nothing of others lies between: what the device knows of need not be told apart.
  if (!(await isBehind(tx, { ...base, own }))) {
    return { nonce, number, seq: await tx.lastSeq(), done, knowsRecipients };
  }
  return { nonce, number, seq, own, done, knowsRecipients };
}

function isSame(a: FolderCommand, b: FolderCommand): boolean {
  const values = (command: FolderCommand) => JSON.stringify(Object.entries(command).sort());
  return values(a) === values(b);
}

interface Step {
  readonly folder: FolderId;
  readonly isDone: boolean;
  readonly isChanged: boolean;
}

async function step(
  tx: MailboxTx,
  snapshot: FolderSnapshot,
  command: FolderCommand,
  by?: { readonly device: DeviceId; readonly state: FolderSyncState },
): Promise<Step> {
  const device = by?.device;
  const folders = await foldersNow(tx, snapshot);
  const tree = new FolderTree(folders);
  switch (command.kind) {
    case 'create': {
      if (folders.length >= maxFolders) {
        throw new DomainError('folder/too-many', `A mailbox has at most ${maxFolders} folders.`);
      }
      tree.requirePlace(command);
      const { parent, name, type } = command;
      const [id, seq] = [await tx.nextFolderId(), await tx.seq()];
      tx.putFolder({ id, parent, type, name, created: seq, changed: seq });
      await tx.logHierarchy(ChangeKind.Add, id, device);
      return { folder: id, isDone: true, isChanged: true };
    }
    case 'update': {
      const { parent, name } = command;
      const folder = ownFolder(tree, command.folder);
      tree.requirePlace(command, folder.id);
      const isChanged = folder.parent !== parent || folder.name !== name;
      if (isChanged) {
        tx.putFolder({ ...folder, parent, name, changed: await tx.seq() });
        const movedFrom = folder.parent === parent ? undefined : folder.parent;
        await tx.logHierarchy(ChangeKind.Change, folder.id, device, movedFrom);
      }
      return { folder: folder.id, isDone: true, isChanged };
    }
    case 'delete': {
      const { id } = ownFolder(tree, command.folder);
      if (by !== undefined && (await isSeenOtherwise(tx, tree, id, by.state))) {
        throw new DomainError('sync/invalid-key', 'The device does not know what stands in the folder.');
      }
      const isDone = await deleteSomeBelow(tx, tree, id, device);
      if (isDone) await deleteOne(tx, id, device);
      return { folder: id, isDone, isChanged: true };
    }
  }
}

/**
 * Whether others moved folders into or out of one since a state: a device that deletes it drops what it knows to be below
 * it, which is not what is deleted.
 */
async function isSeenOtherwise(
  tx: MailboxTx,
  tree: FolderTree,
  root: FolderId,
  { seq, own = [] }: FolderSyncState,
): Promise<boolean> {
  const known = new Set(own);
  const inside = new Set([root, ...tree.below(root).map(({ id }) => id)]);
  for (let after: number | undefined = seq; after !== undefined; ) {
    const page = await tx.hierarchyChanges(after);
    const steps = page.rows.filter((one) => !known.has(one.seq)).flatMap(({ changes }) => changes);
    const isCrossing = steps.some(({ folder, movedFrom }) => {
      if (movedFrom === undefined) return false;
      const isOutOfSight = movedFrom !== rootFolder && tree.get(movedFrom) === undefined;
      return isOutOfSight || inside.has(folder) || inside.has(movedFrom);
    });
    if (isCrossing) return true;
    after = page.next;
  }
  return false;
}

function ownFolder(tree: FolderTree, id: FolderId): Folder {
  const folder = tree.get(id);
  if (folder === undefined) throw new DomainError('folder/not-found', 'The folder does not exist.');
  if (!isUserFolder(folder)) throw new DomainError('folder/special', 'Every mailbox has this folder.');
  return folder;
}

/** Deletes folders below one, children before their parents; false if there are more than one transaction takes. */
async function deleteSomeBelow(
  tx: MailboxTx,
  tree: FolderTree,
  root: FolderId,
  device: DeviceId | undefined,
): Promise<boolean> {
  const below = tree.below(root);
  for (const { id } of below.slice(0, foldersAtOnce)) await deleteOne(tx, id, device);
  return below.length <= foldersAtOnce;
}

async function deleteOne(tx: MailboxTx, id: FolderId, device: DeviceId | undefined): Promise<void> {
  tx.deleteFolder(id);
  await tx.logHierarchy(ChangeKind.Delete, id, device);
}

/** What a device knows of the folder tree, and the keys that name it. */
import { DomainError } from './errors.ts';
import { fatesOf } from './hierarchy-fates.ts';
import type { DeviceId } from './ids.ts';
import type { MailboxReader } from './ports.ts';
import { type FolderSyncState, syncKeyOf } from './sync-state.ts';

/** The state a key names, and the newest one: the same, or the one after it if our last answer was lost. */
export interface FoundState {
  readonly base: FolderSyncState;
  readonly newest: FolderSyncState;
}

/** The newest state of a device; undefined if it has none. */
export async function newestState(
  reader: MailboxReader,
  device: DeviceId,
): Promise<FolderSyncState | undefined> {
  const [newest] = await reader.folderSyncStates(device);
  return newest !== undefined && newest.number > 0 ? newest : undefined;
}

/** The state a key names, one of the last two. Throws `sync/invalid-key`. */
export async function findHierarchyState(
  reader: MailboxReader,
  device: DeviceId,
  key: string,
): Promise<FoundState> {
  const states = await reader.folderSyncStates(device);
  const [newest] = states;
  const base = states.find((state) => state.number > 0 && syncKeyOf(state) === key);
  if (newest === undefined || base === undefined || base.nonce !== newest.nonce) {
    throw new DomainError('sync/invalid-key', 'The key names no state of the folder tree.');
  }
  return { base, newest };
}

/** Whether there is anything to tell a device that has a state. */
export async function isBehind(reader: MailboxReader, state: FolderSyncState): Promise<boolean> {
  return (await fatesOf(reader, state)).size > 0;
}

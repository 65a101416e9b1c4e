import { DomainError, type DomainErrorCode } from '#domain/errors';
import { changeFoldersByKey } from '#domain/folder-commands';
import type { FolderId } from '#domain/ids';
import type { FolderCommand } from '#domain/sync-state';
import type { CommandContext } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { FolderChangeStatus } from './status.ts';

/** What a command answers to conditions of the domain; others are common ones. */
export type StatusTable = Readonly<Partial<Record<DomainErrorCode, FolderChangeStatus>>>;

/** Runs a change of the folder tree; what the table knows is thrown as a CommandError. */
export async function answering<T>(statuses: StatusTable, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    const status = error instanceof DomainError ? statuses[error.code] : undefined;
    if (status === undefined || !(error instanceof Error)) throw error;
    throw new CommandError(status, error.message, { cause: error });
  }
}

/** Changes the folder tree for the device with its key; gives the new one, and the folder. */
export function changeByKey(
  key: string,
  command: FolderCommand,
  { mailbox, device }: CommandContext,
  statuses: StatusTable,
): Promise<{ readonly key: string; readonly folder: FolderId }> {
  const withKey = { 'sync/invalid-key': FolderChangeStatus.InvalidSyncKey, ...statuses };
  return answering(withKey, () => changeFoldersByKey(mailbox, { device: device.id, key }, command));
}

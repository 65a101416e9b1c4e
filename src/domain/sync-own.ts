/** What a device has, and has not, by the commands of its own request. */
import { comparePositions, listEnd } from './change.ts';
import type { FolderId } from './ids.ts';
import type { MailboxTx } from './ports.ts';
import type { CommandResult } from './sync-commands.ts';
import type { SyncState } from './sync-state.ts';

/** Items that the device has let go of: what the log says of them up to now is past for it. */
export function deletedBy(results: readonly CommandResult[], seq: number): SyncState['past'] {
  return results.flatMap(({ command }) => (command.kind === 'delete' ? [{ item: command.item, seq }] : []));
}

/** Items that the device was refused a change of, now or before it was told everything. */
export function refusedOf(
  { refused = [] }: SyncState,
  results: readonly CommandResult[],
): SyncState['refused'] {
  const now = results.flatMap(({ command, outcome }) =>
    outcome === 'conflict' && command.kind !== 'add' ? [command.item] : [],
  );
  const all = [...new Set([...refused, ...now])];
  return all.length === 0 ? undefined : all;
}

/** Items that the device has although its walk has not come to them: also what it made just now. */
export async function aheadOf(
  tx: MailboxTx,
  { ahead, walked }: SyncState,
  folder: FolderId,
  results: readonly CommandResult[],
): Promise<SyncState['ahead']> {
  const made = results.flatMap(({ item }) => (item === undefined ? [] : [item]));
  const items = await tx.items(folder, made);
  // What is gone since it was made, the device has all the same.
  const behind = made.filter((item, n) => {
    const { receivedMs } = items[n] ?? listEnd;
    return comparePositions({ receivedMs, item }, walked) >= 0;
  });
  return behind.length === 0 ? ahead : [...new Set([...(ahead ?? []), ...behind])];
}

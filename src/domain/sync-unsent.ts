import { DomainError } from './errors.ts';
import type { FolderId, ItemId } from './ids.ts';
import type { MailboxReader } from './ports.ts';
import type { ServerChange } from './sync-collect.ts';
import type { SyncState } from './sync-state.ts';

/** So many items that a device was not sent are remembered. */
const mostUnsent = 1000;

/** So many items that a device let go of are remembered. */
export const mostPast = 1000;

/** So many items that a device made, or was refused a change of, before it was told of the folder as far as they stand, are remembered. */
const mostAhead = 2000;

/**
 * A device that goes on making or changing items without asking for what there is starts over. It is told before anything of its
 * request is done. Throws `sync/invalid-key`.
 */
export function requireFewAhead({ ahead = [], refused = [] }: Pick<SyncState, 'ahead' | 'refused'>): void {
  if (ahead.length > mostAhead || refused.length > mostAhead) {
    throw new DomainError('sync/invalid-key', 'The device has made too much that it was not told of.');
  }
}

/** What is gone is forgotten first: its deletion does no harm. Throws `sync/invalid-key` when more is there than is remembered. */
export async function boundedUnsent(
  mailbox: MailboxReader,
  folder: FolderId,
  unsent: ReadonlySet<ItemId>,
): Promise<readonly ItemId[]> {
  const ids = [...unsent];
  if (ids.length <= mostUnsent) return ids;
  const items = await mailbox.items(folder, ids);
  const there = ids.filter((_, n) => items[n] !== undefined);
  const room = mostUnsent - there.length;
  if (room < 0) throw new DomainError('sync/invalid-key', 'The device has too much to be told later.');
  const gone = ids.filter((_, n) => items[n] === undefined);
  return [...gone.slice(Math.max(0, gone.length - room)), ...there];
}

/** Items that came while the filter was narrower, and are still there; what is gone waits for its Delete. */
export async function tellUnsent(
  mailbox: MailboxReader,
  folder: FolderId,
  { unsent, passedOver, room }: { unsent: Set<ItemId>; passedOver: ReadonlySet<ItemId>; room: number },
): Promise<{ readonly changes: readonly ServerChange[]; readonly more: boolean }> {
  const ids = [...unsent].filter((id) => !passedOver.has(id));
  const found = ids.length === 0 ? [] : await mailbox.items(folder, ids);
  const there = found.filter((item) => item !== undefined);
  const changes = there.slice(0, room).map((item) => {
    unsent.delete(item.id);
    return { kind: 'add', id: item.id, item, what: 0 } as const;
  });
  return { changes, more: there.length > room };
}

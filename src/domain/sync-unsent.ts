import { DomainError } from './errors.ts';
import type { FolderId, ItemId } from './ids.ts';
import type { MailboxReader } from './ports.ts';

/** So many items that a device was not sent are remembered. */
const mostUnsent = 1000;

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

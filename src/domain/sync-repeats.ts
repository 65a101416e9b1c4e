/**
 * A device that asks for the same changes again and again gets an answer that it cannot take: one item in it makes it
 * fail, and would keep the rest of the folder from it for ever. It is then given one item at a time, and in the end the
 * item that it stops at is passed over.
 */
import type { ItemId } from './ids.ts';
import type { MailboxReader } from './ports.ts';
import { type Collected, type CollectRequest, collect } from './sync-collect.ts';
import type { SyncState } from './sync-state.ts';

/** So many lost answers are bad luck. */
const repeatsWithoutCare = 2;
/** An item that was asked for so many times more, alone, is passed over; then the one behind it, and so on. */
const repeatsOfOneItem = 3;
/** So many items come one at a time before the device has its window back. */
const itemsWithCare = 100;

interface CollectedWithCare extends Collected {
  /** Adds and Changes that the device will not be told of. */
  readonly skipped: readonly ItemId[];
  /** How many more items are to come one at a time. */
  readonly careful: number;
}

/** Collects for a device that was answered from this state `repeats` times before, in vain. */
export async function collectWithCare(
  mailbox: MailboxReader,
  base: SyncState,
  repeats: number,
  request: CollectRequest,
): Promise<CollectedWithCare> {
  const careful = repeats > repeatsWithoutCare ? itemsWithCare : (base.careful ?? 0);
  const one = careful > 0 ? { ...request, windowSize: 1 } : request;
  const skipped: ItemId[] = [];
  let from: Pick<SyncState, keyof Collected['progress']> = base;
  for (let n = repeatsWithoutCare + repeatsOfOneItem; n < repeats; n++) {
    const { changes, progress } = await collect(mailbox, from, one);
    from = progress;
    for (const change of changes) {
      if (change.kind === 'add') {
        const passedOver = [...(from.passedOver ?? []), change.id];
        from = { ...from, unsent: [...from.unsent, change.id], passedOver };
      }
      if (change.kind === 'add' || change.kind === 'change') {
        skipped.push(change.id);
      }
    }
  }
  const collected = await collect(mailbox, from, one);
  return { ...collected, skipped, careful: Math.max(0, careful - collected.changes.length) };
}

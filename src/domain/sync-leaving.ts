/** What is told of items that a device has, and that its filter does not let it have any more. */
import { Changed } from './change.ts';
import type { ItemId } from './ids.ts';
import type { Item } from './item.ts';
import type { ServerChange } from './sync-collect.ts';

/** Of these a device is told by the whole item, which the filter forbids. */
const toldWhole = Changed.Rest | Changed.LastVerb;

/** The filter may come back before the SoftDelete that is due: the device has the marks by then, or the item not at all. */
export function beforeLeaving(item: Item, what: number, unsent: Set<ItemId>): ServerChange[] {
  const { id } = item;
  if ((what & toldWhole) === 0) return [{ kind: 'change', id, item, what }];
  unsent.add(id);
  return [{ kind: 'softDelete', id }];
}

/** What a device lets go of in the same answer need not change first. */
export function dropLeaving(changes: ServerChange[], leaving: readonly ServerChange[]): void {
  const ids = new Set(leaving.flatMap(({ kind, id }) => (kind === 'softDelete' ? [id] : [])));
  const kept = changes.filter(({ kind, id }) => kind !== 'change' || !ids.has(id));
  changes.splice(0, changes.length, ...kept);
}

import type { FolderId, ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import type { MailboxReader } from '../ports.ts';

/** The items of places in their order, without what is gone or cannot be read. */
export async function readItems(
  reader: MailboxReader,
  places: readonly { readonly folder: FolderId; readonly item: number }[],
): Promise<readonly Item[]> {
  const byFolder = new Map<FolderId, ItemId[]>();
  for (const { folder, item } of places) {
    const ids = byFolder.get(folder) ?? [];
    ids.push(item as ItemId);
    byFolder.set(folder, ids);
  }
  const read = await Promise.all([...byFolder].map(([folder, ids]) => readableItems(reader, folder, ids)));
  const byId = new Map(read.flat().map((item) => [item.id, item]));
  return places.flatMap(({ item }) => byId.get(item as ItemId) ?? []);
}

/** One item that cannot be read does not keep the others from being found. */
async function readableItems(
  reader: MailboxReader,
  folder: FolderId,
  ids: readonly ItemId[],
): Promise<readonly Item[]> {
  try {
    return (await reader.items(folder, ids)).filter((item) => item !== undefined);
  } catch {
    const each = await Promise.all(ids.map((id) => reader.item(folder, id).catch(() => undefined)));
    return each.filter((item) => item !== undefined);
  }
}

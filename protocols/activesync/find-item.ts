import type { Item } from '#domain/item';
import type { MailboxReader } from '#domain/ports';
import type { ItemPlace } from './ids.ts';

/**
 * The item of a reference, wherever it is now: a device that moved it keeps the references it was told before, and an
 * item's number is never used again.
 */
export async function findItem(
  reader: MailboxReader,
  { folder, item }: ItemPlace,
): Promise<Item | undefined> {
  const [there, itsFolder] = await Promise.all([reader.item(folder, item), reader.folder(folder)]);
  // What a deleted folder held is gone, though its rows may still be there.
  if (there !== undefined && itsFolder !== undefined) return there;
  const others = (await reader.folders()).filter(({ id }) => id !== folder);
  const found = await Promise.all(others.map(({ id }) => reader.item(id, item)));
  return found.find((one) => one !== undefined);
}

import type { Item } from '#domain/item';
import type { MailboxReader } from '#domain/ports';
import type { ItemPlace } from './ids.ts';

/** So many folders are asked at a time. */
const foldersTogether = 64;

/**
 * The item of a reference, wherever it is now: a device that moved it keeps the references it was told before, and an
 * item's number is never used again. One that is nowhere costs a few reads, however many folders there are.
 */
export async function findItem(
  reader: MailboxReader,
  { folder, item }: ItemPlace,
): Promise<Item | undefined> {
  const [there, itsFolder] = await Promise.all([reader.item(folder, item), reader.folder(folder)]);
  // What a deleted folder held is gone, though its rows may still be there.
  if (there !== undefined && itsFolder !== undefined) return there;
  const [detail] = await reader.details([item]);
  if (detail === undefined) return undefined;
  const others = (await reader.folders()).map(({ id }) => id).filter((id) => id !== folder);
  for (let n = 0; n < others.length; n += foldersTogether) {
    const some = others.slice(n, n + foldersTogether);
    const found = (await Promise.all(some.map((id) => reader.item(id, item)))).find(
      (one) => one !== undefined,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

import { Changed } from './change.ts';
import { DomainError } from './errors.ts';
import { defaultFolder, type Folder, FolderType } from './folder.ts';
import type { DeviceId, FolderId, ItemId, MailboxRef } from './ids.ts';
import type { Flag, Item, ItemDetail, ItemMarks } from './item.ts';
import type { MailboxReader, MailboxTx, MailStore, StoredBody } from './ports.ts';

/** What a client may change of an item; absent stays as it is, `flag: null` takes the flag away. */
export interface MarksChange {
  readonly read?: boolean | undefined;
  readonly flag?: Flag | null | undefined;
  readonly categories?: readonly string[] | undefined;
}

/** One account's folders and items: every read and write passes here. */
export class Mailbox {
  readonly ref: MailboxRef;
  readonly #store: MailStore;

  constructor(store: MailStore, ref: MailboxRef) {
    this.#store = store;
    this.ref = ref;
  }

  /** Reads what is durable. */
  get reader(): MailboxReader {
    return this.#store.mailbox(this.ref);
  }

  /** One decision on this mailbox: lands together, durable when it resolves, or not at all. `bodies` are those of new content. */
  transact<T>(decide: (tx: MailboxTx) => Promise<T>, bodies: readonly StoredBody[] = []): Promise<T> {
    return this.#store.transact([this.ref], (of) => decide(of(this.ref)), bodies);
  }

  /** Calls back after each durable change; `undefined` stands for the folder tree and the devices. */
  watch(watcher: (folder: FolderId | undefined) => void): () => void {
    return this.#store.watch(this.ref, watcher);
  }

  /** A folder by its number. Throws `folder/not-found`. */
  async folder(id: FolderId): Promise<Folder> {
    const folder = await this.reader.folder(id);
    if (folder === undefined) {
      throw new DomainError('folder/not-found', 'The folder does not exist.');
    }
    return folder;
  }

  /** A message and what reading it needs. Throws `item/not-found`. */
  async message(folder: FolderId, id: ItemId): Promise<{ item: Item; detail: ItemDetail }> {
    const { reader } = this;
    const [item, [detail]] = await Promise.all([reader.item(folder, id), reader.details([id])]);
    if (item === undefined || detail === undefined) {
      throw new DomainError('item/not-found', 'The item does not exist.');
    }
    return { item, detail };
  }

  /**
   * Moves an item, which keeps its id. A repeated move (the answer was lost) succeeds, too: the item is where it should be,
   * or went on from there. What others moved there is not found: the device has it where it was until Sync tells it. Throws `item/not-found`, `folder/not-found` (the destination), `item/same-folder`.
   */
  moveItem(id: ItemId, from: FolderId, to: FolderId, device?: DeviceId): Promise<void> {
    return this.transact(async (tx) => {
      if (from === to) {
        throw new DomainError('item/same-folder', 'Source and destination are the same folder.');
      }
      // What a deleted folder held is gone, though its rows may still be there.
      const item = (await tx.folder(from)) && (await tx.item(from, id));
      const destination = await tx.folder(to);
      // MS-ASCMD, MoveItems: the device keeps the item until it hears that it has moved, and the log does not tell it.
      const marker = device && `moved by ${device}: ${id} from ${from} to ${to}`;
      if (item === undefined) {
        if (marker !== undefined && (await tx.marker(marker)) !== undefined) {
          return;
        }
        throw new DomainError('item/not-found', 'The item does not exist.');
      }
      if (destination === undefined) {
        throw new DomainError('folder/not-found', 'The destination does not exist.');
      }
      await tx.moveItem(item, to, device);
      if (marker !== undefined) {
        tx.putMarker(marker, '');
      }
    });
  }

  /** The raw message, or the bytes [start, end) of it. */
  openBody(item: Item, range?: readonly [number, number]): AsyncIterable<Uint8Array> {
    return this.#store.openBody(this.ref, item, range);
  }
}

/** Applies a client's change of marks; gives the item as it is then, unchanged (and nothing logged) if nothing differs. */
export function changeMarks(
  tx: MailboxTx,
  item: Item,
  change: MarksChange,
  device?: DeviceId,
): Promise<Item> | Item {
  const what = changedMarks(item.marks, change);
  if (what === 0) {
    return item;
  }
  return tx.markItem(item, withMarks(item.marks, change), what, device);
}

/** The marks after a change. */
export function withMarks(marks: ItemMarks, change: MarksChange): ItemMarks {
  return {
    ...marks,
    read: change.read ?? marks.read,
    flag: change.flag === undefined ? marks.flag : (change.flag ?? undefined),
    categories: change.categories ?? marks.categories,
  };
}

/** Which marks a change would alter: OR of Changed. */
export function changedMarks(marks: ItemMarks, change: MarksChange): number {
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  return (
    (change.read !== undefined && change.read !== marks.read ? Changed.Read : 0) |
    (change.flag !== undefined && !same(change.flag, marks.flag) ? Changed.Flag : 0) |
    (change.categories !== undefined && !same(change.categories, marks.categories) ? Changed.Categories : 0)
  );
}

/** Deletes as a client asks: to Deleted Items, or for good when it says so or the item is there already. */
export async function removeItem(
  tx: MailboxTx,
  item: Item,
  permanently: boolean,
  device?: DeviceId,
): Promise<void> {
  const trash = defaultFolder(FolderType.DeletedItems);
  if (permanently || item.folder === trash) {
    await tx.deleteItem(item, device);
  } else {
    await tx.moveItem(item, trash, device);
  }
}

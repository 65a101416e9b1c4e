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

/** What became of an item that was to be moved. */
export type MoveOutcome = 'moved' | 'not-found' | 'no-destination' | 'same-folder';

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
   * Moves items, which keep their ids; tells what became of each. A repeated move (the answer was lost) succeeds, too: the
   * item is where it should be, or went on from there, or is gone with that folder. What others moved there is not found:
   * the device has it where it was until Sync tells it.
   */
  async moveItems(
    ids: readonly ItemId[],
    from: FolderId,
    to: FolderId,
    device?: DeviceId,
  ): Promise<readonly MoveOutcome[]> {
    const outcomes: MoveOutcome[] = [];
    while (outcomes.length < ids.length) {
      const rest = ids.slice(outcomes.length);
      outcomes.push(...(await this.transact((tx) => moveAsRoomAllows(tx, rest, { from, to, device }))));
    }
    return outcomes;
  }

  /** The raw message, or the bytes [start, end) of it. */
  openBody(item: Item, range?: readonly [number, number]): AsyncIterable<Uint8Array> {
    return this.#store.openBody(this.ref, item, range);
  }
}

interface Way {
  readonly from: FolderId;
  readonly to: FolderId;
  readonly device: DeviceId | undefined;
}

/** Moves as many items as the transaction has room for. */
async function moveAsRoomAllows(
  tx: MailboxTx,
  ids: readonly ItemId[],
  { from, to, device }: Way,
): Promise<MoveOutcome[]> {
  // What a deleted folder held is gone, though its rows may still be there.
  const source = await tx.folder(from);
  const destination = await tx.folder(to);
  const outcomes: MoveOutcome[] = [];
  for (const id of ids) {
    const item = source && (await tx.item(from, id));
    // MS-ASCMD, MoveItems: the device keeps the item until it hears that it has moved, and the log does not tell it.
    const marker = device && `moved by ${device}: ${id} from ${from} to ${to}`;
    if (item === undefined && marker !== undefined && (await tx.marker(marker)) !== undefined) {
      outcomes.push('moved');
    } else if (destination === undefined) {
      outcomes.push('no-destination');
    } else if (from === to) {
      outcomes.push('same-folder');
    } else if (item === undefined) {
      outcomes.push('not-found');
    } else {
      await tx.moveItem(item, to, device);
      if (marker !== undefined) tx.putMarker(marker, '');
      outcomes.push('moved');
    }
    if (!tx.hasRoom()) break;
  }
  return outcomes;
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

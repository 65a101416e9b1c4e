import { comparePositions, listEnd, type Position } from '../change.ts';
import type { FolderId } from '../ids.ts';
import type { MailboxReader } from '../ports.ts';

/** A place in the list of a folder. */
export interface FolderPlace extends Position {
  readonly folder: FolderId;
}

/** One folder's list: what has been read of it, and where to go on. */
interface FolderList {
  readonly folder: FolderId;
  places: readonly Position[];
  /** Which of the places is next. */
  next: number;
  isRead: boolean;
}

/** Of all folders together so many places are held. */
const heldPlaces = 8192;
const fewestPlaces = 8;
const mostPlaces = 512;
/** So many folders are opened before others have their turn. */
const openedAtOnce = 64;

/** MergedList is the lists of several folders as one, newest first. */
export class MergedList {
  readonly #reader: MailboxReader;
  readonly #folders: readonly FolderId[];
  readonly #from: Position;
  readonly #to: Position;
  readonly #pageSize: number;
  /** The one with the newest next place stands last. */
  readonly #lists: FolderList[] = [];
  #opened = 0;

  /** From a place, included, to another, not included; `to` is `listEnd` or between two milliseconds. */
  constructor(
    reader: MailboxReader,
    folders: readonly FolderId[],
    { from, to }: { readonly from: Position; readonly to: Position },
  ) {
    this.#reader = reader;
    this.#folders = folders;
    this.#from = from;
    this.#to = to;
    const share = Math.floor(heldPlaces / Math.max(1, folders.length));
    this.#pageSize = Math.min(mostPlaces, Math.max(fewestPlaces, share));
  }

  /** Opens some of the folders; false when all are open. */
  async open(): Promise<boolean> {
    if (this.#opened >= this.#folders.length) return false;
    const folders = this.#folders.slice(this.#opened, this.#opened + openedAtOnce);
    this.#opened += folders.length;
    const lists = folders.map((folder) => ({ folder, places: [], next: 0, isRead: false }));
    await Promise.all(lists.map((list) => this.#readOn(list, this.#from)));
    for (const list of lists) this.#insert(list);
    return true;
  }

  /** The next places, at most so many; none at the end. All folders must be open. */
  async next(most: number): Promise<readonly FolderPlace[]> {
    const found: FolderPlace[] = [];
    while (found.length < most) {
      const list = this.#lists.pop();
      const place = list?.places[list.next];
      if (list === undefined || place === undefined) break;
      found.push({ folder: list.folder, ...place });
      list.next++;
      if (list.next === list.places.length && !list.isRead) await this.#readOn(list, after(place));
      this.#insert(list);
    }
    return found;
  }

  async #readOn(list: FolderList, from: Position): Promise<void> {
    const limit = this.#pageSize;
    list.places = await this.#reader.list(list.folder, { from, to: this.#to, limit });
    list.next = 0;
    list.isRead = list.places.length < limit;
  }

  /** Puts a list into its place among the others; one that is at its end stays out. */
  #insert(list: FolderList): void {
    const place = list.places[list.next];
    if (place === undefined) return;
    let low = 0;
    let high = this.#lists.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#lists[middle];
      if (other !== undefined && comparePositions(headOf(other), place) > 0) low = middle + 1;
      else high = middle;
    }
    this.#lists.splice(low, 0, list);
  }
}

/** The place right behind another. */
export function after({ receivedMs, item }: Position): Position {
  return { receivedMs, item: item + 1 };
}

function headOf(list: FolderList): Position {
  return list.places[list.next] ?? listEnd;
}

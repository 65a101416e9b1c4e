/**
 * MS-ASCMD, ConversationMode: with it a device has not only the mails inside its filter, but all of their conversations in
 * the folder. What is older than the filter is remembered by item, beside a mail inside the filter that it is there for.
 */
import { comparePositions, listEnd, listStart, type Position } from './change.ts';
import type { FolderId, ItemId } from './ids.ts';
import type { Item } from './item.ts';
import type { MailboxReader } from './ports.ts';
import type { ServerChange } from './sync-collect.ts';
import type { HeldConversations } from './sync-state.ts';

/** So many older mails a device has at most: their numbers stand in its state. The rest of their conversations stays away. */
const mostOlder = 1500;
/** So many mails wait to be looked at; with more, all inside the filter are looked at again. */
const mostDue = 1000;
/** Mails inside the filter that are looked at in one go. */
const lookedAtOnce = 200;
/** So many times as many in a transaction. */
const mostPages = 10;
/** So many times as many where only the number of changes is asked. */
const mostCountedPages = 25;

/** Where a device's conversations are looked for. */
interface Place {
  readonly mailbox: MailboxReader;
  readonly folder: FolderId;
  /** Behind the last place inside the filter. */
  readonly boundary: Position;
  /** False: it has had older mails, and is to lose them. */
  readonly isOn: boolean;
  /** Only the number of changes is asked. */
  readonly countsOnly?: boolean | undefined;
}

interface Looked {
  readonly changes: readonly ServerChange[];
  readonly more: boolean;
}

/** What a device has of conversations beyond its filter, while its changes are collected. */
export class Conversations {
  readonly #place: Place;
  #walked: Position;
  /** A mail inside the filter, and the older ones that are there for it. */
  readonly #groups = new Map<ItemId, Set<ItemId>>();
  /** The other way round. */
  readonly #anchors = new Map<ItemId, ItemId>();
  readonly #due: Set<ItemId>;
  /** Told, and to be taken back. */
  readonly #leaving: Set<ItemId>;

  constructor(place: Place, held: HeldConversations | undefined) {
    this.#place = place;
    this.#walked = held?.walked ?? listStart;
    for (const [anchor, ...older] of held?.groups ?? []) {
      if (anchor !== undefined) for (const item of older) this.#keep(anchor, item);
    }
    this.#due = new Set(held?.due);
    this.#leaving = new Set(held?.leaving);
    if (!place.isOn) {
      for (const item of this.#anchors.keys()) this.#leaving.add(item);
      this.#groups.clear();
      this.#anchors.clear();
      this.#due.clear();
    }
    // The filter has become narrower; and where it is none, nothing is beyond it.
    const isAll = comparePositions(place.boundary, listEnd) >= 0;
    if (isAll) this.#due.clear();
    if (isAll || comparePositions(this.#walked, place.boundary) > 0) this.#walked = place.boundary;
  }

  /** Looks after mails that the device itself may have taken away. */
  async check(items: readonly ItemId[]): Promise<void> {
    const { mailbox, folder } = this.#place;
    const own = items.filter((item) => this.has(item) || this.#groups.has(item));
    const found = own.length === 0 ? [] : await mailbox.items(folder, own);
    for (const [n, item] of own.entries()) if (found[n] === undefined) this.gone(item);
  }

  /** Whether the device has this mail although it is older than the filter. */
  has(item: ItemId): boolean {
    return this.#anchors.has(item) || this.#leaving.has(item);
  }

  /** The device was told that a mail is gone. */
  gone(item: ItemId): void {
    this.#forget(item);
    // Those that were there for it may be there for another one.
    if (this.#groups.has(item)) this.#due.add(item);
  }

  /** A mail that came: it may bring its conversation, or be of one that the device has. */
  came(item: ItemId): void {
    if (this.#place.isOn) this.#due.add(item);
  }

  /** A mail has come inside the filter; true if the device has it already. */
  entered(item: ItemId): boolean {
    return this.#forget(item);
  }

  /** A mail has fallen out of the filter; true if the device keeps it for its conversation. */
  async stays(item: Item): Promise<boolean> {
    if (!this.#place.isOn) return false;
    const newest = await this.#newest(item.conversationId);
    const older = this.#groups.get(item.id);
    this.#groups.delete(item.id);
    for (const one of older ?? []) {
      if (newest === undefined) this.#leave(one);
      else this.#keep(newest, one);
    }
    if (newest === undefined || this.#anchors.size >= mostOlder) return false;
    this.#keep(newest, item.id);
    return true;
  }

  /**
   * Passes over mails before `until` that bring nothing; true if there may be more of them than belong into one transaction. What is
   * left when it is false is for `look`, which is then near to something that it tells.
   */
  async pass(until: Position): Promise<boolean> {
    const { boundary, isOn } = this.#place;
    const end = comparePositions(until, boundary) < 0 ? until : boundary;
    for (let pages = 0; pages < mostPages; pages++) {
      if (!isOn || comparePositions(this.#walked, end) >= 0) return false;
      if (!(await this.#lookInside(end, [], 0))) return false;
    }
    return true;
  }

  /** Tells what is left to tell, up to `room` changes. */
  async look(room: number): Promise<Looked> {
    const changes: ServerChange[] = [];
    const { boundary, isOn, countsOnly = false } = this.#place;
    await this.#settleDue(changes, room);
    for (const item of this.#leaving) {
      if (changes.length >= room) return { changes, more: true };
      this.#leaving.delete(item);
      changes.push({ kind: 'softDelete', id: item });
    }
    if (this.#due.size > 0) return { changes, more: true };
    for (let pages = 0; isOn && comparePositions(this.#walked, boundary) < 0; pages++) {
      if (countsOnly && pages >= mostCountedPages) break;
      const isEnough = !countsOnly && pages >= mostPages && changes.length > 0;
      if (isEnough || !(await this.#lookInside(boundary, changes, room))) return { changes, more: true };
    }
    return { changes, more: false };
  }

  /** For the device's state; undefined when there is nothing to remember. */
  get held(): HeldConversations | undefined {
    if (!this.#place.isOn && this.#leaving.size === 0) return undefined;
    const isTooMuch = this.#due.size > mostDue;
    return {
      walked: isTooMuch ? listStart : this.#walked,
      groups: [...this.#groups].map(([anchor, older]) => [anchor, ...older]),
      due: isTooMuch ? [...this.#due].filter((item) => this.#groups.has(item)) : [...this.#due],
      leaving: [...this.#leaving],
    };
  }

  async #settleDue(changes: ServerChange[], room: number): Promise<void> {
    const { mailbox, folder, boundary } = this.#place;
    for (const id of [...this.#due]) {
      const item = await mailbox.item(folder, id);
      if (item === undefined) {
        await this.#replaceAnchor(id);
      } else if (comparePositions(positionOf(item), boundary) < 0) {
        if (!(await this.#addOlder(item, changes, room))) return;
      } else if (!this.has(id)) {
        const newest = await this.#newest(item.conversationId);
        if (newest !== undefined && changes.length >= room) return;
        if (newest !== undefined) this.#tell(newest, item, changes);
      }
      this.#due.delete(id);
    }
  }

  /** A mail inside the filter is gone: what was there for it stays for another one, or leaves. */
  async #replaceAnchor(anchor: ItemId): Promise<void> {
    const { mailbox, folder } = this.#place;
    const older = [...(this.#groups.get(anchor) ?? [])];
    this.#groups.delete(anchor);
    const [some] = (await mailbox.items(folder, older)).filter((item) => item !== undefined);
    const newest = some && (await this.#newest(some.conversationId));
    for (const one of older) {
      if (newest === undefined) this.#leave(one);
      else this.#keep(newest, one);
    }
  }

  /** Goes on among the mails before `end`; false when there was no room for all that a mail brings. */
  async #lookInside(end: Position, changes: ServerChange[], room: number): Promise<boolean> {
    const { mailbox, folder } = this.#place;
    const places = await mailbox.list(folder, { from: this.#walked, to: end, limit: lookedAtOnce });
    const items = await mailbox.items(
      folder,
      places.map(({ item }) => item as ItemId),
    );
    const bringing = await this.#bringing(items);
    for (const [n, place] of places.entries()) {
      this.#walked = place;
      const item = items[n];
      const isBringing = item !== undefined && bringing.has(item);
      if (isBringing && !(await this.#addOlder(item, changes, room))) return false;
      this.#walked = { receivedMs: place.receivedMs, item: place.item + 1 };
    }
    if (places.length < lookedAtOnce) this.#walked = end;
    return true;
  }

  /** Those of some mails that are the first of their conversations, if it has older ones that the device does not have. */
  async #bringing(items: readonly (Item | undefined)[]): Promise<ReadonlySet<Item>> {
    const { mailbox, folder, boundary } = this.#place;
    if (this.#anchors.size >= mostOlder && this.#leaving.size === 0) return new Set();
    const firsts = new Map<string, Item>();
    for (const item of items) {
      const id = item && Buffer.from(item.conversationId).toString('hex');
      if (item !== undefined && id !== undefined && !firsts.has(id)) firsts.set(id, item);
    }
    const older = { folder, beforeMs: boundary.receivedMs + 1, limit: this.#anchors.size + 1 };
    const found = await Promise.all(
      [...firsts.values()].map(async (item) => {
        const places = await mailbox.conversation(item.conversationId, older);
        return places.some((place) => !this.#anchors.has(place.item)) ? item : undefined;
      }),
    );
    return new Set(found.filter((item) => item !== undefined));
  }

  /** Adds the older mails of a conversation that the device does not have; false when there is no room for all. */
  async #addOlder(anchor: Item, changes: ServerChange[], room: number): Promise<boolean> {
    const { mailbox, folder, boundary } = this.#place;
    const limit = this.#anchors.size + this.#leaving.size + Math.max(0, room - changes.length) + 1;
    const places = await mailbox.conversation(anchor.conversationId, {
      folder,
      beforeMs: boundary.receivedMs + 1,
      limit,
    });
    const missing = places.map(({ item }) => item).filter((item) => !this.#anchors.has(item));
    const back = missing.filter((item) => this.#leaving.delete(item));
    for (const item of back) this.#keep(anchor.id, item);
    const wanted = missing
      .filter((item) => !this.#anchors.has(item))
      .slice(0, mostOlder - this.#anchors.size);
    const due = wanted.slice(0, Math.max(0, room - changes.length));
    for (const item of await mailbox.items(folder, due)) {
      if (item !== undefined) this.#tell(anchor.id, item, changes);
    }
    return due.length === wanted.length;
  }

  #tell(anchor: ItemId, item: Item, changes: ServerChange[]): void {
    if (this.#anchors.size >= mostOlder) return;
    this.#keep(anchor, item.id);
    changes.push({ kind: 'add', id: item.id, item, what: 0, isOlder: true });
  }

  /** The newest mail of a conversation, if it is inside the filter. */
  async #newest(conversation: Uint8Array): Promise<ItemId | undefined> {
    const { mailbox, folder, boundary } = this.#place;
    const [newest] = await mailbox.conversation(conversation, { folder, limit: 1 });
    return newest !== undefined && comparePositions(newest, boundary) < 0 ? newest.item : undefined;
  }

  #keep(anchor: ItemId, older: ItemId): void {
    const group = this.#groups.get(anchor) ?? new Set();
    this.#groups.set(anchor, group.add(older));
    this.#anchors.set(older, anchor);
  }

  #leave(item: ItemId): void {
    this.#anchors.delete(item);
    this.#leaving.add(item);
  }

  /** True if the device had it. */
  #forget(item: ItemId): boolean {
    const anchor = this.#anchors.get(item);
    if (anchor === undefined) return this.#leaving.delete(item);
    this.#anchors.delete(item);
    const group = this.#groups.get(anchor);
    group?.delete(item);
    if (group?.size === 0) this.#groups.delete(anchor);
    return true;
  }
}

function positionOf({ receivedMs, id }: Item): Position {
  return { receivedMs, item: id };
}

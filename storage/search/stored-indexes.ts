/** The search indexes as searching sees them: opened for reading, and asked for. */
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import type { IndexTerm } from '#domain/search/index-words';
import { wordsVersion } from '#domain/search/index-words';
import {
  IndexChangedError,
  type IndexSegment,
  type MailIndex,
  type MailIndexes,
  type SegmentItems,
} from '#domain/search/mail-index';
import type { FolderPlace } from '#domain/search/merged-list';
import { mailboxPart, u32, u64, uniqueParts } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import type { Sealer } from '../rows.ts';
import { SealError } from '../seal-error.ts';
import type { Bytes, Page, Store, Tx } from '../store.ts';
import { dueTopic, putTask, TaskKind, taskShard } from '../tasks.ts';
import { chunksOf, findWord } from './chunks.ts';
import { IndexRows, type Moved, type NumberedSegment } from './index-rows.ts';
import { applyMoved, replacedIn } from './moved.ts';
import { readPostings } from './postings.ts';

/** A mailbox whose index was asked for is not asked about again for so long. */
const askedMs = 60_000;
/** Of so many mailboxes it is known that they were. */
const mostAsked = 10_000;
/** That somebody searches is written down once in so long. */
const searchedNoteMs = 24 * 3_600_000;
/** So many items that have moved since are worth putting in their places. */
const manyMoved = 256;
/** So many folders are looked into at a time for items that are not in the index. */
const foldersTogether = 64;
/** So often it is tried to read an index between two changes of it. */
const mostTries = 8;

interface IndexesOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly now: () => number;
}

export class StoredIndexes implements MailIndexes {
  readonly #o: IndexesOptions;
  /** When, by mailbox; the latest at the end. */
  readonly #asked = new Map<string, number>();

  constructor(options: IndexesOptions) {
    this.#o = options;
  }

  async open(ref: MailboxRef): Promise<MailIndex | undefined> {
    const { store, sealer, now } = this.#o;
    const rows = new IndexRows(sealer, mailboxPart(ref.organization, ref.mailbox));
    try {
      for (let tries = 0; tries < mostTries; tries++) {
        const index = await rows.index(store);
        if (index?.words !== wordsVersion) return undefined;
        const segments = await rows.segments(store);
        const moved = await rows.moved(store, { first: 0, last: index.end });
        // Each of these reads is of its own time: nothing may have come or gone between them.
        if ((await rows.index(store))?.generation !== index.generation) continue;
        const isNeglected = moved.size >= manyMoved || now() - index.searchedMs > searchedNoteMs;
        return new OpenIndex(store, sealer, rows, { end: index.end, segments, moved, isNeglected });
      }
    } catch (error) {
      if (!isOfReading(error)) throw error;
      await this.discard(ref);
    }
    return undefined;
  }

  async request(ref: MailboxRef): Promise<void> {
    const nowMs = this.#o.now();
    const asked = this.#asked.get(ref.mailbox);
    if (asked !== undefined && nowMs - asked < askedMs) return;
    this.#asked.delete(ref.mailbox);
    this.#asked.set(ref.mailbox, nowMs);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > mostAsked && oldest !== undefined) this.#asked.delete(oldest);
    await this.#schedule(ref, async (tx, rows) => {
      const index = await rows.index(tx);
      if (index !== undefined) rows.putIndex(tx, { ...index, searchedMs: nowMs });
    });
  }

  async discard(ref: MailboxRef): Promise<void> {
    await this.#schedule(ref, async (tx, rows) => rows.deleteIndex(tx));
  }

  /** Changes something, and has maintenance look after the index at once. */
  async #schedule(ref: MailboxRef, change: (tx: Tx, rows: IndexRows) => Promise<void>): Promise<void> {
    const { store, sealer, now } = this.#o;
    const rows = new IndexRows(sealer, mailboxPart(ref.organization, ref.mailbox));
    const shard = taskShard(ref);
    await store.transact(uniqueParts([rows.part, shard]), async (tx) => {
      const folders = await tx.page(rows.part, { ...mailboxRows.folder.range(), limit: 1 });
      if (folders.rows.length === 0) return;
      await change(tx, rows);
      putTask(tx, sealer, ref, { kind: TaskKind.IndexWords, about: new Uint8Array(0), dueMs: now() });
      tx.touch(shard, dueTopic);
    });
  }
}

/** Whether a row is not what it should be, and not the store at fault. */
function isOfReading(error: unknown): boolean {
  return error instanceof SealError || error instanceof RangeError || error instanceof TypeError;
}

interface Opened {
  readonly end: ItemId;
  readonly segments: readonly NumberedSegment[];
  readonly moved: Moved;
  readonly isNeglected: boolean;
}

class OpenIndex implements MailIndex {
  readonly end: ItemId;
  readonly segments: readonly IndexSegment[];
  readonly isNeglected: boolean;
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #rows: IndexRows;

  constructor(store: Store, sealer: Sealer, rows: IndexRows, { end, segments, moved, isNeglected }: Opened) {
    this.end = end;
    this.isNeglected = isNeglected;
    this.#store = store;
    this.#sealer = sealer;
    this.#rows = rows;
    const replaced = [...moved].flatMap(([id, { isReplaced }]) => (isReplaced ? [id] : []));
    this.segments = segments.map((record) => {
      const hasReplaced = replaced.some((id) => id >= record.first && id <= record.last);
      return new OpenSegment(store, rows, record, { moved, hasReplaced });
    });
  }

  async rest(folders: readonly FolderId[], most: number): Promise<readonly FolderPlace[] | undefined> {
    const missing = await this.#missing(most + 1);
    if (missing.size > most) return undefined;
    const found: FolderPlace[] = [];
    for (let n = 0; n < folders.length && missing.size > 0; n += foldersTogether) {
      const some = folders.slice(n, n + foldersTogether);
      for (const place of (await Promise.all(some.map((folder) => this.#restOf(folder)))).flat()) {
        missing.delete(place.item);
        if (place.receivedMs !== undefined) found.push({ ...place, receivedMs: place.receivedMs });
      }
    }
    return found.length > most ? undefined : found;
  }

  /** Items that are not in the index, wherever they are: each has a row `p`. */
  async #missing(most: number): Promise<Set<number>> {
    const { part } = this.#rows;
    const found = new Set<number>();
    const { lt } = mailboxRows.detail.range();
    for (let gte: Bytes | undefined = mailboxRows.detail.key(u64(this.end)); gte !== undefined; ) {
      const page: Page = await this.#store.page(part, { gte, lt, limit: most - found.size });
      for (const [key] of page.rows) found.add(u64.read(key, 1));
      gte = found.size < most ? page.next : undefined;
    }
    return found;
  }

  async #restOf(folder: FolderId) {
    const { part } = this.#rows;
    const row = mailboxRows.item;
    const found: { folder: FolderId; item: number; receivedMs: number | undefined }[] = [];
    const { lt } = row.range(u32(folder));
    for (let gte: Bytes | undefined = row.key(u32(folder), u64(this.end)); gte !== undefined; ) {
      const page: Page = await this.#store.page(part, { gte, lt });
      for (const [key, stored] of page.rows) {
        found.push({ folder, item: u64.read(key, 5), receivedMs: this.#receivedMs(key, stored) });
      }
      gte = page.next;
    }
    return found;
  }

  /** Undefined if the item cannot be read: then it is not found either. */
  #receivedMs(key: Bytes, stored: Bytes): number | undefined {
    try {
      return mailboxRows.item.decode(this.#sealer, this.#rows.part, key, stored).receivedMs;
    } catch {
      return undefined;
    }
  }
}

class OpenSegment implements IndexSegment {
  readonly #store: Store;
  readonly #rows: IndexRows;
  readonly #record: NumberedSegment;
  readonly #since: { readonly moved: Moved; readonly hasReplaced: boolean };

  constructor(
    store: Store,
    rows: IndexRows,
    record: NumberedSegment,
    since: { readonly moved: Moved; readonly hasReplaced: boolean },
  ) {
    this.#store = store;
    this.#rows = rows;
    this.#record = record;
    this.#since = since;
  }

  get count(): number {
    return this.#record.count;
  }

  get oldestMs(): number {
    return this.#record.oldestMs;
  }

  get newestMs(): number {
    return this.#record.newestMs;
  }

  async doubtful(): Promise<readonly number[]> {
    const { doubtful } = this.#record;
    const { moved, hasReplaced } = this.#since;
    return hasReplaced ? [...doubtful, ...replacedIn(await this.items(), moved)] : doubtful;
  }

  async items(): Promise<SegmentItems> {
    const items = await this.#read(() => this.#rows.items(this.#store, this.#record.number));
    if (this.#since.moved.size > 0) applyMoved(items, this.#since.moved);
    return items;
  }

  async fields({ word, isPrefix }: IndexTerm): Promise<Uint8Array | undefined> {
    const { count, number, pieces } = this.#record;
    let found: Uint8Array | undefined;
    const [first, last] = chunksOf(pieces, word, isPrefix);
    for (let piece = first; piece <= last && piece < pieces.length; piece++) {
      await this.#read(async () => {
        const bytes = await this.#rows.words(this.#store, number, piece);
        if (bytes === undefined) return undefined;
        findWord(bytes, word, isPrefix, (start, end) => {
          const fields = found ?? new Uint8Array(count);
          found = fields;
          readPostings(bytes, start, end, (item, bits) => {
            fields[item] = (fields[item] ?? 0) | bits;
          });
        });
        return bytes;
      });
    }
    return found;
  }

  async #read<T>(read: () => Promise<T | undefined>): Promise<T> {
    try {
      const value = await read();
      if (value !== undefined) return value;
    } catch (cause) {
      if (!isOfReading(cause)) throw cause;
      throw new IndexChangedError('a part of the index cannot be read', { cause });
    }
    throw new IndexChangedError('a part of the index is not there any more');
  }
}

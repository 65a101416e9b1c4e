/** Reads and writes the rows of a mailbox's search index, through the store or a transaction. */
import type { FolderId, ItemId } from '#domain/ids';
import { u8, u32, u64 } from '../keys.ts';
import { mailboxRows as rows } from '../layout.ts';
import type {
  SearchIndexRecord,
  SearchItemsRecord,
  SearchMovedRecord,
  SearchSegmentRecord,
} from '../records/search.ts';
import type { Sealer } from '../rows.ts';
import type { Bytes, Page, Part, Range, Reader, Tx } from '../store.ts';

/** The first field in keys of kind `w`. */
const SegmentKind = 0;
const ItemsKind = 1;
export const WordsKind = 2;
const MovedKind = 3;

/** A segment and its number. */
export interface NumberedSegment extends SearchSegmentRecord {
  readonly number: number;
}

/** What becomes of items in a mailbox with an index. */
export type Moved = ReadonlyMap<number, SearchMovedRecord>;

export class IndexRows {
  readonly part: Part;
  readonly #sealer: Sealer;

  /** `part` is the mailbox's. */
  constructor(sealer: Sealer, part: Part) {
    this.part = part;
    this.#sealer = sealer;
  }

  async index(reader: Reader): Promise<SearchIndexRecord | undefined> {
    return await this.#get(reader, rows.searchIndex, rows.searchIndex.key());
  }

  putIndex(tx: Tx, index: SearchIndexRecord): void {
    this.#put(tx, rows.searchIndex, rows.searchIndex.key(), index);
  }

  deleteIndex(tx: Tx): void {
    tx.del(this.part, rows.searchIndex.key());
  }

  /** In order of their items. */
  async segments(reader: Reader): Promise<readonly NumberedSegment[]> {
    const found: NumberedSegment[] = [];
    for await (const [key, value] of this.#all(reader, rows.searchSegment.range(u8(SegmentKind)))) {
      const record = rows.searchSegment.decode(this.#sealer, this.part, key, value);
      found.push({ number: u32.read(key, 2), ...record });
    }
    return found.sort((a, b) => a.first - b.first);
  }

  putSegment(tx: Tx, { number, ...record }: NumberedSegment): void {
    this.#put(tx, rows.searchSegment, rows.searchSegment.key(u8(SegmentKind), u32(number)), record);
  }

  /** It is no part of the index any more; its items and words stay. */
  deleteSegment(tx: Tx, number: number): void {
    tx.del(this.part, rows.searchSegment.key(u8(SegmentKind), u32(number)));
  }

  async items(reader: Reader, segment: number): Promise<SearchItemsRecord | undefined> {
    return await this.#get(reader, rows.searchItems, rows.searchItems.key(u8(ItemsKind), u32(segment)));
  }

  putItems(tx: Tx, segment: number, items: SearchItemsRecord): void {
    this.#put(tx, rows.searchItems, rows.searchItems.key(u8(ItemsKind), u32(segment)), items);
  }

  async words(reader: Reader, segment: number, piece: number): Promise<Bytes | undefined> {
    const key = rows.searchWords.key(u8(WordsKind), u32(segment), u32(piece));
    return await this.#get(reader, rows.searchWords, key);
  }

  /** All rows of what is no part of the index. */
  looseRanges(segment: number): readonly Range[] {
    return [
      rows.searchItems.range(u8(ItemsKind), u32(segment)),
      rows.searchWords.range(u8(WordsKind), u32(segment)),
    ];
  }

  /** Everything but the index's own row. */
  wholeRange(): Range {
    return rows.searchSegment.range();
  }

  /** What became of items of the index from `first` to `last`, both included; at most `limit` of them. */
  async moved(
    reader: Reader,
    { first, last }: { readonly first: number; readonly last: number },
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Moved> {
    const found = new Map<number, SearchMovedRecord>();
    const kind = u8(MovedKind);
    const { lt } = rows.searchMoved.range(kind, u64(last));
    const range = { gte: rows.searchMoved.key(kind, u64(first)), lt, ...(limit < 1000 && { limit }) };
    for await (const [key, value] of this.#all(reader, range)) {
      if (found.size >= limit) break;
      found.set(u64.read(key, 2), rows.searchMoved.decode(this.#sealer, this.part, key, value));
    }
    return found;
  }

  deleteMoved(tx: Tx, item: number): void {
    tx.del(this.part, rows.searchMoved.key(u8(MovedKind), u64(item)));
  }

  /** Notes what becomes of an item that is in the index or about to be; `folder` is 0 if it is gone. Does nothing for others. */
  async note(tx: Tx, item: ItemId, folder: FolderId, isReplaced = false): Promise<void> {
    const index = await this.index(tx);
    if (index === undefined || item >= (index.noted ?? index.end)) return;
    const key = rows.searchMoved.key(u8(MovedKind), u64(item));
    const before = await this.#get(tx, rows.searchMoved, key);
    this.#put(tx, rows.searchMoved, key, { folder, isReplaced: isReplaced || before?.isReplaced === true });
  }

  async #get<T>(
    reader: Reader,
    row: { decode(sealer: Sealer, part: Part, key: Bytes, stored: Bytes): T },
    key: Bytes,
  ): Promise<T | undefined> {
    const stored = await reader.get(this.part, key);
    return stored && row.decode(this.#sealer, this.part, key, stored);
  }

  #put<T>(
    tx: Tx,
    row: { encode(sealer: Sealer, part: Part, key: Bytes, value: T): Bytes },
    key: Bytes,
    value: T,
  ): void {
    tx.put(this.part, key, row.encode(this.#sealer, this.part, key, value));
  }

  async *#all(reader: Reader, { gte, ...range }: Range): AsyncGenerator<readonly [Bytes, Bytes]> {
    for (let from: Bytes | undefined = gte; from !== undefined; ) {
      const page: Page = await reader.page(this.part, { ...range, gte: from });
      yield* page.rows;
      from = page.next;
    }
  }
}

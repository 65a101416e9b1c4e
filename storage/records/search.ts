/** How the rows of a search index are written (storage/search). */
import type { FolderId, ItemId } from '#domain/ids';
import type { Codec } from '../rows.ts';
import { VarintReader, writeVarint } from '../search/varint.ts';
import { packedCodec } from './packed.ts';

/** The index of a mailbox. */
export interface SearchIndexRecord {
  /** Which words it is made of (`wordsVersion`). */
  readonly words: number;
  /** Items from this one on are not in it. */
  readonly end: ItemId;
  readonly nextSegment: number;
  /** Rises whenever a segment comes or goes. */
  readonly generation: number;
  /** Somebody has searched the mailbox, in milliseconds since the epoch; up to a day later than said. */
  readonly searchedMs: number;
  /** Numbers of segments that are being written or removed: their rows count for nothing. */
  readonly loose: readonly number[];
  /** What becomes of items before this one is noted, also of those that are about to be put into it; absent: `end`. */
  readonly noted?: ItemId | undefined;
}
type IndexTuple = readonly [number, ItemId, number, number, number, readonly number[], ...noted: ItemId[]];
export const searchIndexCodec: Codec<SearchIndexRecord> = packedCodec(
  ({ words, end, nextSegment, generation, searchedMs, loose, noted }): IndexTuple => {
    const rest = noted === undefined ? [] : [noted];
    return [words, end, nextSegment, generation, searchedMs, loose, ...rest];
  },
  ([words, end, nextSegment, generation, searchedMs, loose, noted]) => ({
    words,
    end,
    nextSegment,
    generation,
    searchedMs,
    loose,
    ...(noted !== undefined && { noted }),
  }),
);

/** A segment without its items and words. */
export interface SearchSegmentRecord {
  readonly first: ItemId;
  readonly last: ItemId;
  /** Items, those that are gone included. */
  readonly count: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  /** Numbers of the items whose words were not known. */
  readonly doubtful: readonly number[];
  /** Of its words, with the items each is in. */
  readonly bytes: number;
  /** For each piece of its words: what is not greater than its first word, and greater than the last one before. */
  readonly pieces: readonly string[];
}
type SegmentTuple = [ItemId, ItemId, number, number, number, readonly number[], number, readonly string[]];
export const searchSegmentCodec: Codec<SearchSegmentRecord> = packedCodec(
  (s): SegmentTuple => [s.first, s.last, s.count, s.oldestMs, s.newestMs, s.doubtful, s.bytes, s.pieces],
  ([first, last, count, oldestMs, newestMs, doubtful, bytes, pieces]) => ({
    first,
    last,
    count,
    oldestMs,
    newestMs,
    doubtful,
    bytes,
    pieces,
  }),
);

/** The items of a segment, by number, in order of their ids; see SegmentItems. */
export interface SearchItemsRecord {
  readonly ids: Float64Array;
  readonly receivedMs: Float64Array;
  readonly folders: Uint32Array;
}

/** For each item: its id and its time less those before, zigzag; its folder. */
export const searchItemsCodec: Codec<SearchItemsRecord> = {
  version: 1,
  encode: ({ ids, receivedMs, folders }) => {
    const into: number[] = [];
    writeVarint(into, ids.length);
    let [lastId, lastMs] = [0, 0];
    for (const [n, id] of ids.entries()) {
      const ms = receivedMs[n] ?? 0;
      writeVarint(into, id - lastId);
      writeVarint(into, ms >= lastMs ? (ms - lastMs) * 2 : (lastMs - ms) * 2 - 1);
      writeVarint(into, folders[n] ?? 0);
      [lastId, lastMs] = [id, ms];
    }
    return Uint8Array.from(into);
  },
  decode: (body) => {
    const from = new VarintReader(body);
    const count = from.next();
    const ids = new Float64Array(count);
    const receivedMs = new Float64Array(count);
    const folders = new Uint32Array(count);
    let [id, ms] = [0, 0];
    for (let n = 0; n < count; n++) {
      id += from.next();
      const step = from.next();
      ms += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
      ids[n] = id;
      receivedMs[n] = ms;
      folders[n] = from.next();
    }
    return { ids, receivedMs, folders };
  },
};

/** What became of an item. */
export interface SearchMovedRecord {
  /** Where it is; 0 if it is gone. */
  readonly folder: FolderId;
  /** Its content was replaced. */
  readonly isReplaced: boolean;
}
export const searchMovedCodec: Codec<SearchMovedRecord> = packedCodec(
  (m): [FolderId, boolean] => [m.folder, m.isReplaced],
  ([folder, isReplaced]) => ({ folder, isReplaced }),
);

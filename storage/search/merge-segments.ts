/** Makes one segment of some that follow each other, without what is gone. */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { MaintenanceRun } from '../maintenance-context.ts';
import type { SearchItemsRecord } from '../records/search.ts';
import type { Bytes } from '../store.ts';
import { changeIndex, takeNumber } from './change-index.ts';
import { type WordEntry, wordsOfChunk } from './chunks.ts';
import type { IndexRows, NumberedSegment } from './index-rows.ts';
import { Postings, readPostings } from './postings.ts';
import { SegmentWriter } from './segment-writer.ts';

/** So many items stand in a segment at most: a row names them all. */
const mostItems = 3584;
/** About so many bytes do the words of one take at most. */
const mostBytes = 2 * 1024 * 1024;
/** So many small ones that follow each other are too many. */
const manySegments = 8;
/** So many words are written before others have their turn. */
const wordsInTurn = 1024;

/** A segment that is large enough stays as it is. */
function isLarge({ count, bytes }: NumberedSegment): boolean {
  return count >= mostItems / 2 || bytes >= mostBytes / 2;
}

/** Which segments to make one of: where too many small ones follow each other, the smallest; undefined if nowhere. */
export function segmentsToMerge(
  segments: readonly NumberedSegment[],
): readonly NumberedSegment[] | undefined {
  let best: readonly NumberedSegment[] | undefined;
  const itemsIn = (some: readonly NumberedSegment[]) => some.reduce((sum, { count }) => sum + count, 0);
  for (let n = 0; n + manySegments <= segments.length; n++) {
    const some = segments.slice(n, n + manySegments);
    if (some.some(isLarge)) continue;
    if (best === undefined || itemsIn(some) < itemsIn(best)) best = some;
  }
  return best && beginningThatFits(best);
}

/** Two always fit, as neither is large. */
function beginningThatFits(segments: readonly NumberedSegment[]): readonly NumberedSegment[] {
  let [items, bytes, fitting] = [0, 0, 0];
  for (const segment of segments) {
    items += segment.count;
    bytes += segment.bytes;
    if (items > mostItems || bytes > mostBytes) break;
    fitting++;
  }
  return segments.slice(0, fitting);
}

/** An item that stays: its number now. -1: it is gone. */
type NewNumbers = readonly Int32Array[];

/** Puts one segment in the place of some, in order; of nothing but gone items none. */
export async function mergeSegments(
  run: MaintenanceRun,
  rows: IndexRows,
  segments: readonly NumberedSegment[],
): Promise<void> {
  const items = await Promise.all(segments.map(({ number }) => itemsOf(run, rows, number)));
  const { kept, newNumbers } = withoutGone(items);
  const doubtful = segments.flatMap((segment, n) =>
    segment.doubtful.map((item) => newNumbers[n]?.[item] ?? -1).filter((item) => item >= 0),
  );
  const loose = new Set(segments.map(({ number }) => number));
  const number = await takeNumber(run, rows);
  if (number === undefined) return;
  const writer = new SegmentWriter(run, rows.part, number);
  if (kept.ids.length > 0) await writeWords(run, rows, writer, segments, newNumbers);
  const written = await writer.end();
  await changeIndex(run, rows, async (tx, index) => {
    for (const one of loose) rows.deleteSegment(tx, one);
    const first = segments[0]?.first;
    const last = segments.at(-1)?.last;
    if (first === undefined || last === undefined || kept.ids.length === 0) {
      return { ...index, loose: [...index.loose, ...loose] };
    }
    // What becomes of items meanwhile is noted by their ids, and put in its place by the next fold.
    rows.putItems(tx, number, kept);
    rows.putSegment(tx, {
      ...written,
      number,
      first,
      last,
      count: kept.ids.length,
      ...timesOf(kept),
      doubtful,
    });
    return { ...index, loose: [...index.loose.filter((one) => one !== number), ...loose] };
  });
}

async function itemsOf(
  { store }: MaintenanceRun,
  rows: IndexRows,
  segment: number,
): Promise<SearchItemsRecord> {
  const items = await rows.items(store, segment);
  if (items === undefined) throw new Error(`segment ${segment} of a search index has lost its items`);
  return items;
}

function withoutGone(items: readonly SearchItemsRecord[]) {
  const all: { id: number; ms: number; folder: number }[] = [];
  const newNumbers: NewNumbers = items.map(({ ids, receivedMs, folders }) =>
    Int32Array.from(ids, (id, n) => {
      const folder = folders[n] ?? 0;
      if (folder === 0) return -1;
      return all.push({ id, ms: receivedMs[n] ?? 0, folder }) - 1;
    }),
  );
  const kept: SearchItemsRecord = {
    ids: Float64Array.from(all, ({ id }) => id),
    receivedMs: Float64Array.from(all, ({ ms }) => ms),
    folders: Uint32Array.from(all, ({ folder }) => folder),
  };
  return { kept, newNumbers };
}

function timesOf({ receivedMs }: SearchItemsRecord) {
  const of = (choose: (a: number, b: number) => number) => receivedMs.reduce(choose);
  return { oldestMs: of((a, b) => Math.min(a, b)), newestMs: of((a, b) => Math.max(a, b)) };
}

async function writeWords(
  run: MaintenanceRun,
  rows: IndexRows,
  writer: SegmentWriter,
  segments: readonly NumberedSegment[],
  newNumbers: NewNumbers,
): Promise<void> {
  const cursors = segments.map((segment) => new WordCursor(run, rows, segment));
  for (const cursor of cursors) await cursor.next();
  for (let words = 1; ; words++) {
    const word = leastWord(cursors);
    if (word === undefined) return;
    const postings = new Postings();
    for (const [n, cursor] of cursors.entries()) {
      if (cursor.entry?.word !== word) continue;
      readPostings(cursor.bytes, cursor.entry.start, cursor.entry.end, (item, fields) => {
        const number = newNumbers[n]?.[item] ?? -1;
        if (number >= 0) postings.add(number, fields);
      });
      if (cursor.step()) continue;
      await cursor.next();
    }
    if (postings.bytes.length > 0) await writer.add(word, postings.bytes);
    if (words % wordsInTurn !== 0) continue;
    run.signal.throwIfAborted();
    await othersTurn();
  }
}

function leastWord(cursors: readonly WordCursor[]): string | undefined {
  let least: string | undefined;
  for (const { entry } of cursors) {
    if (entry !== undefined && (least === undefined || entry.word < least)) least = entry.word;
  }
  return least;
}

/** Goes through the words of a segment, a row at a time. */
class WordCursor {
  readonly #run: MaintenanceRun;
  readonly #rows: IndexRows;
  readonly #segment: NumberedSegment;
  #piece = 0;
  #entries: Iterator<WordEntry> = [][Symbol.iterator]();
  bytes: Bytes = new Uint8Array(0);
  /** Undefined at the end. */
  entry: WordEntry | undefined;

  constructor(run: MaintenanceRun, rows: IndexRows, segment: NumberedSegment) {
    this.#run = run;
    this.#rows = rows;
    this.#segment = segment;
  }

  /** Goes on in this row; false if it has no more. */
  step(): boolean {
    const next = this.#entries.next();
    this.entry = next.done === true ? undefined : next.value;
    return this.entry !== undefined;
  }

  /** Goes on with the next row. */
  async next(): Promise<void> {
    const { number, pieces } = this.#segment;
    while (this.#piece < pieces.length) {
      const bytes = await this.#rows.words(this.#run.store, number, this.#piece);
      if (bytes === undefined) throw new Error(`segment ${number} of a search index has lost words`);
      this.#piece++;
      this.bytes = bytes;
      this.#entries = wordsOfChunk(bytes);
      if (this.step()) return;
    }
    this.entry = undefined;
  }
}

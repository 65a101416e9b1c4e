/** Changes of an index by maintenance: each lands as a whole, and only while the index counts. */
import { wordsVersion } from '#domain/search/index-words';
import { type MaintenanceRun, removeRange } from '../maintenance-context.ts';
import type { SearchIndexRecord } from '../records/search.ts';
import type { Tx } from '../store.ts';
import type { IndexRows } from './index-rows.ts';

/** Gives what `change` makes of the index its place; nothing happens, and it gives false, if the index was discarded meanwhile. */
export async function changeIndex(
  { store }: MaintenanceRun,
  rows: IndexRows,
  change: (tx: Tx, index: SearchIndexRecord) => Promise<SearchIndexRecord>,
): Promise<boolean> {
  return await store.transact([rows.part], async (tx) => {
    const index = await rows.index(tx);
    if (index?.words !== wordsVersion) return false;
    const next = await change(tx, index);
    rows.putIndex(tx, { ...next, generation: index.generation + 1 });
    return true;
  });
}

/** A number for a new segment, which is loose until the segment is put; undefined if the index was discarded. */
export async function takeNumber(run: MaintenanceRun, rows: IndexRows): Promise<number | undefined> {
  let number: number | undefined;
  await changeIndex(run, rows, async (_tx, index) => {
    number = index.nextSegment;
    return { ...index, nextSegment: number + 1, loose: [...index.loose, number] };
  });
  return number;
}

/** Removes the rows of what is no segment of the index: of those it has taken apart, and of one whose writing broke off. */
export async function removeLoose(run: MaintenanceRun, rows: IndexRows): Promise<void> {
  const index = await rows.index(run.store);
  if (index === undefined || index.loose.length === 0) return;
  for (const number of index.loose) {
    for (const range of rows.looseRanges(number)) await removeRange(run, rows.part, range);
  }
  const removed = new Set(index.loose);
  await changeIndex(run, rows, async (_tx, now) => ({
    ...now,
    loose: now.loose.filter((number) => !removed.has(number)),
  }));
}

/** Removes an index. Broken off, it leaves rows that count for nothing, and go before a new one is made. */
export async function dropIndex(run: MaintenanceRun, rows: IndexRows): Promise<void> {
  await run.store.transact([rows.part], async (tx) => rows.deleteIndex(tx));
  await removeRange(run, rows.part, rows.wholeRange());
}

/** What maintenance does for the search index of a mailbox. */
import type { ItemId, MailboxRef } from '#domain/ids';
import { wordsVersion } from '#domain/search/index-words';
import { mailboxPart } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import type { MaintenanceRun } from '../maintenance-context.ts';
import { buildSegment } from './build-segment.ts';
import { dropIndex, removeLoose } from './change-index.ts';
import { IndexRows, type NumberedSegment } from './index-rows.ts';
import { itemsAhead } from './items-ahead.ts';
import { mergeSegments, segmentsToMerge } from './merge-segments.ts';
import { applyMoved, replacedIn } from './moved.ts';

/** So many items are put into the places they have moved to in a transaction. */
const movedTogether = 500;
/** An index in whose mailbox nobody searches for so long is dropped. */
const unusedMs = 90 * 24 * 3_600_000;

/**
 * Makes the index of a mailbox, or brings it up to date; true if there is more to do. It may be broken off anywhere and done
 * again. An index that cannot be read is dropped, and made anew the next time.
 */
export async function extendIndex(run: MaintenanceRun, ref: MailboxRef): Promise<boolean> {
  const rows = rowsOf(run, ref);
  try {
    if (!(await beginIndex(run, rows))) return false;
    await removeLoose(run, rows);
    await placeMoved(run, rows);
    const isMore = await build(run, ref, rows);
    await merge(run, rows);
    return isMore;
  } catch (err) {
    run.signal.throwIfAborted();
    run.log.error('search.index.dropped', { err }, { mailbox: ref.mailbox });
    await dropIndex(run, rows);
    return false;
  }
}

/** Drops an index that nobody uses; makes others smaller by what is gone. */
export async function tidyIndex(run: MaintenanceRun, ref: MailboxRef): Promise<void> {
  const rows = rowsOf(run, ref);
  const index = await rows.index(run.store);
  if (index !== undefined && index.searchedMs > run.nowMs - unusedMs) {
    while (await extendIndex(run, ref)) run.signal.throwIfAborted();
    return;
  }
  const left = await run.store.page(rows.part, { ...rows.wholeRange(), limit: 1 });
  if (index !== undefined || left.rows.length > 0) await dropIndex(run, rows);
}

function rowsOf({ sealer }: MaintenanceRun, { organization, mailbox }: MailboxRef): IndexRows {
  return new IndexRows(sealer, mailboxPart(organization, mailbox));
}

/** Makes an empty index where there is none that can be used; false if there is no such mailbox. */
async function beginIndex(run: MaintenanceRun, rows: IndexRows): Promise<boolean> {
  const { store, nowMs } = run;
  const index = await rows.index(store);
  if (index?.words === wordsVersion) return true;
  await dropIndex(run, rows);
  return await store.transact([rows.part], async (tx) => {
    const folders = await tx.page(rows.part, { ...mailboxRows.folder.range(), limit: 1 });
    if (folders.rows.length === 0) return false;
    const end = 0 as ItemId;
    rows.putIndex(tx, {
      words: wordsVersion,
      end,
      nextSegment: 1,
      generation: 1,
      searchedMs: nowMs,
      loose: [],
    });
    return true;
  });
}

/** Puts items into the places they have moved to, and drops the notes of it; what is mostly gone is made smaller. */
async function placeMoved(run: MaintenanceRun, rows: IndexRows): Promise<void> {
  const segments = await rows.segments(run.store);
  await forgetStrangers(run, rows, segments);
  for (const segment of segments) {
    if ((await rows.moved(run.store, segment, 1)).size === 0) continue;
    let placed = { segment, alive: segment.count, isMore: true };
    while (placed.isMore) {
      run.signal.throwIfAborted();
      placed = await placeSome(run, rows, placed.segment);
    }
    if (placed.alive * 2 < segment.count) {
      await mergeSegments(run, rows, [placed.segment]);
      await removeLoose(run, rows);
    }
  }
}

/** Drops some notes about items that are in no segment: nothing asks for them. */
async function forgetStrangers(
  { store }: MaintenanceRun,
  rows: IndexRows,
  segments: readonly NumberedSegment[],
): Promise<void> {
  const isIn = (item: number) => segments.some(({ first, last }) => item >= first && item <= last);
  const moved = await rows.moved(store, { first: 0, last: Number.MAX_SAFE_INTEGER }, movedTogether);
  const strangers = [...moved.keys()].filter((item) => !isIn(item));
  if (strangers.length === 0) return;
  await store.transact([rows.part], async (tx) => {
    for (const item of strangers) rows.deleteMoved(tx, item);
  });
}

async function placeSome({ store }: MaintenanceRun, rows: IndexRows, segment: NumberedSegment) {
  return await store.transact([rows.part], async (tx) => {
    const items = await rows.items(tx, segment.number);
    if (items === undefined)
      throw new Error(`segment ${segment.number} of a search index has lost its items`);
    const moved = await rows.moved(tx, segment, movedTogether);
    const replaced = replacedIn(items, moved);
    const doubtful = [...new Set([...segment.doubtful, ...replaced])];
    if (moved.size > 0) {
      applyMoved(items, moved);
      rows.putItems(tx, segment.number, items);
    }
    if (replaced.length > 0) rows.putSegment(tx, { ...segment, doubtful });
    for (const item of moved.keys()) rows.deleteMoved(tx, item);
    const alive = items.folders.reduce((sum, folder) => sum + (folder === 0 ? 0 : 1), 0);
    return { segment: { ...segment, doubtful }, alive, isMore: moved.size >= movedTogether };
  });
}

/** Puts items into the index, until other work of maintenance has its turn; true if there are more. */
async function build(run: MaintenanceRun, ref: MailboxRef, rows: IndexRows): Promise<boolean> {
  const { ids, places, isMore } = await itemsAhead(run, ref, rows);
  let items = 0;
  while (items < ids.length) {
    run.signal.throwIfAborted();
    const more = await buildSegment(run, ref, rows, { ids: ids.slice(items), places });
    if (more === 0) break;
    items += more;
  }
  if (items > 0 && !isMore) run.log.info('search.index.extended', { mailbox: ref.mailbox });
  return isMore && items > 0;
}

async function merge(run: MaintenanceRun, rows: IndexRows): Promise<void> {
  for (;;) {
    run.signal.throwIfAborted();
    const segments = segmentsToMerge(await rows.segments(run.store));
    if (segments === undefined) return;
    await mergeSegments(run, rows, segments);
    await removeLoose(run, rows);
  }
}

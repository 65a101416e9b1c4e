/** The items that an index takes in next, and where they are. */
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import { u32, u64 } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import { type MaintenanceRun, pagesOf } from '../maintenance-context.ts';
import type { IndexRows } from './index-rows.ts';

/** So many items are looked for at once; as many as there are folders, if these are more, as each is asked. */
const fewestAtOnce = 4096;
/** So many rows are read at a time. */
const rowsTogether = 512;

export interface ItemsAhead {
  /** In rising order. */
  readonly ids: readonly ItemId[];
  /** The folder each was in; one that moved just then may be missing. What becomes of them from then on is noted. */
  readonly places: ReadonlyMap<ItemId, FolderId>;
}

/**
 * Finds the items that come next, wherever they are; `isMore` if there may be others behind them. Every folder is asked once for all of
 * them, so that it does not matter how many there are.
 */
export async function itemsAhead(
  run: MaintenanceRun,
  ref: MailboxRef,
  rows: IndexRows,
): Promise<ItemsAhead & { readonly isMore: boolean }> {
  const folders = (await run.mail.mailbox(ref).folders()).map(({ id }) => id);
  const most = Math.max(fewestAtOnce, folders.length);
  const ids = await nextItems(run, rows, most);
  const last = ids.at(-1);
  if (last === undefined || !(await noteUpTo(run, rows, last))) {
    return { ids: [], places: new Map(), isMore: false };
  }
  return { ids, places: await placesOf(run, rows, folders, ids), isMore: ids.length === most };
}

/** The ids that come next: each item has a row `p`, which does not move. */
async function nextItems(run: MaintenanceRun, rows: IndexRows, most: number): Promise<readonly ItemId[]> {
  const index = await rows.index(run.store);
  if (index === undefined) return [];
  const ids: ItemId[] = [];
  const { lt } = mailboxRows.detail.range();
  const range = { gte: mailboxRows.detail.key(u64(index.end)), lt, limit: rowsTogether };
  for await (const page of pagesOf(run, run.store, rows.part, range)) {
    for (const [key] of page) ids.push(u64.read(key, 1) as ItemId);
    if (ids.length >= most) break;
  }
  return ids.slice(0, most);
}

/** From now on it is noted what becomes of the items up to this one; false if the index was discarded meanwhile. */
async function noteUpTo({ store }: MaintenanceRun, rows: IndexRows, last: ItemId): Promise<boolean> {
  return await store.transact([rows.part], async (tx) => {
    const index = await rows.index(tx);
    if (index === undefined) return false;
    const noted = Math.max(last + 1, index.noted ?? 0) as ItemId;
    if (noted !== index.noted) rows.putIndex(tx, { ...index, noted });
    return true;
  });
}

async function placesOf(
  run: MaintenanceRun,
  rows: IndexRows,
  folders: readonly FolderId[],
  ids: readonly ItemId[],
): Promise<ReadonlyMap<ItemId, FolderId>> {
  const places = new Map<ItemId, FolderId>();
  const [first, last] = [ids[0] ?? 0, ids.at(-1) ?? 0];
  for (const folder of folders) {
    const range = {
      gte: mailboxRows.item.key(u32(folder), u64(first)),
      lt: mailboxRows.item.range(u32(folder), u64(last)).lt,
      limit: rowsTogether,
    };
    for await (const page of pagesOf(run, run.store, rows.part, range)) {
      for (const [key] of page) places.set(u64.read(key, 5) as ItemId, folder);
    }
  }
  return places;
}

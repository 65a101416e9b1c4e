/** Makes a segment of the next items that are not in the index. */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { wordsOf } from '#domain/search/message-words';
import { readItems } from '#domain/search/read-items';
import { u32, u64 } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import { type MaintenanceRun, pagesOf } from '../maintenance-context.ts';
import type { Tx } from '../store.ts';
import { changeIndex, takeNumber } from './change-index.ts';
import type { IndexRows } from './index-rows.ts';
import { Postings } from './postings.ts';
import { SegmentWriter } from './segment-writer.ts';

/** So many items are one segment at first, and no fewer are worth one. */
const mostItems = 512;
const fewestItems = 64;
/** A segment ends early when its words take about so many bytes. */
const mostBytes = 1024 * 1024;
/** So many words are written before others have their turn. */
const wordsInTurn = 2048;
/** And so many are gathered or put in order. */
const wordsGatheredInTurn = 8192;
/** So many items are read together. */
const itemsTogether = 32;

/** An item of the segment as it was when it was read; no folder: it was on the way between two. */
interface BuiltItem {
  readonly id: ItemId;
  folder: FolderId;
  receivedMs: number;
  isDoubtful: boolean;
}

const nowhere = 0 as FolderId;

/** Gives how many items were put into the index; 0 if there are too few. */
export async function buildSegment(run: MaintenanceRun, ref: MailboxRef, rows: IndexRows): Promise<number> {
  const { store } = run;
  const index = await rows.index(store);
  if (index === undefined) return 0;
  const seq = await store.lastSeq(rows.part);
  const ids = await nextItems(run, rows, index.end);
  if (ids.length < fewestItems) return 0;
  const places = await placesOf(run, ref, rows, ids);
  const { items, words } = await gather(run, ref, ids, places);
  const number = await takeNumber(run, rows);
  if (number === undefined) return 0;
  const writer = new SegmentWriter(run, rows.part, number);
  await writeWords(run, writer, words);
  const written = await writer.end();
  await changeIndex(run, rows, async (tx, now) => {
    if ((await tx.lastSeq(rows.part)) !== seq) await lookAgain(run, tx, rows, items, seq);
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined) return now;
    const times = items.map(({ receivedMs }) => receivedMs);
    rows.putItems(tx, number, columnsOf(items));
    rows.putSegment(tx, {
      ...written,
      number,
      first: first.id,
      last: last.id,
      count: items.length,
      oldestMs: Math.min(...times),
      newestMs: Math.max(...times),
      doubtful: items.flatMap(({ isDoubtful }, n) => (isDoubtful ? [n] : [])),
    });
    return { ...now, end: (last.id + 1) as ItemId, loose: now.loose.filter((one) => one !== number) };
  });
  return items.length;
}

/** The ids that come next, wherever the items are: each has a row `p`, which does not move. */
async function nextItems(run: MaintenanceRun, rows: IndexRows, end: ItemId): Promise<readonly ItemId[]> {
  const ids: ItemId[] = [];
  const { lt } = mailboxRows.detail.range();
  const range = { gte: mailboxRows.detail.key(u64(end)), lt, limit: mostItems };
  for await (const page of pagesOf(run, run.store, rows.part, range)) {
    for (const [key] of page) ids.push(u64.read(key, 1) as ItemId);
    if (ids.length >= mostItems) break;
  }
  return ids.slice(0, mostItems);
}

/** In which folders they are; one that moves just now may be missing. */
async function placesOf(
  run: MaintenanceRun,
  ref: MailboxRef,
  rows: IndexRows,
  ids: readonly ItemId[],
): Promise<ReadonlyMap<ItemId, FolderId>> {
  const places = new Map<ItemId, FolderId>();
  const [first, last] = [ids[0] ?? 0, ids.at(-1) ?? 0];
  for (const { id: folder } of await run.mail.mailbox(ref).folders()) {
    const range = {
      gte: mailboxRows.item.key(u32(folder), u64(first)),
      lt: mailboxRows.item.range(u32(folder), u64(last)).lt,
    };
    for await (const page of pagesOf(run, run.store, rows.part, range)) {
      for (const [key] of page) places.set(u64.read(key, 5) as ItemId, folder);
    }
  }
  return places;
}

/** Words, and which items of a segment they are in. */
class GatheredWords {
  readonly postings = new Map<string, Postings>();
  /** About so many do they take in rows. */
  bytes = 0;

  /** Items come in rising order. */
  async add(number: number, words: ReadonlyMap<string, number>): Promise<void> {
    let sinceTurn = 0;
    for (const [word, fields] of words) {
      if (++sinceTurn % wordsGatheredInTurn === 0) await othersTurn();
      let postings = this.postings.get(word);
      if (postings === undefined) {
        postings = new Postings();
        this.postings.set(word, postings);
        this.bytes += 4 + word.length / 2;
      }
      postings.add(number, fields);
      this.bytes += 2;
    }
  }
}

/** The first of the items, as many as have words that fit, and these. What cannot be read stays in doubt. */
async function gather(
  run: MaintenanceRun,
  ref: MailboxRef,
  ids: readonly ItemId[],
  places: ReadonlyMap<ItemId, FolderId>,
) {
  const mailbox = new Mailbox(run.mail, ref);
  const items: BuiltItem[] = [];
  const gathered = new GatheredWords();
  for (let n = 0; n < ids.length; n += itemsTogether) {
    const some = ids.slice(n, n + itemsTogether);
    const placed = some.map((item) => ({ item, folder: places.get(item) ?? nowhere }));
    const known = await readItems(
      mailbox.reader,
      placed.filter(({ folder }) => folder !== nowhere),
    );
    const found = new Map(known.map((item) => [item.id, item]));
    const wordsOfKnown = wordsOf(mailbox, known);
    for (const { item: id, folder } of placed) {
      run.signal.throwIfAborted();
      const item = found.get(id);
      const words: ReadonlyMap<string, number> | undefined = item && (await wordsOfKnown.next()).value?.words;
      const isDoubtful = words === undefined;
      const number = items.push({ id, folder, receivedMs: item?.receivedMs ?? 0, isDoubtful }) - 1;
      if (words !== undefined) await gathered.add(number, words);
      if (gathered.bytes >= mostBytes) return { items, words: gathered.postings };
    }
  }
  return { items, words: gathered.postings };
}

async function writeWords(
  run: MaintenanceRun,
  writer: SegmentWriter,
  words: ReadonlyMap<string, Postings>,
): Promise<void> {
  let sinceTurn = 0;
  for await (const word of inOrder([...words.keys()])) {
    await writer.add(word, words.get(word)?.bytes ?? []);
    sinceTurn++;
    if (sinceTurn < wordsInTurn) continue;
    sinceTurn = 0;
    run.signal.throwIfAborted();
    await othersTurn();
  }
}

/** Sorts by the beginnings of words first, so that others have their turn in between. */
async function* inOrder(words: readonly string[]): AsyncGenerator<string> {
  const byBeginning = new Map<string, string[]>();
  let sinceTurn = 0;
  for (const word of words) {
    if (++sinceTurn % wordsGatheredInTurn === 0) await othersTurn();
    const beginning = word.slice(0, 2);
    const some = byBeginning.get(beginning);
    if (some === undefined) byBeginning.set(beginning, [word]);
    else some.push(word);
  }
  await othersTurn();
  for (const beginning of [...byBeginning.keys()].sort()) yield* byBeginning.get(beginning)?.sort() ?? [];
}

/** The mailbox has changed since the items were read: what has moved, gone or changed is noted, before the index counts. */
async function lookAgain(
  run: MaintenanceRun,
  tx: Tx,
  rows: IndexRows,
  items: readonly BuiltItem[],
  seq: number,
): Promise<void> {
  const row = mailboxRows.item;
  const all: FolderId[] = [];
  for await (const page of pagesOf(run, tx, rows.part, mailboxRows.folder.range())) {
    for (const [key] of page) all.push(u32.read(key, 1) as FolderId);
  }
  for (const item of items) {
    const folders = item.folder === nowhere ? all : [item.folder, ...all];
    item.folder = nowhere;
    for (const folder of folders) {
      const key = row.key(u32(folder), u64(item.id));
      const stored = await tx.get(rows.part, key);
      if (stored === undefined) continue;
      item.folder = folder;
      const now = readable(() => row.decode(run.sealer, rows.part, key, stored));
      item.receivedMs = now?.receivedMs ?? item.receivedMs;
      item.isDoubtful ||= now === undefined || now.changed > seq;
      break;
    }
  }
}

/** Undefined for a row that cannot be read. */
function readable<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function columnsOf(items: readonly BuiltItem[]) {
  return {
    ids: Float64Array.from(items, ({ id }) => id),
    receivedMs: Float64Array.from(items, ({ receivedMs }) => receivedMs),
    folders: Uint32Array.from(items, ({ folder }) => folder),
  };
}

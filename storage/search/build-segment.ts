/** Makes a segment of the next items that are not in the index. */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { wordsOf } from '#domain/search/message-words';
import { readItems } from '#domain/search/read-items';
import { u32, u64 } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import type { MaintenanceRun } from '../maintenance-context.ts';
import type { Tx } from '../store.ts';
import { changeIndex, takeNumber } from './change-index.ts';
import type { IndexRows } from './index-rows.ts';
import type { ItemsAhead } from './items-ahead.ts';
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

/** An item of the segment as it was when it was read; no folder: it was on the way between two, or is gone. */
interface BuiltItem {
  readonly id: ItemId;
  folder: FolderId;
  receivedMs: number;
  isDoubtful: boolean;
}

const nowhere = 0 as FolderId;

/** Puts the first of some items that come next into the index; gives how many, 0 if there are too few. */
export async function buildSegment(
  run: MaintenanceRun,
  ref: MailboxRef,
  rows: IndexRows,
  ahead: ItemsAhead,
): Promise<number> {
  const ids = ahead.ids.slice(0, mostItems);
  if (ids.length < fewestItems) return 0;
  const { items, words } = await gather(run, ref, ids, ahead.places);
  const number = await takeNumber(run, rows);
  if (number === undefined) return 0;
  const writer = new SegmentWriter(run, rows.part, number);
  await writeWords(run, writer, words);
  const written = await writer.end();
  await changeIndex(run, rows, async (tx, now) => {
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined) return now;
    await applyNotes(run, tx, rows, items, { first: first.id, last: last.id });
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

/** What has moved, gone or changed since the items were found was noted, and is put in its place before the index counts. */
async function applyNotes(
  run: MaintenanceRun,
  tx: Tx,
  rows: IndexRows,
  items: readonly BuiltItem[],
  range: { readonly first: ItemId; readonly last: ItemId },
): Promise<void> {
  const moved = await rows.moved(tx, range);
  for (const item of items) {
    const note = moved.get(item.id);
    if (note === undefined) continue;
    item.folder = note.folder;
    item.isDoubtful ||= note.isReplaced;
    // On the way between two folders it was in neither.
    if (item.receivedMs === 0) item.receivedMs = await receivedMsOf(run, tx, rows, item);
  }
  for (const id of moved.keys()) rows.deleteMoved(tx, id);
}

async function receivedMsOf(
  { sealer }: MaintenanceRun,
  tx: Tx,
  { part }: IndexRows,
  { folder, id }: BuiltItem,
): Promise<number> {
  const key = mailboxRows.item.key(u32(folder), u64(id));
  const stored = await tx.get(part, key);
  return (stored && readable(() => mailboxRows.item.decode(sealer, part, key, stored)))?.receivedMs ?? 0;
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

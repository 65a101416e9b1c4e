/** What a device has to be told of a folder since the state it holds. */
import { Changed, ChangeKind, comparePositions, type ItemChange, listEnd, type Position } from './change.ts';
import type { DeviceId, FolderId, ItemId } from './ids.ts';
import type { Item } from './item.ts';
import type { MailboxReader } from './ports.ts';
import { Conversations } from './sync-conversations.ts';
import { beforeLeaving, dropLeaving } from './sync-leaving.ts';
import type { SyncState } from './sync-state.ts';
import { boundedUnsent, mostPast, tellUnsent } from './sync-unsent.ts';
import { untoldOf } from './sync-untold.ts';

/** One thing to tell: `item` is there for Add and Change; `what` says which properties of a Change. */
export type ServerChange =
  | {
      readonly kind: 'add' | 'change';
      readonly id: ItemId;
      readonly item: Item;
      readonly what: number;
      /** It is older than the filter, and there for its conversation. */
      readonly isOlder?: boolean;
    }
  | { readonly kind: 'delete' | 'softDelete'; readonly id: ItemId };

/** How far a device has been told. */
type Progress = Omit<
  SyncState,
  | 'nonce'
  | 'number'
  | 'repeats'
  | 'careful'
  | 'isUnconfirmed'
  | 'options'
  | 'byConversation'
  | 'held'
  | 'adds'
  | 'edits'
>;

export interface Collected {
  readonly changes: readonly ServerChange[];
  readonly progress: Progress;
  readonly moreAvailable: boolean;
  /** Items that are due beside `changes`, where only their number is asked. */
  readonly counted: number;
  /** Log entries read that had nothing to tell: many of them are worth a new state. */
  readonly scanned: number;
}

export interface CollectRequest {
  readonly device: DeviceId;
  readonly folder: FolderId;
  readonly windowSize: number;
  /** Items received before this (ms since the epoch) are not for the device; undefined is no filter. */
  readonly filterFromMs: number | undefined;
  /** About how many bytes an item takes in the answer, and how many the answer may have. */
  readonly cost: (item: Item) => number;
  readonly answerBytes: number;
  /** OR of Changed: marks that the device knows nothing of, so that their changes are not told. */
  readonly untold?: number | undefined;
  /** MS-ASCMD, ConversationMode. */
  readonly byConversation?: boolean | undefined;
  /** Only the number of changes is asked: what is new to the device is not read. */
  readonly countsOnly?: boolean | undefined;
}

/** What the log says of one item, folded: whether the device has it, whether it is still there, what changed. */
interface Folded {
  readonly held: boolean;
  readonly receivedMs: number;
  alive: boolean;
  what: number;
}

const pageEntries = 200;

/**
 * Changes first (of what the device holds), then what has left the filter, then the walk to older items. The device
 * holds exactly the items before `walked`; so changes behind it are not told: the walk will find things as they are.
 */
export async function collect(
  mailbox: MailboxReader,
  state: Progress,
  request: CollectRequest,
): Promise<Collected> {
  let from = state;
  let collected = await collectWithin(mailbox, from, request, request.windowSize);
  while (collected.moreAvailable && collected.changes.length + collected.counted === 0) {
    // A window full of things that the device need not hear of: it would stop asking at an answer without changes.
    from = collected.progress;
    collected = await collectWithin(mailbox, from, request, request.windowSize);
  }
  const fitting = countFitting(collected.changes, request);
  if (fitting >= collected.changes.length) {
    return collected;
  }
  return collectWithin(mailbox, from, request, fitting);
}

async function collectWithin(
  mailbox: MailboxReader,
  state: Progress,
  request: CollectRequest,
  windowSize: number,
): Promise<Collected> {
  const boundary = boundaryOf(request.filterFromMs);
  const conversations = conversationsOf(mailbox, state, request, boundary);
  await conversations?.check(state.past.map(({ item }) => item));
  const log = await foldLog(mailbox, state, request, windowSize, conversations);
  const changes: ServerChange[] = [];
  const unsent = new Set(state.unsent);
  const ahead = new Set(state.ahead);
  const telling = { folded: log.folded, boundary, unsent, conversations };
  changes.push(...(await tellFolded(mailbox, request.folder, telling)));
  for (const { kind, id } of changes) if (kind === 'delete') ahead.delete(id);
  let { walked } = state;
  let counted = 0;
  let moreAvailable = log.more;
  if (!log.more) {
    const beyond = comparePositions(walked, boundary);
    // The filter let them go before the device had them, and has them again now.
    if (beyond <= 0) {
      const done = await tellUnsent(mailbox, request.folder, {
        unsent,
        passedOver: new Set(state.passedOver),
        room: windowSize - changes.length,
      });
      changes.push(...done.changes);
      moreAvailable = done.more;
    }
    const step = beyond > 0 ? leaveFilter : beyond < 0 ? walk : undefined;
    if (step !== undefined && !moreAvailable) {
      const done = await step(mailbox, request.folder, {
        walked,
        boundary,
        room: windowSize - changes.length,
        unsent,
        ahead,
        conversations,
        countsOnly: request.countsOnly,
      });
      dropLeaving(changes, done.changes);
      changes.push(...done.changes);
      counted = done.counted ?? 0;
      walked = done.walked;
      moreAvailable = done.more;
    }
  }
  if (!moreAvailable && conversations !== undefined) {
    const done = await conversations.look(windowSize - changes.length);
    changes.push(...done.changes);
    moreAvailable = done.more;
  }
  const now = await mailbox.lastSeq();
  // What this transaction does here is the device's own, and not in the log yet.
  const seq = log.more ? log.seq : Math.max(log.seq, now);
  const past = [...state.past, ...(log.more ? sentAhead(changes, seq, now) : [])];
  const passedOver = state.passedOver?.filter((id) => unsent.has(id)) ?? [];
  const untold = (state.untold ?? 0) | log.untold | untoldOf(changes, request.untold ?? 0);
  const progress = {
    seq,
    skip: log.skip,
    walked,
    unsent: await boundedUnsent(mailbox, request.folder, unsent),
    passedOver: passedOver.length === 0 ? undefined : passedOver,
    past: past.filter((one) => one.seq > seq).slice(-mostPast),
    ahead: ahead.size === 0 ? undefined : [...ahead],
    refused: log.more ? state.refused : undefined,
    conversations: conversations?.held,
    untold: untold === 0 ? undefined : untold,
  };
  return { changes, counted, progress, moreAvailable, scanned: log.scanned };
}

/** Undefined when conversations are all the same to the device: it wants none, or has everything. */
function conversationsOf(
  mailbox: MailboxReader,
  state: Progress,
  { folder, byConversation = false, filterFromMs, countsOnly }: CollectRequest,
  boundary: Position,
): Conversations | undefined {
  const isNeeded = byConversation && filterFromMs !== undefined;
  if (!isNeeded && state.conversations === undefined) return undefined;
  const place = { mailbox, folder, boundary, isOn: byConversation, countsOnly };
  return new Conversations(place, state.conversations);
}

/** Goes ahead over mails whose conversations bring nothing, so that `collect` does not look at a large window at once. */
export async function passConversations(
  mailbox: MailboxReader,
  state: Progress,
  request: CollectRequest,
): Promise<Pick<Progress, 'conversations'> & { readonly isMore: boolean }> {
  const conversations = conversationsOf(mailbox, state, request, boundaryOf(request.filterFromMs));
  const isMore = (await conversations?.pass(state.walked)) ?? false;
  return { conversations: conversations?.held, isMore };
}

/** Items that were added as they are now, while the log up to now has more of them than was read. */
function sentAhead(changes: readonly ServerChange[], read: number, now: number): SyncState['past'] {
  return changes.flatMap((one) =>
    one.kind === 'add' && Math.max(one.item.added, one.item.changed) > read
      ? [{ item: one.id, seq: now }]
      : [],
  );
}

function countFitting(changes: readonly ServerChange[], request: CollectRequest): number {
  let bytes = 0;
  for (const [n, change] of changes.entries()) {
    bytes += change.kind === 'add' || change.kind === 'change' ? request.cost(change.item) : 50;
    if (bytes > request.answerBytes) {
      return Math.max(1, n);
    }
  }
  return changes.length;
}

/** The place behind the last item that passes the filter. */
function boundaryOf(filterFromMs: number | undefined): Position {
  return filterFromMs === undefined ? listEnd : { receivedMs: filterFromMs - 1, item: 0 };
}

interface FoldedLog {
  readonly folded: Map<ItemId, Folded>;
  readonly seq: number;
  readonly skip: number;
  readonly more: boolean;
  readonly scanned: number;
  /** OR of Changed: what was passed over because the device knows nothing of it. */
  readonly untold: number;
}

/** Reads the log from the state on until it ends or `windowSize` items have changed. */
async function foldLog(
  mailbox: MailboxReader,
  state: Progress,
  request: CollectRequest,
  windowSize: number,
  conversations: Conversations | undefined,
): Promise<FoldedLog> {
  const folded = new Map<ItemId, Folded>();
  const past = new Map(state.past.map((one) => [one.item, one.seq]));
  const ahead = new Set(state.ahead);
  const refused = new Set(state.refused);
  let { seq, skip } = state;
  let scanned = 0;
  let untold = 0;
  for (let after: number | undefined = seq; after !== undefined; ) {
    const page = await mailbox.changes(request.folder, after, pageEntries);
    for (const entry of page.rows) {
      scanned++;
      const own = entry.device === request.device;
      for (const [n, change] of entry.changes.entries()) {
        if (own && change.kind === ChangeKind.Delete) {
          // The device has let go of it: what comes after is news.
          folded.delete(change.item);
          if (n >= skip) conversations?.gone(change.item);
        }
        const isPast = entry.seq <= (past.get(change.item) ?? 0);
        const isKept = ahead.has(change.item) || conversations?.has(change.item) === true;
        const held = isHeld(change, state.walked) || isKept;
        // What comes in behind the walk may be of a conversation that the device has.
        if (!held && n >= skip && change.kind === ChangeKind.Add) conversations?.came(change.item);
        const isKnown = own && !(refused.has(change.item) && change.kind === ChangeKind.Change);
        if (n < skip || isKnown || isPast || !held) continue;
        untold |= change.what & (request.untold ?? 0);
        if (isUntold(change, request)) continue;
        if (folded.size >= windowSize && !folded.has(change.item)) {
          return { folded, seq, skip: n, more: true, scanned, untold };
        }
        fold(folded, { ...change, what: change.what & ~(request.untold ?? 0) });
      }
      seq = entry.seq;
      skip = 0;
    }
    after = page.next;
  }
  return { folded, seq, skip, more: false, scanned, untold };
}

function isHeld(change: ItemChange, walked: Position): boolean {
  return comparePositions({ receivedMs: change.receivedMs, item: change.item }, walked) < 0;
}

function isUntold({ kind, what }: ItemChange, { untold = 0 }: CollectRequest): boolean {
  return kind === ChangeKind.Change && (what & ~untold) === 0;
}

function fold(folded: Map<ItemId, Folded>, change: ItemChange): void {
  const { item, kind, receivedMs } = change;
  const known = folded.get(item);
  if (known === undefined) {
    const held = kind !== ChangeKind.Add;
    folded.set(item, { held, receivedMs, alive: kind !== ChangeKind.Delete, what: change.what });
  } else {
    known.alive = kind !== ChangeKind.Delete;
    // Out and in again: the device has it, and is told of it whole.
    known.what |= kind === ChangeKind.Add ? Changed.Rest : change.what;
  }
}

interface Telling {
  readonly folded: ReadonlyMap<ItemId, Folded>;
  readonly boundary: Position;
  /** Items before `walked` that the device was not sent; grows and shrinks. */
  readonly unsent: Set<ItemId>;
  readonly conversations: Conversations | undefined;
}

async function tellFolded(
  mailbox: MailboxReader,
  folder: FolderId,
  { folded, boundary, unsent, conversations }: Telling,
): Promise<ServerChange[]> {
  const changes: ServerChange[] = [];
  const ids = [...folded].filter(([, one]) => one.alive).map(([id]) => id);
  const items = new Map((await mailbox.items(folder, ids)).map((item, n) => [ids[n], item]));
  for (const [id, { held, alive, what, receivedMs }] of folded) {
    const known = held && !unsent.has(id);
    const item = items.get(id);
    if (!alive) {
      if (known) {
        changes.push({ kind: 'delete', id });
      }
      unsent.delete(id);
      conversations?.gone(id);
    } else if (item !== undefined && known && conversations !== undefined) {
      // What falls out of the filter now may stay for its conversation.
      changes.push({ kind: 'change', id, item, what });
    } else if (comparePositions({ receivedMs, item: id }, boundary) >= 0 || item === undefined) {
      // Out of the filter, or gone already (its Delete is yet to come).
      if (!known) unsent.add(id);
      else if (item !== undefined) changes.push(...beforeLeaving(item, what, unsent));
    } else {
      changes.push({ kind: known ? 'change' : 'add', id, item, what: known ? what : 0 });
      unsent.delete(id);
      if (!known) conversations?.came(id);
    }
  }
  return changes;
}

interface Step {
  readonly walked: Position;
  readonly boundary: Position;
  readonly room: number;
  readonly unsent: Set<ItemId>;
  readonly ahead: Set<ItemId>;
  readonly conversations: Conversations | undefined;
  readonly countsOnly?: boolean | undefined;
}

interface StepDone {
  readonly changes: readonly ServerChange[];
  /** Items that are due beside them. */
  readonly counted?: number;
  readonly walked: Position;
  readonly more: boolean;
}

/** Items between the filter's boundary and what the device holds are taken back, the oldest first. */
async function leaveFilter(mailbox: MailboxReader, folder: FolderId, step: Step): Promise<StepDone> {
  const { walked, boundary, room, unsent, conversations } = step;
  const places = await mailbox.list(folder, { from: boundary, to: walked, limit: room + 1, reverse: true });
  const leaving = places.slice(0, room).map((place) => place.item as ItemId);
  const last = places[leaving.length - 1];
  const more = places.length > room;
  const changes: ServerChange[] = [];
  const items = conversations === undefined ? [] : await mailbox.items(folder, leaving);
  for (const [n, id] of leaving.entries()) {
    const item = items[n];
    if (unsent.delete(id)) conversations?.came(id);
    else if (item === undefined || !(await conversations?.stays(item)))
      changes.push({ kind: 'softDelete', id });
  }
  return { changes, walked: more ? (last ?? walked) : boundary, more };
}

/** On to older items, up to the filter's boundary. */
async function walk(mailbox: MailboxReader, folder: FolderId, step: Step): Promise<StepDone> {
  const { walked, boundary, room, ahead, conversations, countsOnly = false } = step;
  const places = await mailbox.list(folder, { from: walked, to: boundary, limit: room + 1 });
  const due = places.slice(0, room);
  const ids = due.map(({ item }) => item as ItemId);
  const last = due.at(-1);
  const more = places.length > room;
  const reached = last === undefined ? walked : { receivedMs: last.receivedMs, item: last.item + 1 };
  const there = { walked: more ? reached : boundary, more };
  if (countsOnly && conversations === undefined) {
    return { ...there, changes: [], counted: ids.filter((id) => !ahead.delete(id)).length };
  }
  const changes: ServerChange[] = [];
  for (const item of await mailbox.items(folder, ids)) {
    if (item !== undefined && !ahead.delete(item.id) && conversations?.entered(item.id) !== true) {
      changes.push({ kind: 'add', id: item.id, item, what: 0 });
    }
  }
  return { ...there, changes };
}

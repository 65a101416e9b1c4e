/** Synchronising a folder with a device: keys, the client's changes, then ours, in one transaction (storage design, section 5). */

import { Changed, comparePositions, listStart } from './change.ts';
import { DomainError } from './errors.ts';
import type { DeviceId, FolderId, ItemId } from './ids.ts';
import type { Item } from './item.ts';
import type { Mailbox } from './mailbox.ts';
import type { Clock, Random } from './outside.ts';
import type { MailboxReader, MailboxTx } from './ports.ts';
import { type Collected, type CollectRequest, collect, passConversations } from './sync-collect.ts';
import {
  applyCommands,
  bodiesOf,
  type ClientCommand,
  type CommandResult,
  discardAllBut,
  isConflict,
  toRemember,
  toRememberSoFar,
} from './sync-commands.ts';
import { hasGoneOn } from './sync-gone-on.ts';
import { type ToldChange, withMessages } from './sync-messages.ts';
import { aheadOf, deletedBy, refusedOf } from './sync-own.ts';
import { collectWithCare } from './sync-repeats.ts';
import { type SyncState, syncKeyOf } from './sync-state.ts';
import { mostPast, requireFewAhead } from './sync-unsent.ts';
import { isToStartOver, requireTold } from './sync-untold.ts';

export {
  type ClientCommand,
  type CommandResult,
  rememberedAdd,
  rememberedEdit,
} from './sync-commands.ts';
export { type Message, readMessages } from './sync-messages.ts';

/** What of the stored options the domain acts on. */
export interface SyncRules {
  /** Items older than this many days are not for the device; 0 is no filter. */
  readonly filterDays: number;
  /** Nothing of the folder is for the device. */
  readonly isNothing?: boolean | undefined;
  /** MS-ASCMD, Conflict: who wins when both sides changed an item. */
  readonly serverWins: boolean;
  /** About how many bytes an item takes in the answer. */
  readonly cost: (item: Item) => number;
  /** OR of Changed: marks that the device knows nothing of. */
  readonly untold?: number | undefined;
}

interface SyncRequest {
  readonly device: DeviceId;
  readonly folder: FolderId;
  readonly key: string;
  /** The protocol's text of the options; undefined keeps those in force. */
  readonly options: string | undefined;
  readonly rules: (options: string) => SyncRules;
  /** MS-ASCMD, ConversationMode: undefined keeps what is in force as long as the options stay, too. */
  readonly byConversation?: boolean | undefined;
  readonly windowSize: number;
  readonly answerBytes: number;
  readonly getChanges: boolean;
  readonly commands: readonly ClientCommand[];
  /** The answer says something whatever is found, so it has a new key. */
  readonly speaks?: boolean | undefined;
  /** The request has waited: if the device has gone on from its key meanwhile, it is told nothing. */
  readonly hasWaited?: boolean | undefined;
  /** The device did not name the key: it is the one of our last answer. */
  readonly isKeyAssumed?: true | undefined;
}

export interface SyncAnswer {
  /** The key in force now: the request's own if nothing was to say. */
  readonly key: string;
  readonly options: string;
  readonly results: readonly CommandResult[];
  readonly changes: readonly ToldChange[];
  /** Items that the device was given again and again, and is told nothing of any more. */
  readonly skipped: readonly ItemId[];
  readonly moreAvailable: boolean;
}

/** How a device stands when its request comes. */
export interface Standing {
  /** What was answered to the same request before, if it is one that is repeated. */
  readonly answered: Pick<SyncState, 'adds' | 'edits'> | undefined;
  /** Whether somebody else changed the content of an item since the device's state, and the server wins. */
  isConflict(item: Item): Promise<boolean>;
}

const dayMs = 24 * 3_600_000;
/** So many log entries with nothing to tell are worth writing down that they were read. */
const worthKeeping = 64;

export class FolderSync {
  readonly #mailbox: Mailbox;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(mailbox: Mailbox, clock: Clock, random: Random) {
    this.#mailbox = mailbox;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Key 0: the device has nothing of the folder and starts over; gives its first key.
   * Throws `folder/not-found`.
   */
  prime(device: DeviceId, folder: FolderId, options: string, byConversation = false): Promise<string> {
    return this.#mailbox.transact(async (tx) => {
      await requireFolder(tx, folder);
      tx.deleteSyncStates(device, folder);
      const state: SyncState = {
        nonce: Buffer.from(this.#random.bytes(6)).toString('base64url'),
        number: 1,
        seq: await tx.lastSeq(),
        skip: 0,
        walked: listStart,
        unsent: [],
        past: [],
        options,
        byConversation,
        adds: [],
      };
      tx.putSyncState(device, folder, state);
      return syncKeyOf(state);
    });
  }

  /**
   * One exchange with a device that has a key. A key one behind means that our last answer was lost: everything is
   * worked out again from there, under a new key if it is not the same, so that a device that has both answers cannot go
   * on from the wrong one. What a transaction has no room for is done in the next one, and the first is like one whose
   * answer was lost. Drafts that come to nothing are discarded. Throws `sync/invalid-key`, `folder/not-found`, StaleDraftError.
   */
  async sync(request: SyncRequest): Promise<SyncAnswer> {
    let done: readonly CommandResult[] = [];
    try {
      for (;;) {
        const before = done;
        const next = await this.#mailbox.transact(
          (tx) => this.#exchange(tx, request, before),
          bodiesOf(request.commands.slice(before.length)),
        );
        done = next.results;
        if ('key' in next) return next;
      }
    } finally {
      await discardAllBut(done, request.commands);
    }
  }

  /** The commands after those that are `done`, and our changes; results alone when there is more to do in another transaction. */
  async #exchange(
    tx: MailboxTx,
    request: SyncRequest,
    done: readonly CommandResult[],
  ): Promise<SyncAnswer | Pick<SyncAnswer, 'results'>> {
    if (request.hasWaited === true && (await hasGoneOn(tx, request))) {
      const { key, options = '' } = request;
      return { key, options, results: [], changes: [], skipped: [], moreAvailable: false };
    }
    const { base, newest } = await findState(tx, request.device, request.folder, request.key);
    requireFewAhead(base);
    const options = request.options ?? base.options;
    const byConversation = isByConversation(request, base);
    const rules = request.rules(options);
    // Its own changes are not lost for it: they come first.
    if (request.commands.length === 0) requireTold(base, rules);
    const { device, folder } = request;
    const collectRequest = this.#collectRequest({ ...request, byConversation }, rules);
    const { conversations, isMore } = request.getChanges
      ? await passConversations(tx, base, collectRequest)
      : { ...base, isMore: false };
    if (isMore) {
      tx.putSyncState(device, folder, { ...base, conversations });
      return { results: done };
    }
    const { serverWins } = rules;
    const answered = base === newest ? undefined : newest;
    const where = { device, folder, serverWins, since: base.seq, answered };
    const left = request.commands.slice(done.length);
    const results = [...done, ...(await applyCommands(tx, left, where))];
    const repeats = base === newest ? 0 : (newest.repeats ?? 0) + 1;
    if (results.length < request.commands.length) {
      // The next transaction repeats nothing that the device asked for again.
      const told = { ...base, ...toRememberSoFar(results, answered), repeats: repeats - 1 };
      tx.putSyncState(device, folder, { ...told, number: numberAfter(base, newest, told) });
      return { results };
    }
    const past = [...base.past, ...deletedBy(results, await tx.lastSeq())].slice(-mostPast);
    const ahead = await aheadOf(tx, base, folder, results);
    const from = { ...base, conversations, past, ahead, refused: refusedOf(base, results) };
    const collected = request.getChanges
      ? await collectWithCare(tx, from, repeats, collectRequest)
      : { ...nothing(from), skipped: [], careful: base.careful ?? 0 };
    const said =
      collected.changes.length > 0 ||
      request.commands.length > 0 ||
      request.speaks === true ||
      options !== base.options ||
      byConversation !== (base.byConversation ?? false);
    let key = request.key;
    const isConfirmed = base.isUnconfirmed === true && request.isKeyAssumed === undefined;
    if (said || base !== newest) {
      const { progress, careful } = collected;
      const remembered = { edits: undefined, ...toRemember(results), isUnconfirmed: request.isKeyAssumed };
      const told = { ...base, ...progress, options, byConversation, ...remembered, repeats, careful };
      const next = { ...told, number: numberAfter(base, newest, told) };
      tx.putSyncState(request.device, request.folder, next);
      key = syncKeyOf(next);
    } else if (
      collected.scanned > worthKeeping ||
      comparePositions(base.walked, collected.progress.walked) !== 0 ||
      isConfirmed
    ) {
      const isUnconfirmed = isConfirmed ? undefined : base.isUnconfirmed;
      tx.putSyncState(request.device, request.folder, { ...base, ...collected.progress, isUnconfirmed });
    }
    const changes = await withMessages(tx, collected.changes);
    const { skipped, moreAvailable } = collected;
    return { key, options, results, changes, skipped, moreAvailable };
  }

  /** What is known of a request before its commands are done. Throws `sync/invalid-key`, `folder/not-found`. */
  async standing(
    request: Pick<SyncRequest, 'device' | 'folder' | 'key' | 'options' | 'rules'>,
  ): Promise<Standing> {
    const { reader } = this.#mailbox;
    const { device, folder, key } = request;
    const { base, newest } = await findState(reader, device, folder, key);
    const { serverWins } = request.rules(request.options ?? base.options);
    const answered = base === newest ? undefined : newest;
    const where = { device, folder, serverWins, since: base.seq, answered };
    return { answered, isConflict: (item) => isConflict(reader, where, item, Changed.Rest) };
  }

  /**
   * How many changes wait for the device, up to `most`. Throws as `sync` does; `sync/invalid-key` also for a key
   * that the next Sync could not use.
   */
  async estimate(
    request: Pick<SyncRequest, 'device' | 'folder' | 'key' | 'options' | 'byConversation' | 'rules'>,
    most: number,
  ): Promise<number> {
    const { reader } = this.#mailbox;
    const { base } = await findState(reader, request.device, request.folder, request.key);
    const rules = { ...request.rules(request.options ?? base.options), cost: () => 0 };
    requireTold(base, rules);
    const byConversation = isByConversation(request, base);
    const asked = { ...request, byConversation, windowSize: most, answerBytes: Number.POSITIVE_INFINITY };
    const collectRequest = { ...this.#collectRequest(asked, rules), countsOnly: true };
    const { changes, counted } = await collect(reader, base, collectRequest);
    return changes.length + counted;
  }

  /** Whether anything waits for the device, whatever its last key: for Ping and waiting Syncs. */
  async hasChanges(
    device: DeviceId,
    folder: FolderId,
    rules: (options: string) => SyncRules,
  ): Promise<boolean> {
    const { reader } = this.#mailbox;
    const [[state], there] = await Promise.all([reader.syncStates(device, folder), reader.folder(folder)]);
    if (state === undefined || there === undefined) {
      return false;
    }
    const { byConversation } = state;
    const request = { device, folder, windowSize: 1, answerBytes: 1, byConversation };
    const inForce = { ...rules(state.options), cost: () => 0 };
    if (isToStartOver(state, inForce)) return true;
    try {
      const collected = await collect(reader, state, this.#collectRequest(request, inForce));
      return collected.changes.length > 0;
    } catch (error) {
      // Its next Sync tells it to start over.
      if (error instanceof DomainError && error.code === 'sync/invalid-key') return true;
      throw error;
    }
  }

  /** Changes of the clock's day move the filter, so that items leave it once a day and not at every request. */
  #collectRequest(
    request: Pick<CollectRequest, 'device' | 'folder' | 'windowSize' | 'answerBytes' | 'byConversation'>,
    rules: SyncRules,
  ): CollectRequest {
    const today = Math.floor(this.#clock.now() / dayMs) * dayMs;
    const { device, folder, windowSize, answerBytes, byConversation } = request;
    return {
      device,
      folder,
      windowSize,
      answerBytes,
      filterFromMs: rules.isNothing ? nothingFromMs : filterFrom(rules.filterDays, today),
      byConversation,
      cost: rules.cost,
      untold: rules.untold,
    };
  }
}

/** Behind everything that was ever received. */
const nothingFromMs = Number.MAX_SAFE_INTEGER + 1;

function filterFrom(days: number, today: number): number | undefined {
  return days === 0 ? undefined : today - days * dayMs;
}

function isByConversation(
  { byConversation, options }: Pick<SyncRequest, 'byConversation' | 'options'>,
  base: SyncState,
): boolean {
  return byConversation ?? (options === undefined && base.byConversation === true);
}

/**
 * States take turns by the parity of their number: the next one never takes the place of the one it comes from. An answer
 * that says the same as the lost one has its number, so that it does not matter which of them the device goes on from.
 */
function numberAfter(base: SyncState, newest: SyncState, told: SyncState): number {
  if (base === newest) {
    return base.number + 1;
  }
  return contentOf(told) === contentOf(newest) ? newest.number : newest.number + 2;
}

function contentOf(state: SyncState): string {
  const { seq, skip, walked, unsent, past, options, ahead = [], byConversation, conversations } = state;
  const { untold = 0, refused = [] } = state;
  const { receivedMs, item } = walked;
  return JSON.stringify([
    seq,
    skip,
    receivedMs,
    item,
    unsent,
    past.map((one) => [one.item, one.seq]),
    options,
    ahead,
    byConversation === true,
    conversations ?? null,
    untold,
    refused,
  ]);
}

function nothing(base: SyncState): Collected {
  return { changes: [], counted: 0, progress: base, moreAvailable: false, scanned: 0 };
}

async function requireFolder(mailbox: MailboxReader, folder: FolderId): Promise<void> {
  if ((await mailbox.folder(folder)) === undefined) {
    throw new DomainError('folder/not-found', 'The folder does not exist.');
  }
}

/** The state a key names, which is the newest or the one before it. */
async function findState(
  mailbox: MailboxReader,
  device: DeviceId,
  folder: FolderId,
  key: string,
): Promise<{ base: SyncState; newest: SyncState }> {
  await requireFolder(mailbox, folder);
  const states = await mailbox.syncStates(device, folder);
  const [newest] = states;
  const base = states.find((state) => syncKeyOf(state) === key);
  if (newest === undefined || base === undefined || base.nonce !== newest.nonce) {
    throw new DomainError('sync/invalid-key', 'The synchronization key is not one of the last two.');
  }
  if (base.seq < (await mailbox.changesCompleteFrom(folder))) {
    throw new DomainError('sync/invalid-key', 'The synchronization key is too old.');
  }
  return { base, newest };
}

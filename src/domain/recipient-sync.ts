/** Synchronising the recipient cache with a device: what it holds is a few numbers, kept with its key. */
import { listStart } from './change.ts';
import { DomainError } from './errors.ts';
import type { DeviceId } from './ids.ts';
import type { Mailbox } from './mailbox.ts';
import type { Random } from './outside.ts';
import type { MailboxReader } from './ports.ts';
import { type CachedRecipient, type RecipientCache, recipientCacheFolder } from './recipient-cache.ts';
import { hasGoneOn } from './sync-gone-on.ts';
import { type SyncState, syncKeyOf } from './sync-state.ts';

interface RecipientRequest {
  readonly device: DeviceId;
  readonly key: string;
  /** The protocol's text of the options; undefined keeps those in force. */
  readonly options: string | undefined;
  /** How many recipients a device wants by its options; undefined: all. */
  readonly maxItems: (options: string) => number | undefined;
}

interface RecipientSyncRequest extends RecipientRequest {
  readonly windowSize: number;
  readonly getChanges: boolean;
  /** The answer says something whatever is found, so it has a new key. */
  readonly speaks: boolean;
  /** The request has waited: if the device has gone on from its key meanwhile, it is told nothing. */
  readonly hasWaited: boolean;
  /** The device did not name the key: it is the one of our last answer. */
  readonly isKeyAssumed: true | undefined;
}

interface RecipientAnswer {
  /** The key in force now: the request's own if nothing was to say. */
  readonly key: string;
  readonly added: readonly CachedRecipient[];
  readonly deleted: readonly number[];
  readonly moreAvailable: boolean;
}

/** Key 0: the device has nothing; gives its first key. */
export function primeRecipients(
  mailbox: Mailbox,
  device: DeviceId,
  options: string,
  random: Random,
): Promise<string> {
  return mailbox.transact(async (tx) => {
    tx.deleteSyncStates(device, recipientCacheFolder);
    const nonce = Buffer.from(random.bytes(6)).toString('base64url');
    const state = stateOf({ nonce, number: 1, options, held: [] });
    tx.putSyncState(device, recipientCacheFolder, state);
    return syncKeyOf(state);
  });
}

/** One exchange; a key one behind is answered from there again. Throws `sync/invalid-key`. */
export function syncRecipients(mailbox: Mailbox, request: RecipientSyncRequest): Promise<RecipientAnswer> {
  return mailbox.transact(async (tx) => {
    const asked = { ...request, folder: recipientCacheFolder };
    if (request.hasWaited && (await hasGoneOn(tx, asked)))
      return { key: request.key, added: [], deleted: [], moreAvailable: false };
    const { base, newest } = await findState(tx, request);
    const options = request.options ?? base.options;
    const { held = [] } = base;
    const news = newsOf(held, await tx.recipientCache(), request.maxItems(options));
    const room = request.getChanges ? request.windowSize : 0;
    const deleted = news.deleted.slice(0, room);
    const added = news.added.slice(0, room - deleted.length);
    const count = deleted.length + added.length;
    const moreAvailable = request.getChanges && news.deleted.length + news.added.length > count;
    const isSilent = count === 0 && !request.speaks && options === base.options && base === newest;
    const isUnconfirmed = request.isKeyAssumed;
    if (isSilent) {
      if (base.isUnconfirmed && !isUnconfirmed)
        tx.putSyncState(request.device, recipientCacheFolder, { ...base, isUnconfirmed });
      return { key: request.key, added, deleted, moreAvailable };
    }
    const kept = held.filter((id) => !deleted.includes(id));
    const told = { nonce: base.nonce, options, held: [...kept, ...added.map(({ id }) => id)] };
    const next = { ...stateOf({ ...told, number: numberAfter(base, newest, told) }), isUnconfirmed };
    tx.putSyncState(request.device, recipientCacheFolder, next);
    return { key: syncKeyOf(next), added, deleted, moreAvailable };
  });
}

/** How many changes wait for the device. Throws `sync/invalid-key`. */
export async function estimateRecipients(reader: MailboxReader, request: RecipientRequest): Promise<number> {
  const { base } = await findState(reader, request);
  return countNews(reader, base, request.maxItems(request.options ?? base.options));
}

async function countNews(
  reader: MailboxReader,
  { held = [] }: SyncState,
  maxItems: number | undefined,
): Promise<number> {
  const { added, deleted } = newsOf(held, await reader.recipientCache(), maxItems);
  return added.length + deleted.length;
}

/** Whether anything waits for the device, whatever its last key. */
export async function hasRecipientNews(
  reader: MailboxReader,
  device: DeviceId,
  maxItems: RecipientRequest['maxItems'],
): Promise<boolean> {
  const [state] = await reader.syncStates(device, recipientCacheFolder);
  return state !== undefined && (await countNews(reader, state, maxItems(state.options))) > 0;
}

function newsOf(
  held: readonly number[],
  { recipients }: RecipientCache,
  maxItems: number | undefined,
): { readonly added: readonly CachedRecipient[]; readonly deleted: readonly number[] } {
  const wanted = recipients.slice(0, maxItems);
  const ids = new Set(wanted.map(({ id }) => id));
  return {
    added: wanted.filter(({ id }) => !held.includes(id)),
    deleted: held.filter((id) => !ids.has(id)),
  };
}

function stateOf(part: Pick<SyncState, 'nonce' | 'number' | 'options' | 'held'>): SyncState {
  return { ...part, seq: 0, skip: 0, walked: listStart, unsent: [], past: [], adds: [] };
}

async function findState(
  reader: MailboxReader,
  { device, key }: RecipientRequest,
): Promise<{ readonly base: SyncState; readonly newest: SyncState }> {
  const states = await reader.syncStates(device, recipientCacheFolder);
  const [newest] = states;
  const base = states.find((state) => syncKeyOf(state) === key);
  if (newest === undefined || base === undefined || base.nonce !== newest.nonce) {
    throw new DomainError('sync/invalid-key', 'The synchronization key is not one of the last two.');
  }
  return { base, newest };
}

/** An answer that says the same as the lost one has its number; another one has another, for both may have arrived. */
function numberAfter(
  base: SyncState,
  newest: SyncState,
  { options, held }: Pick<SyncState, 'options' | 'held'>,
): number {
  if (base === newest) return base.number + 1;
  const isSame = options === newest.options && String(held) === String(newest.held ?? []);
  return isSame ? newest.number : newest.number + 2;
}

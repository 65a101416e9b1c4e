/** What a mailbox has no use for any more: old markers, what unseen devices held, old changes (storage design, section 8). */
import type { MailboxRef } from '#domain/ids';
import { mailboxPart, u32, u64 } from './keys.ts';
import { mailboxRows as rows } from './layout.ts';
import { deleteWhere, type MaintenanceRun, pagesOf } from './maintenance-context.ts';
import type { Bytes, Part, Tx } from './store.ts';
import type { LogNote } from './tasks.ts';

const dayMs = 24 * 3_600_000;
/** What a device that has not come for so long holds is forgotten: it starts over. */
const unseenMs = 60 * dayMs;
/** Changes are kept so long even if no device waits for them. */
const keepChangesMs = 30 * dayMs;

/** Requests of a device that were kept whole: an ended trace can be looked at for a week. */
const keepTracesMs = 8 * dayMs;

/** Where the HMAC of the device's id stands in the keys of `y`, `Y`, `k`, `g` and `X`. */
const deviceInKey = [1, 17] as const;

/**
 * Tidies a mailbox. `notes` say what the log's numbers were at earlier times; gives those to bring along next time, or
 * undefined if there is no such mailbox.
 */
export async function tidy(
  run: MaintenanceRun,
  ref: MailboxRef,
  notes: readonly LogNote[],
): Promise<readonly LogNote[] | undefined> {
  const { store, nowMs } = run;
  const part = mailboxPart(ref.organization, ref.mailbox);
  const folders = await store.page(part, { ...rows.folder.range(), limit: 1 });
  if (folders.rows.length === 0) {
    return undefined;
  }
  await deleteWhere(run, part, rows.marker.range(), (_tx, key, value) => {
    return rows.marker.decode(run.sealer, part, key, value).expiresMs <= nowMs;
  });
  await forgetUnseenDevices(run, part);
  const old = notes.filter(({ atMs }) => atMs <= nowMs - keepChangesMs);
  const newestOld = old.at(-1);
  if (newestOld !== undefined) {
    await trimChanges(run, part, newestOld.seq);
  }
  const young = notes.slice(old.length);
  const kept = newestOld === undefined ? young : [newestOld, ...young];
  return [...kept, { atMs: nowMs, seq: await store.lastSeq(part) }];
}

/**
 * Forgets the states, requests and diaries of devices that have not come for 60 days or are gone, and states of an earlier
 * epoch of the store. The device itself stays in the list, with its policy key.
 */
async function forgetUnseenDevices(run: MaintenanceRun, part: Part): Promise<void> {
  const { sealer, store, nowMs } = run;
  const isUnseen = async (tx: Tx, stateKey: Bytes): Promise<boolean> => {
    const key = rows.device.key(stateKey.subarray(...deviceInKey));
    const stored = await tx.get(part, key);
    return (
      stored === undefined || rows.device.decode(sealer, part, key, stored).lastSyncMs <= nowMs - unseenMs
    );
  };
  for (const row of [rows.syncState, rows.folderSyncState]) {
    await deleteWhere(run, part, row.range(), async (tx, key, value) => {
      return row.decode(sealer, part, key, value).epoch !== store.epoch || (await isUnseen(tx, key));
    });
  }
  await deleteWhere(run, part, rows.cachedRequests.range(), isUnseen);
  await deleteWhere(run, part, rows.diary.range(), (tx, key) => isUnseen(tx, key));
  // A trace says when each request began; nobody looks at it that long after.
  await deleteWhere(run, part, rows.trace.range(), (_tx, key) => u64.read(key, 17) <= nowMs - keepTracesMs);
}

/**
 * Deletes the changes below `old`, as far as no device's state needs them: a state that stands at a number needs what
 * comes after it. Nothing is deleted at or above `old`, which is not above the mailbox's newest number: so a state
 * made now, at that number, is never older than `z`.
 */
async function trimChanges(run: MaintenanceRun, part: Part, old: number): Promise<void> {
  const needed = await lowestStates(run, part);
  const { lt } = rows.change.range();
  for (let { gte } = rows.change.range(); ; ) {
    run.signal.throwIfAborted();
    const { rows: found } = await run.store.page(part, { gte, lt, limit: 1 });
    const first = found[0]?.[0];
    if (first === undefined) {
      return;
    }
    const folder = u32.read(first, 1);
    await trimFolder(run, part, folder, Math.min(old, needed.get(folder) ?? old));
    gte = rows.change.range(u32(folder)).lt;
  }
}

/** The lowest number a device stands at, by folder. */
async function lowestStates(run: MaintenanceRun, part: Part): Promise<ReadonlyMap<number, number>> {
  const lowest = new Map<number, number>();
  for await (const page of pagesOf(run, run.store, part, rows.syncState.range())) {
    for (const [key, value] of page) {
      const folder = u32.read(key, 17);
      const { seq } = rows.syncState.decode(run.sealer, part, key, value);
      lowest.set(folder, Math.min(seq, lowest.get(folder) ?? seq));
    }
  }
  return lowest;
}

/** Deletes a folder's changes below `from`; from the first step on, states that need one of them are refused. */
async function trimFolder(
  { store, sealer, signal }: MaintenanceRun,
  part: Part,
  folder: number,
  from: number,
) {
  const { gte } = rows.change.range(u32(folder));
  const lt = rows.change.key(u32(folder), u64(from));
  const step = () =>
    store.transact([part], async (tx) => {
      const page = await tx.page(part, { gte, lt, limit: 500 });
      if (page.rows.length === 0) {
        return false;
      }
      const key = rows.trimmed.key(u32(folder));
      tx.put(part, key, rows.trimmed.encode(sealer, part, key, from));
      for (const [change] of page.rows) {
        tx.del(part, change);
      }
      return true;
    });
  while (await step()) {
    signal.throwIfAborted();
  }
}

/** What all maintenance works with: short steps, each its own transaction, that may stop after any of them. */
import type { MailboxRef, OrganizationId } from '#domain/ids';
import type { Clock } from '#domain/outside';
import type { Logger } from '#telemetry/log';
import type { KeyRing } from './key-ring.ts';
import { blobPart, idBytes, organizationIdOf, systemPart, u8 } from './keys.ts';
import { blobRows, systemRows } from './layout.ts';
import type { StoredMail } from './mail-store.ts';
import type { Sealer } from './rows.ts';
import type { BlobStore, Bytes, Page, Part, Range, Reader, Store, Tx } from './store.ts';

const dayMs = 24 * 3_600_000;

export interface MaintenanceParts {
  readonly store: Store;
  readonly mail: StoredMail;
  readonly blobs: BlobStore;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One run. Its steps throw the signal's reason when it has been stopped. */
export interface MaintenanceRun extends MaintenanceParts {
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** The rows of a range, page by page, as they are when each is read; stops when the run does. */
export async function* pagesOf(
  { signal }: MaintenanceRun,
  reader: Reader,
  part: Part,
  { gte, lt, ...range }: Range,
): AsyncGenerator<Page['rows']> {
  for (let from: Bytes | undefined = gte; from !== undefined; ) {
    signal.throwIfAborted();
    const page: Page = await reader.page(part, { ...range, gte: from, lt });
    yield page.rows;
    from = page.next;
  }
}

/** Deletes the rows of a range that `isOver` picks, in one transaction a page. */
export async function deleteWhere(
  { store, signal }: MaintenanceRun,
  part: Part,
  { gte, lt }: Range,
  isOver: (tx: Tx, key: Bytes, value: Bytes) => boolean | Promise<boolean>,
): Promise<void> {
  const step = (from: Bytes) =>
    store.transact([part], async (tx) => {
      const page = await tx.page(part, { gte: from, lt, limit: 500 });
      for (const [key, value] of page.rows) {
        if (await isOver(tx, key, value)) {
          tx.del(part, key);
        }
      }
      return page.next;
    });
  for (let from: Bytes | undefined = gte; from !== undefined; ) {
    signal.throwIfAborted();
    from = await step(from);
  }
}

/** Deletes every row of a range, page by page. */
export async function removeRange(
  { store, signal }: MaintenanceRun,
  part: Part,
  range: Range,
): Promise<void> {
  for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
    signal.throwIfAborted();
    gte = (await store.deleteRange(part, { ...range, gte })).next;
  }
}

/**
 * Does what is to be done once a day, if that was last done a day ago, or by a clock that was ahead; `kind` is that of its row `m`. `work`
 * is told how long ago it was last done, in milliseconds.
 */
export async function onceADay(
  run: MaintenanceRun,
  kind: number,
  work: (passedMs: number) => Promise<void>,
): Promise<void> {
  const { store, sealer, nowMs } = run;
  const system = systemPart();
  const key = systemRows.lastDone.key(u8(kind));
  const stored = await store.get(system, key);
  const lastMs = stored && systemRows.lastDone.decode(sealer, system, key, stored);
  const passedMs = lastMs === undefined ? dayMs : nowMs - lastMs;
  if (passedMs >= 0 && passedMs < dayMs) return;
  await work(passedMs);
  const value = systemRows.lastDone.encode(sealer, system, key, nowMs);
  await store.transact([system], async (tx) => tx.put(system, key, value));
}

/** The partition a body's rows are in. */
export function partOfBlob({ organization }: MailboxRef, blob: Bytes): Part {
  return blobPart(organization, blob[0] ?? 0);
}

/**
 * Takes a mailbox's reference to a body away. A body is named by one item of a mailbox: each delivery is one item of
 * each mailbox, moving keeps the item, and a copy in Sent Items is a body of its own, having other header fields. So when
 * the item goes, the reference goes. The row `b` stays for the sweep, a day before the file.
 */
export function unlink(tx: Tx, ref: MailboxRef, blob: Bytes): void {
  tx.del(partOfBlob(ref, blob), blobRows.reference.key(blob, idBytes(ref.mailbox)));
}

/** Without its data key nothing of an organisation can be read, its bodies neither. */
export async function organizationsWithKeys(run: MaintenanceRun): Promise<readonly OrganizationId[]> {
  const found = new Set<OrganizationId>();
  for await (const page of pagesOf(run, run.store, systemPart(), systemRows.dataKey.range())) {
    for (const [dataKey] of page) {
      const owner = dataKey.subarray(1, 17);
      if (owner.some((byte) => byte !== 0)) {
        found.add(organizationIdOf(owner));
      }
    }
  }
  return [...found];
}

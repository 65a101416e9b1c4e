/**
 * Large bodies nobody needs (storage design, section 7). A row without references goes a day after it was made; its
 * file at least a day later, so that a backup, which takes the rows first and the files after them, finds the file of
 * every row it has. A file that no row names, left by a delivery that was broken off, goes when it is a day old.
 */
import type { OrganizationId } from '#domain/ids';
import { firstRows } from './first-rows.ts';
import { blobPart, blobParts, key, prefixRange, systemPart, u8 } from './keys.ts';
import { blobRows, systemRows } from './layout.ts';
import { type MaintenanceRun, organizationsWithKeys, pagesOf } from './maintenance-context.ts';
import type { Bytes, Part, Range } from './store.ts';

const dayMs = 24 * 3_600_000;
const idBytesOfBlob = 32;
const removedAtOnce = 200;

const lastSweep = systemRows.lastDone.key(u8(1));

/**
 * Sweeps, if the last sweep is a day ago: first the files that had no row since then, then the rows. The time is written
 * down before and after rows go, so that a sweep that was broken off is not taken up before their files may go.
 */
export async function sweepBlobs(run: MaintenanceRun): Promise<void> {
  const system = systemPart();
  const stored = await run.store.get(system, lastSweep);
  const lastMs = stored && systemRows.lastDone.decode(run.sealer, system, lastSweep, stored);
  if (lastMs !== undefined && run.nowMs < lastMs + dayMs) {
    return;
  }
  const { having, without } = await byBodies(run);
  // Files are soon found to be named by those that have bodies; that one is not, all are asked.
  await removeFiles(run, [...having, ...without]);
  await noteSweep(run);
  for (const organization of having) {
    for (let first = 0; first < 256; first++) {
      await removeRows(run, blobPart(organization, first));
    }
  }
  await noteSweep(run);
}

/** The organisations with bodies, and those without. */
async function byBodies(run: MaintenanceRun) {
  const having: OrganizationId[] = [];
  const without: OrganizationId[] = [];
  for (const organization of await organizationsWithKeys(run)) {
    run.signal.throwIfAborted();
    const hasBodies = await run.store.hasRows(blobParts(organization));
    (hasBodies ? having : without).push(organization);
  }
  return { having, without };
}

async function noteSweep({ store, sealer, nowMs, clock }: MaintenanceRun): Promise<void> {
  const system = systemPart();
  const value = systemRows.lastDone.encode(sealer, system, lastSweep, Math.max(nowMs, clock.now()));
  await store.transact([system], async (tx) => tx.put(system, lastSweep, value));
}

/** A page of files at a time, and of the rows that may name them: that much is in memory. */
async function removeFiles(run: MaintenanceRun, organizations: readonly OrganizationId[]): Promise<void> {
  for (let after: Bytes | undefined; ; ) {
    run.signal.throwIfAborted();
    const page = await run.blobs.list(after);
    after = page.at(-1)?.id;
    if (after === undefined) {
      return;
    }
    const old = page.filter(({ writtenMs }) => writtenMs <= run.nowMs - dayMs);
    for (const ids of Map.groupBy(old, ({ id }) => id[0] ?? 0).values()) {
      await removeUnnamed(run, organizations, ids);
    }
  }
}

/** `files` are in order, and begin with the same byte. */
async function removeUnnamed(
  run: MaintenanceRun,
  organizations: readonly OrganizationId[],
  files: readonly { readonly id: Bytes }[],
): Promise<void> {
  const unnamed = new Map(files.map(({ id }) => [nameOf(id), id]));
  const range = spanOf(files.map(({ id }) => blobRows.blob.key(id)));
  for (const organization of organizations) {
    if (unnamed.size === 0) return;
    const part = blobPart(organization, files[0]?.id[0] ?? 0);
    for await (const page of pagesOf(run, run.store, part, range)) {
      for (const [row] of page) {
        unnamed.delete(nameOf(row.subarray(1)));
      }
    }
  }
  for (const id of unnamed.values()) {
    await run.blobs.remove({ id, size: 0 });
  }
  if (unnamed.size > 0) {
    run.log.info('maintenance.bodies.removed', { files: unnamed.size });
  }
}

/** Rows at least a day old that have no reference; looked at again when their partition is locked. */
async function removeRows(run: MaintenanceRun, part: Part): Promise<void> {
  for await (const page of pagesOf(run, run.store, part, blobRows.blob.range())) {
    const old = page.filter(
      ([row, value]) => blobRows.blob.decode(run.sealer, part, row, value).createdMs <= run.nowMs - dayMs,
    );
    const loose = await withoutReferences(
      run,
      part,
      old.map(([row]) => row.subarray(1)),
    );
    for (let at = 0; at < loose.length; at += removedAtOnce) {
      await removeLoose(run, part, loose.slice(at, at + removedAtOnce));
    }
  }
}

async function removeLoose({ store }: MaintenanceRun, part: Part, blobs: readonly Bytes[]): Promise<void> {
  await store.transact([part], async (tx) => {
    for (const blob of blobs) {
      const references = await firstRows(tx, part, blobRows.reference.range(blob), 1);
      if (references.length === 0) {
        tx.del(part, blobRows.blob.key(blob));
      }
    }
  });
}

/** Which of these bodies, in order, nobody has. */
async function withoutReferences(run: MaintenanceRun, part: Part, blobs: readonly Bytes[]): Promise<Bytes[]> {
  if (blobs.length === 0) {
    return [];
  }
  const loose = new Map(blobs.map((blob) => [nameOf(blob), blob]));
  const range = spanOf(blobs.map((blob) => key(blobRows.reference.kind, blob)));
  for await (const page of pagesOf(run, run.store, part, range)) {
    for (const [reference] of page) {
      loose.delete(nameOf(reference.subarray(1, 1 + idBytesOfBlob)));
    }
  }
  return [...loose.values()];
}

/** From the first of these keys, which are in order, to the end of what begins with the last. */
function spanOf(keys: readonly Bytes[]): Range {
  const [first = new Uint8Array(0)] = keys;
  return { gte: first, lt: prefixRange(keys.at(-1) ?? first).lt };
}

function nameOf(id: Bytes): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}

/**
 * Durable transactions a second: `npx node bench/store.ts [folder]`. Each writes a row of 200 bytes and takes a
 * sequence number. Machines differ and are shared: compare only figures of one run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MailboxId, OrganizationId } from '#domain/ids';
import { key, mailboxPart, u64 } from '#storage/keys';
import { openLevelStore } from '#storage/leveldb/open';
import type { Part, Store } from '#storage/store';

const organization = `m-${'0'.repeat(32)}` as OrganizationId;
const roundMs = 2000;

function part(number: number): Part {
  return mailboxPart(organization, number.toString(16).padStart(32, '0') as MailboxId);
}

async function write(store: Store, p: Part): Promise<void> {
  await store.transact([p], async (tx) => {
    const seq = await tx.nextSeq(p);
    tx.put(p, key('c', u64(seq)), Buffer.alloc(200));
  });
}

/** Transactions a second with so many writers, each on its own partition or all on one. */
async function measure(store: Store, writers: number, shared: boolean): Promise<number> {
  const start = performance.now();
  let count = 0;
  const run = async (writer: number) => {
    while (performance.now() - start < roundMs) {
      await write(store, part(shared ? 0 : writer));
      count++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => run(i + 1)));
  return count / ((performance.now() - start) / 1000);
}

const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'mailstead-bench-'));
try {
  const store = await openLevelStore(folder, {
    onFatal: (error) => {
      throw error;
    },
  });
  await measure(store, 50, false);
  console.log('writers   distinct partitions   one partition   ratio');
  for (const writers of [1, 10, 50]) {
    const distinct = await measure(store, writers, false);
    const shared = await measure(store, writers, true);
    const columns = [Math.round(distinct), Math.round(shared), (shared / distinct).toFixed(2)];
    console.log(`${writers}`.padStart(7), ...columns.map((c, i) => `${c}`.padStart([21, 15, 7][i] ?? 0)));
  }
  await store.close();
} finally {
  await rm(folder, { recursive: true });
}

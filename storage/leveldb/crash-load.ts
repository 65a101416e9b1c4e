/** The transactions of the crash test, known to the process that writes them and to the one that checks them. */
import type { MailboxId, OrganizationId } from '#domain/ids';
import { key, mailboxPart, u8, u64 } from '../keys.ts';
import type { Part, Tx } from '../store.ts';

/** How many writers run, each with a partition of its own. */
export const writers = 32;

/** Rows of each transaction in each of its partitions. */
const rowsEach = 2;

const organization = `m-${'c'.repeat(32)}` as OrganizationId;

function part(number: number): Part {
  return mailboxPart(organization, number.toString(16).padStart(32, '0') as MailboxId);
}

/** Every partition of the load: the shared one first. */
export const allParts: readonly Part[] = Array.from({ length: writers + 1 }, (_, i) => part(i));

/** The partitions of a transaction: the shared one, the writer's own, and another. */
export function partsOf(id: number): readonly Part[] {
  return [0, 1 + (id % writers), 1 + ((id + 1 + (id % 7)) % writers)].map(part);
}

/** How many rows a whole transaction has. */
export const rowsOf = (id: number): number => new Set(partsOf(id).map(({ name }) => name)).size * rowsEach;

/** Writes the rows of a transaction, of a size that makes the log roll over often. */
export async function write(tx: Tx, id: number): Promise<void> {
  for (const p of partsOf(id)) {
    await tx.nextSeq(p);
    for (let row = 0; row < rowsEach; row++) {
      tx.put(p, key('t', u64(id), u8(row)), Buffer.alloc(100 + (id % 400), id));
    }
  }
}

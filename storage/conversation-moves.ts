/** Where new items of a conversation go: the rows `m`. MS-ASCON, Always Moving Conversations. */
import type { FolderId } from '#domain/ids';
import { mailboxRows } from './layout.ts';
import type { ConversationMoveRecord } from './records/mail.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Page, Part, Tx } from './store.ts';

const { conversationMove: row } = mailboxRows;
/** So many conversations of a mailbox are moved for always. */
const mostMoves = 1000;

/** Puts a move; with too many of them, those that were decided longest ago go. */
export async function putMove(
  tx: Tx,
  sealer: Sealer,
  part: Part,
  key: Bytes,
  move: ConversationMoveRecord,
): Promise<void> {
  const others = (await movesIn(tx, sealer, part)).filter((one) => Buffer.compare(one.key, key) !== 0);
  const tooMany = Math.max(0, others.length + 1 - mostMoves);
  for (const old of others.sort((a, b) => a.seq - b.seq).slice(0, tooMany)) tx.del(part, old.key);
  tx.put(part, key, row.encode(sealer, part, key, move));
}

/** Where a conversation goes. */
export async function moveAt(tx: Tx, sealer: Sealer, part: Part, key: Bytes): Promise<FolderId | undefined> {
  const stored = await tx.get(part, key);
  return stored && row.decode(sealer, part, key, stored).folder;
}

async function movesIn(tx: Tx, sealer: Sealer, part: Part) {
  const found: { readonly key: Bytes; readonly seq: number }[] = [];
  const { gte, lt } = row.range();
  for (let from: Bytes | undefined = gte; from !== undefined; ) {
    const page: Page = await tx.page(part, { gte: from, lt });
    for (const [key, stored] of page.rows) {
      found.push({ key, seq: row.decode(sealer, part, key, stored).seq });
    }
    from = page.next;
  }
  return found;
}

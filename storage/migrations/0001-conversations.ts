/**
 * 0001: the rows `n` of items that were stored before there were any. Runs in the background after the start, once for
 * an installation, in short transactions; each mailbox is whole (`N`) when its turn is over, and new ones are from the beginning.
 */
import type { FolderId, ItemId, MailboxId, MailboxRef } from '#domain/ids';
import { conversationKey, conversationName, putConversationsWhole } from '../conversations.ts';
import {
  entityIdOf,
  mailboxPart,
  organizationIdOf,
  queuePart,
  queueShards,
  systemPart,
  u8,
  u32,
  u64,
} from '../keys.ts';
import { queueRows, mailboxRows as rows, systemRows } from '../layout.ts';
import { type MaintenanceRun, pagesOf } from '../maintenance-context.ts';
import type { Bytes, Part, Tx } from '../store.ts';

const itemsAtOnce = 500;
const done = systemRows.lastDone.key(u8(2));

/** Does what is left to do. A mailbox that fails is logged, and tried again in the next run. */
export async function gatherConversations(run: MaintenanceRun): Promise<void> {
  const { store, sealer, nowMs, log, signal } = run;
  const system = systemPart();
  if ((await store.get(system, done)) !== undefined) return;
  let isWhole = true;
  for await (const ref of mailboxes(run)) {
    try {
      await gather(run, ref);
    } catch (err) {
      signal.throwIfAborted();
      isWhole = false;
      log.error('maintenance.task.failed', { err }, { mailbox: ref.mailbox });
    }
  }
  if (!isWhole) return;
  const value = systemRows.lastDone.encode(sealer, system, done, nowMs);
  await store.transact([system], async (tx) => tx.put(system, done, value));
}

/** Every mailbox there is, some more than once: each has a task that is due some time (tasks.ts). */
async function* mailboxes(run: MaintenanceRun): AsyncGenerator<MailboxRef> {
  for (let n = 0; n < queueShards; n++) {
    for await (const pointers of pagesOf(run, run.store, queuePart(n), queueRows.mailboxTask.range())) {
      for (const [key] of pointers) {
        yield {
          organization: organizationIdOf(key.subarray(9, 25)),
          mailbox: entityIdOf(key.subarray(25)) as string as MailboxId,
        };
      }
    }
  }
}

async function gather(run: MaintenanceRun, { organization, mailbox }: MailboxRef): Promise<void> {
  const { store, sealer, keys, nowMs, signal } = run;
  const part = mailboxPart(organization, mailbox);
  if ((await store.get(part, rows.conversationsWhole.key())) !== undefined || !keys.has(organization)) return;
  const name = (id: Uint8Array) => keys.nameKey(organization, conversationName(id));
  for (let gte: Bytes | undefined = rows.item.range().gte; gte !== undefined; ) {
    signal.throwIfAborted();
    const from: Bytes = gte;
    gte = await store.transact([part], (tx) => gatherPage(run, tx, part, from, name));
  }
  await store.transact([part], async (tx) => {
    const folders = await tx.page(part, { ...rows.folder.range(), limit: 1 });
    // What was removed meanwhile leaves nothing.
    if (folders.rows.length > 0) putConversationsWhole(tx, sealer, part, nowMs);
  });
}

/** What comes into the mailbox or moves in it meanwhile has its row by itself. */
async function gatherPage(
  { sealer }: MaintenanceRun,
  tx: Tx,
  part: Part,
  gte: Bytes,
  name: (id: Uint8Array) => Bytes,
): Promise<Bytes | undefined> {
  const page = await tx.page(part, { gte, lt: rows.item.range().lt, limit: itemsAtOnce });
  for (const [key, stored] of page.rows) {
    const { conversationId, receivedMs } = rows.item.decode(sealer, part, key, stored);
    const place = { folder: u32.read(key, 1) as FolderId, id: u64.read(key, 5) as ItemId, receivedMs };
    const own = conversationKey(name(conversationId), place);
    tx.put(part, own, rows.conversation.encode(sealer, part, own, null));
  }
  return page.next;
}

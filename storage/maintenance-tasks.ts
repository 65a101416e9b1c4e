/** Tasks of mailboxes that are due: pointers in the queue's shards lead to them, so that no mailbox is searched. */
import type { MailboxId, MailboxRef } from '#domain/ids';
import { firstRows } from './first-rows.ts';
import {
  entityIdOf,
  mailboxPart,
  organizationIdOf,
  queuePart,
  queueShards,
  u64,
  uniqueParts,
} from './keys.ts';
import { mailboxRows, queueRows } from './layout.ts';
import { type MaintenanceRun, pagesOf, partOfBlob, unlink } from './maintenance-context.ts';
import { emptyDeletedFolder } from './maintenance-folders.ts';
import { tidy } from './maintenance-tidy.ts';
import { extendIndex, tidyIndex } from './search/tend-index.ts';
import type { Bytes, Range } from './store.ts';
import {
  decodeFolders,
  decodeNotes,
  dueTopic,
  encodeNotes,
  pointerKey,
  putTask,
  TaskKind,
  taskShard,
  tidyIntervalMs,
} from './tasks.ts';

/** Each body is in a partition of its own, more or less: so many are locked at once. */
const unlinkedAtOnce = 100;

interface Task {
  readonly key: Bytes;
  readonly kind: number;
  readonly about: Bytes;
}

/** Does what is due in all mailboxes. A task that fails is logged, and tried again in the next run. */
export async function runMailboxTasks(run: MaintenanceRun): Promise<void> {
  for (let n = 0; n < queueShards; n++) {
    for await (const pointers of pagesOf(run, run.store, queuePart(n), pointersUpTo(run.nowMs))) {
      for (const [key] of pointers) {
        await runPointer(run, key);
      }
    }
  }
}

/** A row that leads to a mailbox is removed last, and only when nothing is left of what it stands for. */
async function runPointer(run: MaintenanceRun, key: Bytes): Promise<void> {
  const dueMs = u64.read(key, 1);
  const ref: MailboxRef = {
    organization: organizationIdOf(key.subarray(9, 25)),
    mailbox: entityIdOf(key.subarray(25)) as string as MailboxId,
  };
  try {
    await runDueTasks(run, ref, dueMs);
    await removePointer(run, ref, dueMs);
  } catch (err) {
    run.signal.throwIfAborted();
    run.log.error('maintenance.task.failed', { err }, { mailbox: ref.mailbox });
  }
}

async function runDueTasks(run: MaintenanceRun, ref: MailboxRef, dueMs: number): Promise<void> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const range = { ...tasksUpTo(dueMs), limit: unlinkedAtOnce };
  for await (const rows of pagesOf(run, run.store, part, range)) {
    const tasks = rows.map(([key]) => taskOf(key));
    await unlinkBodies(
      run,
      ref,
      tasks.filter(({ kind }) => kind === TaskKind.UnlinkBlob),
    );
    for (const task of tasks.filter(({ kind }) => kind === TaskKind.EmptyFolders)) {
      await emptyFolders(run, ref, task);
    }
    for (const task of tasks.filter(({ kind }) => kind === TaskKind.Tidy)) {
      await tidyAndComeBack(run, ref, task);
    }
    for (const task of tasks.filter(({ kind }) => kind === TaskKind.IndexWords)) {
      await indexAndComeBack(run, ref, task);
    }
  }
}

/** Lets go of the bodies that these tasks are about, and of the tasks. */
export async function unlinkBodies(
  { store }: MaintenanceRun,
  ref: MailboxRef,
  tasks: readonly Task[],
): Promise<void> {
  if (tasks.length === 0) {
    return;
  }
  const part = mailboxPart(ref.organization, ref.mailbox);
  await store.transact(
    uniqueParts([part, ...tasks.map(({ about }) => partOfBlob(ref, about))]),
    async (tx) => {
      for (const { key, about } of tasks) {
        unlink(tx, ref, about);
        tx.del(part, key);
      }
    },
  );
}

async function emptyFolders(run: MaintenanceRun, ref: MailboxRef, task: Task): Promise<void> {
  for (const folder of decodeFolders(task.about)) await emptyDeletedFolder(run, ref, folder);
  const part = mailboxPart(ref.organization, ref.mailbox);
  await run.store.transact([part], async (tx) => tx.del(part, task.key));
}

/** A mailbox that is gone is not visited again. */
async function tidyAndComeBack(run: MaintenanceRun, ref: MailboxRef, task: Task): Promise<void> {
  const notes = await tidy(run, ref, decodeNotes(task.about));
  if (notes !== undefined) await tidyIndex(run, ref);
  const part = mailboxPart(ref.organization, ref.mailbox);
  await run.store.transact([part, taskShard(ref)], async (tx) => {
    tx.del(part, task.key);
    if (notes !== undefined) {
      const dueMs = run.nowMs + tidyIntervalMs;
      putTask(tx, run.sealer, ref, { kind: TaskKind.Tidy, about: encodeNotes(notes), dueMs });
    }
  });
}

/** What is left to do waits until others have had their turn. */
async function indexAndComeBack(run: MaintenanceRun, ref: MailboxRef, task: Task): Promise<void> {
  const isMore = await extendIndex(run, ref);
  const part = mailboxPart(ref.organization, ref.mailbox);
  const shard = taskShard(ref);
  await run.store.transact([part, shard], async (tx) => {
    tx.del(part, task.key);
    if (!isMore) return;
    const dueMs = Math.max(run.clock.now(), run.nowMs + 1);
    putTask(tx, run.sealer, ref, { kind: TaskKind.IndexWords, about: task.about, dueMs });
    tx.touch(shard, dueTopic);
  });
}

async function removePointer({ store }: MaintenanceRun, ref: MailboxRef, dueMs: number): Promise<void> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const shard = taskShard(ref);
  await store.transact([part, shard], async (tx) => {
    const left = await firstRows(tx, part, tasksUpTo(dueMs), 1);
    if (left.length === 0) {
      tx.del(shard, pointerKey(dueMs, ref));
    }
  });
}

/** The task a row of `T` is. */
export function taskOf(key: Bytes): Task {
  return { key, kind: key[9] ?? 0, about: key.subarray(10) };
}

function tasksUpTo(dueMs: number): Range {
  const { gte } = mailboxRows.task.range();
  return { gte, lt: mailboxRows.task.range(u64(dueMs + 1)).gte };
}

function pointersUpTo(dueMs: number): Range {
  const { gte } = queueRows.mailboxTask.range();
  return { gte, lt: queueRows.mailboxTask.range(u64(dueMs + 1)).gte };
}

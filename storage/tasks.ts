/** What is done later in a mailbox, off the path of requests: see maintenance.ts. */
import type { FolderId, MailboxRef } from '#domain/ids';
import { idBytes, mailboxPart, queuePart, queueShards, u8, u32, u64 } from './keys.ts';
import { mailboxRows, queueRows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Part, Tx } from './store.ts';

/**
 * UnlinkBlob: about the id of a deleted item's large body. Tidy: about what earlier ones noted (encodeNotes).
 * EmptyFolders: about the numbers of deleted folders (encodeFolders), what they hold is to go. IndexWords: the search index is
 * to be made or brought up to date.
 */
export const TaskKind = { UnlinkBlob: 1, Tidy: 2, EmptyFolders: 3, IndexWords: 4 } as const;
export type TaskKind = (typeof TaskKind)[keyof typeof TaskKind];

/** Topic of a shard: there is something to do at once. */
export const dueTopic = 1;

/** A deleted item's body is let go at once; its file stays another day (storage design, section 7). */
export const unlinkDelayMs = 0;

/** A mailbox is tidied once a week. */
export const tidyIntervalMs = 7 * 24 * 3_600_000;

/** Where a mailbox's tasks are announced: by the first byte of its id. */
export function taskShard(ref: MailboxRef): Part {
  return queuePart((idBytes(ref.mailbox)[0] ?? 0) % queueShards);
}

/** Puts a task into its mailbox, and the pointer that leads there into the shard; the transaction lists both partitions. */
export function putTask(
  tx: Tx,
  sealer: Sealer,
  ref: MailboxRef,
  task: { readonly kind: TaskKind; readonly about: Bytes; readonly dueMs: number },
): void {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const key = mailboxRows.task.key(u64(task.dueMs), u8(task.kind), task.about);
  tx.put(part, key, mailboxRows.task.encode(sealer, part, key, null));
  const shard = taskShard(ref);
  const pointer = pointerKey(task.dueMs, ref);
  tx.put(shard, pointer, queueRows.mailboxTask.encode(sealer, shard, pointer, null));
}

/** Of the row that says: this mailbox has tasks that are due at this time. */
export function pointerKey(dueMs: number, ref: MailboxRef): Bytes {
  return queueRows.mailboxTask.key(u64(dueMs), idBytes(ref.organization), idBytes(ref.mailbox));
}

/** So many folders one EmptyFolders task is about. */
export const foldersOfTask = 100;

/** Numbers of folders as an EmptyFolders task is about them. */
export function encodeFolders(folders: readonly FolderId[]): Bytes {
  const bytes = Buffer.alloc(folders.length * 4);
  for (const [n, folder] of folders.entries()) bytes.writeUInt32BE(folder, n * 4);
  return bytes;
}

export function decodeFolders(about: Bytes): FolderId[] {
  const folders: FolderId[] = [];
  for (let at = 0; at + 4 <= about.length; at += 4) folders.push(u32.read(about, at) as FolderId);
  return folders;
}

/** The newest sequence number of a mailbox at a time (ms since the epoch): log entries have none of their own. */
export interface LogNote {
  readonly atMs: number;
  readonly seq: number;
}

const noteBytes = 16;

/** Notes as a Tidy task is about them: times and numbers, in order. */
export function encodeNotes(notes: readonly LogNote[]): Bytes {
  const bytes = Buffer.alloc(notes.length * noteBytes);
  for (const [n, { atMs, seq }] of notes.entries()) {
    bytes.writeBigUInt64BE(BigInt(atMs), n * noteBytes);
    bytes.writeBigUInt64BE(BigInt(seq), n * noteBytes + 8);
  }
  return bytes;
}

export function decodeNotes(about: Bytes): LogNote[] {
  const notes: LogNote[] = [];
  for (let at = 0; at + noteBytes <= about.length; at += noteBytes) {
    notes.push({ atMs: u64.read(about, at), seq: u64.read(about, at + 8) });
  }
  return notes;
}

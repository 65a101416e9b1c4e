/** One mailbox in a transaction: every change leaves its line in the change log, in one entry per folder. */

import type { StoredAutomaticReply } from '#domain/automatic-reply';
import { Changed, ChangeKind, type FolderStep, type ItemChange } from '#domain/change';
import type { Device } from '#domain/device';
import type { Folder } from '#domain/folder';
import type { DeviceId, FolderId, ItemId, MailboxRef } from '#domain/ids';
import type { Item, ItemMarks, NewBody, NewItem } from '#domain/item';
import type { MailRule } from '#domain/mail-rule';
import type { MailboxTx } from '#domain/ports';
import type { MailboxGrowth } from '#domain/quota-notices';
import { type RecipientCache, recipientCacheFolder } from '#domain/recipient-cache';
import type { CachedRequests, FolderSyncState, SyncState } from '#domain/sync-state';
import { bodyRef } from './body-frame.ts';
import { moveAt, putMove } from './conversation-moves.ts';
import { conversationKey, conversationName } from './conversations.ts';
import { putBody } from './item-bodies.ts';
import { u8, u32, u64 } from './keys.ts';
import { mailboxRows as rows } from './layout.ts';
import { isLongEnvelope } from './long-envelope.ts';
import { type MailboxContext, StoredMailbox } from './mailbox-reader.ts';
import { placeTime } from './place-time.ts';
import type { ItemRecord, UsageRecord } from './records/mail.ts';
import { noteForSearch } from './search/moved.ts';
import type { Bytes, Part, Tx } from './store.ts';
import {
  dueTopic,
  encodeFolders,
  foldersOfTask,
  putTask,
  TaskKind,
  taskShard,
  unlinkDelayMs,
} from './tasks.ts';

/** Topic of the folder tree and of the mailbox's devices; folders have their own number. */
export const mailboxTopic = 0;

/** Where an item is that is gone. */
const nowhere = 0 as FolderId;
/** So many states of a device that is removed go in one transaction. */
const statesAtOnce = 500;
/** Delivery markers are kept 30 days. */
const markerLifeMs = 30 * 24 * 3_600_000;

/** Thrown inside a transaction that turns out to need the mailbox's queue shard: it runs again with that partition. */
export class NeedsTaskShard extends Error {}

export class StoredMailboxTx extends StoredMailbox implements MailboxTx {
  readonly #ref: MailboxRef;
  readonly #tx: Tx;
  readonly #nowMs: number;
  readonly #hasTaskShard: boolean;
  readonly #changes = new Map<FolderId, { device: DeviceId | undefined; changes: ItemChange[] }>();
  #hierarchy: { device: DeviceId | undefined; changes: FolderStep[] } | undefined;
  readonly #deletedFolders: FolderId[] = [];
  #usage: UsageRecord | undefined;
  #usageChanged = false;
  #grownBytes = 0;
  #added = 0;

  constructor(
    ref: MailboxRef,
    context: MailboxContext,
    tx: Tx,
    options: { nowMs: number; hasTaskShard: boolean },
  ) {
    super(context, tx, () => tx.lastSeq(context.part));
    this.#ref = ref;
    this.#tx = tx;
    this.#nowMs = options.nowMs;
    this.#hasTaskShard = options.hasTaskShard;
  }

  hasRoom(): boolean {
    return this.#tx.hasRoom();
  }

  seq(): Promise<number> {
    return this.#tx.nextSeq(this.context.part);
  }

  putFolder(folder: Folder): void {
    const { id, ...record } = folder;
    this.#put(rows.folder, rows.folder.key(u32(id)), record);
  }

  deleteFolder(id: FolderId): void {
    this.#requireTaskShard();
    this.#deletedFolders.push(id);
    this.#del(rows.folder.key(u32(id)));
    this.#tx.touch(this.context.part, id);
  }

  async nextFolderId(): Promise<FolderId> {
    const usage = await this.#loadUsage();
    this.#setUsage({ ...usage, nextFolder: usage.nextFolder + 1 });
    return usage.nextFolder as FolderId;
  }

  async addItem(folder: FolderId, item: NewItem, device?: DeviceId): Promise<Item> {
    const seq = await this.seq();
    const id = (seq * 1024 + this.#added++) as ItemId;
    const { detail, body, envelope, ...rest } = item;
    const record: ItemRecord = {
      ...rest,
      added: seq,
      changed: seq,
      envelope: isLongEnvelope(envelope) ? undefined : envelope,
      body: bodyRef(body),
    };
    this.#putItem(folder, id, record);
    this.#putConversation({ ...item, folder, id });
    this.#put(rows.detail, rows.detail.key(u64(id)), {
      detail,
      envelope: record.envelope === undefined ? envelope : undefined,
    });
    this.#putBody(id, item.size, body);
    await this.#count(item.size, 1);
    this.#log(folder, { kind: ChangeKind.Add, item: id, receivedMs: item.receivedMs, what: 0 }, device);
    return { ...record, envelope, id, folder };
  }

  async markItem(item: Item, marks: ItemMarks, what: number, device?: DeviceId): Promise<Item> {
    const marked = { ...item, marks, changed: await this.seq() };
    this.#putItem(item.folder, item.id, this.#recordOf(marked));
    this.#log(
      item.folder,
      { kind: ChangeKind.Change, item: item.id, receivedMs: item.receivedMs, what },
      device,
    );
    return marked;
  }

  async replaceItem(item: Item, content: NewItem, device?: DeviceId): Promise<Item> {
    const { id, folder, receivedMs, added } = item;
    const { detail, body, envelope, ...rest } = content;
    const isLong = isLongEnvelope(envelope);
    const place = { folder, receivedMs, added };
    const next = { ...rest, ...place, id, envelope, changed: await this.seq(), body: bodyRef(body) };
    this.#removeConversation(item);
    this.#putConversation(next);
    this.#putItem(folder, id, this.#recordOf(next));
    this.#put(rows.detail, rows.detail.key(u64(id)), { detail, envelope: isLong ? envelope : undefined });
    this.#removeBody(item);
    this.#putBody(id, content.size, body);
    await noteForSearch(this.#tx, this.context, id, folder, true);
    await this.#count(content.size - item.size, 0);
    this.#log(folder, { kind: ChangeKind.Change, item: id, receivedMs, what: Changed.Rest }, device);
    return next;
  }

  async moveItem(item: Item, to: FolderId, device?: DeviceId): Promise<Item> {
    const seq = await this.seq();
    const moved = { ...item, folder: to, added: seq };
    this.#removeFromFolder(item);
    this.#putItem(to, item.id, this.#recordOf(moved));
    this.#putConversation(moved);
    const { id, receivedMs } = item;
    await noteForSearch(this.#tx, this.context, id, to);
    this.#log(item.folder, { kind: ChangeKind.Delete, item: id, receivedMs, what: 0 }, device);
    // The mover, too, is told of the item in its new place: its answer is the only one that could be lost.
    this.#log(to, { kind: ChangeKind.Add, item: id, receivedMs, what: 0 }, undefined);
    return moved;
  }

  async deleteItem(item: Item, device?: DeviceId): Promise<void> {
    await this.seq();
    this.#removeFromFolder(item);
    this.#del(rows.detail.key(u64(item.id)));
    this.#removeBody(item);
    await noteForSearch(this.#tx, this.context, item.id, nowhere);
    await this.#count(-item.size, -1);
    const { id, receivedMs } = item;
    this.#log(item.folder, { kind: ChangeKind.Delete, item: id, receivedMs, what: 0 }, device);
  }

  async logHierarchy(
    kind: FolderStep['kind'],
    folder: FolderId,
    device?: DeviceId,
    movedFrom?: FolderId,
  ): Promise<void> {
    await this.seq();
    this.#hierarchy ??= { device, changes: [] };
    this.#hierarchy.changes.push({ kind, folder, movedFrom });
  }

  putDevice(device: Device): void {
    this.#put(rows.device, rows.device.key(this.context.nameKey(device.id)), device);
    this.#tx.touch(this.context.part, mailboxTopic);
  }

  async deleteDevice(id: DeviceId): Promise<boolean> {
    const name = this.context.nameKey(id);
    const range = { ...rows.syncState.range(name), limit: statesAtOnce };
    const states = await this.#tx.page(this.context.part, range);
    for (const [key] of states.rows) this.#del(key);
    if (states.next !== undefined) return false;
    this.#del(rows.folderSyncState.key(name, u8(0)));
    this.#del(rows.folderSyncState.key(name, u8(1)));
    this.#del(rows.cachedRequests.key(name));
    this.#del(rows.device.key(name));
    this.#tx.touch(this.context.part, mailboxTopic);
    return true;
  }

  putSyncState(device: DeviceId, folder: FolderId, state: SyncState): void {
    const of = this.context.nameKey(device);
    this.#put(rows.syncState, rows.syncState.key(of, u32(folder), u8(state.number & 1)), {
      ...state,
      epoch: this.context.epoch,
    });
  }

  deleteSyncStates(device: DeviceId, folder: FolderId): void {
    const of = this.context.nameKey(device);
    this.#del(rows.syncState.key(of, u32(folder), u8(0)));
    this.#del(rows.syncState.key(of, u32(folder), u8(1)));
  }

  putFolderSyncState(device: DeviceId, state: FolderSyncState): void {
    const of = this.context.nameKey(device);
    this.#put(rows.folderSyncState, rows.folderSyncState.key(of, u8(state.number & 1)), {
      ...state,
      epoch: this.context.epoch,
    });
  }

  putCachedRequests(device: DeviceId, requests: CachedRequests): void {
    this.#put(rows.cachedRequests, rows.cachedRequests.key(this.context.nameKey(device)), requests);
  }

  putAutomaticReply({ internal, external, ...reply }: StoredAutomaticReply): void {
    this.#put(rows.automaticReply, rows.automaticReply.key(u8(0)), { kind: 'reply', ...reply });
    this.#put(rows.automaticReply, rows.automaticReply.key(u8(1)), { kind: 'text', ...internal });
    this.#put(rows.automaticReply, rows.automaticReply.key(u8(2)), { kind: 'text', ...external });
  }

  putMailRules(mailRules: readonly MailRule[]): void {
    this.#put(rows.mailRules, rows.mailRules.key(), mailRules);
  }

  async conversationMove(id: Uint8Array): Promise<FolderId | undefined> {
    // Whoever adds an item reads this record anyway.
    if ((await this.#loadUsage()).hasMoves === undefined) return undefined;
    return moveAt(this.#tx, this.context.sealer, this.context.part, this.#moveKey(id));
  }

  async putConversationMove(id: Uint8Array, to: FolderId | undefined): Promise<void> {
    const key = this.#moveKey(id);
    if (to === undefined) {
      this.#del(key);
      return;
    }
    const move = { folder: to, seq: await this.seq() };
    await putMove(this.#tx, this.context.sealer, this.context.part, key, move);
    this.#setUsage({ ...(await this.#loadUsage()), hasMoves: true });
  }

  putRecipientCache(cache: RecipientCache): void {
    this.#put(rows.recipientCache, rows.recipientCache.key(), cache);
    this.#tx.touch(this.context.part, recipientCacheFolder);
  }

  putMarker(acceptId: string, left: string): void {
    const expiresMs = this.#nowMs + markerLifeMs;
    const key = rows.marker.key(this.context.nameKey(acceptId));
    this.#put(rows.marker, key, { left, expiresMs });
  }

  async putQuotaWarning(warnedAtBytes: number): Promise<void> {
    this.#setUsage({ ...(await this.#loadUsage()), warnedAtBytes });
  }

  /** What it holds now, if that is more than before. */
  get growth(): MailboxGrowth | undefined {
    if (this.#grownBytes <= 0 || this.#usage === undefined) return undefined;
    const { bytes, warnedAtBytes } = this.#usage;
    return { ref: this.#ref, bytes, warnedAtBytes };
  }

  /** Writes what was gathered: the log entries and the usage. Called once, at the end of the transaction. */
  async flush(): Promise<void> {
    for (const [folder, entry] of this.#changes) {
      this.#put(rows.change, rows.change.key(u32(folder), u64(await this.seq())), entry);
      this.#tx.touch(this.context.part, folder);
    }
    if (this.#hierarchy !== undefined) {
      this.#put(rows.hierarchy, rows.hierarchy.key(u64(await this.seq())), this.#hierarchy);
      this.#tx.touch(this.context.part, mailboxTopic);
    }
    for (let n = 0; n < this.#deletedFolders.length; n += foldersOfTask) {
      const about = encodeFolders(this.#deletedFolders.slice(n, n + foldersOfTask));
      this.#schedule(TaskKind.EmptyFolders, about, this.#nowMs);
      this.#tx.touch(taskShard(this.#ref), dueTopic);
    }
    if (this.#usageChanged && this.#usage !== undefined) {
      this.#put(rows.usage, rows.usage.key(), this.#usage);
    }
  }

  #put<T>(
    row: { encode(sealer: MailboxContext['sealer'], part: Part, key: Bytes, value: T): Bytes },
    key: Bytes,
    value: T,
  ): void {
    const { part, sealer } = this.context;
    this.#tx.put(part, key, row.encode(sealer, part, key, value));
  }

  #del(key: Bytes): void {
    this.#tx.del(this.context.part, key);
  }

  #putItem(folder: FolderId, id: ItemId, record: ItemRecord): void {
    this.#put(rows.item, rows.item.key(u32(folder), u64(id)), record);
    this.#put(rows.place, rows.place.key(u32(folder), u64(placeTime(record.receivedMs)), u64(id)), null);
  }

  #removeFromFolder(item: Item): void {
    this.#del(rows.item.key(u32(item.folder), u64(item.id)));
    this.#del(rows.place.key(u32(item.folder), u64(placeTime(item.receivedMs)), u64(item.id)));
    this.#removeConversation(item);
  }

  #putConversation(item: Pick<Item, 'folder' | 'receivedMs' | 'id' | 'conversationId'>): void {
    this.#put(rows.conversation, this.#conversationKey(item), null);
  }

  #removeConversation(item: Item): void {
    this.#del(this.#conversationKey(item));
  }

  #conversationKey(item: Pick<Item, 'folder' | 'receivedMs' | 'id' | 'conversationId'>): Bytes {
    return conversationKey(this.context.nameKey(conversationName(item.conversationId)), item);
  }

  #moveKey(id: Uint8Array): Bytes {
    return rows.conversationMove.key(this.context.nameKey(conversationName(id)));
  }

  #putBody(id: ItemId, size: number, body: NewBody): void {
    putBody(this.#tx, { ...this.context, ref: this.#ref, nowMs: this.#nowMs }, { id, size, body });
  }

  #removeBody({ id, body }: Item): void {
    if (body.kind === 'inline') {
      this.#del(rows.body.key(u64(id)));
      return;
    }
    if (body.isFramed === true) this.#del(rows.frame.key(u64(id)));
    this.#schedule(TaskKind.UnlinkBlob, body.id, this.#nowMs + unlinkDelayMs);
  }

  #recordOf(item: Item): ItemRecord {
    const { id: _id, folder: _folder, envelope, ...rest } = item;
    return { ...rest, envelope: isLongEnvelope(envelope) ? undefined : envelope };
  }

  #requireTaskShard(): void {
    if (!this.#hasTaskShard) throw new NeedsTaskShard();
  }

  #schedule(kind: TaskKind, ref: Bytes, dueMs: number): void {
    this.#requireTaskShard();
    putTask(this.#tx, this.context.sealer, this.#ref, { kind, about: ref, dueMs });
  }

  #log(folder: FolderId, change: ItemChange, device: DeviceId | undefined): void {
    const entry = this.#changes.get(folder);
    if (entry === undefined) {
      this.#changes.set(folder, { device, changes: [change] });
    } else {
      entry.changes.push(change);
    }
  }

  async #loadUsage(): Promise<UsageRecord> {
    this.#usage ??= await this.usageRecord();
    return this.#usage;
  }

  #setUsage(usage: UsageRecord): void {
    this.#usage = usage;
    this.#usageChanged = true;
  }

  async #count(bytes: number, items: number): Promise<void> {
    const usage = await this.#loadUsage();
    this.#grownBytes += bytes;
    const counted = { ...usage, bytes: usage.bytes + bytes, items: usage.items + items };
    const isBelow = counted.bytes < (counted.warnedAtBytes ?? 0);
    this.#setUsage(isBelow ? { ...counted, warnedAtBytes: undefined } : counted);
  }
}

/** Reads the rows of one mailbox, through the store (what is durable) or through a transaction. */
import type { ReplyText, StoredAutomaticReply } from '#domain/automatic-reply';
import type { FolderChange, HierarchyChange, Position } from '#domain/change';
import type { ConversationPlace, ConversationRange } from '#domain/conversation';
import type { Device } from '#domain/device';
import { DomainError } from '#domain/errors';
import type { Folder } from '#domain/folder';
import type { DeviceId, FolderId, ItemId } from '#domain/ids';
import type { Item, ItemDetail } from '#domain/item';
import type { MailRule } from '#domain/mail-rule';
import type { MailboxReader, PageOf } from '#domain/ports';
import { emptyRecipientCache, type RecipientCache } from '#domain/recipient-cache';
import type { CachedRequests, FolderSyncState, SyncedFolder, SyncState } from '#domain/sync-state';
import { conversationBounds, conversationName, conversationPlaceOf } from './conversations.ts';
import { u8, u32, u64 } from './keys.ts';
import { mailboxRows as rows } from './layout.ts';
import { placeTime } from './place-time.ts';
import type { BodyFrame, DetailRecord, ItemRecord, UsageRecord } from './records/mail.ts';
import type { Row, Sealer } from './rows.ts';
import type { Bytes, Page, Part, Range, Reader } from './store.ts';

/** Up to so many numbers of the log are looked for one by one. */
const fewSeqs = 8;

/** What keys and rows of a mailbox need beside the rows themselves. */
export interface MailboxContext {
  readonly part: Part;
  readonly sealer: Sealer;
  /** The store's epoch: states of an earlier one are forgotten, because changes they speak of may be lost. */
  readonly epoch: number;
  /** HMAC of a name under the organisation's key, for use in keys. */
  readonly nameKey: (name: string) => Bytes;
}

export class StoredMailbox implements MailboxReader {
  protected readonly context: MailboxContext;
  readonly #reader: Reader;
  readonly #lastSeq: () => Promise<number>;

  constructor(context: MailboxContext, reader: Reader, lastSeq: () => Promise<number>) {
    this.context = context;
    this.#reader = reader;
    this.#lastSeq = lastSeq;
  }

  lastSeq(): Promise<number> {
    return this.#lastSeq();
  }

  async folders(): Promise<readonly Folder[]> {
    const found: Folder[] = [];
    for await (const { key, value } of this.all(rows.folder, rows.folder.range())) {
      found.push({ id: u32.read(key, 1) as FolderId, ...value });
    }
    return found;
  }

  async folder(id: FolderId): Promise<Folder | undefined> {
    const value = await this.get(rows.folder, rows.folder.key(u32(id)));
    return value && { id, ...value };
  }

  async hierarchyChanges(after: number): Promise<PageOf<HierarchyChange, number>> {
    const { lt } = rows.hierarchy.range();
    const page = await this.page(rows.hierarchy, { gte: rows.hierarchy.key(u64(after + 1)), lt });
    const found = page.rows.map(({ key, value }) => ({ seq: u64.read(key, 1), ...value }));
    return page.next ? { rows: found, next: seqBefore(page.next, 1) } : { rows: found };
  }

  async item(folder: FolderId, id: ItemId): Promise<Item | undefined> {
    const [item] = await this.items(folder, [id]);
    return item;
  }

  async items(folder: FolderId, ids: readonly ItemId[]): Promise<(Item | undefined)[]> {
    const records = await this.getMany(
      rows.item,
      ids.map((id) => rows.item.key(u32(folder), u64(id))),
    );
    return Promise.all(
      ids.map((id, i) => {
        const record = records[i];
        return record && this.#itemOf(folder, id, record);
      }),
    );
  }

  async list(
    folder: FolderId,
    range: {
      readonly from: Position;
      readonly to: Position;
      readonly limit: number;
      readonly reverse?: boolean;
    },
  ): Promise<readonly Position[]> {
    const found: Position[] = [];
    const bound = (at: Position): Bytes =>
      at.receivedMs < 0
        ? rows.place.range(u32(folder)).lt
        : rows.place.key(u32(folder), u64(placeTime(at.receivedMs)), u64(at.item));
    const reverse = range.reverse === true;
    let { gte, lt } = { gte: bound(range.from), lt: bound(range.to) };
    while (found.length < range.limit) {
      const page = await this.#reader.page(this.context.part, {
        gte,
        lt,
        limit: Math.min(1000, range.limit - found.length),
        reverse,
      });
      for (const [key] of page.rows) {
        found.push({ receivedMs: Number.MAX_SAFE_INTEGER - u64.read(key, 5), item: u64.read(key, 13) });
      }
      if (page.next === undefined) {
        break;
      }
      if (reverse) {
        lt = page.next;
      } else {
        gte = page.next;
      }
    }
    return found;
  }

  async changes(folder: FolderId, after: number, limit: number): Promise<PageOf<FolderChange, number>> {
    const since = (await this.lastSeq()) - after;
    if (since <= Math.min(limit, fewSeqs)) return { rows: await this.#changesAt(folder, after + 1, since) };
    const { lt } = rows.change.range(u32(folder));
    const page = await this.page(rows.change, {
      gte: rows.change.key(u32(folder), u64(after + 1)),
      lt,
      limit,
    });
    const found = page.rows.map(({ key, value }) => ({ folder, seq: u64.read(key, 5), ...value }));
    return page.next ? { rows: found, next: seqBefore(page.next, 5) } : { rows: found };
  }

  /** The entries of so many numbers: to look for each takes less than an iterator, which is two trips to a thread. */
  async #changesAt(folder: FolderId, first: number, count: number): Promise<FolderChange[]> {
    const seqs = Array.from({ length: Math.max(0, count) }, (_, n) => first + n);
    const found = await this.getMany(
      rows.change,
      seqs.map((seq) => rows.change.key(u32(folder), u64(seq))),
    );
    return seqs.flatMap((seq, n) => {
      const entry = found[n];
      return entry === undefined ? [] : [{ folder, seq, ...entry }];
    });
  }

  async changesCompleteFrom(folder: FolderId): Promise<number> {
    return (await this.get(rows.trimmed, rows.trimmed.key(u32(folder)))) ?? 0;
  }

  async conversation(id: Uint8Array, range?: ConversationRange): Promise<readonly ConversationPlace[]> {
    const whole = await this.get(rows.conversationsWhole, rows.conversationsWhole.key());
    if (whole === undefined) throw new DomainError('server/busy', 'Conversations are still being gathered.');
    const { gte: from, lt } = conversationBounds(this.context.nameKey(conversationName(id)), range);
    const limit = range?.limit ?? Number.POSITIVE_INFINITY;
    const found: ConversationPlace[] = [];
    for (let gte: Bytes | undefined = from; gte !== undefined && found.length < limit; ) {
      const size = Math.min(1000, limit - found.length);
      const page: Page = await this.#reader.page(this.context.part, { gte, lt, limit: size });
      for (const [key] of page.rows) found.push(conversationPlaceOf(key));
      gte = page.next;
    }
    return found;
  }

  async details(ids: readonly ItemId[]): Promise<(ItemDetail | undefined)[]> {
    const records = await this.detailRecords(ids);
    return records.map((record) => record?.detail);
  }

  inlineBodies(ids: readonly ItemId[]): Promise<(Uint8Array | undefined)[]> {
    return this.getMany(
      rows.body,
      ids.map((id) => rows.body.key(u64(id))),
    );
  }

  /** What stands around the large body of an item that says so. */
  async frame(id: ItemId): Promise<BodyFrame> {
    const frame = await this.get(rows.frame, rows.frame.key(u64(id)));
    if (frame === undefined) throw new Error(`what stands around the body of item ${id} is gone`);
    return frame;
  }

  device(id: DeviceId): Promise<Device | undefined> {
    return this.get(rows.device, rows.device.key(this.context.nameKey(id)));
  }

  async devices(): Promise<readonly Device[]> {
    const found: Device[] = [];
    for await (const { value } of this.all(rows.device, rows.device.range())) {
      found.push(value);
    }
    return found;
  }

  async syncStates(device: DeviceId, folder: FolderId): Promise<readonly SyncState[]> {
    const of = this.context.nameKey(device);
    const states = await this.getMany(
      rows.syncState,
      [0, 1].map((generation) => rows.syncState.key(of, u32(folder), u8(generation))),
    );
    return this.#ofThisEpoch(states);
  }

  async syncedFolders(device: DeviceId): Promise<readonly SyncedFolder[]> {
    const newest = new Map<FolderId, SyncState>();
    for await (const { key, value } of this.all(
      rows.syncState,
      rows.syncState.range(this.context.nameKey(device)),
    )) {
      const folder = u32.read(key, 17) as FolderId;
      if (value.epoch === this.context.epoch && value.number > (newest.get(folder)?.number ?? 0)) {
        newest.set(folder, value);
      }
    }
    return [...newest].map(([folder, state]) => ({ folder, state }));
  }

  async folderSyncStates(device: DeviceId): Promise<readonly FolderSyncState[]> {
    const of = this.context.nameKey(device);
    const states = await this.getMany(
      rows.folderSyncState,
      [0, 1].map((generation) => rows.folderSyncState.key(of, u8(generation))),
    );
    return this.#ofThisEpoch(states);
  }

  async cachedRequests(device: DeviceId): Promise<CachedRequests> {
    const key = rows.cachedRequests.key(this.context.nameKey(device));
    return (await this.get(rows.cachedRequests, key)) ?? {};
  }

  async usage(): Promise<{ bytes: number; items: number; warnedAtBytes?: number | undefined }> {
    const { bytes, items, warnedAtBytes } = await this.usageRecord();
    return { bytes, items, ...(warnedAtBytes !== undefined && { warnedAtBytes }) };
  }

  async automaticReply(): Promise<StoredAutomaticReply | undefined> {
    const [reply, internal, external] = await this.getMany(
      rows.automaticReply,
      [0, 1, 2].map((n) => rows.automaticReply.key(u8(n))),
    );
    if (reply?.kind !== 'reply' || internal?.kind !== 'text' || external?.kind !== 'text') return undefined;
    const { kind: _kind, ...rest } = reply;
    return { ...rest, internal: textOf(internal), external: textOf(external) };
  }

  async mailRules(): Promise<readonly MailRule[]> {
    return (await this.get(rows.mailRules, rows.mailRules.key())) ?? [];
  }

  async recipientCache(): Promise<RecipientCache> {
    return (await this.get(rows.recipientCache, rows.recipientCache.key())) ?? emptyRecipientCache;
  }

  async marker(acceptId: string): Promise<string | undefined> {
    return (await this.get(rows.marker, rows.marker.key(this.context.nameKey(acceptId))))?.left;
  }

  protected async usageRecord(): Promise<UsageRecord> {
    return (await this.get(rows.usage, rows.usage.key())) ?? { bytes: 0, items: 0, nextFolder: 1 };
  }

  protected detailRecords(ids: readonly ItemId[]): Promise<(DetailRecord | undefined)[]> {
    return this.getMany(
      rows.detail,
      ids.map((id) => rows.detail.key(u64(id))),
    );
  }

  protected async get<T>(row: Pick<Row<never, T>, 'decode'>, key: Bytes): Promise<T | undefined> {
    const stored = await this.#reader.get(this.context.part, key);
    return stored && row.decode(this.context.sealer, this.context.part, key, stored);
  }

  protected async getMany<T>(
    row: Pick<Row<never, T>, 'decode'>,
    keys: readonly Bytes[],
  ): Promise<(T | undefined)[]> {
    if (keys.length === 0) return [];
    const stored = await this.#reader.getMany(this.context.part, keys);
    return stored.map((value, i) => {
      const key = keys[i];
      return value && key && row.decode(this.context.sealer, this.context.part, key, value);
    });
  }

  protected async page<T>(
    row: Pick<Row<never, T>, 'decode'>,
    range: Range,
  ): Promise<{ rows: { key: Bytes; value: T }[]; next?: Bytes }> {
    const page = await this.#reader.page(this.context.part, range);
    const found = page.rows.map(([key, stored]) => ({
      key,
      value: row.decode(this.context.sealer, this.context.part, key, stored),
    }));
    return page.next ? { rows: found, next: page.next } : { rows: found };
  }

  /** Every row of a range, page by page. */
  protected async *all<T>(
    row: Pick<Row<never, T>, 'decode'>,
    range: Range,
  ): AsyncIterable<{ key: Bytes; value: T }> {
    for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
      const page: { rows: { key: Bytes; value: T }[]; next?: Bytes } = await this.page(row, {
        gte,
        lt: range.lt,
      });
      yield* page.rows;
      gte = page.next;
    }
  }

  /** Newest first. */
  #ofThisEpoch<T extends { readonly epoch: number; readonly number: number }>(
    states: readonly (T | undefined)[],
  ): T[] {
    return states
      .filter((state) => state?.epoch === this.context.epoch)
      .filter((state) => state !== undefined)
      .sort((a, b) => b.number - a.number);
  }

  async #itemOf(folder: FolderId, id: ItemId, record: ItemRecord): Promise<Item> {
    if (record.envelope !== undefined) {
      return { ...record, envelope: record.envelope, id, folder };
    }
    const [detail] = await this.detailRecords([id]);
    if (detail?.envelope === undefined) {
      throw new Error(`item ${id} has lost its envelope`);
    }
    return { ...record, envelope: detail.envelope, id, folder };
  }
}

function textOf({ message, bodyType }: ReplyText): ReplyText {
  return { message, bodyType };
}

/** The last number before a bound to go on with, which is a key of the log, or behind one: the key with more bytes. */
function seqBefore(bound: Bytes, at: number): number {
  const seq = u64.read(bound, at);
  return bound.length > at + u64.width ? seq : seq - 1;
}

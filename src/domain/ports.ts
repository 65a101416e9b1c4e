/** What the domain needs remembered, in its own words; storage implements it. */
import type { StoredAutomaticReply } from './automatic-reply.ts';
import type { FolderChange, FolderStep, HierarchyChange, Position } from './change.ts';
import type { ConversationPlace, ConversationRange } from './conversation.ts';
import type { Device } from './device.ts';
import type { Folder } from './folder.ts';
import type { DeviceId, FolderId, ItemId, MailboxId, MailboxRef, OrganizationId, QueueId } from './ids.ts';
import type { Item, ItemDetail, ItemMarks, NewItem } from './item.ts';
import type { MailArrival } from './mail-arrival.ts';
import type { MailRule } from './mail-rule.ts';
import type { NewOutboundMail, OutboundMail } from './outbound.ts';
import type { RecipientCache } from './recipient-cache.ts';
import type { CachedRequests, FolderSyncState, SyncedFolder, SyncState } from './sync-state.ts';

/** A page of something read in order; `next` is where to go on, absent at the end. */
export interface PageOf<T, Next> {
  readonly rows: readonly T[];
  readonly next?: Next;
}

/** What a mailbox holds. Reads in a transaction see its own writes. */
export interface MailboxReader {
  /** The newest sequence number taken. */
  lastSeq(): Promise<number>;
  folders(): Promise<readonly Folder[]>;
  folder(id: FolderId): Promise<Folder | undefined>;
  /** Hierarchy changes after `seq`, oldest first. */
  hierarchyChanges(after: number): Promise<PageOf<HierarchyChange, number>>;
  item(folder: FolderId, id: ItemId): Promise<Item | undefined>;
  items(folder: FolderId, ids: readonly ItemId[]): Promise<(Item | undefined)[]>;
  /** Places in the list from `from` (included) up to `to` (not included), or backwards from `to`. */
  list(
    folder: FolderId,
    range: {
      readonly from: Position;
      readonly to: Position;
      readonly limit: number;
      readonly reverse?: boolean;
    },
  ): Promise<readonly Position[]>;
  /** Changes in a folder after `seq`, oldest first. */
  changes(folder: FolderId, after: number, limit: number): Promise<PageOf<FolderChange, number>>;
  /** The oldest sequence number from which the change log of this folder is complete; 0 if never trimmed. */
  changesCompleteFrom(folder: FolderId): Promise<number>;
  /**
   * Where the items of a conversation are (all of them, if no range is given): by folder, the newest first in each. Throws
   * `server/busy` as long as items that an older version stored are not among them.
   */
  conversation(id: Uint8Array, range?: ConversationRange): Promise<readonly ConversationPlace[]>;
  details(ids: readonly ItemId[]): Promise<(ItemDetail | undefined)[]>;
  /** The raw messages of items with inline bodies. */
  inlineBodies(ids: readonly ItemId[]): Promise<(Uint8Array | undefined)[]>;
  device(id: DeviceId): Promise<Device | undefined>;
  devices(): Promise<readonly Device[]>;
  /** Both generations of what the device holds of the folder, newest first. */
  syncStates(device: DeviceId, folder: FolderId): Promise<readonly SyncState[]>;
  /** Every folder the device has a state of. */
  syncedFolders(device: DeviceId): Promise<readonly SyncedFolder[]>;
  folderSyncStates(device: DeviceId): Promise<readonly FolderSyncState[]>;
  cachedRequests(device: DeviceId): Promise<CachedRequests>;
  /**
   * Stored bytes and number of items; and from how many bytes on its owner was told that it is almost full, which is forgotten
   * when it is below that.
   */
  usage(): Promise<{
    readonly bytes: number;
    readonly items: number;
    readonly warnedAtBytes?: number | undefined;
  }>;
  /** Undefined if none was ever put. */
  automaticReply(): Promise<StoredAutomaticReply | undefined>;
  /** In their order. */
  mailRules(): Promise<readonly MailRule[]>;
  /** Empty if its owner has written to nobody. */
  recipientCache(): Promise<RecipientCache>;
  /** Whether this acceptance (a delivery, a SendMail) is already in the mailbox, and what it left. */
  marker(acceptId: string): Promise<string | undefined>;
}

/** One mailbox in a transaction. */
export interface MailboxTx extends MailboxReader {
  /** Whether one more item can be changed, whatever its size; where it cannot, the rest goes into another transaction. */
  hasRoom(): boolean;
  /** This transaction's sequence number in the mailbox. */
  seq(): Promise<number>;
  putFolder(folder: Folder): void;
  /** Deletes a folder, which nothing finds any more; the items in it go by and by, with what devices hold of it. */
  deleteFolder(id: FolderId): void;
  /** The next folder number, never used before. */
  nextFolderId(): Promise<FolderId>;
  /** Stores a new item and logs its Add; its id is unique in the mailbox. */
  addItem(folder: FolderId, item: NewItem, device?: DeviceId): Promise<Item>;
  /** Stores new marks and logs the Change; `what` is the OR of Changed. */
  markItem(item: Item, marks: ItemMarks, what: number, device?: DeviceId): Promise<Item>;
  /**
   * Puts new content in the place of an item's, which keeps its id, its place in the list and `receivedMs`; logs a Change of
   * everything. The old body is let go.
   */
  replaceItem(item: Item, content: NewItem, device?: DeviceId): Promise<Item>;
  /** Moves an item, keeping its id; logs Delete here (as the device's) and Add there (as nobody's: the mover is told too). */
  moveItem(item: Item, to: FolderId, device?: DeviceId): Promise<Item>;
  /** Deletes an item and its body; logs the Delete. */
  deleteItem(item: Item, device?: DeviceId): Promise<void>;
  /** Logs a change of the folder tree. */
  logHierarchy(
    kind: FolderStep['kind'],
    folder: FolderId,
    device?: DeviceId,
    movedFrom?: FolderId,
  ): Promise<void>;
  putDevice(device: Device): void;
  /** Forgets states of the device, and with the last of them the device; false if there are more than one transaction takes. */
  deleteDevice(id: DeviceId): Promise<boolean>;
  putSyncState(device: DeviceId, folder: FolderId, state: SyncState): void;
  /** Forgets both generations. */
  deleteSyncStates(device: DeviceId, folder: FolderId): void;
  putFolderSyncState(device: DeviceId, state: FolderSyncState): void;
  putCachedRequests(device: DeviceId, requests: CachedRequests): void;
  putAutomaticReply(reply: StoredAutomaticReply): void;
  /** Puts these in the place of all there are; at most 56 KiB of them. */
  putMailRules(rules: readonly MailRule[]): void;
  /** Where new items of a conversation go; undefined: where they would go anyway. Costs nothing where none was ever moved. */
  conversationMove(id: Uint8Array): Promise<FolderId | undefined>;
  /** Undefined forgets it. A thousand are remembered; with more, the one that was put longest ago is forgotten. */
  putConversationMove(id: Uint8Array, to: FolderId | undefined): Promise<void>;
  /** At most 16 KiB of it. */
  putRecipientCache(cache: RecipientCache): void;
  /** Remembers that its owner is told. */
  putQuotaWarning(warnedAtBytes: number): Promise<void>;
  /** Remembers an acceptance and what it left; kept 30 days. */
  putMarker(acceptId: string, left: string): void;
}

/** A body being written outside the rows, before the transaction that names it. */
export interface BodyWriter {
  append(chunk: Uint8Array): Promise<void>;
  /** Durable when it resolves: the id to put into NewItem.body. */
  finish(): Promise<StoredBody>;
  abort(): Promise<void>;
}

/** Wakes a waiting request: `folder` is undefined when the folder tree or something of the device changed. */
export type MailboxWatcher = (folder: FolderId | undefined) => void;

export interface MailStore {
  /** These reads see what is durable. */
  mailbox(ref: MailboxRef): MailboxReader;
  /**
   * One decision on the mailboxes listed: lands together, durable when it resolves, or not at all. `decide` may run
   * again. `bodies` names the large bodies it adds items with, `mails` what it does something to in the outbound queue,
   * `messages` what it accepts for later delivery.
   */
  transact<T>(
    mailboxes: readonly MailboxRef[],
    decide: (of: (ref: MailboxRef) => MailboxTx, outbound: OutboundTx) => Promise<T>,
    bodies?: readonly StoredBody[],
    mails?: readonly (OutboundMail | NewOutboundMail)[],
    messages?: readonly QueuedMessage[],
  ): Promise<T>;
  /** Whether one transaction can hold this item for so many mailboxes. */
  fitsOneTransaction(item: NewItem, mailboxes: number): boolean;
  /** Calls back after each durable change. */
  watch(ref: MailboxRef, watcher: MailboxWatcher): () => void;
  /** The raw message or a byte range [start, end) of it. */
  openBody(ref: MailboxRef, item: Item, range?: readonly [number, number]): AsyncIterable<Uint8Array>;
  writeBody(organization: OrganizationId): BodyWriter;
  /** Bytes [start, end) of a body that no row names yet. */
  readBody(body: StoredBody, range: readonly [number, number]): AsyncIterable<Uint8Array>;
  /** Forgets a body that no row names, and none will. */
  discardBody(body: StoredBody): Promise<void>;
  /** Bodies for so many mailboxes that are larger than this many bytes are written with `writeBody`. */
  inlineBodyBytes(mailboxes: number): number;
  /** Makes the folders of a new mailbox; nothing happens if it is there. */
  createMailbox(ref: MailboxRef): Promise<void>;
  /** Accepts messages for later delivery, one for each organisation, and for other servers: durable together when it resolves. */
  enqueue(messages: readonly QueuedMessage[], mails?: readonly NewOutboundMail[]): Promise<void>;
  /** Messages whose delivery is due at `nowMs`; claimed until `leaseMs` from then. */
  claimQueued(nowMs: number, leaseMs: number, limit: number): Promise<readonly QueuedMessage[]>;
  /** Takes a message whose recipients all have it out of the queue. */
  dequeue(message: QueuedMessage): Promise<void>;
}

/** The queues in a transaction. */
export interface OutboundTx {
  /** Accepts messages for later delivery. */
  enqueue(messages: readonly QueuedMessage[]): void;
  /** A mail that is queued already (by an earlier run of the same request) stays as it is. */
  put(mail: NewOutboundMail): Promise<void>;
  /** Puts `next` in the place of a mail, or takes it out; false if it is not queued any more, and nothing is done. */
  replace(mail: OutboundMail, next: OutboundMail | undefined): Promise<boolean>;
  /** Makes a mail due at `dueMs`, unless an attempt is under way; gives it as it is then, undefined if it is not queued any more. */
  hasten(mail: OutboundMail, dueMs: number): Promise<OutboundMail | undefined>;
}

/** A destination and when its first mail is due. */
export interface DueDestination {
  readonly destination: string;
  readonly dueMs: number;
}

/** Mail queued for other servers. `owner` names a life of this process. */
export interface OutboundStore {
  /** Frees what earlier owners held (it is due at `nowMs`), and gives every destination that has mail. */
  recover(owner: string, nowMs: number): Promise<readonly DueDestination[]>;
  /**
   * Takes the first mails of a destination that are due: nobody else is given them. Also tells when the next one is due.
   * What it gives is durable; that it is held may be undone by a crash.
   */
  claim(
    destination: string,
    held: { readonly nowMs: number; readonly owner: string },
  ): Promise<{ readonly mails: readonly OutboundMail[]; readonly nextDueMs: number | undefined }>;
  /** Replaces a mail by what is left of it; undefined ends it. False if it is gone. Resolves when that is durable. */
  replace(mail: OutboundMail, next: OutboundMail | undefined): Promise<boolean>;
  get(id: QueueId): Promise<OutboundMail | undefined>;
  /** Of one organisation, in order of id, after `after`. */
  list(
    organization: OrganizationId,
    after: QueueId | undefined,
    limit: number,
  ): Promise<PageOf<OutboundMail, QueueId>>;
  /** The message without what is not sent. */
  open(mail: OutboundMail): AsyncIterable<Uint8Array>;
}

/** A message accepted for mailboxes of one organisation that get it one by one; a marker keeps a second copy out. */
export interface QueuedMessage {
  readonly id: QueueId;
  readonly organization: OrganizationId;
  readonly acceptedMs: number;
  readonly recipients: readonly MailboxId[];
  /** So many of them the header names: those behind get it as Bcc. Absent: all. */
  readonly named?: number | undefined;
  readonly item: NewItem;
  /** Under this name mailboxes remember it; its id, if absent. */
  readonly marker?: string | undefined;
  /** Absent in what an older version queued: no rule is asked, and nobody is answered. */
  readonly arrival?: MailArrival | undefined;
}

/** A large body that is durable and waits for the row that names it. */
export interface StoredBody {
  readonly organization: OrganizationId;
  readonly id: Uint8Array;
  readonly size: number;
}

import type { Position } from './change.ts';
import type { StoredFile } from './draft.ts';
import type { FolderType } from './folder.ts';
import type { FolderId, ItemId } from './ids.ts';

/** What became of an Add, kept so that a repeated request makes no second item. */
export interface StoredAdd {
  readonly clientId: string;
  readonly item: ItemId;
  /** Tells a repeated command from another one. */
  readonly fingerprint: string;
  readonly files: readonly StoredFile[];
}

/** What became of a Change of a draft, kept so that a repeated request does not add its files again. */
export interface StoredEdit {
  readonly item: ItemId;
  readonly fingerprint: string;
  readonly files: readonly StoredFile[];
}

/**
 * What a device holds of one folder: exactly the items before `walked`, as of the changes up to `seq`
 * (and the first `skip` changes of the transaction after it). Two generations are kept, by the parity of `number`.
 */
export interface SyncState {
  /** Random, made at key 0: keys of an earlier life of the folder do not match. */
  readonly nonce: string;
  /** The number in the sync key that names this state; 1 is the answer to key 0. */
  readonly number: number;
  readonly seq: number;
  readonly skip: number;
  readonly walked: Position;
  /** Adds that were due when their item was already gone: their Delete must not be sent. */
  readonly unsent: readonly ItemId[];
  /** Those of them that the device could not take: it is told of them when they change, and not before. */
  readonly passedOver?: readonly ItemId[] | undefined;
  /** Items the device deleted itself, or was sent as they were then: what the log says of them up to `seq` is past. */
  readonly past: readonly { readonly item: ItemId; readonly seq: number }[];
  /** How many times the answer that this state belongs to was worked out again, because the one before was lost. */
  readonly repeats?: number | undefined;
  /** How many more items are to come one at a time. */
  readonly careful?: number | undefined;
  /** The protocol's own text of the options in force; opaque here. */
  readonly options: string;
  /** Items behind `walked` that the device has all the same: it made them itself. */
  readonly ahead?: readonly ItemId[] | undefined;
  /** Items of which it is told its own changes, too: it was told of a conflict, and takes none of them for done. */
  readonly refused?: readonly ItemId[] | undefined;
  /** The request that this state answered did not name its key: nobody knows whether the device has the answer. */
  readonly isUnconfirmed?: true | undefined;
  /** MS-ASCMD, ConversationMode. */
  readonly byConversation?: boolean | undefined;
  readonly conversations?: HeldConversations | undefined;
  /** OR of Changed: marks that items have which the device holds, and that it knew nothing of when it was told of them. */
  readonly untold?: number | undefined;
  /** Of the recipient cache: the recipients that the device holds. */
  readonly held?: readonly number[] | undefined;
  /** Of the request that this state answered. */
  readonly adds: readonly StoredAdd[];
  readonly edits?: readonly StoredEdit[] | undefined;
}

/** The SyncKey that names a state, of a folder or of the folder tree. */
export function syncKeyOf({ nonce, number }: Pick<SyncState, 'nonce' | 'number'>): string {
  return `${nonce}.${number}`;
}

/** What a device asked to be done to the folder tree. */
export type FolderCommand =
  | { readonly kind: 'create'; readonly parent: FolderId; readonly name: string; readonly type: FolderType }
  | { readonly kind: 'update'; readonly folder: FolderId; readonly parent: FolderId; readonly name: string }
  | { readonly kind: 'delete'; readonly folder: FolderId };

/** What a device has of conversations beyond its filter, and what is left to do about them. */
export interface HeldConversations {
  /** The conversations of the mails before this place have been looked at. */
  readonly walked: Position;
  /** Each a mail inside the filter, and the older ones that the device has for it. */
  readonly groups: readonly (readonly ItemId[])[];
  /** Mails that came or went, and have not been looked at. */
  readonly due: readonly ItemId[];
  /** Older mails that are to be taken back. */
  readonly leaving: readonly ItemId[];
}

/** What a device knows of the folder tree. Two generations, by the parity of `number`. */
export interface FolderSyncState {
  readonly nonce: string;
  readonly number: number;
  readonly seq: number;
  /** Changes after `seq` that the device made itself, and knows of; those of others between them it does not. */
  readonly own?: readonly number[] | undefined;
  /** The command that this state answered, and the folder it was done to: a repeated request is told the same. */
  readonly done?: { readonly command: FolderCommand; readonly folder: FolderId } | undefined;
  /** A deletion that began from this state and takes more than one transaction: what was done of it so far. */
  readonly deleting?: { readonly folder: FolderId; readonly seqs: readonly number[] } | undefined;
  /** It was told of the recipient cache, which no change of a folder tells of. */
  readonly knowsRecipients?: true | undefined;
}

/** The last Ping and Sync a device sent whole: empty requests repeat them. MS-ASCMD, Empty Sync Request. */
export interface CachedRequests {
  readonly ping?:
    | {
        /** Undefined: none was in range so far. */
        readonly heartbeatSeconds?: number | undefined;
        readonly folders: readonly string[];
      }
    | undefined;
  /** The protocol's own bytes of the last Sync that can be repeated. */
  readonly sync?: Uint8Array | undefined;
}

/** A folder a device is synchronising, and its newest state. */
export interface SyncedFolder {
  readonly folder: FolderId;
  readonly state: SyncState;
}

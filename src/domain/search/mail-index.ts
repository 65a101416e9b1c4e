import type { FolderId, ItemId, MailboxRef } from '../ids.ts';
import type { IndexTerm } from './index-words.ts';
import type { FolderPlace } from './merged-list.ts';

/** The items of a segment: each number in it is an item, and these say which, in order of their ids. */
export interface SegmentItems {
  readonly ids: Float64Array;
  readonly receivedMs: Float64Array;
  /** Where each is; 0 if it is gone. */
  readonly folders: Uint32Array;
}

/** A part of an index. */
export interface IndexSegment {
  /** When the first and the last of its items were received. */
  readonly oldestMs: number;
  readonly newestMs: number;
  /** How many items. */
  readonly count: number;
  /** The numbers of those whose words are not known, or not any more. */
  doubtful(): Promise<readonly number[]>;
  items(): Promise<SegmentItems>;
  /** In which fields each item has the term, by number: OR of SearchField; undefined if none has it. */
  fields(term: IndexTerm): Promise<Uint8Array | undefined>;
}

/** The index of a mailbox as it was when it was opened. What it knows of folders may be newer. */
export interface MailIndex {
  /** Items from this one on are not in it; every other item is in one segment. */
  readonly end: ItemId;
  readonly segments: readonly IndexSegment[];
  /** It should be asked for, though it may cover everything. */
  readonly isNeglected: boolean;
  /** Where the items are that are not in it, in any order; undefined if there are more than `most`. */
  rest(folders: readonly FolderId[], most: number): Promise<readonly FolderPlace[] | undefined>;
}

/** The indexes of all mailboxes. */
export interface MailIndexes {
  /** Undefined if there is none that can be used. */
  open(ref: MailboxRef): Promise<MailIndex | undefined>;
  /** Wants the index of a mailbox made, or brought up to date, in the background. Costs little if it was asked for just before. */
  request(ref: MailboxRef): Promise<void>;
  /** An index that cannot be read is made anew. */
  discard(ref: MailboxRef): Promise<void>;
}

/** A part of the index was replaced while it was read, or cannot be read: open it again. */
export class IndexChangedError extends Error {
  override readonly name = 'IndexChangedError';
}

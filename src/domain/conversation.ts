import type { FolderId, ItemId } from './ids.ts';

/** An item of a conversation, and where it is. */
export interface ConversationPlace {
  readonly folder: FolderId;
  readonly item: ItemId;
  readonly receivedMs: number;
}

/** A part of a conversation. */
export interface ConversationRange {
  readonly folder: FolderId;
  /** Only items received before this (ms since the epoch). */
  readonly beforeMs?: number | undefined;
  readonly limit?: number | undefined;
}

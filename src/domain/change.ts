import type { DeviceId, FolderId, ItemId } from './ids.ts';

export const ChangeKind = { Add: 1, Change: 2, Delete: 3 } as const;
export type ChangeKind = (typeof ChangeKind)[keyof typeof ChangeKind];

/** What of an item changed: bits, so that changes of one item fold by OR. */
export const Changed = { Read: 1, Flag: 2, Categories: 4, Rest: 8, LastVerb: 16 } as const;

/** One item's part of a change. `receivedMs` places it, so that a client without it (filter) is not told. */
export interface ItemChange {
  readonly kind: ChangeKind;
  readonly item: ItemId;
  readonly receivedMs: number;
  /** OR of Changed; 0 for Add and Delete. */
  readonly what: number;
}

/** What one transaction did in one folder, and which device asked for it. */
export interface FolderChange {
  readonly folder: FolderId;
  readonly seq: number;
  readonly device?: DeviceId | undefined;
  readonly changes: readonly ItemChange[];
}

/** One folder's part of a change of the folder tree. */
export interface FolderStep {
  readonly kind: ChangeKind;
  readonly folder: FolderId;
  /** The folder it stood in before it was moved; absent if it was not. */
  readonly movedFrom?: FolderId | undefined;
}

/** What one transaction did to the folder tree. */
export interface HierarchyChange {
  readonly seq: number;
  readonly device?: DeviceId | undefined;
  readonly changes: readonly FolderStep[];
}

/**
 * A place in a folder's list by date, newest first: by falling `receivedMs`, then by rising item.
 * A client holds the items before such a place.
 */
export interface Position {
  readonly receivedMs: number;
  readonly item: number;
}

/** Before every item, and behind every item. */
export const listStart: Position = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
export const listEnd: Position = { receivedMs: -1, item: 0 };

/** Negative if `a` stands before `b` in the list. */
export function comparePositions(a: Position, b: Position): number {
  return b.receivedMs - a.receivedMs || a.item - b.item;
}

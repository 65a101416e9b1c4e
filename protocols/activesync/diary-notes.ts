import type { DiaryCollection } from '#domain/sync-diary';
import type { Tag } from './wbxml/code-page.ts';
import { AirSync } from './wbxml/code-pages/air-sync.ts';
import { FolderHierarchy } from './wbxml/code-pages/folder-hierarchy.ts';
import { GetItemEstimate } from './wbxml/code-pages/get-item-estimate.ts';
import { ItemOperations } from './wbxml/code-pages/item-operations.ts';
import { Move } from './wbxml/code-pages/move.ts';
import { Ping } from './wbxml/code-pages/ping.ts';
import { child, childrenOf, type Element, has, integerOf, textOf } from './wbxml/element.ts';

/** What the diary says of documents: collections, keys, numbers of items; nothing that anybody wrote. */

/** Of one request at most so many collections are told. */
const maxCollections = 10;
const maxId = 64;
/** A key's end tells it from the one before. */
const keyEnd = 8;

/** Collections, and how many more there were. */
export interface CollectionNotes {
  readonly collections: readonly DiaryCollection[];
  readonly more: number;
}

export const noNotes: CollectionNotes = { collections: [], more: 0 };

/** What a request says of its collections. A request that waits keeps this. */
export function notesOfRequest(root: Element): CollectionNotes {
  return bounded(readRequest(root));
}

/** The same with what the answer says of them; those it does not name stay as they were asked for. */
export function notesOfAnswer(asked: CollectionNotes, root: Element): CollectionNotes {
  const answered = readAnswer(root);
  const merged = answered.map((one) => ({ ...asked.collections.find(({ id }) => id === one.id), ...one }));
  const rest = asked.collections.filter(({ id }) => answered.every((one) => one.id !== id));
  const { collections, more } = bounded([...merged, ...rest]);
  const unseen = Math.max(0, asked.collections.length + asked.more - merged.length - rest.length);
  return { collections, more: more + unseen };
}

/** The Status right under the root. */
export function statusOfAnswer(root: Element): number | undefined {
  const status = root.children.find(({ tag }) => tag.name === 'Status');
  return status === undefined ? undefined : integerOf(root, status.tag);
}

function readRequest(root: Element): DiaryCollection[] {
  switch (root.tag) {
    case AirSync.Sync:
      return childrenOf(child(root, AirSync.Collections), AirSync.Collection).map((one) => ({
        ...named(one, AirSync.CollectionId),
        keyIn: keyOf(one, AirSync.SyncKey),
        received: child(one, AirSync.Commands)?.children.length,
      }));
    case FolderHierarchy.FolderSync:
      return [{ id: '0', keyIn: keyOf(root, FolderHierarchy.SyncKey) }];
    case GetItemEstimate.GetItemEstimate:
      return childrenOf(child(root, GetItemEstimate.Collections), GetItemEstimate.Collection).map((one) => ({
        ...named(one, GetItemEstimate.CollectionId),
        keyIn: keyOf(one, AirSync.SyncKey),
      }));
    case Move.MoveItems:
      return counted(childrenOf(root, Move.Move).map((one) => named(one, Move.SrcFldId).id));
    case ItemOperations.ItemOperations:
      return counted(
        childrenOf(root, ItemOperations.Fetch).map((one) => named(one, AirSync.CollectionId).id),
      );
    default:
      return [];
  }
}

function readAnswer(root: Element): DiaryCollection[] {
  switch (root.tag) {
    case AirSync.Sync:
      return childrenOf(child(root, AirSync.Collections), AirSync.Collection).map((one) => ({
        ...named(one, AirSync.CollectionId),
        keyOut: keyOf(one, AirSync.SyncKey),
        status: integerOf(one, AirSync.Status),
        sent: child(one, AirSync.Commands)?.children.length,
        isMoreAvailable: has(one, AirSync.MoreAvailable),
      }));
    case FolderHierarchy.FolderSync: {
      const changes = child(root, FolderHierarchy.Changes)?.children.length;
      const keyOut = keyOf(root, FolderHierarchy.SyncKey);
      // One of them is their Count.
      return [{ id: '0', keyOut, sent: changes === undefined ? undefined : Math.max(0, changes - 1) }];
    }
    case GetItemEstimate.GetItemEstimate:
      return childrenOf(root, GetItemEstimate.Response).map((one) => ({
        ...named(child(one, GetItemEstimate.Collection), GetItemEstimate.CollectionId),
        status: integerOf(one, GetItemEstimate.Status),
      }));
    case Ping.Ping:
      return childrenOf(child(root, Ping.Folders), Ping.Folder).map(({ text }) => ({
        id: text.slice(0, maxId),
      }));
    default:
      return [];
  }
}

function named(parent: Element | undefined, tag: Tag): { readonly id: string } {
  return { id: (textOf(parent, tag) ?? '').slice(0, maxId) };
}

function keyOf(parent: Element, tag: Tag): string | undefined {
  const key = textOf(parent, tag)?.trim();
  return key === undefined || key.length <= keyEnd + 1 ? key : `…${key.slice(-keyEnd)}`;
}

/** How many items of each folder are asked for. */
function counted(ids: readonly string[]): DiaryCollection[] {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].map(([id, count]) => ({ id, received: count }));
}

function bounded(all: readonly DiaryCollection[]): CollectionNotes {
  const collections = all.slice(0, maxCollections);
  return { collections, more: all.length - collections.length };
}

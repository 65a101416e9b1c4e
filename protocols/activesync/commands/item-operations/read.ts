import { type BodyOptions, BodyOptionsError, readBodyOptions } from '../../classes/body-options.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast } from '../../protocol-version.ts';
import type { RequestLine } from '../../request-line.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { DocumentLibrary } from '../../wbxml/code-pages/document-library.ts';
import { ItemOperations } from '../../wbxml/code-pages/item-operations.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { bytesOf, child, childrenOf, type Element, has, textOf } from '../../wbxml/element.ts';
import { ItemOperationsStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const MAX_OPERATIONS = 100;
/** MS-ASCMD, CollectionId, ServerId and LongId, in characters. */
const MAX_ID = 64;
const MAX_LONG_ID = 256;
/** It has no limit: no FileReference of ours is so long. */
const MAX_FILE_REFERENCE = 512;
/** Nor has this one. */
const MAX_LINK_ID = 1024;

/** Bytes first to last, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** How an item is named: by its folder and itself, or by what a Search has called it. */
export type ItemName =
  | { readonly collectionId: string; readonly serverId: string }
  | { readonly longId: string };

/** One operation; `faulty` holds the status that answers what cannot be understood. */
export type Operation =
  | {
      readonly kind: 'item';
      readonly name: ItemName;
      readonly body: BodyOptions;
      /** The only properties wanted; undefined is all. */
      readonly schema: ReadonlySet<Tag> | undefined;
    }
  | { readonly kind: 'attachment'; readonly fileReference: string; readonly range: ByteRange | undefined }
  | {
      readonly kind: 'empty-folder';
      /** Empty if none is named. */
      readonly collectionId: string;
      readonly subfolders: boolean;
    }
  | {
      readonly kind: 'faulty-fetch';
      readonly status: ItemOperationsStatus;
      readonly ids: readonly [Tag, string][];
    }
  | {
      readonly kind: 'move';
      readonly conversationId: Uint8Array;
      /** Undefined if none is named. */
      readonly destination: string | undefined;
      readonly always: boolean;
    };

/** Reads the operations in their order. Throws CommandError. */
export function readOperations(body: Element, { protocolVersion }: RequestLine): readonly Operation[] {
  const nodes = body.children.filter(({ tag }) => operations.has(tag));
  if (nodes.length === 0) throw new CommandError(ItemOperationsStatus.ProtocolError, 'no operation');
  if (nodes.length > MAX_OPERATIONS)
    throw new CommandError(ItemOperationsStatus.TooLarge, 'too many operations');
  if (!isAtLeast(protocolVersion, '14.0') && nodes.some(({ tag }) => tag === ItemOperations.Move))
    throw new CommandError(ItemOperationsStatus.ProtocolError, 'Move before 14.0');
  return nodes.map(readOperation);
}

const operations: ReadonlySet<Tag> = new Set([
  ItemOperations.Fetch,
  ItemOperations.EmptyFolderContents,
  ItemOperations.Move,
]);

function readOperation(node: Element): Operation {
  if (node.tag === ItemOperations.Fetch) return readFetch(node);
  const options = child(node, ItemOperations.Options);
  if (node.tag === ItemOperations.EmptyFolderContents) {
    const text = textOf(node, AirSync.CollectionId) ?? '';
    const collectionId = text.length > MAX_ID ? '' : text;
    return { kind: 'empty-folder', collectionId, subfolders: has(options, ItemOperations.DeleteSubFolders) };
  }
  const conversationId = bytesOf(node, ItemOperations.ConversationId) ?? new Uint8Array(0);
  const destination = textOf(node, ItemOperations.DstFldId);
  return { kind: 'move', conversationId, destination, always: has(options, ItemOperations.MoveAlways) };
}

function readFetch(node: Element): Operation {
  const ids = [...echoed].flatMap(([tag, longest]): [Tag, string][] => {
    const text = textOf(node, tag);
    return text === undefined || text === '' || text.length > longest ? [] : [[tag, text]];
  });
  const faulty = (status: ItemOperationsStatus): Operation => ({ kind: 'faulty-fetch', status, ids });
  const store = textOf(node, ItemOperations.Store)?.trim().toLowerCase();
  if (store === undefined) return faulty(ItemOperationsStatus.ProtocolError);
  if (store !== 'mailbox') return faulty(ItemOperationsStatus.UnknownStore);
  const references = childrenOf(node, AirSyncBase.FileReference);
  if (references.length > 1) return faulty(ItemOperationsStatus.ProtocolError);
  if (references[0] !== undefined) return readAttachmentFetch(node, faulty);
  return readItemFetch(node, faulty);
}

/** What names the thing asked for, and how long it may be: repeated in its answer, in this order. */
const echoed: ReadonlyMap<Tag, number> = new Map([
  [AirSync.CollectionId, MAX_ID],
  [AirSync.ServerId, MAX_ID],
  [Search.LongId, MAX_LONG_ID],
  [DocumentLibrary.LinkId, MAX_LINK_ID],
  [AirSyncBase.FileReference, MAX_FILE_REFERENCE],
]);

function readAttachmentFetch(node: Element, faulty: (status: ItemOperationsStatus) => Operation): Operation {
  const fileReference = textOf(node, AirSyncBase.FileReference) ?? '';
  const isReference = fileReference !== '' && fileReference.length <= MAX_FILE_REFERENCE;
  if (!isReference) return faulty(ItemOperationsStatus.InvalidAttachment);
  const text = textOf(node, ItemOperations.Options, ItemOperations.Range);
  if (text === undefined) return { kind: 'attachment', fileReference, range: undefined };
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text.trim());
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) };
  if (!(range.first <= range.last)) return faulty(ItemOperationsStatus.InvalidRange);
  return { kind: 'attachment', fileReference, range };
}

function readItemFetch(node: Element, faulty: (status: ItemOperationsStatus) => Operation): Operation {
  const name = readItemName(node);
  if (name === undefined) return faulty(ItemOperationsStatus.ProtocolError);
  const options = child(node, ItemOperations.Options);
  const schema = child(options, ItemOperations.Schema);
  try {
    return {
      kind: 'item',
      name,
      body: readBodyOptions(options),
      schema: schema && new Set(schema.children.map(({ tag }) => tag)),
    };
  } catch (error) {
    if (!(error instanceof BodyOptionsError)) throw error;
    return faulty(ItemOperationsStatus.ProtocolError);
  }
}

/** Undefined if it is not named, in two ways, or by more or less than a name can be. */
function readItemName(node: Element): ItemName | undefined {
  const collectionId = textOf(node, AirSync.CollectionId);
  const serverId = textOf(node, AirSync.ServerId);
  const longId = textOf(node, Search.LongId);
  if (longId !== undefined) {
    const isAlone = (collectionId ?? serverId) === undefined;
    return isAlone && longId !== '' && longId.length <= MAX_LONG_ID ? { longId } : undefined;
  }
  if (collectionId === undefined || serverId === undefined) return undefined;
  return collectionId.length > MAX_ID || serverId.length > MAX_ID ? undefined : { collectionId, serverId };
}

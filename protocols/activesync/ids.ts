import type { FolderId, ItemId } from '#domain/ids';
import { recipientCacheFolder } from '#domain/recipient-cache';

/**
 * How folders, items and attachments are called on the wire (MS-ASCMD, CollectionId, ServerId; MS-ASAIRS,
 * FileReference). An item keeps its number when it moves, so a ServerId changes in its folder's part only.
 */

/** An item in its folder. */
export interface ItemPlace {
  readonly folder: FolderId;
  readonly item: ItemId;
}

/** A part of a message: its path as in MessagePart. */
export interface PartPlace extends ItemPlace {
  readonly part: string;
}

const NUMBER = /^(?:0|[1-9]\d{0,15})$/;
/** An IMAP section, as in MessagePart: digits, or TEXT for a multipart without a number of its own. */
const PART = /^(?:\d+(?:\.\d+)*(?:\.TEXT)?|TEXT)?$/;
const MAX_FOLDER = 0xffffffff;
/** MS-ASCMD has no limit for a FileReference; phones were seen to cut longer ones. */
const MAX_FILE_REFERENCE = 500;

/** MS-ASCMD, Type (FolderSync): how the recipient information cache is called. */
export const recipientCacheId = 'RI';

/** Gives the CollectionId of a folder: its number, RI for the recipient cache. */
export function collectionIdOf(folder: FolderId): string {
  return folder === recipientCacheFolder ? recipientCacheId : String(folder);
}

/** Gives the folder of a CollectionId (recipientCacheFolder, which no folder is, for RI); undefined for what is none of ours, and for the root. */
export function parseCollectionId(text: string): FolderId | undefined {
  if (text === recipientCacheId) return recipientCacheFolder;
  const folder = numberIn(text);
  return folder !== undefined && folder > 0 && folder < MAX_FOLDER ? (folder as FolderId) : undefined;
}

/** Gives the ServerId of an item in a folder: `<folder>:<item>`. */
export function serverIdOf(folder: FolderId, item: ItemId): string {
  return `${collectionIdOf(folder)}:${item}`;
}

/** Gives the place a ServerId names; undefined for what is none of ours. */
export function parseServerId(text: string): ItemPlace | undefined {
  const [collection, number, ...rest] = text.split(':', 3);
  if (collection === undefined || number === undefined || rest.length > 0) return undefined;
  const folder = parseCollectionId(collection);
  const item = numberIn(number);
  return folder === undefined || item === undefined || item === 0
    ? undefined
    : { folder, item: item as ItemId };
}

/**
 * Gives the LongId of an item, by which what a Search has found is named later (MS-ASCMD, LongId): its ServerId. Nothing of it has to be
 * remembered.
 */
export function longIdOf(folder: FolderId, item: ItemId): string {
  return serverIdOf(folder, item);
}

/** Gives the place a LongId named when it was given; undefined for what is none of ours. */
export function parseLongId(text: string): ItemPlace | undefined {
  return parseServerId(unescaped(text));
}

/** Gives the FileReference of a part of an item: `<folder>:<item>:<part>`; the message itself has the part ''. */
export function fileReferenceOf(folder: FolderId, item: ItemId, part: string): string {
  return `${folder}:${item}:${part}`;
}

/** Gives the part a FileReference names; undefined for what is none of ours. */
export function parseFileReference(text: string): PartPlace | undefined {
  if (text.length > MAX_FILE_REFERENCE) return undefined;
  const plain = unescaped(text);
  const cut = plain.lastIndexOf(':');
  const place = cut < 0 ? undefined : parseServerId(plain.slice(0, cut));
  const part = plain.slice(cut + 1);
  return place !== undefined && PART.test(part) ? { ...place, part } : undefined;
}

/** Clients were seen to escape what they send back, and the escape again. */
function unescaped(text: string): string {
  return text.replaceAll(/%(?:25)*3a/gi, ':');
}

function numberIn(text: string): number | undefined {
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

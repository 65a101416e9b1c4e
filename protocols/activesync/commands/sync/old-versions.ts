/** Sync below 12.1: every collection is answered, whether there is anything to say or not, and begins with its Class. */
import { classOf, type ItemClass } from '#domain/folder';
import { FolderSync } from '#domain/sync';
import type { CommandContext } from '../../command.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, el, integerOf } from '../../wbxml/element.ts';
import { type CollectionAnswer, type Room, serveCollection } from './collection.ts';
import { syncRules } from './options.ts';
import type { CollectionRequest } from './read.ts';
import { isRecipientCache, serveRecipients } from './recipients.ts';
import { SyncStatus } from './status.ts';

/** MS-ASCMD, Sync: leaving out what has not changed, and the empty answer, came with 12.1. */
export function everyCollectionAnswered(version: ProtocolVersion): boolean {
  return !isAtLeast(version, '12.1');
}

/** Serves a collection as `serveCollection` does, and answers in the form of the request's version. */
export async function serveForVersion(
  request: CollectionRequest,
  context: CommandContext,
  room: Room & {
    /** The client asked for changes, and there is no room for any in this answer. */
    readonly isPutOff: boolean;
  },
): Promise<CollectionAnswer> {
  const serve = isRecipientCache(request, context) ? serveRecipients : serveCollection;
  const answer = await serve(request, context, room);
  if (!everyCollectionAnswered(context.version)) return answer;
  const itemClass = await classInFolder(request, context);
  const element = answer.element ?? nothingNew(request);
  const isServed = request.syncKey !== '0' && integerOf(element, AirSync.Status) === SyncStatus.Success;
  const isMore = room.isPutOff && isServed && (await isNews(request, context, itemClass));
  const named = el(AirSync.Class, itemClass ?? request.className ?? 'Email');
  const parts = element.children.flatMap((part) =>
    isMore && part.tag === AirSync.Status ? [part, el(AirSync.MoreAvailable)] : [part],
  );
  return { ...answer, element: el(element.tag, named, ...parts) };
}

async function classInFolder(
  { folder }: CollectionRequest,
  { mailbox }: CommandContext,
): Promise<ItemClass | undefined> {
  const known = folder === undefined ? undefined : await mailbox.reader.folder(folder);
  return known && classOf(known.type);
}

/** What had no room is asked for again only when the answer says that there is more. */
async function isNews(
  { folder }: CollectionRequest,
  context: CommandContext,
  itemClass: ItemClass | undefined,
): Promise<boolean> {
  const { mailbox, device, services } = context;
  if (folder === undefined || itemClass === undefined) return false;
  const sync = new FolderSync(mailbox, services.clock, services.random);
  return await sync.hasChanges(device.id, folder, syncRules(context, itemClass));
}

/** The key stays. */
function nothingNew({ collectionId, syncKey }: CollectionRequest): Element {
  return el(
    AirSync.Collection,
    el(AirSync.SyncKey, syncKey),
    el(AirSync.CollectionId, collectionId),
    el(AirSync.Status, SyncStatus.Success),
  );
}

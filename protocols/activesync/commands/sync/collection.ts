/** One collection of a Sync: asked of the domain, and written as it is answered. */
import { DomainError } from '#domain/errors';
import { classOf, FolderType, type ItemClass } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import type { Item } from '#domain/item';
import { StaleDraftError } from '#domain/stale-draft-error';
import { FolderSync, type Message, type Standing, type SyncAnswer } from '#domain/sync';
import { allowedBodies, type BodyRequest, bytesWithoutPreference, withoutData } from '../../classes/body.ts';
import {
  changedMarksElements,
  emailProperties,
  emailPropertiesWithoutBody,
  isOfMarksOnly,
} from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { serverIdOf } from '../../ids.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { readyCommands, withoutDrafts } from './drafts.ts';
import { optionsMisfit, parseOptionsText, syncRules } from './options.ts';
import type { CollectionRequest, PlainCommand } from './read.ts';
import { responseElements } from './responses.ts';
import { SyncStatus } from './status.ts';

/** How much one collection may put into an answer: its window, and its bytes. */
export interface Room {
  readonly windowSize: number;
  readonly bytes: number;
  /** Whether the request has waited for changes. */
  readonly hasWaited: boolean;
}

/** An answered collection; `element` is undefined when there is nothing to say. */
export interface CollectionAnswer {
  readonly element: Element | undefined;
  /** Server changes in it. */
  readonly changes: number;
  /** About how many bytes these take. */
  readonly bytes: number;
}

/** Serves a collection. What is wrong with it is answered in it; anything unforeseen is thrown. */
export async function serveCollection(
  request: CollectionRequest,
  context: CommandContext,
  room: Room,
): Promise<CollectionAnswer> {
  const { folder } = request;
  if (folder === undefined) {
    return failed(request, SyncStatus.FolderHierarchyChanged);
  }
  try {
    const { type } = await context.mailbox.folder(folder);
    const itemClass = classOf(type);
    const place = { folder, itemClass, isDrafts: type === FolderType.Drafts };
    if (!suits(request, itemClass)) {
      return failed(request, SyncStatus.ProtocolError, request.syncKey);
    }
    return request.syncKey === '0'
      ? await prime(request, folder, context)
      : await exchange(request, place, context, room);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'sync/invalid-key') {
      return failed(request, SyncStatus.InvalidSyncKey);
    }
    if (error instanceof DomainError && error.code === 'folder/not-found') {
      return failed(request, SyncStatus.FolderHierarchyChanged);
    }
    throw error;
  }
}

/** Whether what is asked for can be asked of a folder of this class. */
function suits(request: CollectionRequest, itemClass: ItemClass): boolean {
  const { options, byConversation, hasSupported, className } = request;
  const isForClass = options === undefined || optionsMisfit(itemClass, options) === undefined;
  const isForMail = itemClass === 'Email' || byConversation !== true;
  // MS-ASNOTE: nothing of a note can be left out.
  const isWhole = !(hasSupported && itemClass === 'Notes');
  return isForClass && isForMail && isWhole && (className ?? itemClass) === itemClass;
}

/** MS-ASCMD, SyncKey (Sync): an answered collection has one; 0 tells the client to start over. */
export function failed({ collectionId }: CollectionRequest, status: SyncStatus, key = '0'): CollectionAnswer {
  const element = el(
    AirSync.Collection,
    el(AirSync.SyncKey, key),
    el(AirSync.CollectionId, collectionId),
    el(AirSync.Status, status),
  );
  return { element, changes: 0, bytes: 0 };
}

function folderSync({ mailbox, services }: CommandContext): FolderSync {
  return new FolderSync(mailbox, services.clock, services.random);
}

async function prime(
  request: CollectionRequest,
  folder: FolderId,
  context: CommandContext,
): Promise<CollectionAnswer> {
  const { options = '', byConversation } = request;
  const key = await folderSync(context).prime(context.device.id, folder, options, byConversation);
  const element = written(request, key, { responses: [], commands: [], more: false });
  return { element, changes: 0, bytes: 0 };
}

/** A folder, and what it holds. */
interface Place {
  readonly folder: FolderId;
  readonly itemClass: ItemClass;
  readonly isDrafts: boolean;
}

/** So often a draft is written anew that somebody else changes at the same time. */
const attempts = 5;

/** The domain's answer, and the commands that it was asked to do. */
async function answerOf(
  request: CollectionRequest,
  place: Place,
  context: CommandContext,
  room: Room,
): Promise<{ readonly answer: SyncAnswer; readonly commands: readonly PlainCommand[] }> {
  const { folder } = place;
  const sync = folderSync(context);
  const asked = {
    device: context.device.id,
    folder,
    key: request.syncKey,
    options: request.options,
    byConversation: request.byConversation,
    rules: syncRules(context, place.itemClass),
    windowSize: room.windowSize,
    answerBytes: room.bytes,
    getChanges: request.getChanges,
    hasWaited: room.hasWaited,
    isKeyAssumed: request.isKeyAssumed,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const commands = await plainCommands(request, place, context, () => sync.standing(asked));
      const answer = await sync.sync({
        ...asked,
        commands: commands.flatMap((one) => ('command' in one ? [one.command] : [])),
        speaks: commands.some((one) => 'refused' in one),
      });
      return { answer, commands };
    } catch (error) {
      if (!(error instanceof StaleDraftError) || attempt === attempts) throw error;
    }
  }
}

/** Drafts are written in their own folder only. */
async function plainCommands(
  { commands, syncKey }: CollectionRequest,
  { folder, isDrafts }: Place,
  context: CommandContext,
  standing: () => Promise<Standing>,
): Promise<readonly PlainCommand[]> {
  if (!isDrafts) return withoutDrafts(commands);
  const hasDrafts = commands.some((one) => 'written' in one);
  if (!hasDrafts) return withoutDrafts(commands);
  return await readyCommands({ commands }, { folder, syncKey, standing: await standing() }, context);
}

async function exchange(
  request: CollectionRequest,
  place: Place,
  context: CommandContext,
  room: Room,
): Promise<CollectionAnswer> {
  const { folder, itemClass } = place;
  const rules = syncRules(context, itemClass);
  const { answer, commands: done } = await answerOf(request, place, context, room);
  for (const item of answer.skipped) {
    context.log.warn('activesync.item.skipped', { item: serverIdOf(folder, item) });
  }
  const body = bodyRequest(context, answer.options);
  const responses = await responseElements(
    { folder, commands: done, results: answer.results },
    context,
    body,
  );
  const commands: Element[] = [];
  for (const change of answer.changes) {
    commands.push(await changeElement(change, folder, context, body));
  }
  const { cost } = rules(answer.options);
  const silent = commands.length === 0 && responses.length === 0 && answer.key === request.syncKey;
  return {
    element: silent
      ? undefined
      : written(request, answer.key, { responses, commands, more: answer.moreAvailable }),
    changes: commands.length,
    bytes: answer.changes.reduce((sum, change) => sum + ('item' in change ? cost(change.item) : 0), 0),
  };
}

/** How bodies are made for the options in force. */
function bodyRequest({ policy, version }: CommandContext, options: string): BodyRequest {
  return {
    options: parseOptionsText(options),
    version,
    ...allowedBodies(policy),
    truncationWithoutPreference: bytesWithoutPreference,
  };
}

interface Content {
  readonly responses: readonly Element[];
  readonly commands: readonly Element[];
  readonly more: boolean;
}

/**
 * An answered collection. Windows Phone takes MoreAvailable only before the commands, and no client an empty Responses or
 * Commands.
 */
export function written({ collectionId }: CollectionRequest, key: string, content: Content): Element {
  const { responses, commands, more } = content;
  return el(
    AirSync.Collection,
    el(AirSync.SyncKey, key),
    el(AirSync.CollectionId, collectionId),
    el(AirSync.Status, SyncStatus.Success),
    more ? el(AirSync.MoreAvailable) : undefined,
    responses.length > 0 ? el(AirSync.Responses, ...responses) : undefined,
    commands.length > 0 ? el(AirSync.Commands, ...commands) : undefined,
  );
}

async function changeElement(
  change: SyncAnswer['changes'][number],
  folder: FolderId,
  context: CommandContext,
  body: BodyRequest,
): Promise<Element> {
  const serverId = el(AirSync.ServerId, serverIdOf(folder, change.id));
  switch (change.kind) {
    case 'delete':
      return el(AirSync.Delete, serverId);
    case 'softDelete':
      return el(AirSync.SoftDelete, serverId);
    case 'change':
      if (isOfMarksOnly(change.what)) {
        const marks = changedMarksElements(change.item, change.what, context.version);
        return el(AirSync.Change, serverId, el(AirSync.ApplicationData, ...marks));
      }
      break;
    case 'add':
      break;
  }
  const properties = await propertiesOf(change, context, change.isOlder === true ? onlyPreview(body) : body);
  return el(
    change.kind === 'add' ? AirSync.Add : AirSync.Change,
    serverId,
    el(AirSync.ApplicationData, ...properties),
  );
}

/** MS-ASCMD, ConversationMode: what is older than the filter comes without its body. */
function onlyPreview(body: BodyRequest): BodyRequest {
  return { ...body, options: withoutData(body.options), truncationWithoutPreference: 0 };
}

/** One message that cannot be read does not keep the rest of the folder from the device: it comes without its body. */
async function propertiesOf(
  { item, message }: { readonly item: Item; readonly message?: Message | undefined },
  context: CommandContext,
  body: BodyRequest,
): Promise<Element[]> {
  try {
    if (message !== undefined) {
      return await emailProperties(context.mailbox, message, body);
    }
    context.log.warn('activesync.item.unreadable', { item: serverIdOf(item.folder, item.id) });
  } catch (error) {
    const fields = { item: serverIdOf(item.folder, item.id) };
    context.log.error('activesync.item.unreadable', { err: error }, fields);
  }
  return emailPropertiesWithoutBody(item, context.version);
}

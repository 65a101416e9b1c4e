/** One collection of a Sync: asked of the domain, and written as it is answered. */
import { DomainError } from '#domain/errors';
import { classOf, type ItemClass } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { type CommandResult, FolderSync, type Message, type SyncAnswer } from '#domain/sync';
import type { BodyRequest } from '../../classes/body.ts';
import { changedMarksElements, emailProperties, isOfMarksOnly } from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { serverIdOf } from '../../ids.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { parseOptionsText, syncRules } from './options.ts';
import type { CollectionRequest, RequestCommand } from './read.ts';
import { SyncStatus } from './status.ts';

/** How much one collection may put into an answer: its window, and its bytes. */
export interface Room {
  readonly windowSize: number;
  readonly bytes: number;
}

/** An answered collection; `element` is undefined when there is nothing to say. */
export interface CollectionAnswer {
  readonly element: Element | undefined;
  /** Server changes in it. */
  readonly changes: number;
  readonly folder: FolderId | undefined;
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
    return request.syncKey === '0'
      ? await prime(request, folder, context)
      : await exchange(request, folder, context, room);
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

/** MS-ASCMD, SyncKey (Sync): an answered collection has one; 0 tells the client to start over. */
function failed({ collectionId, folder }: CollectionRequest, status: SyncStatus): CollectionAnswer {
  const element = el(
    AirSync.Collection,
    el(AirSync.SyncKey, '0'),
    el(AirSync.CollectionId, collectionId),
    el(AirSync.Status, status),
  );
  return { element, changes: 0, folder };
}

function folderSync({ mailbox, services }: CommandContext): FolderSync {
  return new FolderSync(mailbox, services.clock, services.random);
}

async function prime(
  request: CollectionRequest,
  folder: FolderId,
  context: CommandContext,
): Promise<CollectionAnswer> {
  const key = await folderSync(context).prime(context.device.id, folder, request.options ?? '');
  return { element: written(request, key, { responses: [], commands: [], more: false }), changes: 0, folder };
}

async function exchange(
  request: CollectionRequest,
  folder: FolderId,
  context: CommandContext,
  room: Room,
): Promise<CollectionAnswer> {
  const itemClass = classOf((await context.mailbox.folder(folder)).type);
  const answer = await folderSync(context).sync({
    device: context.device.id,
    folder,
    key: request.syncKey,
    options: request.options,
    rules: syncRules(context, itemClass),
    windowSize: room.windowSize,
    answerBytes: room.bytes,
    getChanges: request.getChanges,
    commands: request.commands.flatMap((one) => ('command' in one ? [one.command] : [])),
  });
  const body = bodyRequest(context, answer.options);
  const responses = await responseElements(request, answer.results, { context, body, folder, itemClass });
  const commands: Element[] = [];
  for (const change of answer.changes) {
    commands.push(await changeElement(change, folder, context, body));
  }
  const silent = commands.length === 0 && responses.length === 0 && answer.key === request.syncKey;
  return {
    element: silent
      ? undefined
      : written(request, answer.key, { responses, commands, more: answer.moreAvailable }),
    changes: commands.length,
    folder,
  };
}

/** How bodies are made for the options in force. */
function bodyRequest({ policy, version }: CommandContext, options: string): BodyRequest {
  return {
    options: parseOptionsText(options),
    version,
    allowHtml: policy.settings.AllowHTMLEmail !== false,
    truncationWithoutPreference: 32 * 1024,
  };
}

interface Content {
  readonly responses: readonly Element[];
  readonly commands: readonly Element[];
  readonly more: boolean;
}

/** Windows Phone takes MoreAvailable only before the commands, and no client an empty Responses or Commands. */
function written({ collectionId }: CollectionRequest, key: string, content: Content): Element {
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
  const properties = await propertiesOf(change.message, context, body);
  return el(
    change.kind === 'add' ? AirSync.Add : AirSync.Change,
    serverId,
    el(AirSync.ApplicationData, ...properties),
  );
}

async function propertiesOf(
  message: Message | undefined,
  context: CommandContext,
  body: BodyRequest,
): Promise<Element[]> {
  return message === undefined ? [] : emailProperties(context.mailbox, message, body);
}

interface ResponseContext {
  readonly context: CommandContext;
  readonly body: BodyRequest;
  readonly folder: FolderId;
  readonly itemClass: ItemClass;
}

/** MS-ASCMD, Responses: every Add and Fetch, and what failed; the client takes silence as success. */
async function responseElements(
  request: CollectionRequest,
  results: readonly CommandResult[],
  { context, body }: ResponseContext,
): Promise<Element[]> {
  const responses: Element[] = [];
  let next = 0;
  for (const command of request.commands) {
    if ('refused' in command) {
      responses.push(refusal(command));
      continue;
    }
    const result = results[next++];
    if (result === undefined) {
      continue;
    }
    const serverId = el(AirSync.ServerId, command.serverId);
    const status = el(AirSync.Status, statusOf(result));
    if (result.command.kind === 'fetch') {
      const properties =
        result.message === undefined
          ? undefined
          : el(AirSync.ApplicationData, ...(await propertiesOf(result.message, context, body)));
      responses.push(el(AirSync.Fetch, serverId, status, properties));
    } else if (statusOf(result) !== SyncStatus.Success) {
      responses.push(
        el(result.command.kind === 'change' ? AirSync.Change : AirSync.Delete, serverId, status),
      );
    }
  }
  return inSchemaOrder(responses);
}

function statusOf({ outcome }: CommandResult): SyncStatus {
  switch (outcome) {
    case 'done':
      return SyncStatus.Success;
    case 'not-found':
      return SyncStatus.ObjectNotFound;
    case 'conflict':
      return SyncStatus.Conflict;
  }
}

const tags = {
  add: AirSync.Add,
  change: AirSync.Change,
  delete: AirSync.Delete,
  fetch: AirSync.Fetch,
} as const;

function refusal(command: Extract<RequestCommand, { refused: SyncStatus }>): Element {
  return el(
    tags[command.kind],
    command.clientId === undefined ? undefined : el(AirSync.ClientId, command.clientId),
    command.serverId === undefined ? undefined : el(AirSync.ServerId, command.serverId),
    el(AirSync.Status, command.refused),
  );
}

/** Responses are grouped: Add, Change, Delete, Fetch. */
function inSchemaOrder(responses: readonly Element[]): Element[] {
  const order = Object.values(tags);
  const rank = ({ tag }: Element) => order.indexOf(tag as (typeof order)[number]);
  return [...responses].sort((a, b) => rank(a) - rank(b));
}

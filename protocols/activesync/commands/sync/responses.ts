/** What became of a client's commands. MS-ASCMD, Responses. */
import type { StoredFile } from '#domain/draft';
import type { FolderId, ItemId } from '#domain/ids';
import type { CommandResult } from '#domain/sync';
import { type BodyRequest, wholeBodies } from '../../classes/body.ts';
import { emailProperties } from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { fileReferenceOf, serverIdOf } from '../../ids.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { type Element, el } from '../../wbxml/element.ts';
import type { PlainCommand } from './read.ts';
import { SyncStatus } from './status.ts';

/** What clients fetch whole may take so many bytes in one answer; the rest they ask for again. */
const fetchedBytes = 64 * 1024 * 1024;

/** The commands of a collection, and what became of those that the domain did. */
interface Done {
  readonly folder: FolderId;
  readonly commands: readonly PlainCommand[];
  readonly results: readonly CommandResult[];
}

/** Every Add and Fetch, what failed, and the names of added files; the client takes silence as success. */
export async function responseElements(
  { folder, commands, results }: Done,
  context: CommandContext,
  body: BodyRequest,
): Promise<Element[]> {
  const responses: Element[] = [];
  const whole = { ...body, options: wholeBodies(body.options), truncationWithoutPreference: undefined };
  let next = 0;
  let room = fetchedBytes;
  for (const command of commands) {
    if ('refused' in command) {
      responses.push(refusal(command));
      continue;
    }
    const result = results[next++];
    if (result === undefined) {
      continue;
    }
    const serverId = el(AirSync.ServerId, command.serverId);
    const status = statusOf(result);
    if (result.command.kind === 'add') {
      responses.push(addElement(folder, result.command.clientId, result));
    } else if (result.command.kind === 'fetch') {
      room -= result.message?.item.size ?? 0;
      const fetched =
        room < 0 ? [el(AirSync.Status, SyncStatus.Retry)] : await fetchedElements(result, context, whole);
      responses.push(el(AirSync.Fetch, serverId, ...fetched));
    } else {
      const files =
        result.command.kind === 'edit' ? addedFiles(folder, result.command.item, result.files) : [];
      if (status === SyncStatus.Success && files.length === 0) continue;
      responses.push(el(tags[result.command.kind], serverId, el(AirSync.Status, status), ...files));
    }
  }
  return inSchemaOrder(responses);
}

function addElement(folder: FolderId, clientId: string, { item, files }: CommandResult): Element {
  return el(
    AirSync.Add,
    el(AirSync.ClientId, clientId),
    item === undefined ? undefined : el(AirSync.ServerId, serverIdOf(folder, item)),
    el(AirSync.Status, SyncStatus.Success),
    ...(item === undefined ? [] : addedFiles(folder, item, files)),
  );
}

/** MS-ASAIRS, ClientId: what the files that came with a draft are called now. */
function addedFiles(folder: FolderId, item: ItemId, files: readonly StoredFile[] = []): Element[] {
  if (files.length === 0) return [];
  const { Attachments, Attachment, ClientId, FileReference } = AirSyncBase;
  const attachments = files.map(({ clientId, ref }) =>
    el(Attachment, el(ClientId, clientId), el(FileReference, fileReferenceOf(folder, item, ref))),
  );
  return [el(AirSync.ApplicationData, el(Attachments, ...attachments))];
}

/** MS-ASCMD, Fetch (Sync): the whole item. */
async function fetchedElements(
  result: CommandResult,
  context: CommandContext,
  whole: BodyRequest,
): Promise<Element[]> {
  const { message, outcome } = result;
  if (message === undefined) {
    return [el(AirSync.Status, outcome === 'done' ? SyncStatus.ConversionError : statusOf(result))];
  }
  try {
    const properties = await emailProperties(context.mailbox, message, whole);
    return [el(AirSync.Status, SyncStatus.Success), el(AirSync.ApplicationData, ...properties)];
  } catch (error) {
    const fields = { item: serverIdOf(message.item.folder, message.item.id) };
    context.log.error('activesync.item.unreadable', { err: error }, fields);
    return [el(AirSync.Status, SyncStatus.ConversionError)];
  }
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
  edit: AirSync.Change,
  delete: AirSync.Delete,
  fetch: AirSync.Fetch,
} as const;

/** What answers a command that was refused. */
export function refusal(command: Extract<PlainCommand, { refused: number }>): Element {
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

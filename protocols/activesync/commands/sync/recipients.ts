/** The recipient information cache as a collection: read-only, and a changed recipient is another one. MS-ASCMD, Sync. */
import { DomainError } from '#domain/errors';
import type { ItemId } from '#domain/ids';
import { recipientCacheFolder } from '#domain/recipient-cache';
import { primeRecipients, syncRecipients } from '#domain/recipient-sync';
import { recipientProperties } from '../../classes/recipient.ts';
import type { CommandContext } from '../../command.ts';
import { serverIdOf } from '../../ids.ts';
import { isAtLeast } from '../../protocol-version.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { type CollectionAnswer, failed, type Room, written } from './collection.ts';
import { maxItemsOf, optionsMisfit } from './options.ts';
import type { CollectionRequest, RequestCommand } from './read.ts';
import { refusal } from './responses.ts';
import { SyncStatus } from './status.ts';

/** Bytes of a recipient in an answer, about. */
const recipientBytes = 500;

/** Whether a collection is the recipient cache, which there is since 14.0. */
export function isRecipientCache(
  { folder }: Pick<CollectionRequest, 'folder'>,
  { version }: Pick<CommandContext, 'version'>,
): boolean {
  return folder === recipientCacheFolder && isAtLeast(version, '14.0');
}

/** Serves it as serveCollection does a folder. */
export async function serveRecipients(
  request: CollectionRequest,
  context: CommandContext,
  room: Room,
): Promise<CollectionAnswer> {
  const { options, byConversation, syncKey } = request;
  const misfit = options === undefined ? undefined : optionsMisfit('Contacts', options);
  if (byConversation === true || (misfit !== undefined && misfit !== 'max-items')) {
    return failed(request, SyncStatus.ProtocolError, syncKey);
  }
  if (syncKey !== '0') return await exchange(request, context, room);
  const { mailbox, device, services } = context;
  const key = await primeRecipients(mailbox, device.id, options ?? '', services.random);
  const element = written(request, key, { responses: [], commands: [], more: false });
  return { element, changes: 0, bytes: 0 };
}

async function exchange(
  request: CollectionRequest,
  { mailbox, device }: CommandContext,
  room: Room,
): Promise<CollectionAnswer> {
  const responses = request.commands.map(refused);
  try {
    const { key, added, deleted, moreAvailable } = await syncRecipients(mailbox, {
      device: device.id,
      key: request.syncKey,
      options: request.options,
      maxItems: maxItemsOf,
      windowSize: room.windowSize,
      getChanges: request.getChanges,
      speaks: responses.length > 0,
      hasWaited: room.hasWaited,
      isKeyAssumed: request.isKeyAssumed,
    });
    const idOf = (id: number) => el(AirSync.ServerId, serverIdOf(recipientCacheFolder, id as ItemId));
    const commands = [
      ...deleted.map((id) => el(AirSync.Delete, idOf(id))),
      ...added.map((one) =>
        el(AirSync.Add, idOf(one.id), el(AirSync.ApplicationData, ...recipientProperties(one))),
      ),
    ];
    const isSilent = commands.length + responses.length === 0 && key === request.syncKey;
    const element = written(request, key, { responses, commands, more: moreAvailable });
    const bytes = recipientBytes * added.length;
    return { element: isSilent ? undefined : element, changes: commands.length, bytes };
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'sync/invalid-key') throw error;
    return failed(request, SyncStatus.InvalidSyncKey);
  }
}

/** MS-ASCMD, Status (Sync): nothing is added or changed here, and Fetch is for mail. */
function refused({ clientId, serverId, ...command }: RequestCommand): Element {
  const kind = 'command' in command ? command.command.kind : command.kind;
  const plain = kind === 'edit' ? 'change' : kind;
  const status = plain === 'fetch' ? SyncStatus.ObjectNotFound : SyncStatus.ConversionError;
  return refusal({ clientId, serverId, kind: plain, refused: status });
}

import { emptyFolder } from '#domain/empty-folder';
import { DomainError } from '#domain/errors';
import { type CommandContext, defineCommand } from '../../command.ts';
import { parseCollectionId } from '../../ids.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { ItemOperations } from '../../wbxml/code-pages/item-operations.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { fetchAttachment } from './fetch-attachment.ts';
import { fetchItem } from './fetch-item.ts';
import { moveAlways } from './move-always.ts';
import { type ItemName, type Operation, readOperations } from './read.ts';
import { ItemOperationsStatus, OperationError } from './status.ts';

/** An answer is made in memory: behind the data of so many messages of full size there is no room for more. */
const maxFullMessages = 2;

interface Results {
  readonly elements: readonly Element[];
  /** Undefined: the answer is not multipart. */
  readonly parts: readonly Uint8Array[] | undefined;
}

/** ItemOperations: items, bodies and attachments on demand, each operation answered on its own (MS-ASCMD). */
export const itemOperations = defineCommand({
  name: 'ItemOperations',
  code: 19,
  quarantine: 'served',
  since: '12.0',
  read: readOperations,
  run: async (operations, context): Promise<Results> => {
    const parts: Uint8Array[] | undefined = context.requestLine.acceptMultiPart ? [] : undefined;
    const elements: Element[] = [];
    let roomBytes = maxFullMessages * context.services.maxMessageBytes;
    for (const operation of operations) {
      const partsBefore = parts?.length ?? 0;
      const element =
        roomBytes <= 0 && isFetch(operation)
          ? written(operation, ItemOperationsStatus.TooLarge)
          : await runOperation(operation, context, parts);
      elements.push(element);
      for (const part of parts?.slice(partsBefore) ?? []) roomBytes -= part.length;
      roomBytes -= lengthOf(element);
    }
    return { elements, parts };
  },
  write: ({ elements }) =>
    el(
      ItemOperations.ItemOperations,
      el(ItemOperations.Status, ItemOperationsStatus.Success),
      el(ItemOperations.Response, ...elements),
    ),
  parts: ({ parts }) => parts,
});

function isFetch({ kind }: Operation): boolean {
  return kind === 'item' || kind === 'attachment';
}

/** About how long an element is in the answer. */
function lengthOf({ text, opaque, children }: Element): number {
  const own = text.length + (opaque?.length ?? 0);
  return children.reduce((sum, below) => sum + lengthOf(below), own);
}

async function runOperation(
  operation: Operation,
  context: CommandContext,
  parts: Uint8Array[] | undefined,
): Promise<Element> {
  try {
    return written(operation, ItemOperationsStatus.Success, await done(operation, context, parts));
  } catch (error) {
    return written(operation, statusFor(error, context));
  }
}

async function done(
  operation: Operation,
  context: CommandContext,
  parts: Uint8Array[] | undefined,
): Promise<readonly Element[]> {
  switch (operation.kind) {
    case 'item':
      return await fetchItem(operation, context, parts);
    case 'attachment':
      return await fetchAttachment(operation, context, parts);
    case 'empty-folder': {
      if (operation.collectionId === '')
        throw new OperationError(ItemOperationsStatus.ProtocolError, 'none named');
      const folder = parseCollectionId(operation.collectionId);
      if (folder === undefined) throw new OperationError(ItemOperationsStatus.NotFound, 'no such folder');
      await emptyFolder(context.mailbox, folder, operation.subfolders);
      return [];
    }
    case 'faulty-fetch':
      throw new OperationError(operation.status, 'not understood');
    case 'move':
      return await moveAlways(operation, context);
  }
}

/** What we did not foresee, such as a body that cannot be read, must not take the other operations with it. */
function statusFor(error: unknown, { log }: CommandContext): number {
  if (error instanceof OperationError) return error.status;
  if (error instanceof DomainError) {
    if (error.code === 'folder/not-found' || error.code === 'item/not-found')
      return ItemOperationsStatus.NotFound;
    throw error;
  }
  log.error('activesync.item.unreadable', { err: error });
  return ItemOperationsStatus.ServerError;
}

function written(operation: Operation, status: number, properties: readonly Element[] = []): Element {
  const statusElement = el(ItemOperations.Status, status);
  const found = properties.length === 0 ? undefined : el(ItemOperations.Properties, ...properties);
  switch (operation.kind) {
    case 'item':
      return el(
        ItemOperations.Fetch,
        statusElement,
        ...nameElements(operation.name),
        found && el(AirSync.Class, 'Email'),
        found,
      );
    case 'attachment':
      return el(
        ItemOperations.Fetch,
        statusElement,
        el(AirSyncBase.FileReference, operation.fileReference),
        found,
      );
    case 'faulty-fetch':
      return el(ItemOperations.Fetch, statusElement, ...operation.ids.map(([tag, id]) => el(tag, id)));
    case 'empty-folder':
      return el(
        ItemOperations.EmptyFolderContents,
        statusElement,
        el(AirSync.CollectionId, operation.collectionId),
      );
    case 'move':
      return el(
        ItemOperations.Move,
        el(ItemOperations.ConversationId, operation.conversationId),
        statusElement,
      );
  }
}

/** As the request named it. */
function nameElements(name: ItemName): readonly Element[] {
  if ('longId' in name) return [el(Search.LongId, name.longId)];
  return [el(AirSync.CollectionId, name.collectionId), el(AirSync.ServerId, name.serverId)];
}

import type { Item } from '#domain/item';
import type { MailboxReader } from '#domain/ports';
import { readMessages } from '#domain/sync';
import { allowedBodies } from '../../classes/body.ts';
import { emailProperties } from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { findItem } from '../../find-item.ts';
import { parseCollectionId, parseLongId, parseServerId } from '../../ids.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { ItemOperations } from '../../wbxml/code-pages/item-operations.ts';
import { type Element, el, text } from '../../wbxml/element.ts';
import type { ItemName, Operation } from './read.ts';
import { ItemOperationsStatus, OperationError } from './status.ts';

/** Gives the properties of a message; what is binary goes into `parts` if there are any. Throws OperationError. */
export async function fetchItem(
  asked: Operation & { readonly kind: 'item' },
  { mailbox, version, policy }: CommandContext,
  parts: Uint8Array[] | undefined,
): Promise<readonly Element[]> {
  const item = await namedItem(asked.name, mailbox.reader);
  const [message] = item === undefined ? [] : await readMessages(mailbox.reader, [item]);
  if (message === undefined) throw new OperationError(ItemOperationsStatus.NotFound, 'no such item');
  const properties = await emailProperties(mailbox, message, {
    options: asked.body,
    version,
    ...allowedBodies(policy),
    truncationWithoutPreference: undefined,
  });
  const wanted =
    asked.schema === undefined ? properties : properties.filter(({ tag }) => asked.schema?.has(tag));
  return parts === undefined ? wanted : wanted.map((element) => inParts(element, parts));
}

/** What a Search has found is found again where it was moved to. */
async function namedItem(name: ItemName, reader: MailboxReader): Promise<Item | undefined> {
  if ('longId' in name) {
    const place = parseLongId(name.longId);
    return place && (await findItem(reader, place));
  }
  const folder = parseCollectionId(name.collectionId);
  const place = parseServerId(name.serverId);
  const isKnown = folder !== undefined && place?.folder === folder;
  const isThere = isKnown && (await reader.folder(folder)) !== undefined;
  return isThere ? await reader.item(folder, place.item) : undefined;
}

/** MS-ASCMD, Part: in place of the Data of a body stands the number of the part that holds it. */
function inParts(element: Element, parts: Uint8Array[]): Element {
  if (element.tag !== AirSyncBase.Body) return element;
  const rest = element.children.filter(({ tag }) => tag !== AirSyncBase.Data);
  const data = element.children.find(({ tag }) => tag === AirSyncBase.Data);
  if (data === undefined) return element;
  const count = parts.push(data.opaque ?? Buffer.from(text(data), 'utf8'));
  return el(element.tag, ...rest, el(ItemOperations.Part, count));
}

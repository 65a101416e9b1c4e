import type { Item } from '#domain/item';
import type { MailboxReader } from '#domain/ports';
import { isPunctuatedDateTime, parseDateTime } from '../../classes/date-time.ts';
import { CommandError } from '../../command-error.ts';
import { findItem } from '../../find-item.ts';
import { parseCollectionId, parseLongId } from '../../ids.ts';
import type { RequestLine } from '../../request-line.ts';
import { CommonStatus } from '../../status.ts';
import { ComposeMail } from '../../wbxml/code-pages/compose-mail.ts';
import { child, type Element, textOf } from '../../wbxml/element.ts';

/** The message that a client replies to or forwards, as it names it. */
export interface SourceName {
  /** Undefined: the Inbox (MS-ASCMD, FolderId). */
  readonly folderId: string | undefined;
  readonly itemId: string | undefined;
  /** What a Search has called it: in place of the two. */
  readonly longId: string | undefined;
  /** One of a series. */
  readonly isInstance: boolean;
}

/** Reads a Source: FolderId and ItemId, or LongId. Throws CommandError. */
export function readSource(body: Element): SourceName {
  const source = child(body, ComposeMail.Source);
  const given = {
    folderId: textOf(source, ComposeMail.FolderId),
    itemId: textOf(source, ComposeMail.ItemId),
    longId: textOf(source, ComposeMail.LongId),
    instance: textOf(source, ComposeMail.InstanceId),
  };
  return sourceOf(given, isPunctuatedDateTime);
}

/** The same from the query of a request below 14.0, whose Occurrence is a date in either spelling. Throws CommandError. */
export function sourceOfLine({ collectionId, itemId, longId, occurrence }: RequestLine): SourceName {
  const given = { folderId: collectionId, itemId, longId, instance: occurrence };
  return sourceOf(given, (text) => parseDateTime(text) !== undefined);
}

interface GivenSource {
  readonly folderId: string | undefined;
  readonly itemId: string | undefined;
  readonly longId: string | undefined;
  readonly instance: string | undefined;
}

function sourceOf(given: GivenSource, isDate: (text: string) => boolean): SourceName {
  const [folderId, itemId, longId, instance] = [
    given.folderId,
    given.itemId,
    given.longId,
    given.instance,
  ].map((text) => text || undefined);
  if (itemId === undefined && longId === undefined) {
    throw new CommandError(CommonStatus.InvalidXML, 'no message is named');
  }
  if (longId !== undefined && (itemId ?? folderId) !== undefined) {
    throw new CommandError(CommonStatus.InvalidCombinationOfIDs, 'LongId beside FolderId or ItemId');
  }
  if (instance !== undefined && !isDate(instance)) {
    throw new CommandError(CommonStatus.InvalidDateTime, 'InstanceId is no date');
  }
  return { folderId, itemId, longId, isInstance: instance !== undefined };
}

/** The message of that name, also if it was moved since; undefined if there is none. */
export async function findSource(
  { folderId, itemId, longId }: SourceName,
  reader: MailboxReader,
): Promise<Item | undefined> {
  if (longId !== undefined) {
    const named = parseLongId(longId);
    return named && (await findItem(reader, named));
  }
  // An ItemId of the query may have been escaped twice, as a LongId.
  const place = itemId === undefined ? undefined : parseLongId(itemId);
  if (place === undefined) return undefined;
  const isThere = folderId === undefined || parseCollectionId(folderId) === place.folder;
  return isThere ? await findItem(reader, place) : undefined;
}

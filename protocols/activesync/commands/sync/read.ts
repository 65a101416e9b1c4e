/** Reads a Sync request. MS-ASCMD, Sync: what is wrong with one collection is answered in that collection. */

import type { FolderId, ItemId } from '#domain/ids';
import type { ClientCommand } from '#domain/sync';
import { BodyOptionsError } from '../../classes/body-options.ts';
import { readMarks } from '../../classes/email.ts';
import { InvalidPropertyError } from '../../classes/email-flag.ts';
import { CommandError } from '../../command-error.ts';
import { parseCollectionId, parseServerId } from '../../ids.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { child, childrenOf, type Element, flagOf, has, integerOf, textOf } from '../../wbxml/element.ts';
import { InvalidOptionsError, optionsText, readOptions } from './options.ts';
import { readDraft, type WrittenByClient } from './read-draft.ts';
import { SyncStatus } from './status.ts';

/** By what a command is answered: an Add by its ClientId, the others by their ServerId. */
interface Named {
  readonly serverId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** A command with the words it came in: for the domain, or answered already, by a status of Sync or a common one. */
export type PlainCommand =
  | (Named & { readonly command: ClientCommand })
  | (Named & { readonly kind: 'add' | 'change' | 'delete' | 'fetch'; readonly refused: number });

/** A command as it was read: what is written of a draft has yet to become a message. */
export type RequestCommand =
  | PlainCommand
  | (Named & {
      readonly kind: 'add' | 'change';
      /** Undefined: a new one. */
      readonly item?: ItemId | undefined;
      readonly written: WrittenByClient;
    });

export interface CollectionRequest {
  readonly collectionId: string;
  /** Undefined: no folder can have this id. */
  readonly folder: FolderId | undefined;
  readonly syncKey: string;
  /** The request did not name the key: it is the one of our last answer. */
  readonly isKeyAssumed?: true | undefined;
  readonly getChanges: boolean;
  /** 1 to 512. */
  readonly windowSize: number;
  /** As `optionsText`; undefined keeps those in force. */
  readonly options: string | undefined;
  readonly commands: readonly RequestCommand[];
  /** MS-ASCMD, ConversationMode: only mail has conversations. Undefined: not said. */
  readonly byConversation: boolean | undefined;
  /** MS-ASCMD, Supported: there is a list, with the first key. */
  readonly hasSupported: boolean;
  /** MS-ASCMD, Class (Sync), as it was sent below 14.0. */
  readonly className?: string | undefined;
}

export interface SyncRequest {
  readonly collections: readonly CollectionRequest[];
  /** The rest of the collections is as in the request before. */
  readonly partial: boolean;
  /** How long to wait for changes; 0 answers at once. */
  readonly waitSeconds: number;
  /** Of all collections together; undefined when the request does not say. */
  readonly windowSize: number | undefined;
}

/** A status for the whole request, directly under Sync; `limit` says what would have been taken. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly status: SyncStatus;
  readonly limit: number | undefined;

  constructor(status: SyncStatus, message: string, limit?: number) {
    super(message);
    this.status = status;
    this.limit = limit;
  }
}

/** MS-ASCMD, Limitations: what Exchange takes by default. */
const mostCollections = 300;
const mostCommands = 200;
/** Attachments that are added: the answer to each is remembered. */
const mostFiles = 200;
/** MS-ASCMD: characters of a SyncKey, CollectionId, ServerId or ClientId. */
const longestId = 64;
/** MS-ASCMD, WindowSize: it also stands for 0 and for anything larger. */
export const largestWindow = 512;
const windowWithoutSize = 100;
const heartbeat = { least: 60, most: 3540 };

/** Reads the document. Throws SyncError, and CommandError for what its version does not know. */
export function readSync(body: Element, version: ProtocolVersion): SyncRequest {
  refuseUnknownTo(version, body);
  const elements = childrenOf(body, AirSync.Collections).flatMap((list) =>
    childrenOf(list, AirSync.Collection),
  );
  if (elements.length > mostCollections) {
    // Status 15 and Limit came with 12.1.
    const [status, limit] = isAtLeast(version, '12.1')
      ? [SyncStatus.TooManyCollections, mostCollections]
      : [SyncStatus.ProtocolError];
    throw new SyncError(status, 'too many collections', limit);
  }
  const collections = elements.map((element) => readCollection(element, version));
  // The second one would be a repetition of the first, and be told the same again.
  if (new Set(collections.map(({ collectionId }) => collectionId)).size < collections.length) {
    throw new SyncError(SyncStatus.ProtocolError, 'a collection twice');
  }
  const commands = collections.reduce((sum, { commands: { length } }) => sum + length, 0);
  if (commands > mostCommands || filesIn(collections) > mostFiles) {
    throw new SyncError(SyncStatus.ProtocolError, 'too many commands');
  }
  const partial = has(body, AirSync.Partial);
  const waitSeconds = readWait(body);
  const windowSize = readWindowSize(body);
  const saysNothing = collections.length === 0 && waitSeconds === 0;
  if (saysNothing && !(partial && windowSize !== undefined)) {
    throw new SyncError(SyncStatus.ProtocolError, 'nothing is asked for');
  }
  return { collections, partial, waitSeconds, windowSize };
}

/** What came with 12.1: a client that waits for changes in an older version would get its answer at once, and spin. */
function refuseUnknownTo(version: ProtocolVersion, body: Element): void {
  if (isAtLeast(version, '12.1')) return;
  const unknown = [AirSync.Wait, AirSync.HeartbeatInterval, AirSync.Partial].find((tag) => has(body, tag));
  if (unknown !== undefined) {
    throw new CommandError(CommonStatus.InvalidXML, `${unknown.name} is not known to ${version}`);
  }
}

function filesIn(collections: readonly CollectionRequest[]): number {
  const written = collections.flatMap(({ commands }) =>
    commands.flatMap((one) => ('written' in one ? [one] : [])),
  );
  return written.reduce((sum, { written: { change } }) => sum + (change?.addedFiles.length ?? 0), 0);
}

function readWait(body: Element): number {
  const minutes = integerOf(body, AirSync.Wait);
  const seconds = integerOf(body, AirSync.HeartbeatInterval);
  if (minutes !== undefined && seconds !== undefined) {
    throw new SyncError(SyncStatus.ProtocolError, 'both Wait and HeartbeatInterval');
  }
  if (minutes !== undefined && !(minutes >= 1 && minutes <= 59)) {
    throw new SyncError(SyncStatus.InvalidWait, 'Wait is out of range', minutes < 1 ? 1 : 59);
  }
  if (seconds !== undefined && !(seconds >= heartbeat.least && seconds <= heartbeat.most)) {
    const limit = seconds < heartbeat.least ? heartbeat.least : heartbeat.most;
    throw new SyncError(SyncStatus.InvalidWait, 'HeartbeatInterval is out of range', limit);
  }
  return minutes === undefined ? (seconds ?? 0) : minutes * 60;
}

function readWindowSize(parent: Element): number | undefined {
  const size = integerOf(parent, AirSync.WindowSize);
  return size === undefined || (size >= 1 && size <= largestWindow) ? size : largestWindow;
}

function readCollection(element: Element, version: ProtocolVersion): CollectionRequest {
  const syncKey = textOf(element, AirSync.SyncKey)?.trim();
  const collectionId = textOf(element, AirSync.CollectionId)?.trim();
  if (!syncKey || !collectionId || collectionId.length > longestId) {
    throw new SyncError(SyncStatus.ProtocolError, 'a collection without SyncKey or CollectionId');
  }
  const options = optionsOf(element, version);
  const permanently = flagOf(element, AirSync.DeletesAsMoves) === false;
  const folder = parseCollectionId(collectionId);
  const around = { folder, permanently, version };
  const commands = childrenOf(element, AirSync.Commands).flatMap(({ children }) =>
    children.map((command) => readCommand(command, around)),
  );
  if (syncKey === '0' && commands.length > 0) {
    throw new SyncError(SyncStatus.ProtocolError, 'commands with key 0');
  }
  return {
    collectionId,
    folder,
    syncKey,
    getChanges: flagOf(element, AirSync.GetChanges) ?? true,
    windowSize: readWindowSize(element) ?? windowWithoutSize,
    options,
    commands,
    byConversation: isAtLeast(version, '14.0') ? flagOf(element, AirSync.ConversationMode) : undefined,
    hasSupported: syncKey === '0' && has(element, AirSync.Supported),
    className: isAtLeast(version, '14.0') ? undefined : textOf(element, AirSync.Class)?.trim() || undefined,
  };
}

/** MS-ASAIRS: what stands out of order is Status 4, a value that cannot be 6. */
function optionsOf(collection: Element, version: ProtocolVersion): string | undefined {
  try {
    const options = readOptions(childrenOf(collection, AirSync.Options), version);
    return options && optionsText(options);
  } catch (error) {
    if (error instanceof BodyOptionsError && error.isValue) {
      throw new SyncError(SyncStatus.ConversionError, error.message);
    }
    if (error instanceof InvalidOptionsError || error instanceof BodyOptionsError) {
      throw new SyncError(SyncStatus.ProtocolError, error.message);
    }
    throw error;
  }
}

/** What a command needs to know of its collection. */
interface Surroundings {
  readonly folder: FolderId | undefined;
  readonly permanently: boolean;
  readonly version: ProtocolVersion;
}

function readCommand(element: Element, around: Surroundings): RequestCommand {
  const serverId = () => requiredId(element, AirSync.ServerId);
  switch (element.tag) {
    case AirSync.Add:
      return readAdd(element, requiredId(element, AirSync.ClientId), around);
    case AirSync.Change:
      return readChange(element, serverId(), around);
    case AirSync.Delete:
      return placed(serverId(), 'delete', around, (item) => ({
        kind: 'delete',
        item,
        permanently: around.permanently,
      }));
    case AirSync.Fetch:
      return placed(serverId(), 'fetch', around, (item) => ({ kind: 'fetch', item }));
    default:
      throw new SyncError(SyncStatus.ProtocolError, 'an unknown command');
  }
}

/** The id by which a command is answered. */
function requiredId(command: Element, tag: Tag): string {
  const id = textOf(command, tag)?.trim() ?? '';
  if (id === '' || id.length > longestId) {
    throw new SyncError(SyncStatus.ProtocolError, `a command without a ${tag.name}`);
  }
  return id;
}

/** MS-ASCMD, Add (Sync): mail comes by SMTP; only drafts are added, from 16.0 on. */
function readAdd(element: Element, clientId: string, { version }: Surroundings): RequestCommand {
  const refusal = { kind: 'add', clientId, refused: SyncStatus.ConversionError } as const;
  if (!isAtLeast(version, '16.0')) return refusal;
  return orRefusal(() => ({ kind: 'add', clientId, written: readDraft(element, undefined) }), refusal);
}

function readChange(element: Element, serverId: string, around: Surroundings): RequestCommand {
  return orRefusal(
    () => {
      const place = parseServerId(serverId);
      const written = isAtLeast(around.version, '16.0') ? readDraft(element, place?.item) : undefined;
      const isDraft = written !== undefined && (written.change !== undefined || written.isSent);
      if (isDraft && place?.folder === around.folder) {
        return { kind: 'change', serverId, item: place?.item, written };
      }
      const marks = written?.marks ?? readMarks(child(element, AirSync.ApplicationData));
      return placed(serverId, 'change', around, (item) => ({ kind: 'change', item, marks }));
    },
    { kind: 'change', serverId, refused: SyncStatus.ConversionError },
  );
}

/** The command, or the refusal of one with a value that it may not have. */
function orRefusal(read: () => RequestCommand, refusal: RequestCommand): RequestCommand {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidPropertyError) return refusal;
    throw error;
  }
}

function placed(
  serverId: string,
  kind: 'change' | 'delete' | 'fetch',
  { folder }: Surroundings,
  make: (item: ItemId) => ClientCommand,
): RequestCommand {
  const place = parseServerId(serverId);
  return place === undefined || place.folder !== folder
    ? { kind, serverId, refused: SyncStatus.ObjectNotFound }
    : { serverId, command: make(place.item) };
}

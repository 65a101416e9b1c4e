import { classOf, FolderType, type ItemClass } from '#domain/folder';
import { isHierarchyNews } from '#domain/hierarchy';
import type { FolderId } from '#domain/ids';
import { recipientCacheFolder } from '#domain/recipient-cache';
import { hasRecipientNews } from '#domain/recipient-sync';
import { FolderSync } from '#domain/sync';
import type { CachedRequests } from '#domain/sync-state';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { collectionIdOf, parseCollectionId } from '../../ids.ts';
import { isAtLeast, type ProtocolVersion, protocolVersions } from '../../protocol-version.ts';
import { Ping } from '../../wbxml/code-pages/ping.ts';
import { child, childrenOf, type Element, el, integerOf, textOf } from '../../wbxml/element.ts';
import { maxItemsOf, syncRules } from '../sync/options.ts';
import { PingStatus } from './status.ts';
import { type FolderCheck, waitForNews } from './wait-for-news.ts';

/** MS-ASCMD, HeartbeatInterval (Ping), in seconds: short ones cost batteries, longer ones no proxy keeps. */
const minHeartbeatSeconds = 60;
const maxHeartbeatSeconds = 3540;
const maxFolders = 300;
/** Of an Id we keep. */
const maxId = 64;

/** What was sent; undefined parts come from the last Ping that had them. */
interface PingRequest {
  readonly heartbeatSeconds: number | undefined;
  readonly folders: readonly string[] | undefined;
}

type PingResult =
  | { readonly status: PingStatus }
  | { readonly status: 2; readonly folders: readonly FolderId[] }
  | { readonly status: 5; readonly heartbeatSeconds: number }
  | { readonly status: 6; readonly maxFolders: number };

/** Ping: waits until something changes in the folders named, and says where (MS-ASCMD, Ping). */
export const ping = defineCommand({
  name: 'Ping',
  code: 18,
  quarantine: 'served',
  // MS-ASHTTP, X-MS-PolicyKey: not sent with Ping. A pending wipe is told all the same.
  policy: 'exempt',
  waits: () => true,
  read: readRequest,
  readEmpty: (): PingRequest => ({ heartbeatSeconds: undefined, folders: undefined }),
  run: runPing,
  write: writeResult,
});

function readRequest(body: Element): PingRequest {
  const heartbeatSeconds = integerOf(body, Ping.HeartbeatInterval);
  const list = child(body, Ping.Folders);
  if (Number.isNaN(heartbeatSeconds)) throw new CommandError(PingStatus.SyntaxError, 'no number of seconds');
  return { heartbeatSeconds, folders: list && readFolders(list) };
}

function readFolders(list: Element): readonly string[] {
  const ids = childrenOf(list, Ping.Folder).map((folder) => textOf(folder, Ping.Id) ?? '');
  const isFaulty = ids.some((id) => id === '' || id.length > maxId) || new Set(ids).size < ids.length;
  if (isFaulty) throw new CommandError(PingStatus.SyntaxError, 'a folder without Id, or one named twice');
  return ids;
}

async function runPing(sent: PingRequest, context: CommandContext): Promise<PingResult> {
  const { mailbox, device } = context;
  const cached = (await mailbox.reader.cachedRequests(device.id)).ping;
  const heartbeatSeconds = sent.heartbeatSeconds ?? cached?.heartbeatSeconds;
  const ids = sent.folders ?? cached?.folders;
  if (heartbeatSeconds === undefined || ids === undefined) return { status: PingStatus.MissingParameters };
  const nearest = Math.min(Math.max(heartbeatSeconds, minHeartbeatSeconds), maxHeartbeatSeconds);
  const isInRange = nearest === heartbeatSeconds;
  if (ids.length <= maxFolders) {
    // A device that is told another heartbeat may send that alone: its new list is kept.
    const kept = isInRange ? heartbeatSeconds : cached?.heartbeatSeconds;
    const isNew = cached?.heartbeatSeconds !== kept || cached?.folders.join() !== ids.join();
    if (isNew) await remember(context, { heartbeatSeconds: kept, folders: ids });
  }
  if (!isInRange) return { status: 5, heartbeatSeconds: nearest };
  if (ids.length > maxFolders) return { status: 6, maxFolders };
  const folders = await knownFolders(context, ids);
  if (folders.size < ids.length) {
    // A device that knows of it waits for what is left of its older list.
    const isTold = sent.folders === undefined && !(await isHierarchyNews(mailbox.reader, device.id));
    if (!isTold) return { status: PingStatus.FolderSyncNeeded };
  }
  return await wait(context, folders, heartbeatSeconds);
}

type FolderClasses = ReadonlyMap<FolderId, ItemClass>;

/** Clients were seen to leave the version out of a Ping: then it is the one they synchronise in. */
function versionOf({ requestLine, version, device }: CommandContext): ProtocolVersion {
  const known = protocolVersions.find((one) => one === device.protocolVersion);
  return requestLine.isVersionStated ? version : (known ?? version);
}

/** What the recipient cache is to a Ping: a device that was told of it names it still when it speaks an older version. */
const cache = { id: recipientCacheFolder, type: FolderType.Contacts };

/** The folders of a list that exist, and what they hold. */
async function knownFolders(
  { mailbox: { reader } }: CommandContext,
  ids: readonly string[],
): Promise<FolderClasses> {
  const folders = await Promise.all(
    ids.map((text) => {
      const id = parseCollectionId(text);
      if (id === recipientCacheFolder) return cache;
      return id === undefined ? undefined : reader.folder(id);
    }),
  );
  return new Map(folders.filter((folder) => folder !== undefined).map(({ id, type }) => [id, classOf(type)]));
}

function remember({ mailbox, device }: CommandContext, ping: CachedRequests['ping']): Promise<void> {
  return mailbox.transact(async (tx) => {
    tx.putCachedRequests(device.id, { ...(await tx.cachedRequests(device.id)), ping });
  });
}

async function wait(
  context: CommandContext,
  folders: FolderClasses,
  heartbeatSeconds: number,
): Promise<PingResult> {
  const { mailbox, clock, signal } = context;
  const news = await waitForNews({
    mailbox,
    folders: [...folders.keys()],
    clock,
    signal,
    timeoutMs: heartbeatSeconds * 1000,
    check: checkOf(context, folders),
  });
  if (news === 'hierarchy') return { status: PingStatus.FolderSyncNeeded };
  if (news === 'none') {
    // New rules: the FolderSync that follows is told of them.
    const isForRules = signal.aborted && signal.reason === 'policy-changed';
    return { status: isForRules ? PingStatus.FolderSyncNeeded : PingStatus.Expired };
  }
  return { status: 2, folders: news };
}

/** A Ping reports what the next Sync will deliver, by the last key and the options in force; never anything else. */
function checkOf(context: CommandContext, folders: FolderClasses): FolderCheck {
  const { mailbox, device, clock, services } = context;
  const sync = new FolderSync(mailbox, clock, services.random);
  const asker = { policy: context.policy, version: versionOf(context) };
  return async (folder) => {
    if (folder === undefined) return await isHierarchyNews(mailbox.reader, device.id);
    if (folder !== recipientCacheFolder)
      return await sync.hasChanges(device.id, folder, syncRules(asker, folders.get(folder) ?? 'Email'));
    const isServed = isAtLeast(asker.version, '14.0');
    return isServed && (await hasRecipientNews(mailbox.reader, device.id, maxItemsOf));
  };
}

function writeResult(result: PingResult): Element {
  return el(
    Ping.Ping,
    el(Ping.Status, result.status),
    'folders' in result
      ? el(Ping.Folders, ...result.folders.map((id) => el(Ping.Folder, collectionIdOf(id))))
      : undefined,
    'maxFolders' in result ? el(Ping.MaxFolders, result.maxFolders) : undefined,
    'heartbeatSeconds' in result ? el(Ping.HeartbeatInterval, result.heartbeatSeconds) : undefined,
  );
}

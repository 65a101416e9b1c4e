/**
 * The last Sync that can be repeated: an empty or a Partial request stands for it (MS-ASCMD, Empty Sync Request). It has the
 * keys of the last answers, unless an answer to such a request may be lost: it names no key, so nothing says whether the device
 * has the answer, and the device is asked for the whole request. (A whole request whose answer is lost is repeated whole.)
 */
import { syncKeyOf } from '#domain/sync-state';
import type { CommandContext } from '../../command.ts';
import { parseCollectionId } from '../../ids.ts';
import { type CollectionRequest, SyncError, type SyncRequest } from './read.ts';
import { SyncStatus } from './status.ts';

/** What is kept; keys and options are those of the folders' own states. */
interface Kept {
  readonly collections: readonly { readonly id: string; readonly windowSize: number }[];
  readonly waitSeconds: number;
  readonly windowSize?: number | undefined;
}

/** Fills in what a Partial request leaves out. Throws SyncError when nothing is kept, or not what the device has. */
export async function completed(request: SyncRequest, context: CommandContext): Promise<SyncRequest> {
  if (!request.partial) {
    return request;
  }
  const named = new Set(request.collections.map(({ collectionId }) => collectionId));
  const kept = await repeated(context, named);
  return {
    ...request,
    collections: [...request.collections, ...kept.collections],
    waitSeconds: request.waitSeconds || kept.waitSeconds,
    windowSize: request.windowSize ?? kept.windowSize,
  };
}

/** The request that an empty one repeats, without the collections that are `named`. Throws SyncError as `completed` does. */
export async function repeated(
  { mailbox, device }: CommandContext,
  named: ReadonlySet<string> = new Set(),
): Promise<SyncRequest> {
  const { reader } = mailbox;
  const { sync } = await reader.cachedRequests(device.id);
  if (sync === undefined) {
    throw new SyncError(SyncStatus.IncompleteRequest, 'no request to repeat');
  }
  const kept = JSON.parse(Buffer.from(sync).toString()) as Kept;
  const collections: CollectionRequest[] = [];
  for (const { id, windowSize } of kept.collections) {
    if (named.has(id)) continue;
    const folder = parseCollectionId(id);
    const [state] = folder === undefined ? [] : await reader.syncStates(device.id, folder);
    if (folder === undefined || state === undefined) {
      throw new SyncError(SyncStatus.IncompleteRequest, 'a collection of the request is gone');
    }
    if (state.isUnconfirmed) {
      throw new SyncError(SyncStatus.IncompleteRequest, 'an answer without a key in its request may be lost');
    }
    collections.push({
      collectionId: id,
      folder,
      syncKey: syncKeyOf(state),
      isKeyAssumed: true,
      getChanges: true,
      windowSize,
      options: undefined,
      commands: [],
      byConversation: undefined,
      hasSupported: false,
    });
  }
  return { collections, partial: false, waitSeconds: kept.waitSeconds, windowSize: kept.windowSize };
}

/** Keeps a request that can be repeated; one that can not takes away what was kept. Writes only what differs. */
export async function keep(request: SyncRequest, { mailbox, device }: CommandContext): Promise<void> {
  const repeatable = request.collections.every(
    ({ commands, syncKey, getChanges }) => commands.length === 0 && syncKey !== '0' && getChanges,
  );
  const kept: Kept = {
    collections: request.collections.map(({ collectionId, windowSize }) => ({
      id: collectionId,
      windowSize,
    })),
    waitSeconds: request.waitSeconds,
    windowSize: request.windowSize,
  };
  const sync = repeatable ? Buffer.from(JSON.stringify(kept)) : undefined;
  const stored = await mailbox.reader.cachedRequests(device.id);
  const same =
    sync === undefined
      ? stored.sync === undefined
      : stored.sync !== undefined && Buffer.compare(sync, stored.sync) === 0;
  if (!same) {
    await mailbox.transact(async (tx) =>
      tx.putCachedRequests(device.id, { ...(await tx.cachedRequests(device.id)), sync }),
    );
  }
}

/** How the rows about the devices of a mailbox are written. */
import type { Device } from '#domain/device';
import type { CachedRequests, FolderSyncState, SyncState } from '#domain/sync-state';
import type { Codec } from '../rows.ts';
import { plainObject } from './packed.ts';

export const deviceCodec: Codec<Device> = plainObject();
/** A state, and the store's epoch it belongs to. */
type OfEpoch<T> = T & { readonly epoch: number };
export const syncStateCodec: Codec<OfEpoch<SyncState>> = plainObject();
export const folderSyncStateCodec: Codec<OfEpoch<FolderSyncState>> = plainObject();
export const cachedRequestsCodec: Codec<CachedRequests> = plainObject();

import type { DiaryCollection, DiaryEntry } from '#domain/sync-diary';
import { timestamp } from '../input.ts';

/** describeRequests writes a device's diary, newest first, as DescribeMobileDevice gives it. */
export function describeRequests(entries: readonly DiaryEntry[]): readonly object[] {
  return entries.map((entry) => ({
    Time: timestamp(entry.atMs),
    Command: entry.command,
    ProtocolVersion: entry.version,
    HttpStatus: entry.httpStatus,
    Status: entry.status,
    PolicyKey: entry.policyKey,
    DurationMs: entry.durationMs,
    WaitedMs: entry.waitedMs,
    BytesIn: entry.bytesIn,
    BytesOut: entry.bytesOut,
    Error: entry.error,
    Collections: entry.collections.map(describeCollection),
    MoreCollections: entry.moreCollections,
  }));
}

function describeCollection(collection: DiaryCollection): object {
  return {
    CollectionId: collection.id,
    KeyIn: collection.keyIn,
    KeyOut: collection.keyOut,
    Status: collection.status,
    ItemsReceived: collection.received,
    ItemsSent: collection.sent,
    ...(collection.isMoreAvailable === true && { MoreAvailable: true }),
  };
}

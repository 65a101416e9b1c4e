/** How the rows about what devices do are written. */
import type { TracedRequest, TraceSetting } from '#domain/device-trace';
import type { DeviceId, MailboxId, OrganizationId } from '#domain/ids';
import type { DiaryCollection, DiaryEntry } from '#domain/sync-diary';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

type Maybe<T> = T | null;
const some = <T>(value: T | undefined): Maybe<T> => value ?? null;
const none = <T>(value: Maybe<T> | undefined): T | undefined => value ?? undefined;

type CollectionTuple = [
  string,
  Maybe<string>,
  Maybe<string>,
  Maybe<number>,
  Maybe<number>,
  Maybe<number>,
  boolean,
];
const collectionIn = (c: DiaryCollection): CollectionTuple => [
  c.id,
  some(c.keyIn),
  some(c.keyOut),
  some(c.status),
  some(c.received),
  some(c.sent),
  c.isMoreAvailable === true,
];
const collectionOut = (t: CollectionTuple): DiaryCollection => ({
  id: t[0],
  keyIn: none(t[1]),
  keyOut: none(t[2]),
  status: none(t[3]),
  received: none(t[4]),
  sent: none(t[5]),
  isMoreAvailable: t[6],
});

type EntryTuple = [
  number,
  number,
  Maybe<number>,
  string,
  string,
  Maybe<number>,
  Maybe<number>,
  DiaryEntry['policyKey'],
  number,
  number,
  Maybe<string>,
  readonly CollectionTuple[],
  number,
];
const entryIn = (e: DiaryEntry): EntryTuple => [
  e.atMs,
  e.durationMs,
  some(e.waitedMs),
  e.command,
  e.version,
  some(e.httpStatus),
  some(e.status),
  e.policyKey,
  e.bytesIn,
  e.bytesOut,
  some(e.error),
  e.collections.map(collectionIn),
  e.moreCollections ?? 0,
];
const entryOut = (t: EntryTuple): DiaryEntry => ({
  atMs: t[0],
  durationMs: t[1],
  waitedMs: none(t[2]),
  command: t[3],
  version: t[4],
  httpStatus: none(t[5]),
  status: none(t[6]),
  policyKey: t[7],
  bytesIn: t[8],
  bytesOut: t[9],
  error: none(t[10]),
  collections: t[11].map(collectionOut),
  moreCollections: t[12] === 0 ? undefined : t[12],
});

/** Requests, oldest first. */
export const diaryCodec: Codec<readonly DiaryEntry[]> = packedCodec(
  (entries): readonly EntryTuple[] => entries.map(entryIn),
  (tuples) => tuples.map(entryOut),
);

/** A request packed whole; a row holds a piece of it. */
export const tracedRequestCodec: Codec<TracedRequest> = packedCodec(
  (request: TracedRequest) => request,
  (request: TracedRequest) => request,
);

type SettingTuple = [OrganizationId, MailboxId, DeviceId, number, number, Maybe<string>];
export const traceSettingCodec: Codec<TraceSetting> = packedCodec(
  ({ ref, device, sinceMs, untilMs, by }): SettingTuple => [
    ref.organization,
    ref.mailbox,
    device,
    sinceMs,
    untilMs,
    some(by),
  ],
  ([organization, mailbox, device, sinceMs, untilMs, by]) => ({
    ref: { organization, mailbox },
    device,
    sinceMs,
    untilMs,
    by: none(by),
  }),
);

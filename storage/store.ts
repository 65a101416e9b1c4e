/**
 * The Store and BlobStore ports: everything above them is the same whichever engine is below.
 * A partition is the unit of placement, locking and ordering; every key lives in exactly one.
 */
import type { OrganizationId } from '#domain/ids';

export type Bytes = Uint8Array;

/** A partition: the bytes that start its keys, and the same bytes as a latin1 string for use in maps. */
export interface Part {
  readonly bytes: Bytes;
  readonly name: string;
  /** Whose data key seals the rows here; undefined for the installation's own (system and queue). */
  readonly organization: OrganizationId | undefined;
}

/** Keys from `gte` up to, not including, `lt`, in byte order (or from the end with `reverse`). */
export interface Range {
  readonly gte: Bytes;
  readonly lt: Bytes;
  readonly limit?: number;
  readonly reverse?: boolean;
  /**
   * Rows are taken from the beginning of this range, the same one each time: an engine that reads over what was deleted may
   * remember where the others begin.
   */
  readonly isQueue?: boolean;
}

/** Rows in order. A short page is not the end: `next` (the bound to go on with: new `gte`, or new `lt` in reverse) says so. */
export interface Page {
  readonly rows: readonly (readonly [Bytes, Bytes])[];
  readonly next?: Bytes;
}

export interface Reader {
  get(p: Part, k: Bytes): Promise<Bytes | undefined>;
  getMany(p: Part, ks: readonly Bytes[]): Promise<(Bytes | undefined)[]>;
  /** At most 1,000 rows or 1 MiB; consistent within the page. */
  page(p: Part, r: Range): Promise<Page>;
}

/** One transaction: its reads see its own writes and everything committed or queued before it. */
export interface Tx extends Reader {
  /** The bytes belong to the store from now on: neither key nor value may be changed. */
  put(p: Part, k: Bytes, v: Bytes): void;
  del(p: Part, k: Bytes): void;
  /** Puts a key that must not be there yet; throws ExistsError if it is. */
  insert(p: Part, k: Bytes, v: Bytes): Promise<void>;
  /** The partition's next sequence number: taken once per transaction and partition, the same number when asked again. */
  nextSeq(p: Part): Promise<number>;
  /** The newest sequence number this transaction sees, its own included; 0 if none. */
  lastSeq(p: Part): Promise<number>;
  /** False once half of what a transaction may hold is written: time to end it, where the rest may go in the next one. */
  hasRoom(): boolean;
  /** Wakes watchers of this topic once the transaction is durable. */
  touch(p: Part, topic: number): void;
}

export type Unwatch = () => void;

/**
 * When a transaction reaches the disk, and when it resolves. `now`: at once, and it resolves when it is durable. `soon`: the
 * same, with the next commit of others or a few milliseconds later. `seen`: as soon, and it resolves before it is durable,
 * when all that it may have read is and later transactions see it: for what does no harm if a crash undoes it.
 */
export type Urgency = 'now' | 'soon' | 'seen';

export interface BackupInfo {
  readonly files: number;
  readonly bytes: number;
}

/** These reads see what is durable. */
export interface Store extends Reader {
  /**
   * Raised when an operator accepted that commits were lost: what is kept outside with a sequence number
   * (a device's sync state) keeps it too, and starts over when it differs.
   */
  readonly epoch: number;
  /**
   * Locks the listed partitions in byte order, runs `fn`, and resolves when its writes are durable.
   * `fn` may run again, touches only the listed partitions, and stays below 4,000 writes, 2 MiB and 1 s.
   * If it throws, nothing is left behind, and the error comes once what it read is durable.
   */
  transact<T>(parts: readonly Part[], fn: (tx: Tx) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Whether a partition whose bytes begin with these has a durable row. */
  hasRows(prefix: Bytes): Promise<boolean>;
  /** The highest sequence number taken in the partition that is durable; 0 if none. */
  lastSeq(p: Part): Promise<number>;
  /** A hint, not a queue: may fire for nothing. Called after the commit is durable; must not throw. */
  watch(parts: readonly Part[], cb: (p: Part, topic: number) => void): Unwatch;
  /** Deletes up to a page of the range; call again from `next` until `done`. */
  deleteRange(p: Part, r: Range): Promise<{ done: boolean; next?: Bytes }>;
  /** Copies the live database into the new folder `to` as an exact prefix of its history. */
  backup(to: string): Promise<BackupInfo>;
  close(): Promise<void>;
}

/** A body kept outside the database: 32 random bytes of id, and the size of the plain content in bytes. */
export interface BlobRef {
  readonly id: Bytes;
  readonly size: number;
}

/** Appends plain chunks; `finish` resolves once the body is durable; `abort` forgets it. */
export interface BlobWriter {
  append(chunk: Bytes): Promise<void>;
  finish(): Promise<BlobRef>;
  abort(): Promise<void>;
}

export interface BlobStore {
  write(organization: OrganizationId): BlobWriter;
  /** The plain bytes, or those of `range` [start, end) only. */
  open(organization: OrganizationId, ref: BlobRef, range?: readonly [number, number]): AsyncIterable<Bytes>;
  /** Idempotent. */
  remove(ref: BlobRef): Promise<void>;
  /** Ids in order, a page at a time, with the time each file was written (ms since the epoch): for the sweep. */
  list(after?: Bytes): Promise<readonly { id: Bytes; writtenMs: number }[]>;
}

/** `insert` found the key already there. */
export class ExistsError extends Error {
  override readonly name = 'ExistsError';
}

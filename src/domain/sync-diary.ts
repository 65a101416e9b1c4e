import type { Logger } from '#telemetry/log';
import type { DeviceId, MailboxRef } from './ids.ts';
import type { Clock } from './outside.ts';

/** What a request did with one collection. Keys are shortened to their ends. */
export interface DiaryCollection {
  readonly id: string;
  readonly keyIn?: string | undefined;
  readonly keyOut?: string | undefined;
  readonly status?: number | undefined;
  /** Items, or changes of them, that the device sent. */
  readonly received?: number | undefined;
  /** Items, or changes of them, that it was sent. */
  readonly sent?: number | undefined;
  readonly isMoreAvailable?: boolean | undefined;
}

/** Which policy key a request brought, by the record of its device. */
export type PolicyKeyState = 'NONE' | 'CURRENT' | 'TEMPORARY' | 'OTHER';

/** One request of a device, without anything of its mail. */
export interface DiaryEntry {
  readonly atMs: number;
  readonly durationMs: number;
  /** How much of it the request was held (Ping, Sync with Wait). */
  readonly waitedMs?: number | undefined;
  readonly command: string;
  readonly version: string;
  /** Undefined: the client had gone before it was answered. */
  readonly httpStatus?: number | undefined;
  /** The Status of the whole answer; undefined where it has none. */
  readonly status?: number | undefined;
  readonly policyKey: PolicyKeyState;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly error?: string | undefined;
  readonly collections: readonly DiaryCollection[];
  /** How many more there were. */
  readonly moreCollections?: number | undefined;
}

/** What the diary needs remembered. */
export interface DiaryStore {
  /**
   * Adds entries, oldest first, to those kept of a device, of which at least the newest `keep` stay. Nothing happens if the
   * mailbox has no such device. What a crash undoes may be lost.
   */
  append(ref: MailboxRef, device: DeviceId, entries: readonly DiaryEntry[], keep: number): Promise<void>;
  /** The newest entries, newest first. */
  newest(ref: MailboxRef, device: DeviceId, limit: number): Promise<readonly DiaryEntry[]>;
  remove(ref: MailboxRef, device: DeviceId): Promise<void>;
}

/** So many requests of a device are kept. */
const kept = 100;
/** What devices did is written down this often, each device's in one row. */
const writeEveryMs = 60_000;
const writersAtOnce = 8;
/** Of all devices together. From the half on it is written down before its minute is over; at the end the oldest is given up. */
const maxHeldBytes = 32 * 1024 * 1024;

interface DiaryParts {
  readonly store: DiaryStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is not written down yet of one device. */
interface Pending {
  readonly ref: MailboxRef;
  readonly device: DeviceId;
  readonly entries: DiaryEntry[];
  bytes: number;
}

/**
 * SyncDiary keeps the last hundred requests of every device. A request costs no commit: it is noted in memory, and once a
 * minute what was noted is written down; only that minute is ever held, however many devices there are.
 */
export class SyncDiary {
  readonly #parts: DiaryParts;
  /** The one that waits longest is first. */
  readonly #pending = new Map<string, Pending>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #maxHeldBytes: number;
  #heldBytes = 0;
  #isWritingAll = false;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: DiaryParts, maxBytes = maxHeldBytes) {
    this.#parts = parts;
    this.#maxHeldBytes = maxBytes;
  }

  /** About how many bytes are held until they are written down. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Notes a request. */
  note(ref: MailboxRef, device: DeviceId, entry: DiaryEntry): void {
    const key = keyOf(ref, device);
    const pending = this.#pending.get(key) ?? { ref, device, entries: [], bytes: 0 };
    this.#pending.set(key, pending);
    this.#hold(pending, entry, 1);
    pending.entries.push(entry);
    while (pending.entries.length > kept) this.#hold(pending, pending.entries.shift(), -1);
    for (const [oldest, { bytes }] of this.#pending) {
      if (this.#heldBytes <= this.#maxHeldBytes) break;
      this.#pending.delete(oldest);
      this.#heldBytes -= bytes;
    }
    if (this.#heldBytes > this.#maxHeldBytes / 2 && !this.#isWritingAll) void this.#writeAll();
    this.#cancelTimer ??= this.#parts.clock.after(writeEveryMs, () => {
      this.#cancelTimer = undefined;
      void this.#writeAll();
    });
  }

  /** The last requests of a device, newest first; what is not written down yet is now. */
  async recent(ref: MailboxRef, device: DeviceId): Promise<readonly DiaryEntry[]> {
    await this.#write(keyOf(ref, device));
    return this.#parts.store.newest(ref, device, kept);
  }

  /** Forgets what a device did. */
  async forget(ref: MailboxRef, device: DeviceId): Promise<void> {
    const key = keyOf(ref, device);
    this.#take(key);
    await this.#writing.get(key)?.catch(() => undefined);
    await this.#parts.store.remove(ref, device);
  }

  /** Writes down what is left. */
  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    await this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWritingAll = true;
    const keys = [...this.#pending.keys()].values();
    const writer = async () => {
      for (const key of keys) {
        await this.#write(key).catch((err: unknown) => this.#parts.log.error('device.diary.failed', { err }));
      }
    };
    await Promise.all(Array.from({ length: writersAtOnce }, writer));
    await Promise.allSettled(this.#writing.values());
    this.#isWritingAll = false;
  }

  /** One device's entries are written in their order. */
  async #write(key: string): Promise<void> {
    // Not a call: between the last look and the next line nothing may come.
    for (let other = this.#writing.get(key); other !== undefined; other = this.#writing.get(key)) {
      await other.catch(() => undefined);
    }
    const pending = this.#take(key);
    if (pending === undefined) return;
    const { ref, device, entries } = pending;
    const writing = this.#parts.store.append(ref, device, entries, kept);
    this.#writing.set(key, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(key);
    }
  }

  #take(key: string): Pending | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return undefined;
    this.#pending.delete(key);
    this.#heldBytes -= pending.bytes;
    return pending;
  }

  #hold(pending: Pending, entry: DiaryEntry | undefined, sign: 1 | -1): void {
    const bytes = entry === undefined ? 0 : sign * bytesOf(entry);
    pending.bytes += bytes;
    this.#heldBytes += bytes;
  }
}

function keyOf({ mailbox }: MailboxRef, device: DeviceId): string {
  return `${mailbox}/${device}`;
}

/** About what an entry takes in memory. */
function bytesOf({ collections, error = '' }: DiaryEntry): number {
  return 300 + error.length + collections.reduce((sum, { id }) => sum + 150 + id.length, 0);
}

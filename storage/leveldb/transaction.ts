import { maxKeyBytes } from '../keys.ts';
import {
  type Bytes,
  ExistsError,
  type Page,
  type Part,
  type Range,
  type Tx,
  type Urgency,
} from '../store.ts';
import type { Change, CommitQueue, PartWrites } from './commit-queue.ts';
import { StoreLimitError } from './errors.ts';
import type { Heads } from './heads.ts';
import { latin1 } from './latin1.ts';
import { type Level, levelKey, readMany } from './level.ts';
import type { Pages } from './pages.ts';

/** What every adapter accepts at most; callers stay below, so that another engine can take over. */
const limits = { valueBytes: 64 * 1024, writes: 4000, bytes: 2 * 1024 * 1024 } as const;

/** What a transaction reads through. */
export interface TxOutside {
  readonly level: Level;
  readonly queue: CommitQueue;
  readonly heads: Heads;
  readonly pages: Pages;
}

/** One transaction on locked partitions: reads through its own writes, then the commit queue, then the database. */
export class LevelTx implements Tx {
  readonly #outside: TxOutside;
  readonly #writes = new Map<string, PartWrites>();
  #count = 0;
  #bytes = 0;
  #ended = false;

  constructor(outside: TxOutside, parts: readonly Part[]) {
    this.#outside = outside;
    for (const part of parts) {
      this.#writes.set(part.name, { part, changes: new Map(), topics: new Set(), taken: undefined });
    }
  }

  async get(p: Part, k: Bytes): Promise<Bytes | undefined> {
    const change = this.#find(p, latin1(k));
    return change ? change.value : this.#outside.level.getSync(levelKey(p, k));
  }

  async getMany(p: Part, ks: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    const changes = ks.map((k) => this.#find(p, latin1(k)));
    const missing = ks.filter((_, i) => !changes[i]).map((k) => levelKey(p, k));
    const read = await readMany(this.#outside.level, missing);
    let next = 0;
    return changes.map((change) => (change ? change.value : read[next++]));
  }

  page(p: Part, r: Range): Promise<Page> {
    const { changes: own } = this.#of(p);
    const { pages, queue } = this.#outside;
    const queued = queue.changesOf(p);
    if (!queued) {
      return pages.merged(p, r, own);
    }
    for (const [name, change] of own) {
      queued.set(name, change);
    }
    return pages.merged(p, r, queued);
  }

  put(p: Part, k: Bytes, v: Bytes): void {
    if (v.length > limits.valueBytes) {
      throw new StoreLimitError(`a value of ${v.length} bytes: at most ${limits.valueBytes}`);
    }
    this.#write(p, k, v);
  }

  del(p: Part, k: Bytes): void {
    this.#write(p, k, undefined);
  }

  async insert(p: Part, k: Bytes, v: Bytes): Promise<void> {
    if ((await this.get(p, k)) !== undefined) {
      throw new ExistsError('the key is already there');
    }
    this.put(p, k, v);
  }

  async nextSeq(p: Part): Promise<number> {
    const writes = this.#of(p);
    const head = await this.#outside.heads.get(p);
    // Asked twice at once, both get the same number: the lock keeps head.seq as it is until the end.
    writes.taken ??= { head, seq: head.seq + 1 };
    return writes.taken.seq;
  }

  async lastSeq(p: Part): Promise<number> {
    return this.#of(p).taken?.seq ?? (await this.#outside.heads.get(p)).seq;
  }

  hasRoom(): boolean {
    return this.#count < limits.writes / 2 && this.#bytes < limits.bytes / 2;
  }

  touch(p: Part, topic: number): void {
    this.#of(p).topics.add(topic);
  }

  /** Puts what was written into the queue; the promise resolves when it is as durable as `urgency` says. */
  commit(urgency: Urgency): Promise<void> | undefined {
    const read =
      urgency === 'seen' ? this.#read((part) => this.#outside.queue.settledUrgent(part)) : undefined;
    this.#ended = true;
    const written: PartWrites[] = [];
    for (const writes of this.#writes.values()) {
      if (writes.taken) {
        this.#outside.heads.take(writes.taken.head, writes.taken.seq);
      }
      if (writes.changes.size > 0 || writes.topics.size > 0 || writes.taken) {
        written.push(writes);
      }
    }
    if (written.length === 0) return urgency === 'seen' ? read : this.abandon();
    const durable = this.#outside.queue.add(written, this.#bytes, urgency);
    return urgency === 'seen' ? read : durable;
  }

  /** Leaves nothing behind; the promise resolves when everything that may have been read is durable. */
  abandon(): Promise<void> | undefined {
    this.#ended = true;
    return this.#read((part) => this.#outside.queue.settled(part));
  }

  /** Resolves when what may have been read in each partition is durable. */
  #read(settled: (part: Part) => Promise<void> | undefined): Promise<void> | undefined {
    const unsettled: Promise<void>[] = [];
    for (const { part } of this.#writes.values()) {
      const durable = settled(part);
      if (durable !== undefined) {
        unsettled.push(durable);
      }
    }
    return unsettled.length > 0 ? Promise.all(unsettled).then(() => undefined) : undefined;
  }

  #find(p: Part, name: string): Change | undefined {
    return this.#of(p).changes.get(name) ?? this.#outside.queue.find(p, name);
  }

  #of(p: Part): PartWrites {
    const writes = this.#writes.get(p.name);
    if (!writes || this.#ended) {
      throw new Error(this.#ended ? 'the transaction has ended' : 'the partition is not listed in transact');
    }
    return writes;
  }

  #write(p: Part, k: Bytes, v: Bytes | undefined): void {
    const writes = this.#of(p);
    if (k.length === 0 || k.length > maxKeyBytes) {
      throw new StoreLimitError(`a key of ${k.length} bytes: at least 1, at most ${maxKeyBytes}`);
    }
    this.#count++;
    this.#bytes += k.length + (v?.length ?? 0);
    if (this.#count > limits.writes || this.#bytes > limits.bytes) {
      throw new StoreLimitError(
        `a transaction holds at most ${limits.writes} writes and ${limits.bytes} bytes`,
      );
    }
    writes.changes.set(latin1(k), { key: k, value: v });
  }
}

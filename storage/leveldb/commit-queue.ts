/**
 * The commit queue: every commit reaches the disk (`sync`) before anybody hears of it, and all transactions that
 * end while one is on its way there gather in the next. Their writes are read through the queue until then.
 */
import type { Bytes, Part, Urgency } from '../store.ts';
import { commitKey, keptCommits } from './commit-counter.ts';
import { StoreClosedError } from './errors.ts';
import { type Head, headKey, headValue } from './heads.ts';
import { type Level, levelKey } from './level.ts';

/** A write: the new value of a key, or undefined if it is deleted. */
export interface Change {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/** What a transaction does to one partition; its changes are by latin1 key. */
export interface PartWrites {
  readonly part: Part;
  readonly changes: Map<string, Change>;
  readonly topics: Set<number>;
  /** The sequence number that the transaction took. */
  taken: { readonly head: Head; readonly seq: number } | undefined;
}

/** What one batch does to one partition. */
interface Layer extends PartWrites {
  readonly batch: Batch;
}

class Batch {
  readonly layers = new Map<string, Layer>();
  readonly #settled = Promise.withResolvers<void>();
  bytes = 0;
  /** Somebody waits for it: it is written as soon as it can be. */
  isUrgent = false;

  /** Resolves once the batch is on disk. */
  get durable(): Promise<void> {
    return this.#settled.promise;
  }

  constructor() {
    // Whoever waits hears of a failure; a batch that nobody waits for must not end the process by itself.
    this.#settled.promise.catch(() => undefined);
  }

  resolve(): void {
    this.#settled.resolve();
  }

  reject(error: unknown): void {
    this.#settled.reject(error);
  }
}

/** What the queue needs from the store around it. */
interface QueueOutside {
  readonly level: Level;
  readonly epoch: number;
  /** The number of the last commit in the database. */
  readonly lastCommit: number;
  /** The size a batch may grow to, in bytes. */
  readonly maxBatchBytes: number;
  /** Called after each batch that is durable, before anybody hears of it, for each partition in it. */
  readonly settled: (part: Part, changes: ReadonlyMap<string, Change>) => void;
  /** Called after each batch that is durable, for each partition and topic in it. */
  readonly notify: (part: Part, topics: ReadonlySet<number>) => void;
  /** Called once, when a write has failed. */
  readonly fail: (failure: StoreClosedError) => void;
}

/** So long a transaction that is not urgent waits for others to share its commit with, in milliseconds. */
const companyMs = 5;

/** Transactions on their way to disk, in the order in which their partitions were locked. */
export class CommitQueue {
  readonly #outside: QueueOutside;
  readonly #layers = new Map<string, Layer[]>();
  /** Batches that still gather; only the last one takes more. */
  readonly #waiting: Batch[] = [];
  #flushing: Batch | undefined;
  #running = false;
  /** Set while only what is not urgent waits. */
  #timer: NodeJS.Timeout | undefined;
  #commit: number;
  #failure: StoreClosedError | undefined;

  constructor(outside: QueueOutside) {
    this.#outside = outside;
    this.#commit = outside.lastCommit;
  }

  /** The queued value of a key: a change, or undefined if the database decides. */
  find(part: Part, name: string): Change | undefined {
    const layers = this.#layers.get(part.name);
    if (layers) {
      for (let i = layers.length - 1; i >= 0; i--) {
        const change = layers[i]?.changes.get(name);
        if (change) {
          return change;
        }
      }
    }
    return undefined;
  }

  /** All queued changes of a partition, the newest of each key; undefined if there are none. */
  changesOf(part: Part): Map<string, Change> | undefined {
    const layers = this.#layers.get(part.name);
    return layers && new Map(layers.flatMap(({ changes }) => [...changes]));
  }

  /** The end of the newest batch that a reader of this partition can have seen; undefined if all is durable. */
  settled(part: Part): Promise<void> | undefined {
    return this.#layers.get(part.name)?.at(-1)?.batch.durable;
  }

  /** As settled, but for what is not urgent: that may be undone by a crash, whoever saw it. */
  settledUrgent(part: Part): Promise<void> | undefined {
    return this.#layers.get(part.name)?.findLast(({ batch }) => batch.isUrgent)?.batch.durable;
  }

  /** Queues a transaction of `bytes` keys and values; the promise resolves when it is durable. Throws once a write has failed. */
  add(writes: Iterable<PartWrites>, bytes: number, urgency: Urgency): Promise<void> {
    if (this.#failure) throw this.#failure;
    let batch = this.#waiting.at(-1);
    if (!batch || batch.bytes + bytes > this.#outside.maxBatchBytes) {
      batch = new Batch();
      this.#waiting.push(batch);
    }
    batch.bytes += bytes;
    for (const write of writes) {
      this.#addTo(batch, write);
    }
    batch.isUrgent ||= urgency === 'now';
    if (!this.#running) this.#start();
    return batch.durable;
  }

  /** Resolves when everything queued so far is durable; rejects when it cannot be. */
  async drain(): Promise<void> {
    const waiting = [this.#flushing, ...this.#waiting].flatMap((batch) => (batch ? [batch] : []));
    for (const batch of waiting) batch.isUrgent = true;
    if (!this.#running && waiting.length > 0) this.#start();
    await Promise.all(waiting.map(({ durable }) => durable));
  }

  /** Begins to write, or waits a moment for company. */
  #start(): void {
    if (this.#waiting.some(({ isUrgent }) => isUrgent)) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#running = true;
      // What is ready to run now still comes along.
      setImmediate(() => this.#run());
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        for (const batch of this.#waiting) batch.isUrgent = true;
        if (!this.#running) this.#start();
      }, companyMs);
    }
  }

  #addTo(batch: Batch, write: PartWrites): void {
    const { name } = write.part;
    const layer = batch.layers.get(name);
    if (!layer) {
      const fresh: Layer = { ...write, batch };
      batch.layers.set(name, fresh);
      const layers = this.#layers.get(name);
      if (layers) {
        layers.push(fresh);
      } else {
        this.#layers.set(name, [fresh]);
      }
      return;
    }
    for (const [key, change] of write.changes) {
      layer.changes.set(key, change);
    }
    for (const topic of write.topics) {
      layer.topics.add(topic);
    }
    layer.taken = write.taken ?? layer.taken;
  }

  async #run(): Promise<void> {
    while (this.#waiting.some(({ isUrgent }) => isUrgent)) {
      const batch = this.#waiting.shift();
      if (batch === undefined) break;
      this.#flushing = batch;
      try {
        await this.#write(batch);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#flushing = undefined;
      this.#settle(batch);
      // The writers that go on now gather in the batch that follows.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = false;
    if (this.#waiting.length > 0) this.#start();
  }

  async #write(batch: Batch): Promise<void> {
    const { level, epoch } = this.#outside;
    const group = level.batch();
    for (const { part, changes, taken } of batch.layers.values()) {
      for (const { key, value } of changes.values()) {
        if (value === undefined) {
          group.del(levelKey(part, key));
        } else {
          group.put(levelKey(part, key), value);
        }
      }
      if (taken) {
        group.put(headKey(part, taken.seq), headValue(epoch));
        if (taken.head.row > 0) {
          group.del(headKey(part, taken.head.row));
        }
        taken.head.row = taken.seq;
      }
    }
    this.#commit++;
    group.put(commitKey(this.#commit), noBytes);
    if (this.#commit > keptCommits) {
      group.del(commitKey(this.#commit - keptCommits));
    }
    await group.write({ sync: true });
  }

  /** The batch is in the database, which answers for it from now on. */
  #settle(batch: Batch): void {
    for (const [name, { part, changes, taken }] of batch.layers) {
      this.#outside.settled(part, changes);
      const layers = this.#layers.get(name);
      layers?.shift();
      if (layers?.length === 0) {
        this.#layers.delete(name);
      }
      if (taken) {
        taken.head.durable = taken.seq;
      }
    }
    batch.resolve();
    for (const { part, topics } of batch.layers.values()) {
      if (topics.size > 0) {
        this.#outside.notify(part, topics);
      }
    }
  }

  #fail(error: unknown): void {
    clearTimeout(this.#timer);
    const failure = new StoreClosedError('a write to the store failed: it accepts nothing more', {
      cause: error,
    });
    this.#failure = failure;
    for (const batch of [this.#flushing, ...this.#waiting.splice(0)]) {
      batch?.reject(failure);
    }
    this.#outside.fail(failure);
  }
}

const noBytes = Buffer.alloc(0);

import { prefixRange } from '../keys.ts';
import type { BackupInfo, Bytes, Page, Part, Range, Store, Tx, Unwatch, Urgency } from '../store.ts';
import { copyLive } from './backup.ts';
import { CommitQueue } from './commit-queue.ts';
import { StoreClosedError } from './errors.ts';
import { Heads } from './heads.ts';
import { latin1 } from './latin1.ts';
import { type Level, levelKey, readMany } from './level.ts';
import { Pages } from './pages.ts';
import { inLockOrder, PartitionLocks } from './partition-locks.ts';
import { LevelTx, type TxOutside } from './transaction.ts';
import { Watchers } from './watchers.ts';

/** What `openLevelStore` found out and was told. */
interface Opened {
  readonly path: string;
  readonly epoch: number;
  readonly lastCommit: number;
  readonly maxBatchBytes: number;
  readonly maxHeads: number;
  readonly onFatal: (error: unknown) => void;
  readonly onClosed: () => void;
}

/** The Store port on one LevelDB in this process; `openLevelStore` makes it. */
export class LevelStore implements Store {
  readonly epoch: number;
  readonly #level: Level;
  readonly #opened: Opened;
  readonly #locks = new PartitionLocks();
  readonly #watchers = new Watchers();
  readonly #inside: TxOutside;
  #running = 0;
  #closing: { readonly done: Promise<void>; readonly idle: PromiseWithResolvers<void> } | undefined;
  #failure: StoreClosedError | undefined;

  constructor(level: Level, opened: Opened) {
    this.epoch = opened.epoch;
    this.#level = level;
    this.#opened = opened;
    const pages = new Pages(level);
    const queue = new CommitQueue({
      level,
      epoch: opened.epoch,
      lastCommit: opened.lastCommit,
      maxBatchBytes: opened.maxBatchBytes,
      settled: (part, changes) => pages.note(part, changes),
      notify: (part, topics) => this.#watchers.notify(part, topics),
      fail: (failure) => this.#fail(failure),
    });
    const heads = new Heads(level, opened.epoch, opened.maxHeads);
    this.#inside = { level, queue, heads, pages };
  }

  async get(p: Part, k: Bytes): Promise<Bytes | undefined> {
    return this.#open().level.getSync(levelKey(p, k));
  }

  async getMany(p: Part, ks: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    return readMany(
      this.#open().level,
      ks.map((k) => levelKey(p, k)),
    );
  }

  async page(p: Part, r: Range): Promise<Page> {
    return this.#open().pages.durable(p, r);
  }

  async hasRows(prefix: Bytes): Promise<boolean> {
    const parts: Part = { bytes: prefix, name: latin1(prefix), organization: undefined };
    return (await this.page(parts, { ...prefixRange(new Uint8Array(0)), limit: 1 })).rows.length > 0;
  }

  async transact<T>(
    parts: readonly Part[],
    fn: (tx: Tx) => Promise<T>,
    urgency: Urgency = 'now',
  ): Promise<T> {
    if (this.#closing) {
      throw new StoreClosedError('the store is closed');
    }
    this.#running++;
    try {
      return await this.#transact(inLockOrder(parts), fn, urgency);
    } finally {
      this.#running--;
      this.#noticeIdle();
    }
  }

  /** The locks are held while `fn` runs; the wait for the disk comes after. */
  async #transact<T>(parts: readonly Part[], fn: (tx: Tx) => Promise<T>, urgency: Urgency): Promise<T> {
    await this.#locks.acquire(parts);
    const tx = new LevelTx(this.#inside, parts);
    let outcome: { readonly value: T } | { readonly error: unknown };
    let durable: Promise<void> | undefined;
    try {
      if (this.#failure) {
        throw this.#failure;
      }
      outcome = { value: await fn(tx) };
      durable = tx.commit(urgency);
    } catch (error) {
      outcome = { error };
      durable = tx.abandon();
    } finally {
      this.#locks.release(parts);
    }
    // What was read, and so what was decided or refused, may itself still be on its way to disk.
    await durable;
    if ('error' in outcome) {
      throw outcome.error;
    }
    return outcome.value;
  }

  async lastSeq(p: Part): Promise<number> {
    return (await this.#open().heads.get(p)).durable;
  }

  watch(parts: readonly Part[], cb: (p: Part, topic: number) => void): Unwatch {
    return this.#watchers.add(parts, cb);
  }

  deleteRange(p: Part, r: Range): Promise<{ done: boolean; next?: Bytes }> {
    return this.transact([p], async (tx) => {
      const { rows, next } = await tx.page(p, r);
      for (const [k] of rows) {
        tx.del(p, k);
      }
      return next ? { done: false, next } : { done: true };
    });
  }

  backup(to: string): Promise<BackupInfo> {
    return copyLive(this.#opened.path, to);
  }

  /** Refuses new transactions, lets the running ones end, and closes the database. */
  close(): Promise<void> {
    if (!this.#closing) {
      const idle = Promise.withResolvers<void>();
      this.#closing = { idle, done: this.#closeWhen(idle.promise) };
      this.#noticeIdle();
    }
    return this.#closing.done;
  }

  async #closeWhen(idle: Promise<void>): Promise<void> {
    await idle;
    // A store that failed has told so already.
    await this.#inside.queue.drain().catch(() => undefined);
    await this.#level.close();
    this.#opened.onClosed();
  }

  #open(): TxOutside {
    if (this.#level.status !== 'open') {
      throw new StoreClosedError('the store is closed');
    }
    return this.#inside;
  }

  #noticeIdle(): void {
    if (this.#running === 0) {
      this.#closing?.idle.resolve();
    }
  }

  #fail(failure: StoreClosedError): void {
    this.#failure = failure;
    this.#opened.onFatal(failure);
  }
}

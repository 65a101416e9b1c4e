/**
 * The last sequence number of each partition. Its row is `H` ‖ partition ‖ seq (u64), written once: the newest
 * row is never a rewritten one, so that LevelDB defect #320 cannot bring an older number back, and a row deleted
 * before that comes back is only a smaller number. Loading takes the largest.
 */
import { key, u64 } from '../keys.ts';
import type { Bytes, Part } from '../store.ts';
import type { Level } from './level.ts';

/**
 * By how much every sequence number jumps when lost commits are accepted: more than one damaged log file (64 MiB)
 * can have held, so that no number is ever given twice.
 */
const seqJump = 2 ** 24;

/** A partition's sequence numbers: taken, durable, and the one its row in the queue or database names. */
export interface Head {
  /** The partition's: its bytes would keep in memory whatever Node put beside them. */
  readonly name: string;
  seq: number;
  durable: number;
  row: number;
}

/** Heads in memory, at most `capacity` of those that are durable. */
export class Heads {
  readonly #level: Level;
  readonly #epoch: number;
  readonly #capacity: number;
  readonly #heads = new Map<string, Head>();
  readonly #loading = new Map<string, Promise<Head>>();

  constructor(level: Level, epoch: number, capacity: number) {
    this.#level = level;
    this.#epoch = epoch;
    this.#capacity = capacity;
  }

  /** The head, from memory or by one short read. */
  get(part: Part): Head | Promise<Head> {
    const known = this.#heads.get(part.name);
    if (known) {
      return known;
    }
    const loading = this.#loading.get(part.name);
    if (loading !== undefined) {
      return loading;
    }
    const load = this.#load(part).finally(() => this.#loading.delete(part.name));
    this.#loading.set(part.name, load);
    return load;
  }

  async #load(part: Part): Promise<Head> {
    const prefix = headKey(part, 0).subarray(0, -8);
    const iterator = this.#level.iterator({
      gte: prefix,
      lte: Buffer.concat([prefix, Buffer.alloc(8, 0xff)]),
      limit: 1,
      reverse: true,
    });
    let newest: [Bytes, Bytes] | undefined;
    try {
      [newest] = await iterator.nextv(1);
    } finally {
      await iterator.close();
    }
    const known = this.#heads.get(part.name);
    if (known) {
      return known;
    }
    const row = newest ? u64.read(newest[0], prefix.length) : 0;
    const epoch = newest ? u64.read(newest[1], 0) : 0;
    const seq = row + (this.#epoch - epoch) * seqJump;
    const head = { name: part.name, seq, durable: seq, row };
    this.#heads.set(part.name, head);
    this.#evict();
    return head;
  }

  /** The number is taken by a transaction that is now in the queue; the partition is locked by it. */
  take(head: Head, seq: number): void {
    head.seq = seq;
    // The head may have been evicted since it was loaded.
    this.#heads.delete(head.name);
    this.#heads.set(head.name, head);
  }

  /** Forgets the longest unused heads, unless the database is behind them or being read for them. */
  #evict(): void {
    for (let tries = 16; this.#heads.size > this.#capacity && tries > 0; tries--) {
      const [oldest] = this.#heads.values();
      if (!oldest) {
        return;
      }
      const { name } = oldest;
      this.#heads.delete(name);
      if (oldest.seq !== oldest.durable || this.#loading.has(name)) {
        this.#heads.set(name, oldest);
      }
    }
  }
}

/** The row that says: this partition has used its numbers up to `seq`. */
export function headKey(part: Part, seq: number): Buffer {
  return key('H', part.bytes, u64(seq));
}

/** The value of a head row: the epoch in which it was written. */
export function headValue(epoch: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt32BE(epoch, 4);
  return value;
}

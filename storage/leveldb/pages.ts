/**
 * Pages of a partition. Each is one `nextv` on an iterator that is closed at once: LevelDB 1.20 can bring old
 * versions of a key back for good while an iterator stays open (google/leveldb #320), so nothing else is awaited.
 */
import type { Bytes, Page, Part, Range } from '../store.ts';
import type { Change } from './commit-queue.ts';
import { latin1 } from './latin1.ts';
import { type Level, levelKey } from './level.ts';
import { type Look, Windows } from './windows.ts';

/** What was found of a range; `isWhole` if it has no more. */
interface Rows {
  readonly rows: [Bytes, Bytes][];
  readonly isWhole: boolean;
}

/** The largest page. */
const pageLimits = { rows: 1000, bytes: 1024 * 1024 } as const;

/** A row with its key as a latin1 string, whose order is byte order. */
interface NamedRow {
  readonly name: string;
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/**
 * How many iterators are open at once: the others wait before theirs takes its snapshot, not after it, so that
 * no read pins a version for longer than a few reads take.
 */
const maxOpenIterators = 8;

/** Reads pages, a few at a time. */
export class Pages {
  readonly #level: Level;
  readonly #windows = new Windows();
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(level: Level) {
    this.#level = level;
  }

  /** A page of what is durable. */
  async durable(part: Part, range: Range): Promise<Page> {
    if (range.isQueue !== true) {
      const { rows, isWhole } = await this.#rows(part, range);
      return toPage(rows, range, !isWhole);
    }
    const look = this.#windows.begin(part, range);
    try {
      const { rows, isWhole } = await this.#looked(look);
      this.#windows.end(
        look,
        rows.map(([key]) => key),
        isWhole,
      );
      return toPage(rows, range, !isWhole);
    } catch (error) {
      this.#windows.abandon(look);
      throw error;
    }
  }

  async #looked({ part, range, keys }: Look): Promise<Rows> {
    if (range === undefined) return { rows: [], isWhole: true };
    if (keys === undefined) return await this.#rows(part, range);
    const limit = pageLimit(range);
    const rows: [Bytes, Bytes][] = [];
    for (const key of keys) {
      const value = this.#level.getSync(levelKey(part, key));
      if (value === undefined) continue;
      if (rows.length === limit) return { rows, isWhole: false };
      rows.push([key, value]);
    }
    return { rows, isWhole: true };
  }

  /** These changes are durable now. */
  note(part: Part, changes: ReadonlyMap<string, Change>): void {
    this.#windows.note(part, changes);
  }

  async #rows(part: Part, range: Range): Promise<Rows> {
    const limit = pageLimit(range);
    const entries = await this.#read(part, range, limit);
    let bytes = 0;
    const rows = entries.map(([k, v]): [Bytes, Bytes] => {
      bytes += k.length + v.length;
      return [k.subarray(part.bytes.length), v];
    });
    return { rows, isWhole: rows.length < limit && bytes <= pageLimits.bytes };
  }

  /**
   * A page of what is durable with `changes` (by latin1 key) over it. The changes were collected before the
   * iterator takes its snapshot: one that becomes durable meanwhile is then seen twice, never missed.
   */
  async merged(part: Part, range: Range, changes: ReadonlyMap<string, Change>): Promise<Page> {
    const inside = within(range, changes);
    const base = await this.durable(part, range);
    return inside.length === 0 ? base : merge(base, range, inside, changes);
  }

  async #read(part: Part, range: Range, limit: number): Promise<[Bytes, Bytes][]> {
    if (this.#open >= maxOpenIterators) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#open++;
    }
    try {
      const iterator = this.#level.iterator({
        gte: levelKey(part, range.gte),
        lt: levelKey(part, range.lt),
        limit,
        reverse: range.reverse === true,
        highWaterMarkBytes: pageLimits.bytes,
        fillCache: true,
      });
      return await iterator.nextv(limit).finally(() => iterator.close());
    } finally {
      const next = this.#waiting.shift();
      if (next) {
        next();
      } else {
        this.#open--;
      }
    }
  }
}

/** The changes in the range. */
function within(range: Range, changes: ReadonlyMap<string, Change>): readonly NamedRow[] {
  const from = latin1(range.gte);
  const to = latin1(range.lt);
  const inside: NamedRow[] = [];
  for (const [name, change] of changes) {
    if (name >= from && name < to) {
      inside.push({ name, key: change.key, value: change.value });
    }
  }
  return inside;
}

/** The page that `base` would be, had the changes been made; as far as `base` reaches. */
function merge(
  base: Page,
  range: Range,
  inside: readonly NamedRow[],
  changes: ReadonlyMap<string, Change>,
): Page {
  const reverse = range.reverse === true;
  const last = base.next === undefined ? undefined : base.rows.at(-1)?.[0];
  const horizon = last && latin1(last);
  const rows = inside.filter(
    ({ name }) => horizon === undefined || (reverse ? name >= horizon : name <= horizon),
  );
  for (const [key, value] of base.rows) {
    const name = latin1(key);
    if (!changes.has(name)) {
      rows.push({ name, key, value });
    }
  }
  const up = reverse ? -1 : 1;
  rows.sort((a, b) => (a.name < b.name ? -up : up));
  return cut(rows, range, base.next);
}

/** The rows that are there, up to the limits of a page; `rest` is where the page goes on if none is cut off. */
function cut(sorted: readonly NamedRow[], range: Range, rest: Bytes | undefined): Page {
  const limit = pageLimit(range);
  const rows: [Bytes, Bytes][] = [];
  let bytes = 0;
  for (const { key, value } of sorted) {
    if (value === undefined) {
      continue;
    }
    if (rows.length === limit || bytes > pageLimits.bytes) {
      return toPage(rows, range, true);
    }
    rows.push([key, value]);
    bytes += key.length + value.length;
  }
  return rest === undefined ? { rows } : { rows, next: rest };
}

function toPage(rows: [Bytes, Bytes][], range: Range, more: boolean): Page {
  const last = rows.at(-1)?.[0];
  if (!(more && last)) {
    return { rows };
  }
  return { rows, next: range.reverse === true ? last : successor(last) };
}

/** The smallest key after `key`. */
function successor(key: Bytes): Bytes {
  const next = Buffer.alloc(key.length + 1);
  next.set(key, 0);
  return next;
}

function pageLimit(range: Range): number {
  return Math.max(1, Math.min(range.limit ?? pageLimits.rows, pageLimits.rows));
}

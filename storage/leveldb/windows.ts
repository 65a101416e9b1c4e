/**
 * Where the rows of queues are. Rows that are taken from the beginning of a range leave their deletions behind, and LevelDB
 * reads these one by one until they are compacted: thousands, for each look at the next row. So what a look has found is
 * remembered: outside of a window the range has no durable row.
 */
import type { Bytes, Part, Range } from '../store.ts';
import type { Change } from './commit-queue.ts';
import { latin1 } from './latin1.ts';

/** Keys as latin1: `from` is the first that may be there, `to` is behind the last; none can be if they are equal. */
interface Window {
  readonly from: string;
  readonly to: string;
  /** If they are few, and known: no others can be there. */
  readonly keys?: ReadonlySet<string> | undefined;
}

/** A range, and where its rows are. */
interface Known {
  readonly whole: Window;
  window: Window;
}

/** A look that is under way. */
export interface Look {
  readonly part: Part;
  readonly whole: Window;
  /** What is to be read: of the range as much as can have rows; undefined if none can be there. */
  readonly range: Range | undefined;
  /** In order; if they are known, nothing else need be read. */
  readonly keys: readonly Bytes[] | undefined;
  /** Around the rows that have become durable since it began. */
  fresh: Window;
}

/** Ranges of one partition that are remembered. */
const maxKnown = 64;
/** Keys that are remembered of a range. */
const maxKeys = 32;
const nowhere: Window = { from: '', to: '', keys: new Set() };

/** Windows remembers where the rows of the ranges are that are marked as queues. */
export class Windows {
  /** By partition, by range. */
  readonly #known = new Map<string, Map<string, Known>>();
  /** By partition. */
  readonly #looks = new Map<string, Set<Look>>();

  /** Begins a look at a range, before its snapshot is taken. */
  begin(part: Part, range: Range): Look {
    const whole = { from: latin1(range.gte), to: latin1(range.lt) };
    const window: Window = this.#known.get(part.name)?.get(nameOf(whole))?.window ?? whole;
    const { from, to, keys } = window;
    const bounds = { gte: Buffer.from(from, 'latin1'), lt: Buffer.from(to, 'latin1') };
    const look: Look = {
      part,
      whole,
      range: from < to ? { ...range, ...bounds } : undefined,
      keys: keys && [...keys].sort().map((name) => Buffer.from(name, 'latin1')),
      fresh: nowhere,
    };
    const looks = this.#looks.get(part.name);
    if (looks === undefined) this.#looks.set(part.name, new Set([look]));
    else looks.add(look);
    return look;
  }

  /** Ends a look: it has found these keys, and no others if `isWhole`. */
  end(look: Look, keys: readonly Bytes[], isWhole: boolean): void {
    this.#forget(look);
    const { part, whole, range, fresh } = look;
    const [first, last] = [keys[0], keys.at(-1)];
    if (first === undefined || last === undefined) {
      if (isWhole) this.#remember(part, { whole, window: fresh });
      return;
    }
    const from = latin1(first);
    const to = isWhole || range === undefined ? behind(latin1(last)) : latin1(range.lt);
    const names = (isWhole ? keys : look.keys)?.map(latin1).filter((name) => name >= from);
    this.#remember(part, { whole, window: union({ from, to, keys: names && new Set(names) }, fresh) });
  }

  /** Ends a look that failed. */
  abandon(look: Look): void {
    this.#forget(look);
  }

  /** These changes are durable now. */
  note(part: Part, changes: ReadonlyMap<string, Change>): void {
    const known = this.#known.get(part.name);
    const looks = this.#looks.get(part.name);
    if (known === undefined && looks === undefined) return;
    for (const [name, { value }] of changes) {
      if (value === undefined) continue;
      const own = { from: name, to: behind(name), keys: new Set([name]) };
      for (const look of looks ?? []) if (isIn(look.whole, name)) look.fresh = union(look.fresh, own);
      for (const range of known?.values() ?? [])
        if (isIn(range.whole, name)) range.window = union(range.window, own);
    }
  }

  #remember(part: Part, found: Known): void {
    const known = this.#known.get(part.name) ?? new Map<string, Known>();
    this.#known.set(part.name, known);
    const name = nameOf(found.whole);
    known.delete(name);
    known.set(name, found);
    const [oldest] = known.keys();
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
  }

  #forget(look: Look): void {
    const looks = this.#looks.get(look.part.name);
    looks?.delete(look);
    if (looks?.size === 0) this.#looks.delete(look.part.name);
  }
}

function nameOf({ from, to }: Window): string {
  return `${from.length} ${from}${to}`;
}

/** The first key behind this one. */
function behind(name: string): string {
  return `${name}\0`;
}

function isIn({ from, to }: Window, name: string): boolean {
  return name >= from && name < to;
}

/** Around both; one without place adds nothing. */
function union(one: Window, other: Window): Window {
  if (other.from >= other.to) return { ...one, keys: few(one.keys) };
  if (one.from >= one.to) return { ...other, keys: few(other.keys) };
  return {
    from: one.from < other.from ? one.from : other.from,
    to: one.to > other.to ? one.to : other.to,
    keys: one.keys && other.keys && few(new Set([...one.keys, ...other.keys])),
  };
}

function few(keys: ReadonlySet<string> | undefined): ReadonlySet<string> | undefined {
  return keys !== undefined && keys.size <= maxKeys ? keys : undefined;
}

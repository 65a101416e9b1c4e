import { setImmediate as othersTurn } from 'node:timers/promises';
import type { EntityId } from '#domain/ids';
import { type AddressBookEntry, entryOf, wordsOfEntity } from './address-book-entry.ts';
import { fold } from './fold.ts';
import type { Entity } from './user.ts';

/** What a search has found. */
export interface AddressBookPage {
  readonly entries: readonly AddressBookEntry[];
  /** How many there are. */
  readonly total: number;
}

/** Which part of it is asked for. */
export interface PageAsked {
  readonly from: number;
  readonly limit: number;
}

interface Row {
  readonly entry: AddressBookEntry;
  /** What rows are sorted by. */
  readonly sortKey: string;
}

/** One entry with the words it is found by. */
export interface WordedRow extends Row {
  readonly words: ReadonlySet<string>;
}

/** So many rows are worked on at a time. */
const rowsAtOnce = 1000;

/** rowOf gives what is searched of an entity; undefined if it is not listed. */
export function rowOf(entity: Entity): WordedRow | undefined {
  const entry = entryOf(entity);
  if (entry === undefined) return undefined;
  return { entry, sortKey: `${fold(entry.displayName)}\0${entry.address}`, words: wordsOfEntity(entity) };
}

/**
 * AddressBookIndex is an address book in memory: its entries in the order of their names, each word with who has it, and
 * what has changed since. Words are kept once, sorted, so that those with a beginning stand together.
 */
export class AddressBookIndex {
  readonly #rows: readonly Row[];
  readonly #words: readonly string[];
  /** Where in `#holders` those of a word begin; one more than there are words. */
  readonly #starts: Uint32Array;
  /** Places in `#rows`. */
  readonly #holders: Uint32Array;
  /** Undefined: no longer there. */
  readonly #changed = new Map<EntityId, WordedRow | undefined>();

  private constructor(
    rows: readonly Row[],
    words: readonly string[],
    starts: Uint32Array,
    holders: Uint32Array,
  ) {
    this.#rows = rows;
    this.#words = words;
    this.#starts = starts;
    this.#holders = holders;
  }

  /** Builds it, a slice at a time: others have their turn. */
  static async build(rows: WordedRow[]): Promise<AddressBookIndex> {
    rows.sort(byName);
    const holdersOf = new Map<string, number[]>();
    let count = 0;
    for (const [place, { words }] of rows.entries()) {
      if (place % rowsAtOnce === rowsAtOnce - 1) await othersTurn();
      for (const word of words) {
        const holders = holdersOf.get(word);
        if (holders === undefined) holdersOf.set(word, [place]);
        else holders.push(place);
        count++;
      }
    }
    await othersTurn();
    const words = [...holdersOf.keys()].sort();
    const starts = new Uint32Array(words.length + 1);
    const all = new Uint32Array(count);
    let at = 0;
    for (const [index, word] of words.entries()) {
      if (index % (10 * rowsAtOnce) === 0) await othersTurn();
      const holders = holdersOf.get(word) ?? [];
      starts[index] = at;
      all.set(holders, at);
      at += holders.length;
    }
    starts[words.length] = at;
    // The words of a row are told by the index from now on.
    return new AddressBookIndex(
      rows.map(({ entry, sortKey }) => ({ entry, sortKey })),
      words,
      starts,
      all,
    );
  }

  /** How many entries it holds, those that were changed counted twice. */
  get size(): number {
    return this.#rows.length + this.#changed.size;
  }

  /** How many entries have changed since it was built. */
  get changes(): number {
    return this.#changed.size;
  }

  /** Takes over what an entity is now; undefined if it is not listed any more. */
  change(id: EntityId, row: WordedRow | undefined): void {
    this.#changed.set(id, row);
  }

  /** A part of the entries in which each of the words begins one of theirs, in the order of their names. */
  search(words: readonly string[], { from, limit }: PageAsked): AddressBookPage {
    const places = this.#placesWith(words);
    const changed = [...this.#changed.values()]
      .filter((row) => row !== undefined)
      .filter((row) => words.every((word) => begins(row.words, word)));
    if (changed.length === 0) {
      const page = places.slice(from, from + limit).flatMap((place) => this.#rows[place] ?? []);
      return { entries: page.map(({ entry }) => entry), total: places.length };
    }
    const found = [...places.flatMap((place) => this.#rows[place] ?? []), ...changed].sort(byName);
    return { entries: found.slice(from, from + limit).map(({ entry }) => entry), total: found.length };
  }

  /** The places of the rows with each of the words, but for those that have changed. */
  #placesWith(words: readonly string[]): number[] {
    // How many of the words a row has, as far as it has had all before.
    const marks = new Uint8Array(this.#rows.length);
    for (const [index, word] of words.entries()) {
      const [from, to] = [this.#firstFrom(word), this.#firstFrom(`${word}\uffff`)];
      const end = this.#starts[to] ?? 0;
      for (let at = this.#starts[from] ?? 0; at < end; at++) {
        const place = this.#holders[at] ?? 0;
        if (marks[place] === index) marks[place] = index + 1;
      }
    }
    const places: number[] = [];
    for (let place = 0; place < marks.length; place++) {
      if (marks[place] === words.length && !this.#isChanged(place)) places.push(place);
    }
    return places;
  }

  #isChanged(place: number): boolean {
    const row = this.#rows[place];
    return this.#changed.size > 0 && row !== undefined && this.#changed.has(row.entry.id);
  }

  /** The place of the first word that does not sort before this one. */
  #firstFrom(word: string): number {
    let [low, high] = [0, this.#words.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#words[middle] ?? '') < word) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function byName(a: Row, b: Row): number {
  return a.sortKey < b.sortKey ? -1 : a.sortKey > b.sortKey ? 1 : 0;
}

function begins(words: Iterable<string>, beginning: string): boolean {
  for (const word of words) if (word.startsWith(beginning)) return true;
  return false;
}

import { createHash } from 'node:crypto';
import { listStart, type Position } from '../change.ts';
import type { DeviceId } from '../ids.ts';
import type { Item } from '../item.ts';
import type { Mailbox } from '../mailbox.ts';
import type { Clock } from '../outside.ts';
import type { FoundMail, MailFinder } from './finder.ts';
import type { MailQuery } from './query.ts';
import { readItems } from './read-items.ts';
import { scanMailbox } from './scan.ts';
import { Turns } from './turns.ts';

/** What a device asks for. */
interface MailSearch {
  readonly device: DeviceId;
  readonly query: MailQuery;
  /** What tells this search from another of the same query; empty if nothing does. */
  readonly name: string;
  /** Of the results, newest first and counted from 0; both included. */
  readonly first: number;
  readonly last: number;
  /** What was found before is forgotten. */
  readonly rebuild: boolean;
}

/** What was found. */
interface SearchPage {
  readonly items: readonly Item[];
  /** How many results there are; if there may be more than were found yet, one more than that at least. */
  readonly total: number;
  /** The time was over before the page was full: asked again, the search goes on. */
  readonly isTimedOut: boolean;
}

/** The results of a device's last search as far as they were found. */
interface ResultSet {
  readonly key: string;
  /** The mailbox's when the search began. */
  readonly seq: number;
  readonly found: FoundMail[];
  /** Undefined when everything has been looked at. */
  reached: Position | undefined;
  /** It was left in the middle, because its time was over or the device was gone. */
  isInterrupted: boolean;
  usedMs: number;
}

/** A search that takes longer is answered with what there is. */
const longestMs = 10_000;
/** Results that nobody asks for are kept so long. */
const keptMs = 600_000;
/** Of all devices together so many results are kept, and so many sets of them. */
const keptResults = 100_000;
const keptSets = 5_000;
/** So many items of a page are read together. */
const readTogether = 100;
/** So many searches work at a time. */
const atOnce = 2;

/**
 * MailSearches finds messages, and keeps what each device's last search has found, so that its next page costs no new search. What is
 * kept is a saving only: without it, the search is done again.
 */
export class MailSearches {
  readonly #clock: Clock;
  readonly #find: MailFinder;
  readonly #turns = new Turns(atOnce);
  /** By mailbox and device, the one used last at the end. */
  readonly #sets = new Map<string, ResultSet>();

  constructor(clock: Clock, find: MailFinder = scanMailbox) {
    this.#clock = clock;
    this.#find = find;
  }

  /** Whether the results of a search are kept: it has begun, and not too long ago. */
  has(mailbox: Mailbox, search: Pick<MailSearch, 'device' | 'query' | 'name'>): boolean {
    return this.#kept(ownerOf(mailbox, search.device))?.key === keyOf(search);
  }

  /**
   * Gives a page of results. It ends early when `signal` says that nobody waits for it, when the same device begins another
   * search, or after ten seconds; what was found by then is kept.
   */
  async page(mailbox: Mailbox, search: MailSearch, signal: AbortSignal): Promise<SearchPage> {
    const owner = ownerOf(mailbox, search.device);
    const set = await this.#begin(owner, mailbox, search);
    const endMs = this.#clock.now() + longestMs;
    const mayGoOn = () => !signal.aborted && this.#sets.get(owner) === set && this.#clock.now() < endMs;
    for (;;) {
      // One more than asked for shows that there is another page.
      await this.#extend(set, { mailbox, query: search.query }, search.last + 2, mayGoOn);
      const found = set.found.slice(search.first, search.last + 1);
      const items = await readFound(mailbox, found);
      if (items.length === found.length) return pageOf(set, search, items);
      // Those that are gone drop out, and others take their places.
      const ids = new Set(items.map(({ id }) => id));
      const rest = found.filter(({ item }) => ids.has(item));
      set.found.splice(search.first, found.length, ...rest);
    }
  }

  /** The results to go on with: a page of those kept, or new ones. */
  async #begin(owner: string, mailbox: Mailbox, search: MailSearch): Promise<ResultSet> {
    const key = keyOf(search);
    const seq = await mailbox.reader.lastSeq();
    const kept = this.#kept(owner);
    const isSame = kept?.key === key;
    // Who asks again after a search that was left in the middle wants it to go on, even if it says otherwise.
    const isOld = search.rebuild || (search.first === 0 && kept?.seq !== seq);
    // A set of its own: a request before this one, whose answer was lost, stops.
    const set: ResultSet =
      isSame && (kept.isInterrupted || !isOld)
        ? { ...kept, found: [...kept.found], isInterrupted: false }
        : { key, seq, found: [], reached: listStart, isInterrupted: false, usedMs: 0 };
    set.usedMs = this.#clock.now();
    this.#sets.delete(owner);
    this.#sets.set(owner, set);
    this.#dropOld();
    return set;
  }

  /** Looks further until there are so many results, everything has been looked at, or it may not go on. */
  async #extend(
    set: ResultSet,
    { mailbox, query }: { readonly mailbox: Mailbox; readonly query: MailQuery },
    count: number,
    mayGoOn: () => boolean,
  ): Promise<void> {
    if (set.reached === undefined || set.found.length >= count) return;
    const steps = this.#find(mailbox, query, set.reached)[Symbol.asyncIterator]();
    set.isInterrupted = true;
    try {
      while (set.found.length < count) {
        if (!mayGoOn()) return;
        const step = await this.#turns.take(() => steps.next());
        if (step.done === true) {
          set.reached = undefined;
          break;
        }
        set.found.push(...step.value.matches);
        set.reached = step.value.reached;
      }
      set.isInterrupted = false;
    } finally {
      await steps.return?.();
    }
  }

  #kept(owner: string): ResultSet | undefined {
    const set = this.#sets.get(owner);
    return set !== undefined && this.#clock.now() - set.usedMs <= keptMs ? set : undefined;
  }

  #dropOld(): void {
    const nowMs = this.#clock.now();
    let results = 0;
    for (const { found } of this.#sets.values()) results += found.length;
    for (const [owner, set] of this.#sets) {
      const isTooMuch = this.#sets.size > keptSets || results > keptResults;
      if (!isTooMuch && nowMs - set.usedMs <= keptMs) return;
      results -= set.found.length;
      this.#sets.delete(owner);
    }
  }
}

function pageOf(set: ResultSet, { first, last }: MailSearch, items: readonly Item[]): SearchPage {
  const isWhole = set.reached === undefined;
  const isFull = items.length === last - first + 1;
  const total = set.found.length + (isWhole || set.found.length > last + 1 ? 0 : 1);
  return { items, total, isTimedOut: !isWhole && !isFull };
}

function ownerOf({ ref }: Mailbox, device: DeviceId): string {
  return `${ref.organization} ${ref.mailbox} ${device}`;
}

function keyOf({ query, name }: Pick<MailSearch, 'query' | 'name'>): string {
  return createHash('sha256')
    .update(JSON.stringify([name, query]))
    .digest('base64');
}

/** The items that are still where they were found, in their order. */
async function readFound({ reader }: Mailbox, found: readonly FoundMail[]): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let n = 0; n < found.length; n += readTogether) {
    items.push(...(await readItems(reader, found.slice(n, n + readTogether))));
  }
  return items;
}

import { comparePositions, type Position } from '../change.ts';
import type { Mailbox } from '../mailbox.ts';
import type { MailFinder, SearchStep } from './finder.ts';
import { IndexedPlaces } from './indexed-places.ts';
import { IndexChangedError, type MailIndex, type MailIndexes } from './mail-index.ts';
import { SearchedMail } from './match.ts';
import { after, type FolderPlace, MergedList } from './merged-list.ts';
import {
  conversationOf,
  isImpossible,
  type MailCondition,
  type MailQuery,
  type TextCondition,
} from './query.ts';
import { readItems } from './read-items.ts';
import { matching, scanMailbox, searchedRange } from './scan.ts';

/** So many places are looked at in a step. */
const placesInStep = 64;
/** Where so many items are not in the index, it should be brought up to date. */
const worthIndexing = 64;
/** So many items that are not in the index are held. */
const heldRest = 2048;
/** So many places of lists are passed over in a step. */
const passedInStep = 2048;
/** An index that changes so often while it is read, or cannot be read, is left alone. */
const mostChanges = 5;

/**
 * A MailFinder that asks the index of a mailbox, and looks at those messages only that it does not know or is not sure of. Where a
 * query has no text or is about a conversation, or the mailbox has no index, it does what `scanMailbox` does. That an index is missing or behind is told to `indexes`.
 */
export function indexedFinder(indexes: MailIndexes): MailFinder {
  return async function* find(mailbox, query, from) {
    if (isImpossible(query.condition)) return;
    const isQuick = conversationOf(query.condition) !== undefined || !asksForText(query.condition);
    if (isQuick) return yield* scanMailbox(mailbox, query, from);
    let reached = from;
    for (let changes = 0; changes < mostChanges; changes++) {
      const index = await indexes.open(mailbox.ref);
      if (index === undefined) {
        await indexes.request(mailbox.ref);
        break;
      }
      try {
        for await (const step of findWith(index, indexes, mailbox, query, reached)) {
          reached = step.reached;
          yield step;
        }
        return;
      } catch (error) {
        if (!(error instanceof IndexChangedError)) throw error;
        if (changes === mostChanges - 1) await indexes.discard(mailbox.ref);
      }
    }
    yield* scanMailbox(mailbox, query, reached);
  };
}

function asksForText(condition: MailCondition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(asksForText);
  return condition.kind === 'not' ? asksForText(condition.of) : condition.kind === 'text';
}

interface Place extends FolderPlace {
  readonly known?: (condition: TextCondition) => boolean | undefined;
}

async function* findWith(
  index: MailIndex,
  indexes: MailIndexes,
  mailbox: Mailbox,
  query: MailQuery,
  from: Position,
): AsyncGenerator<SearchStep> {
  const range = searchedRange(query.condition, from);
  if (range === undefined) return;
  const rest = await index.rest(query.folders, heldRest);
  const isBehind = rest === undefined || rest.length >= worthIndexing;
  if (isBehind || index.isNeglected) await indexes.request(mailbox.ref);
  const indexed = new IndexedPlaces(index.segments, query, range);
  const others = rest === undefined ? new LongRest(index, mailbox, query, range) : new ShortRest(rest, range);
  let reached = range.from;
  for (;;) {
    const places: Place[] = [];
    let isEnd = false;
    while (places.length < placesInStep) {
      if (!(await indexed.look()) || !(await others.look())) break;
      const next = [indexed, others].filter(({ head }) => head !== undefined).sort(byHead)[0];
      if (next?.head === undefined) {
        isEnd = true;
        break;
      }
      places.push(next.head);
      next.take();
    }
    const last = places.at(-1);
    if (last !== undefined) reached = after(last);
    else if (isEnd) return;
    yield { matches: await matchingPlaces(mailbox, query.condition, places), reached };
  }
}

async function matchingPlaces(mailbox: Mailbox, condition: MailCondition, places: readonly Place[]) {
  const known = new Map(places.map((place) => [place.item, place.known]));
  const items = await readItems(mailbox.reader, places);
  return matching(
    mailbox,
    condition,
    items.map((item) => new SearchedMail(item, known.get(item.id))),
  );
}

/** Places newest first. */
interface Places {
  readonly head: Place | undefined;
  look(): Promise<boolean>;
  take(): void;
}

function byHead({ head: a }: Places, { head: b }: Places): number {
  return a === undefined || b === undefined ? 0 : comparePositions(a, b);
}

/** The few items that are not in the index. */
class ShortRest implements Places {
  /** The newest stands last. */
  readonly #places: FolderPlace[];

  constructor(places: readonly FolderPlace[], { from, to }: { from: Position; to: Position }) {
    this.#places = places
      .filter((place) => comparePositions(place, from) >= 0 && comparePositions(place, to) < 0)
      .sort((a, b) => comparePositions(b, a));
  }

  get head(): FolderPlace | undefined {
    return this.#places.at(-1);
  }

  async look(): Promise<boolean> {
    return true;
  }

  take(): void {
    this.#places.pop();
  }
}

/** The many items that are not in the index: found in the lists of the folders, among those that are. */
class LongRest implements Places {
  readonly #list: MergedList;
  readonly #end: number;
  /** The next one stands last. */
  #places: FolderPlace[] = [];
  #isOpen = false;
  #isAtEnd = false;

  constructor(
    { end }: MailIndex,
    mailbox: Mailbox,
    { folders }: MailQuery,
    range: { from: Position; to: Position },
  ) {
    this.#list = new MergedList(mailbox.reader, folders, range);
    this.#end = end;
  }

  get head(): FolderPlace | undefined {
    return this.#places.at(-1);
  }

  async look(): Promise<boolean> {
    if (this.#places.length > 0 || this.#isAtEnd) return true;
    if (!this.#isOpen) {
      this.#isOpen = !(await this.#list.open());
      return false;
    }
    const next = await this.#list.next(passedInStep);
    this.#isAtEnd = next.length === 0;
    this.#places = next.filter(({ item }) => item >= this.#end).reverse();
    return this.#places.length > 0 || this.#isAtEnd;
  }

  take(): void {
    this.#places.pop();
  }
}

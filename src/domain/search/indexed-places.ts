import { comparePositions, type Position } from '../change.ts';
import type { FolderId } from '../ids.ts';
import type { IndexSegment, SegmentItems } from './mail-index.ts';
import { after, type FolderPlace } from './merged-list.ts';
import type { MailQuery, TextCondition } from './query.ts';
import { matchSegment } from './segment-match.ts';

/** Where an item is that may match, and what the index knows of its texts. */
interface IndexedPlace extends FolderPlace {
  readonly known: (condition: TextCondition) => boolean | undefined;
}

/** So many segments are asked in a step. */
const segmentsInStep = 4;
/** So many places are held; what is behind them is found again when they are used up. */
const heldPlaces = 16_384;

/** IndexedPlaces gives the items that may match by what an index says, newest first. */
export class IndexedPlaces {
  readonly #query: MailQuery;
  readonly #folders: ReadonlySet<FolderId>;
  readonly #all: readonly IndexSegment[];
  readonly #to: Position;
  #from: Position;
  /** Not asked yet; the one with the newest item stands last. */
  #waiting: IndexSegment[] = [];
  /** The newest stands last. */
  #places: IndexedPlace[] = [];
  /** Places from this one on were let go. */
  #letGo: Position | undefined;

  /** From a place, included, to another, not included. */
  constructor(
    segments: readonly IndexSegment[],
    query: MailQuery,
    { from, to }: { readonly from: Position; readonly to: Position },
  ) {
    this.#all = segments.toSorted((a, b) => a.newestMs - b.newestMs);
    this.#query = query;
    this.#folders = new Set(query.folders);
    this.#from = from;
    this.#to = to;
    this.#begin(from);
  }

  /** Works a little if it does not know the next place; false while it does not know, true if it does or there is none. */
  async look(): Promise<boolean> {
    for (let n = 0; n < segmentsInStep; n++) {
      if (this.#isReady()) return true;
      const segment = this.#waiting.pop();
      if (segment !== undefined) await this.#ask(segment);
      else if (this.#letGo !== undefined) this.#begin(this.#letGo);
      else return true;
    }
    return this.#isReady();
  }

  /** The next place if it is known (see `look`); undefined otherwise, and at the end. */
  get head(): IndexedPlace | undefined {
    return this.#isReady() ? this.#places.at(-1) : undefined;
  }

  take(): void {
    this.#places.pop();
  }

  #begin(from: Position): void {
    this.#from = from;
    this.#letGo = undefined;
    this.#waiting = this.#all.filter(
      ({ oldestMs, newestMs }) => oldestMs <= from.receivedMs && newestMs >= this.#to.receivedMs,
    );
  }

  /** Nothing that is not asked yet can stand before the first place. */
  #isReady(): boolean {
    const place = this.#places.at(-1);
    const waiting = this.#waiting.at(-1);
    return place !== undefined && (waiting === undefined || waiting.newestMs < place.receivedMs);
  }

  async #ask(segment: IndexSegment): Promise<void> {
    const match = await matchSegment(this.#query.condition, segment);
    if (match === undefined) return;
    const { answers, known } = match;
    const items = await segment.items();
    const to = this.#letGo ?? this.#to;
    for (let n = 0; n < answers.length; n++) {
      if (answers[n] === 0) continue;
      const place = placeOf(items, n);
      if (!this.#folders.has(place.folder)) continue;
      if (comparePositions(place, this.#from) < 0 || comparePositions(place, to) >= 0) continue;
      this.#places.push({ ...place, known: (text) => known(text, n) });
    }
    this.#places.sort((a, b) => comparePositions(b, a));
    if (this.#places.length <= heldPlaces) return;
    this.#places.splice(0, this.#places.length - heldPlaces);
    const last = this.#places[0];
    if (last !== undefined) this.#letGo = after(last);
  }
}

function placeOf({ ids, receivedMs, folders }: SegmentItems, n: number): FolderPlace {
  return { receivedMs: receivedMs[n] ?? 0, item: ids[n] ?? 0, folder: (folders[n] ?? 0) as FolderId };
}

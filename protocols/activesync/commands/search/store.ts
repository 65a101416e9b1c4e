import { Search } from '../../wbxml/code-pages/search.ts';
import { type Element, textOf } from '../../wbxml/element.ts';
import { parseRange, type ResultRange } from './range.ts';
import { SearchError, SearchStatus } from './status.ts';

/** What a store has found: the results of the range asked for. */
export interface StoreResults {
  /** Result elements, in their order. */
  readonly results: readonly Element[];
  /** Which result the first of them is, counted from 0. */
  readonly first: number;
  /** About how many there are in all (MS-ASCMD, Total). */
  readonly total: number;
}

/**
 * Reads the Range of a Store's Options; without one it is the whole range of `most` results. Throws SearchError: 2 for what is
 * no range, 12 for one that goes further than the store gives.
 */
export function readRange(options: Element | undefined, most: number): ResultRange {
  const text = textOf(options, Search.Range);
  if (text === undefined) return { first: 0, last: most - 1 };
  const range = parseRange(text);
  if (range === undefined) throw new SearchError(SearchStatus.InvalidRequest, 'Range is no range');
  if (range.last >= most) throw new SearchError(SearchStatus.EndOfRetrievableRange, `more than ${most}`);
  return range;
}

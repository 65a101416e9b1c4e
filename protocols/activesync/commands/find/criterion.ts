import { Find } from '../../wbxml/code-pages/find.ts';
import { type Element, textOf } from '../../wbxml/element.ts';
import { parseRange, type ResultRange } from '../search/range.ts';
import { FindError, FindStatus } from './status.ts';

/** MS-ASCMD, Range (Find): its numbers have at most three digits. */
const MAX_LAST = 999;
/** The Mailbox default. */
const defaultRange: ResultRange = { first: 0, last: 99 };

/** What a criterion has found: the results of the range asked for. */
export interface FindResults {
  /** Result elements, in their order. */
  readonly results: readonly Element[];
  /** Which result the first of them is, counted from 0. */
  readonly first: number;
  /** How many there are in all. */
  readonly total: number;
}

/** Reads the Range of a criterion's Options. Throws FindError. */
export function readFindRange(options: Element | undefined): ResultRange {
  const text = textOf(options, Find.Range);
  if (text === undefined) return defaultRange;
  const range = parseRange(text);
  if (range !== undefined && range.last <= MAX_LAST) return range;
  throw new FindError(FindStatus.InvalidRequest, 'Range is no range');
}

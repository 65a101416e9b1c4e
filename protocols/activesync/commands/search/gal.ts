import type { CommandContext } from '../../command.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { child, type Element, textOf } from '../../wbxml/element.ts';
import type { ResultRange } from './range.ts';
import { SearchError, SearchStatus } from './status.ts';
import { readRange, type StoreResults } from './store.ts';

/** MS-ASCMD, Range (Search): so many results of the address book. */
const MAX_RESULTS = 100;

/** What is asked of the organisation's address book. */
export interface GalSearch {
  readonly text: string;
  readonly range: ResultRange;
}

/** Reads a Store of the name GAL. Throws SearchError. */
export function readGalSearch(store: Element): GalSearch {
  const text = textOf(store, Search.Query)?.trim() ?? '';
  if (text === '') throw new SearchError(SearchStatus.InvalidRequest, 'no text');
  return { text, range: readRange(child(store, Search.Options), MAX_RESULTS) };
}

/** Searches the address book: nobody stands in it. Throws SearchError. */
export async function searchGal({ range }: GalSearch, _context: CommandContext): Promise<StoreResults> {
  return { results: [], first: range.first, total: 0 };
}

import { galProperties } from '../../classes/gal.ts';
import type { CommandContext } from '../../command.ts';
import { type PictureOptions, Pictures, readPicture } from '../../pictures.ts';
import { GAL } from '../../wbxml/code-pages/gal.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { child, type Element, el, textOf } from '../../wbxml/element.ts';
import type { ResultRange } from './range.ts';
import { SearchError, SearchStatus } from './status.ts';
import { readRange, type StoreResults } from './store.ts';

/** MS-ASCMD, Range (Search): so many results of the address book. */
const MAX_RESULTS = 100;

/** What is asked of the organisation's address book. */
export interface GalSearch {
  readonly text: string;
  readonly range: ResultRange;
  readonly picture: PictureOptions | undefined;
}

/** Reads a Store of the name GAL. Throws SearchError. */
export function readGalSearch(store: Element): GalSearch {
  const text = textOf(store, Search.Query)?.trim() ?? '';
  if (text === '') throw new SearchError(SearchStatus.InvalidRequest, 'no text');
  const options = child(store, Search.Options);
  return { text, range: readRange(options, MAX_RESULTS), picture: readOptionalPicture(options) };
}

function readOptionalPicture(options: Element | undefined): PictureOptions | undefined {
  try {
    return readPicture(child(options, Search.Picture), Search);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SearchError(SearchStatus.InvalidRequest, error.message);
  }
}

/** Searches the address book: who has each word of the text at the beginning of one of theirs, sorted by display name. Throws SearchError. */
export async function searchGal(
  { text, range, picture }: GalSearch,
  context: CommandContext,
): Promise<StoreResults> {
  const { services, account } = context;
  const asked = { from: range.first, limit: range.last - range.first + 1 };
  const { entries, total } = await services.addressBook.search(account.organization, text, asked);
  if (total > 0 && total <= range.first) {
    throw new SearchError(SearchStatus.EndOfRetrievableRange, 'behind the last result');
  }
  const pictures = new Pictures(picture, context);
  const results: Element[] = [];
  for (const entry of entries) {
    const properties = galProperties(entry, await pictures.of(entry.id, GAL));
    results.push(el(Search.Result, el(Search.Properties, ...properties)));
  }
  return { results, first: range.first, total };
}

import { DocumentLibrary } from '../../wbxml/code-pages/document-library.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { child, type Element, has, textOf } from '../../wbxml/element.ts';
import { SearchError, SearchStatus } from './status.ts';
import { readRange } from './store.ts';

/** MS-ASCMD, Range (Search): so many results of a document library. */
const MAX_RESULTS = 1000;
/** A UNC path, or an address of a SharePoint site. */
const LINK = /^(?:\\\\[^\\]|file:\/\/|https?:\/\/[^/])/i;

/** Refuses a Store of the name DocumentLibrary: there are no documents to browse here. Throws SearchError. */
export function refuseDocumentSearch(store: Element): never {
  const equalTo = child(store, Search.Query, Search.EqualTo);
  const link = textOf(equalTo, Search.Value)?.trim() ?? '';
  if (!has(equalTo, DocumentLibrary.LinkId) || link === '') {
    throw new SearchError(SearchStatus.InvalidRequest, 'EqualTo without LinkId or Value');
  }
  readRange(child(store, Search.Options), MAX_RESULTS);
  if (!LINK.test(link)) throw new SearchError(SearchStatus.BadLink, 'no address of a document');
  throw new SearchError(SearchStatus.AccessBlocked, 'no document libraries');
}

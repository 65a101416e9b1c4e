import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { child, type Element, el, textOf } from '../../wbxml/element.ts';
import { refuseDocumentSearch } from './document-library.ts';
import { type GalSearch, readGalSearch, searchGal } from './gal.ts';
import { type MailboxSearch, readMailboxSearch, searchMailbox } from './mailbox.ts';
import { rangeText } from './range.ts';
import { SearchError, SearchStatus } from './status.ts';
import type { StoreResults } from './store.ts';

/** What is asked of a store; `refused` holds the answer to what cannot be asked. */
type StoreSearch =
  | { readonly store: 'gal'; readonly search: GalSearch }
  | { readonly store: 'mailbox'; readonly search: MailboxSearch }
  | { readonly store: 'refused'; readonly error: SearchError };

/** Search: finds people in the address book and messages in the mailbox (MS-ASCMD, Search). */
export const search = defineCommand({
  name: 'Search',
  code: 16,
  read: (body, { protocolVersion }): StoreSearch => {
    const store = child(body, Search.Store);
    if (store === undefined) throw new CommandError(CommonStatus.InvalidXML, 'no Store');
    try {
      return readStore(store, protocolVersion);
    } catch (error) {
      if (error instanceof SearchError) return { store: 'refused', error };
      throw error;
    }
  },
  run: async (asked, context): Promise<StoreResults | SearchError> => {
    try {
      return await runStore(asked, context);
    } catch (error) {
      if (error instanceof SearchError) return error;
      throw error;
    }
  },
  write: (found) => {
    const store = found instanceof SearchError ? [el(Search.Status, found.status)] : writeResults(found);
    return el(
      Search.Search,
      el(Search.Status, SearchStatus.Success),
      el(Search.Response, el(Search.Store, ...store)),
    );
  },
});

function readStore(store: Element, version: ProtocolVersion): StoreSearch {
  const name = textOf(store, Search.Name)?.trim().toLowerCase();
  if (name === 'gal') return { store: 'gal', search: readGalSearch(store) };
  // MS-ASCMD, Name (Search): 2.5 knows the address book alone.
  if (!isAtLeast(version, '12.0')) throw new SearchError(SearchStatus.InvalidRequest, 'not before 12.0');
  if (name === 'mailbox') return { store: 'mailbox', search: readMailboxSearch(store, version) };
  // It is written both ways.
  if (name === 'documentlibrary' || name === 'document library') refuseDocumentSearch(store);
  throw new SearchError(SearchStatus.InvalidRequest, 'an unknown store');
}

async function runStore(asked: StoreSearch, context: CommandContext): Promise<StoreResults> {
  switch (asked.store) {
    case 'gal':
      return await searchGal(asked.search, context);
    case 'mailbox':
      return await searchMailbox(asked.search, context);
    case 'refused':
      throw asked.error;
  }
}

/** Android wants Range and Total, and behind the results. */
function writeResults({ results, first, total }: StoreResults): readonly Element[] {
  return [
    el(Search.Status, SearchStatus.Success),
    ...results,
    el(Search.Range, rangeText(first, total === 0 ? 0 : results.length)),
    el(Search.Total, total),
  ];
}

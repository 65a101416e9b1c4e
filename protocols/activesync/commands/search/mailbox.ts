import type { CommandContext } from '../../command.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { child, type Element, el } from '../../wbxml/element.ts';
import type { ResultRange } from './range.ts';
import { readRange, type StoreResults } from './store.ts';

/** MS-ASCMD, Range (Search): so many results of a mailbox. */
const MAX_RESULTS = 100;

/** What is asked of the mailbox. */
export interface MailboxSearch {
  readonly range: ResultRange;
}

/** Reads a Store of the name Mailbox. Throws SearchError. */
export function readMailboxSearch(store: Element): MailboxSearch {
  return { range: readRange(child(store, Search.Options), MAX_RESULTS) };
}

/** Searches the mailbox. Throws SearchError. */
export async function searchMailbox(
  { range }: MailboxSearch,
  _context: CommandContext,
): Promise<StoreResults> {
  return { results: [el(Search.Result)], first: range.first, total: 0 };
}

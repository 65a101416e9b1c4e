import type { CommandContext } from '../../command.ts';
import { Find } from '../../wbxml/code-pages/find.ts';
import { child, type Element } from '../../wbxml/element.ts';
import type { ResultRange } from '../search/range.ts';
import { type FindResults, readFindRange } from './criterion.ts';

/** What is asked of the mailbox. */
export interface MailboxFind {
  /** The same in each request of one search. */
  readonly searchId: string;
  readonly range: ResultRange;
}

/** Reads a MailBoxSearchCriterion. Throws FindError. */
export function readMailboxFind(criterion: Element, searchId: string): MailboxFind {
  return { searchId, range: readFindRange(child(criterion, Find.Options)) };
}

/** Searches the mailbox. Throws FindError. */
export async function findMail({ range }: MailboxFind, _context: CommandContext): Promise<FindResults> {
  return { results: [], first: range.first, total: 0 };
}

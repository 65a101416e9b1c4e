import type { CommandContext } from '../../command.ts';
import { Find } from '../../wbxml/code-pages/find.ts';
import { child, type Element, textOf } from '../../wbxml/element.ts';
import type { ResultRange } from '../search/range.ts';
import { type FindResults, readFindRange } from './criterion.ts';
import { FindError, FindStatus } from './status.ts';

/** What is asked of the organisation's address book. */
export interface GalFind {
  readonly text: string;
  readonly range: ResultRange;
}

/** Reads a GalSearchCriterion. Throws FindError. */
export function readGalFind(criterion: Element): GalFind {
  const text = textOf(criterion, Find.Query)?.trim() ?? '';
  if (text === '') throw new FindError(FindStatus.InvalidRequest, 'no text');
  return { text, range: readFindRange(child(criterion, Find.Options)) };
}

/** Searches the address book: nobody stands in it. Throws FindError. */
export async function findGal({ range }: GalFind, _context: CommandContext): Promise<FindResults> {
  return { results: [], first: range.first, total: 0 };
}

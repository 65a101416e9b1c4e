import { galProperties } from '../../classes/gal.ts';
import type { CommandContext } from '../../command.ts';
import { type PictureOptions, Pictures, readPicture } from '../../pictures.ts';
import { Find } from '../../wbxml/code-pages/find.ts';
import { GAL } from '../../wbxml/code-pages/gal.ts';
import { child, type Element, el, textOf } from '../../wbxml/element.ts';
import type { ResultRange } from '../search/range.ts';
import { type FindResults, readFindRange } from './criterion.ts';
import { FindError, FindStatus } from './status.ts';

/** MS-ASCMD, Range (Find): so many results of the address book. */
const MAX_RESULTS = 100;

/** What is asked of the organisation's address book. */
export interface GalFind {
  /** The same in each request of one search. */
  readonly searchId: string;
  readonly text: string;
  readonly range: ResultRange;
  readonly picture: PictureOptions | undefined;
}

/** Reads a GalSearchCriterion. Throws FindError. */
export function readGalFind(criterion: Element, searchId: string): GalFind {
  const text = textOf(criterion, Find.Query)?.trim() ?? '';
  if (text === '') throw new FindError(FindStatus.InvalidRequest, 'no text');
  const options = child(criterion, Find.Options);
  return { searchId, text, range: readFindRange(options), picture: readOptionalPicture(options) };
}

function readOptionalPicture(options: Element | undefined): PictureOptions | undefined {
  try {
    return readPicture(child(options, Find.Picture), Find);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FindError(FindStatus.InvalidRequest, error.message);
  }
}

/** Searches the address book as Search does. Throws FindError. */
export async function findGal(
  { searchId, text, range, picture }: GalFind,
  context: CommandContext,
): Promise<FindResults> {
  const { services, account, device } = context;
  const who = `${account.mailbox.mailbox} ${device.id}`;
  // MS-ASCMD, Range (Find): a search begins with its first result.
  if (range.first > 0 && !services.begunSearches.has(who, searchId)) {
    throw new FindError(FindStatus.StartWithRangeZero, 'a search that did not begin with 0');
  }
  services.begunSearches.begin(who, searchId);
  const limit = Math.min(range.last, MAX_RESULTS - 1) - range.first + 1;
  const asked = { from: range.first, limit: Math.max(0, limit) };
  const { entries, total } = await services.addressBook.search(account.organization, text, asked);
  const pictures = new Pictures(picture, context);
  const results: Element[] = [];
  for (const entry of entries) {
    const properties = galProperties(entry, await pictures.of(entry.id, GAL));
    results.push(el(Find.Result, el(Find.Properties, ...properties)));
  }
  // A phone asks on as long as Total is more than it has.
  return { results, first: range.first, total: Math.min(total, MAX_RESULTS) };
}

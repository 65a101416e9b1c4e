import { type CommandContext, defineCommand } from '../../command.ts';
import { Find } from '../../wbxml/code-pages/find.ts';
import { ItemOperations } from '../../wbxml/code-pages/item-operations.ts';
import { child, type Element, el, textOf } from '../../wbxml/element.ts';
import { rangeText } from '../search/range.ts';
import type { FindResults } from './criterion.ts';
import { findGal, type GalFind, readGalFind } from './gal.ts';
import { findMail, type MailboxFind, readMailboxFind } from './mailbox.ts';
import { FindError, FindStatus } from './status.ts';

const MAX_SEARCH_ID = 64;

/** What is asked for; `refused` holds the answer to what cannot be asked. */
type Criterion =
  | { readonly kind: 'gal'; readonly find: GalFind }
  | { readonly kind: 'mailbox'; readonly find: MailboxFind }
  | { readonly kind: 'refused'; readonly error: FindError };

/** Find: finds messages in the mailbox and people in the address book, page by page (MS-ASCMD, Find). */
export const find = defineCommand({
  name: 'Find',
  code: 23,
  since: '16.1',
  read: (body): Criterion => {
    try {
      return readCriterion(body);
    } catch (error) {
      if (error instanceof FindError) return { kind: 'refused', error };
      throw error;
    }
  },
  run: async (criterion, context): Promise<FindResults | FindError> => {
    try {
      return await runCriterion(criterion, context);
    } catch (error) {
      if (error instanceof FindError) return error;
      throw error;
    }
  },
  write: (found) => (found instanceof FindError ? writeError(found) : writeResults(found)),
});

function readCriterion(body: Element): Criterion {
  const searchId = textOf(body, Find.SearchId)?.trim() ?? '';
  if (searchId === '' || searchId.length > MAX_SEARCH_ID) {
    throw new FindError(FindStatus.InvalidRequest, 'no SearchId');
  }
  const mailbox = child(body, Find.ExecuteSearch, Find.MailBoxSearchCriterion);
  if (mailbox !== undefined) return { kind: 'mailbox', find: readMailboxFind(mailbox, searchId) };
  const gal = child(body, Find.ExecuteSearch, Find.GalSearchCriterion);
  if (gal !== undefined) return { kind: 'gal', find: readGalFind(gal, searchId) };
  throw new FindError(FindStatus.InvalidRequest, 'no criterion');
}

async function runCriterion(criterion: Criterion, context: CommandContext): Promise<FindResults> {
  switch (criterion.kind) {
    case 'gal':
      return await findGal(criterion.find, context);
    case 'mailbox':
      return await findMail(criterion.find, context);
    case 'refused':
      throw criterion.error;
  }
}

/** The Store is Mailbox in every answer. */
const store = el(ItemOperations.Store, 'Mailbox');

function writeResults({ results, first, total }: FindResults): Element {
  // Behind the last result there is no range: 0-0 beside a Total would be the first one.
  const isBehind = results.length === 0 && total > 0;
  return el(
    Find.Find,
    el(Find.Status, FindStatus.Success),
    el(
      Find.Response,
      store,
      el(Find.Status, FindStatus.Success),
      ...results,
      isBehind ? undefined : el(Find.Range, rangeText(first, results.length)),
      el(Find.Total, total),
    ),
  );
}

function writeError({ status }: FindError): Element {
  if (status !== FindStatus.StartWithRangeZero) return el(Find.Find, el(Find.Status, status));
  const response = el(Find.Response, store, el(Find.Status, status));
  return el(Find.Find, el(Find.Status, FindStatus.Success), response);
}

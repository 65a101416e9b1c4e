import type { Item } from '#domain/item';
import { foldersToSearch } from '#domain/search/folders';
import type { MailQuery } from '#domain/search/query';
import { readMessages } from '#domain/sync';
import { allowedBodies, type BodyRequest, bodyCost, bytesWithoutPreference } from '../../classes/body.ts';
import { type BodyOptions, BodyOptionsError, readBodyOptions } from '../../classes/body-options.ts';
import { emailProperties, emailPropertiesWithoutBody } from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { collectionIdOf, longIdOf, parseCollectionId, serverIdOf } from '../../ids.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { Calendar } from '../../wbxml/code-pages/calendar.ts';
import { Contacts } from '../../wbxml/code-pages/contacts.ts';
import { Contacts2 } from '../../wbxml/code-pages/contacts2.ts';
import { Email } from '../../wbxml/code-pages/email.ts';
import { Email2 } from '../../wbxml/code-pages/email2.ts';
import { Notes } from '../../wbxml/code-pages/notes.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { Tasks } from '../../wbxml/code-pages/tasks.ts';
import { child, childrenOf, type Element, el, has } from '../../wbxml/element.ts';
import { type MailboxQuery, readQuery } from './query.ts';
import type { ResultRange } from './range.ts';
import { SearchError, SearchStatus } from './status.ts';
import { readRange, type StoreResults } from './store.ts';

/** MS-ASCMD, Range (Search): so many results of a mailbox. */
const MAX_RESULTS = 100;
/** An answer is cut at about so many bytes of results; the Range says how many there are in it. */
const ANSWER_BYTES = 4 * 1024 * 1024;

/** What is asked of the mailbox. */
export interface MailboxSearch {
  readonly query: MailboxQuery;
  readonly range: ResultRange;
  readonly deep: boolean;
  readonly rebuild: boolean;
  readonly body: BodyOptions;
}

/** Reads a Store of the name Mailbox. Throws SearchError, and CommandError for a status that is not the Store's. */
export function readMailboxSearch(store: Element, version: ProtocolVersion): MailboxSearch {
  refuseClassProperties(store);
  const options = child(store, Search.Options);
  const query = readQuery(child(store, Search.Query), version);
  checkBodyParts(options, query, version);
  return {
    query,
    range: readRange(options, MAX_RESULTS),
    deep: has(options, Search.DeepTraversal),
    rebuild: has(options, Search.RebuildResults),
    body: readBody(options),
  };
}

/** Searches the mailbox. Throws SearchError. */
export async function searchMailbox(asked: MailboxSearch, context: CommandContext): Promise<StoreResults> {
  const { mailbox, device, services, signal } = context;
  const { range, rebuild } = asked;
  const query = await queryOf(asked, context);
  const search = { device: device.id, name: '', query, ...range, rebuild };
  const page = await services.searches.page(mailbox, search, signal);
  if (page.isTimedOut) throw new SearchError(SearchStatus.TimedOut, 'more to look at than there is time for');
  if (page.total > 0 && page.total <= range.first) {
    throw new SearchError(SearchStatus.EndOfRetrievableRange, 'behind the last result');
  }
  // MS-ASCMD, Result (Search): one that is empty, if nothing is found.
  const results = page.total === 0 ? [el(Search.Result)] : await resultElements(page.items, asked, context);
  return { results, first: range.first, total: page.total };
}

/** The folders to search: all that hold mail for a conversation; throws 11 for one that is not there. */
async function queryOf({ query, deep }: MailboxSearch, { mailbox }: CommandContext): Promise<MailQuery> {
  const isEverywhere = query.ofConversation || query.collectionIds.includes('0');
  const named = query.collectionIds.map(parseCollectionId).filter((folder) => folder !== undefined);
  if (!isEverywhere && named.length < query.collectionIds.length) throw unknownFolder();
  const scope = { folders: isEverywhere ? [] : named, deep };
  const folders = foldersToSearch(await mailbox.reader.folders(), scope);
  if (folders === undefined) throw unknownFolder();
  return { folders: query.wantsMail ? folders : [], condition: query.condition };
}

function unknownFolder(): SearchError {
  return new SearchError(SearchStatus.FolderSyncRequired, 'no such folder');
}

/** One message that cannot be read does not keep the others from the device: it comes without its body. */
async function resultElements(
  items: readonly Item[],
  { body }: MailboxSearch,
  context: CommandContext,
): Promise<readonly Element[]> {
  const { policy, version } = context;
  const truncationWithoutPreference = bytesWithoutPreference;
  const request = { options: body, version, ...allowedBodies(policy), truncationWithoutPreference };
  const results: Element[] = [];
  let roomBytes = ANSWER_BYTES;
  for (const item of items) {
    roomBytes -= bodyCost(body, item.size);
    if (roomBytes < 0 && results.length > 0) break;
    const properties = await propertiesOf(item, request, context);
    results.push(
      el(
        Search.Result,
        el(AirSync.Class, 'Email'),
        el(Search.LongId, longIdOf(item.folder, item.id)),
        el(AirSync.CollectionId, collectionIdOf(item.folder)),
        el(Search.Properties, ...properties),
      ),
    );
  }
  return results;
}

async function propertiesOf(
  item: Item,
  request: BodyRequest,
  { mailbox, log }: CommandContext,
): Promise<readonly Element[]> {
  try {
    const [message] = await readMessages(mailbox.reader, [item]);
    if (message !== undefined) return await emailProperties(mailbox, message, request);
    log.warn('activesync.item.unreadable', { item: serverIdOf(item.folder, item.id) });
  } catch (error) {
    log.error('activesync.item.unreadable', { err: error }, { item: serverIdOf(item.folder, item.id) });
  }
  return emailPropertiesWithoutBody(item, request.version);
}

const classPages: ReadonlySet<number> = new Set([
  Email.Subject.page,
  Email2.Sender.page,
  Calendar.Subject.page,
  Contacts.FileAs.page,
  Contacts2.NickName.page,
  Tasks.Subject.page,
  Notes.Subject.page,
]);

/** MS-ASEMAIL and its sisters, Search Command Request: their properties do not occur in one, but for the date that is compared. */
function refuseClassProperties(element: Element): void {
  for (const below of element.children) {
    if (classPages.has(below.tag.page) && below.tag !== Email.DateReceived) {
      throw new SearchError(SearchStatus.InvalidRequest, `the property ${below.tag.name}`);
    }
    refuseClassProperties(below);
  }
}

/** MS-ASAIRS, BodyPartPreference: since 14.1, and with a ConversationId only. */
function checkBodyParts(
  options: Element | undefined,
  { ofConversation }: MailboxQuery,
  version: ProtocolVersion,
): void {
  const preferences = childrenOf(options, AirSyncBase.BodyPartPreference);
  if (preferences.length === 0) return;
  if (!ofConversation || !isAtLeast(version, '14.1')) {
    throw new SearchError(SearchStatus.InvalidRequest, 'BodyPartPreference without a conversation');
  }
}

function readBody(options: Element | undefined): BodyOptions {
  try {
    return readBodyOptions(options);
  } catch (error) {
    if (!(error instanceof BodyOptionsError)) throw error;
    throw new SearchError(SearchStatus.InvalidRequest, error.message);
  }
}

import type { Item } from '#domain/item';
import { foldersToSearch } from '#domain/search/folders';
import type { MailQuery } from '#domain/search/query';
import { dateTime } from '../../classes/date-time.ts';
import { displayTo, fromOf } from '../../classes/email.ts';
import type { CommandContext } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { collectionIdOf, parseCollectionId, serverIdOf } from '../../ids.ts';
import { CommonStatus } from '../../status.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { Email } from '../../wbxml/code-pages/email.ts';
import { Email2 } from '../../wbxml/code-pages/email2.ts';
import { Find } from '../../wbxml/code-pages/find.ts';
import { child, childrenOf, type Element, el, has, text, textOf } from '../../wbxml/element.ts';
import type { ResultRange } from '../search/range.ts';
import { type FindResults, readFindRange } from './criterion.ts';
import { isDayFirst } from './day-first.ts';
import { readKql } from './kql.ts';
import { FindError, FindStatus } from './status.ts';

/** MS-ASCMD, Class (Find): what can be asked for; there is nothing here but mail. */
const classNames: readonly string[] = ['Email', 'Calendar', 'Contacts', 'Tasks', 'Notes', 'SMS'];
const MAX_COLLECTIONS = 1000;
/** MS-ASCMD, Preview (Find), in characters. */
const MAX_PREVIEW = 255;
/** So many details are read together. */
const detailsTogether = 100;

/** What is asked of the mailbox. */
export interface MailboxFind {
  /** The same in each request of one search. */
  readonly searchId: string;
  readonly range: ResultRange;
  readonly wantsMail: boolean;
  /** None: all folders. */
  readonly collectionIds: readonly string[];
  readonly deep: boolean;
  /** In the Keyword Query Language. */
  readonly freeText: string;
}

/** Reads a MailBoxSearchCriterion. Throws FindError. */
export function readMailboxFind(criterion: Element, searchId: string): MailboxFind {
  const query = child(criterion, Find.Query);
  const options = child(criterion, Find.Options);
  const freeText = textOf(query, Find.FreeText)?.trim() ?? '';
  if (freeText === '') throw new FindError(FindStatus.InvalidRequest, 'no FreeText');
  const classes = childrenOf(query, AirSync.Class).map((element) => text(element).trim());
  if (classes.some((name) => !classNames.includes(name))) {
    throw new FindError(FindStatus.InvalidRequest, 'an unknown Class');
  }
  const collections = childrenOf(query, AirSync.CollectionId);
  if (collections.length > MAX_COLLECTIONS) {
    throw new FindError(FindStatus.InvalidRequest, 'too many CollectionIds');
  }
  return {
    searchId,
    range: readFindRange(options),
    wantsMail: classes.length === 0 || classes.includes('Email'),
    collectionIds: [...new Set(collections.map((element) => text(element).trim()))],
    deep: has(options, Find.DeepTraversal),
    freeText,
  };
}

/** Searches the mailbox. Throws FindError, and CommandError when nothing was found in the time there is. */
export async function findMail(asked: MailboxFind, context: CommandContext): Promise<FindResults> {
  const { mailbox, device, services, signal } = context;
  const { range, searchId } = asked;
  const search = { device: device.id, name: searchId, query: await queryOf(asked, context) };
  // MS-ASCMD, Range (Find): a search begins with its first result. One that is no longer known begins anew.
  if (range.first > 0 && !services.searches.has(mailbox, search)) {
    throw new FindError(FindStatus.StartWithRangeZero, 'a search that did not begin with 0');
  }
  const page = await services.searches.page(mailbox, { ...search, ...range, rebuild: false }, signal);
  if (page.isTimedOut && page.items.length === 0) {
    throw new CommandError(CommonStatus.ServerErrorRetryLater, 'more to look at than there is time for');
  }
  const results: Element[] = [];
  for (let n = 0; n < page.items.length; n += detailsTogether) {
    const items = page.items.slice(n, n + detailsTogether);
    const previews = await previewsOf(items, context);
    for (const [index, item] of items.entries()) results.push(resultElement(item, previews[index] ?? ''));
  }
  return { results, first: range.first, total: page.total };
}

/** Throws 3 for a folder that is not there. */
async function queryOf(
  { collectionIds, deep, wantsMail, freeText }: MailboxFind,
  { mailbox, clock, requestLine }: CommandContext,
): Promise<MailQuery> {
  const dates = { nowMs: clock.now(), isDayFirst: isDayFirst(requestLine.locale) };
  const condition = readKql(freeText, dates);
  const isEverywhere = collectionIds.includes('0');
  const named = collectionIds.map(parseCollectionId).filter((folder) => folder !== undefined);
  const isKnown = isEverywhere || named.length === collectionIds.length;
  const scope = { folders: isEverywhere ? [] : named, deep };
  const folders = isKnown ? foldersToSearch(await mailbox.reader.folders(), scope) : undefined;
  if (folders === undefined) throw new FindError(FindStatus.FolderSyncRequired, 'no such folder');
  return { folders: wantsMail ? folders : [], condition };
}

/** The beginnings of the texts; of one that cannot be read, nothing. */
async function previewsOf(items: readonly Item[], { mailbox, log }: CommandContext): Promise<string[]> {
  try {
    const details = await mailbox.reader.details(items.map(({ id }) => id));
    // A character that the cut went through is left out.
    return details.map((one) => (one?.preview ?? '').slice(0, MAX_PREVIEW).replace(/[\ud800-\udbff]$/, ''));
  } catch (error) {
    log.error('activesync.item.unreadable', { err: error });
    return [];
  }
}

function resultElement(item: Item, preview: string): Element {
  const { envelope, marks } = item;
  return el(
    Find.Result,
    el(AirSync.Class, 'Email'),
    el(AirSync.ServerId, serverIdOf(item.folder, item.id)),
    el(AirSync.CollectionId, collectionIdOf(item.folder)),
    el(
      Find.Properties,
      el(Email.Subject, envelope.subject),
      el(Email.DateReceived, dateTime(item.receivedMs)),
      el(Email.DisplayTo, displayTo(envelope.to)),
      envelope.cc.length > 0 ? el(Find.DisplayCc, displayTo(envelope.cc)) : undefined,
      envelope.bcc.length > 0 ? el(Find.DisplayBcc, displayTo(envelope.bcc)) : undefined,
      el(Email.Importance, item.importance),
      el(Email.Read, marks.read),
      el(Email2.IsDraft, item.draft),
      el(Find.Preview, preview),
      el(
        Find.HasAttachments,
        item.attachments.some(({ inline }) => !inline),
      ),
      el(Email.From, fromOf(envelope)),
    ),
  );
}

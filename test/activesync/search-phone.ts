/** Searching as a phone does it. */
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, childrenOf, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';

/** What was found, as the phone sees it. */
interface Found {
  /** Of the root, unless it is 1: then of the Store or the Response; 101 and up also from the root. */
  readonly status: number;
  /** Result elements, an empty one among them. */
  readonly results: readonly Element[];
  readonly subjects: readonly (string | undefined)[];
  readonly range: string | undefined;
  readonly total: number | undefined;
}

export const email = el(AirSync.Class, 'Email');
export const freeText = (text: string): Element => el(Search.FreeText, text);
export const inFolder = (collectionId: string | number): Element => el(AirSync.CollectionId, collectionId);
export const newerThan = (date: string): Element =>
  el(Search.GreaterThan, el(Email.DateReceived), el(Search.Value, date));
export const olderThan = (date: string): Element =>
  el(Search.LessThan, el(Email.DateReceived), el(Search.Value, date));

/** Search of the mailbox with what stands in the And; `options` are the children of Options. */
export function searchMail(
  phone: EasClient,
  and: readonly Element[],
  options: readonly Element[] = [],
  validateRequest = true,
): Promise<Found> {
  const store = [el(Search.Name, 'Mailbox'), el(Search.Query, el(Search.And, ...and))];
  return searchStore(phone, [...store, ...optionsElement(options)], validateRequest);
}

/** Search of a Store with these children. */
export async function searchStore(
  phone: EasClient,
  store: readonly Element[],
  validateRequest = true,
): Promise<Found> {
  const request = el(Search.Search, el(Search.Store, ...store));
  const { element, rootStatus } = await phone.command('Search', request, { validateRequest });
  const answer = child(element, Search.Response, Search.Store);
  const results = childrenOf(answer, Search.Result);
  return {
    status: (rootStatus === 1 ? integerOf(answer, Search.Status) : rootStatus) ?? Number.NaN,
    results,
    subjects: results.map((result) => textOf(result, Search.Properties, Email.Subject)),
    range: textOf(answer, Search.Range),
    total: integerOf(answer, Search.Total),
  };
}

function optionsElement(options: readonly Element[]): readonly Element[] {
  return options.length === 0 ? [] : [el(Search.Options, ...options)];
}

/** Find in the mailbox. */
export async function findMail(
  phone: EasClient,
  query: string | readonly Element[],
  asked: {
    readonly searchId?: string;
    readonly range?: string;
    readonly deep?: boolean;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
  validateRequest = true,
): Promise<Found> {
  const range = asked.range === undefined ? undefined : el(Find.Range, asked.range);
  const deep = asked.deep === true ? el(Find.DeepTraversal) : undefined;
  const criterion = el(
    Find.MailBoxSearchCriterion,
    el(Find.Query, ...(typeof query === 'string' ? [email, el(Find.FreeText, query)] : query)),
    range === undefined && deep === undefined ? undefined : el(Find.Options, range, deep),
  );
  const request = el(
    Find.Find,
    el(Find.SearchId, asked.searchId ?? 'search-1'),
    el(Find.ExecuteSearch, criterion),
  );
  const { element, rootStatus } = await phone.command('Find', request, {
    validateRequest,
    headers: asked.headers ?? {},
  });
  const answer = child(element, Find.Response);
  const results = childrenOf(answer, Find.Result);
  return {
    status: (rootStatus === 1 ? integerOf(answer, Find.Status) : rootStatus) ?? Number.NaN,
    results,
    subjects: results.map((result) => textOf(result, Find.Properties, Email.Subject)),
    range: textOf(answer, Find.Range),
    total: integerOf(answer, Find.Total),
  };
}

/** A message of plain text; `header` are further lines of its header. */
export function mail(subject: string, text = '', header: readonly string[] = []): Buffer {
  const lines = [
    'From: Bob Builder <bob@example.org>',
    'To: Alice <alice@example.test>',
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    ...header,
    '',
    text,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

import { allFields, anyMail, type MailCondition, noMail } from '#domain/search/query';
import { patternOf } from '#domain/search/text';
import { parseDateTime } from '../../classes/date-time.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { Email } from '../../wbxml/code-pages/email.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { bytesOf, childrenOf, type Element, has, text, textOf } from '../../wbxml/element.ts';
import { SearchError, SearchStatus } from './status.ts';
import { typed } from './typed.ts';

/** What a mailbox is asked for (MS-ASCMD, Query). */
export interface MailboxQuery {
  readonly condition: MailCondition;
  /** CollectionIds as they came, each once. None: all folders. */
  readonly collectionIds: readonly string[];
  /** Whether mail is asked for, and not only items of other classes, of which there are none. */
  readonly wantsMail: boolean;
  readonly ofConversation: boolean;
}

/** Beyond these a query is too complex. */
const MAX_TEXT = 1024;
const MAX_WORDS = 64;
const MAX_CHILDREN = 1000;
const MAX_CONVERSATION_ID = 64;

/** Classes, and the version that brought each. */
const classVersions: ReadonlyMap<string, ProtocolVersion> = new Map([
  ['Email', '12.0'],
  ['Calendar', '12.0'],
  ['Contacts', '12.0'],
  ['Tasks', '12.0'],
  ['Notes', '14.0'],
  ['SMS', '14.0'],
]);

/** What stands nowhere but in And; comparisons and texts also in an Or in it. */
const inAndOnly: ReadonlySet<Tag> = new Set([
  AirSync.Class,
  AirSync.CollectionId,
  Search.ConversationId,
  Search.FreeText,
  Search.GreaterThan,
  Search.LessThan,
]);

/** Reads a Query of the store Mailbox. Throws SearchError: 8 for what is nested or too much, 2 for what makes no sense. */
export function readQuery(query: Element | undefined, version: ProtocolVersion): MailboxQuery {
  const children = query?.children ?? [];
  const ands = childrenOf(query, Search.And);
  if (ands.length > 1 || children.some(({ tag }) => inAndOnly.has(tag) || tag === Search.Or)) {
    throw new SearchError(SearchStatus.TooComplex, 'outside one And');
  }
  const [and] = ands;
  if (and === undefined || has(query, Search.EqualTo)) throw invalid('no And');
  return readAnd(and, version);
}

function readAnd(and: Element, version: ProtocolVersion): MailboxQuery {
  if (and.children.length > MAX_CHILDREN) throw new SearchError(SearchStatus.TooComplex, 'too many parts');
  if (has(and, Search.And)) throw new SearchError(SearchStatus.TooComplex, 'And in And');
  if (and.children.length === 0 || has(and, Search.EqualTo)) throw invalid('no condition');
  const conversations = childrenOf(and, Search.ConversationId);
  if (conversations.length > 1) throw invalid('two ConversationIds');
  const classes = childrenOf(and, AirSync.Class).map((element) => readClass(element, version));
  const conditions = [
    ...conversations.map(() => readConversation(and, version)),
    ...and.children.flatMap((element) => readCondition(element) ?? []),
    ...childrenOf(and, Search.Or).map(readOr),
  ];
  return {
    condition: conditions.length === 0 ? anyMail : { kind: 'and', of: conditions.flatMap(flat) },
    collectionIds: [...new Set(childrenOf(and, AirSync.CollectionId).map((element) => text(element).trim()))],
    wantsMail: classes.length === 0 || classes.includes('Email'),
    ofConversation: conversations.length > 0,
  };
}

/** The parts of an And stand in the And around it. */
function flat(condition: MailCondition): readonly MailCondition[] {
  return condition.kind === 'and' ? condition.of : [condition];
}

/** MS-ASCMD, Or: of texts and comparisons. */
function readOr(or: Element): MailCondition {
  const allowed: readonly Tag[] = [Search.FreeText, Search.GreaterThan, Search.LessThan];
  if (or.children.some(({ tag }) => !allowed.includes(tag))) {
    throw new SearchError(SearchStatus.TooComplex, 'nested in Or');
  }
  if (or.children.length === 0 || or.children.length > MAX_WORDS)
    throw invalid('an Or of nothing, or too much');
  return { kind: 'or', of: or.children.flatMap((element) => readCondition(element) ?? []) };
}

/** A text or a comparison; undefined for anything else. */
function readCondition(element: Element): MailCondition | undefined {
  switch (element.tag) {
    case Search.FreeText:
      return readFreeText(text(element));
    case Search.GreaterThan:
      return { kind: 'received', fromMs: comparedMs(element) + 1, untilMs: Number.MAX_SAFE_INTEGER };
    case Search.LessThan:
      return { kind: 'received', fromMs: 0, untilMs: comparedMs(element) };
    default:
      return undefined;
  }
}

/** Every word and every phrase in quotes must be somewhere in the message, at the beginning of a word. */
function readFreeText(freeText: string): MailCondition {
  if (freeText.length > MAX_TEXT) throw new SearchError(SearchStatus.TooComplex, 'a long text');
  if (freeText.trim() === '') throw invalid('an empty FreeText');
  const parts = typed(freeText).match(/"[^"]*"?|[^\s"]+/g) ?? [];
  if (parts.length > MAX_WORDS) throw new SearchError(SearchStatus.TooComplex, 'many words');
  const patterns = parts.flatMap((part) => patternOf(part) ?? []);
  // Nothing but signs: there is no word to find.
  if (patterns.length === 0) return noMail;
  return { kind: 'and', of: patterns.map((pattern) => ({ kind: 'text', pattern, fields: allFields })) };
}

function readClass(element: Element, version: ProtocolVersion): string {
  const name = text(element).trim();
  const since = classVersions.get(name);
  if (since === undefined || !isAtLeast(version, since)) throw invalid('an unknown Class');
  return name;
}

function readConversation(and: Element, version: ProtocolVersion): MailCondition {
  const id = bytesOf(and, Search.ConversationId) ?? new Uint8Array(0);
  if (!isAtLeast(version, '14.0')) throw invalid('ConversationId before 14.0');
  if (id.length === 0 || id.length > MAX_CONVERSATION_ID) throw invalid('no ConversationId');
  return { kind: 'conversation', id: Buffer.from(id).toString('hex') };
}

/** MS-ASCMD, GreaterThan, LessThan: DateReceived is what can be compared. */
function comparedMs(comparison: Element): number {
  const ms = parseDateTime(textOf(comparison, Search.Value) ?? '');
  if (!has(comparison, Email.DateReceived) || ms === undefined) throw invalid('no comparison with a date');
  return ms;
}

function invalid(message: string): SearchError {
  return new SearchError(SearchStatus.InvalidRequest, message);
}

import { Buffer } from 'node:buffer';
import { type MailAddress, parseAddressList } from './address.ts';
import { parseDate } from './date.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { forEachField, unfold } from './header-fields.ts';
import type { Handling, Importance, MessageHeaders } from './message-index.ts';
import { withoutShifts } from './shifted-header.ts';

const maxReferences = 100;
/** Longest subject kept, in characters, and what is decoded to have it: encoded words are longer than their text. */
const maxSubject = 4_000;
const maxEncodedSubject = 64 * 1024;

/** The fields whose first occurrence counts (RFC 5322 §3.6: they may occur once). */
const single = new Set([
  'from',
  'sender',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'thread-topic',
  'thread-index',
  'importance',
  'x-priority',
  'x-msmail-priority',
  'auto-submitted',
  'list-id',
  'content-class',
  'precedence',
]);

/** The address lists; repeated ones are read as one list. */
const lists = new Set([
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-to',
  'resent-cc',
  'delivered-to',
  'x-auto-response-suppress',
]);

/** RFC 2369, RFC 2919: a field of a mailing list. */
const listField = 'list-';
/** Of each kind; one more than a message may have of Delivered-To to be passed on. */
const maxHandlingAddresses = 21;

/** Reads the header block of a message (one character per byte) into what the mailbox remembers of it. */
export function readMessageHeaders(block: string): MessageHeaders {
  const values = new Map<string, string>();
  forEachField(block, (name, raw) => {
    if (single.has(name)) {
      if (name.startsWith(listField)) values.set(listField, name);
      // An empty field does not hide a later one that says something.
      if (!values.get(name)) values.set(name, fieldText(raw));
    } else if (lists.has(name)) {
      const before = values.get(name);
      values.set(name, before === undefined ? fieldText(raw) : `${before}, ${fieldText(raw)}`);
    } else if (name.startsWith(listField)) {
      values.set(listField, name);
    }
  });
  const addresses = (name: string): MailAddress[] => parseAddressList(values.get(name) ?? '');
  const [messageId = ''] = messageIds(values.get('message-id'));
  const [inReplyTo = ''] = messageIds(values.get('in-reply-to'));
  return {
    from: addresses('from'),
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    subject: headerText(values.get('subject')),
    messageId,
    inReplyTo,
    references: messageIds(values.get('references')),
    importance: importanceOf(values),
    ...optionalHeaders(values),
  };
}

function optionalHeaders(values: ReadonlyMap<string, string>): Partial<MessageHeaders> {
  const found: { -readonly [K in keyof MessageHeaders]?: MessageHeaders[K] } = {};
  const date = parseDate(values.get('date') ?? '');
  if (date !== undefined) found.date = date;
  const [sender] = parseAddressList(values.get('sender') ?? '');
  if (sender !== undefined) found.sender = sender;
  const threadTopic = headerText(values.get('thread-topic'));
  if (threadTopic !== '') found.threadTopic = threadTopic;
  const threadIndex = readThreadIndex(values.get('thread-index'));
  if (threadIndex !== undefined) found.threadIndex = threadIndex;
  const autoSubmitted = token(values.get('auto-submitted'));
  if (autoSubmitted !== '') found.autoSubmitted = autoSubmitted;
  const listId = readListId(values.get('list-id'));
  if (listId !== '') found.listId = listId;
  const contentClass = token(values.get('content-class'));
  if (contentClass !== '') found.contentClass = contentClass;
  const handling = handlingOf(values);
  if (handling !== undefined) found.handling = handling;
  return found;
}

/** Undefined for most messages: they say nothing of it. */
function handlingOf(values: ReadonlyMap<string, string>): Handling | undefined {
  const found: { -readonly [K in keyof Handling]?: Handling[K] } = {};
  const precedence = token(values.get('precedence'));
  if (precedence !== '') found.precedence = precedence;
  const suppress = values.get('x-auto-response-suppress');
  if (suppress !== undefined)
    found.suppress =
      suppress
        .toLowerCase()
        .match(/[a-z]+/g)
        ?.slice(0, 20) ?? [];
  if (values.has(listField)) found.isFromList = true;
  const resentTo = addressesIn(values, 'resent-to', 'resent-cc');
  if (resentTo.length > 0) found.resentTo = resentTo;
  const deliveredTo = addressesIn(values, 'delivered-to');
  if (deliveredTo.length > 0) found.deliveredTo = deliveredTo;
  return Object.keys(found).length > 0 ? found : undefined;
}

function addressesIn(values: ReadonlyMap<string, string>, ...names: readonly string[]): string[] {
  return names
    .flatMap((name) => parseAddressList(values.get(name) ?? ''))
    .map(({ address }) => address.toLowerCase())
    .filter((address) => address !== '' && address.length <= 254)
    .slice(0, maxHandlingAddresses);
}

/** The decoded Subject of a header block; '' when there is none. */
export function readSubject(block: string): string {
  let subject = '';
  forEachField(block, (name, raw) => {
    if (name === 'subject' && subject === '') subject = headerText(fieldText(raw));
  });
  return subject;
}

function fieldText(raw: string): string {
  return withoutShifts(unfold(raw));
}

function headerText(value: string | undefined): string {
  if (value === undefined || value === '') return '';
  const text = decodeHeaderText(value.slice(0, maxEncodedSubject));
  return (hasControl.test(text) ? text.replace(controls, ' ') : text).trim().slice(0, maxSubject);
}

const hasControl = /\p{Cc}/u;
const controls = /\p{Cc}+/gu;

/** The ids in angle brackets; where a broken sender left them out, the words with an @. */
function messageIds(value: string | undefined): string[] {
  if (!value) return [];
  const ids = value.match(/<[^<>\s]{1,995}>/g) ?? bareIds(value);
  if (ids.length <= maxReferences) return ids;
  // The root names the thread, the last ones its newest branch.
  return [...ids.slice(0, 1), ...ids.slice(1 - maxReferences)];
}

function bareIds(value: string): string[] {
  const words = value.split(/[<>\s]+/).filter((word) => word.includes('@'));
  return words.map((id) => `<${id.slice(0, 995)}>`);
}

/** RFC 2156 §5.3.6 Importance, else the two that mail programs made up; 1 is the most urgent X-Priority. */
function importanceOf(values: ReadonlyMap<string, string>): Importance {
  const word = token(values.get('importance')) || token(values.get('x-msmail-priority'));
  const priority = Number.parseInt(values.get('x-priority') ?? '', 10);
  if (values.has('importance') || Number.isNaN(priority)) {
    if (word === 'high' || word === 'urgent') return 2;
    return word === 'low' || word === 'non-urgent' ? 0 : 1;
  }
  if (priority === 1 || priority === 2) return 2;
  return priority === 4 || priority === 5 ? 0 : 1;
}

function token(value: string | undefined): string {
  return (value ?? '')
    .replace(/[;(].*$/, '')
    .trim()
    .toLowerCase()
    .slice(0, 128);
}

/** RFC 2919 §2: the identifier in the last angle brackets. */
function readListId(value: string | undefined): string {
  if (!value) return '';
  return (/<([^<>]*)>[^<>]*$/.exec(value.slice(0, 2_048))?.[1] ?? value).trim().slice(0, 255);
}

/** MS-OXOMSG, PidTagConversationIndex: 22 bytes that begin with 1, and 5 for each reply. */
function readThreadIndex(value: string | undefined): Uint8Array | undefined {
  if (!value || !/^[A-Za-z0-9+/=\s]+$/.test(value)) return undefined;
  const bytes = Buffer.from(value, 'base64');
  const isValid =
    bytes.length >= 22 && bytes.length <= 22 + 5 * 400 && (bytes.length - 22) % 5 === 0 && bytes[0] === 1;
  return isValid ? bytes : undefined;
}

/** MS-ASEMAIL: a message as ApplicationData or Properties, and back. */
import { Changed } from '#domain/change';
import { refOf } from '#domain/draft';
import type { Attachment, Envelope, Item, Mailbox5322 } from '#domain/item';
import type { Mailbox, MarksChange } from '#domain/mailbox';
import type { Message } from '#domain/sync';
import { formatAddressList } from '#mime/address';
import type { Meeting } from '#mime/calendar/meeting';
import { fileReferenceOf } from '../ids.ts';
import { isAtLeast, type ProtocolVersion } from '../protocol-version.ts';
import { AirSyncBase } from '../wbxml/code-pages/air-sync-base.ts';
import { Email } from '../wbxml/code-pages/email.ts';
import { Email2 } from '../wbxml/code-pages/email2.ts';
import { child, childrenOf, type Element, el, has, text } from '../wbxml/element.ts';
import { type BodyRequest, missingBody } from './body.ts';
import { conversationElements } from './body-part.ts';
import { dateTime } from './date-time.ts';
import { flagElement, InvalidPropertyError, readBoolean, readFlag } from './email-flag.ts';
import { legacyAttachmentsElement, legacyBodyElements, missingLegacyBody } from './legacy-email.ts';
import { meetingOf, meetingRequestElement } from './meeting-request.ts';

/** MS-ASEMAIL, From and To: the longest list a client takes, in characters. */
const longestList = 32_768;
/** MS-ASEMAIL, Bcc. A draft has all of them: a device that has a part would send it to a part. */
const longestBcc = 1_024;
/** UTF-8: the text of an answer is nothing else. */
const internetCodePage = 65_001;

/** MS-ASEMAIL, From: HTC phones show an error where there is none. */
const unknownSender = '"Unknown sender" <unknown@unknown.invalid>';

/** Every property of a message, in the order Exchange uses. Throws when its body cannot be read. */
export async function emailProperties(
  mailbox: Mailbox,
  message: Message,
  request: BodyRequest,
): Promise<Element[]> {
  const make = request.version === '2.5' ? legacyBodyElements : conversationElements;
  const [bodies, meeting] = [await make(mailbox, message, request), await meetingOf(mailbox, message)];
  return properties(message.item, request.version, bodies, meeting);
}

/** The same of a message whose body cannot be read: there is a body, and the device may ask for it later. */
export function emailPropertiesWithoutBody(item: Item, version: ProtocolVersion): Element[] {
  const missing = version === '2.5' ? missingLegacyBody : missingBody;
  return properties(item, version, [missing(item.size)].flat());
}

function properties(
  item: Item,
  version: ProtocolVersion,
  bodies: readonly Element[],
  meeting?: Meeting,
): Element[] {
  const { envelope, marks } = item;
  const isNative = ({ tag }: Element) => tag === AirSyncBase.NativeBodyType;
  const since12 = isAtLeast(version, '12.0');
  const since14 = isAtLeast(version, '14.0');
  return present(
    el(Email.To, listOf(envelope.to)),
    envelope.cc.length > 0 && el(Email.Cc, listOf(envelope.cc)),
    el(Email.From, fromOf(envelope)),
    replyToElement(envelope, since14),
    el(Email.Subject, envelope.subject),
    el(Email.DateReceived, dateTime(item.receivedMs)),
    el(Email.DisplayTo, displayTo(envelope.to)),
    el(Email.ThreadTopic, envelope.threadTopic),
    el(Email.Importance, item.importance),
    el(Email.Read, marks.read),
    item.attachments.length > 0 && (since12 ? attachmentsElement(item) : legacyAttachmentsElement(item)),
    ...bodies.filter((one) => !isNative(one)),
    el(Email.MessageClass, messageClassOf(item, meeting)),
    meeting && meetingRequestElement(item, meeting, version),
    el(Email.InternetCPID, internetCodePage),
    since12 && flagElement(marks.flag, envelope.subject),
    since12 && el(Email.ContentClass, contentClassOf(item, meeting)),
    bodies.find(isNative),
    since14 && el(Email2.ConversationId, item.conversationId),
    since14 && el(Email2.ConversationIndex, item.conversationIndex),
    ...(since14 ? lastVerb(item) : []),
    since14 && item.receivedAsBcc === true && el(Email2.ReceivedAsBcc, true),
    since14 && senderElement(envelope),
    since14 && categoriesElement(marks.categories),
    isAtLeast(version, '16.0') && item.draft && el(Email2.IsDraft, true),
    isAtLeast(version, '16.0') && envelope.bcc.length > 0 && el(Email2.Bcc, bccOf(item)),
  );
}

/** What changed of a message whose change is one of marks only: those properties and nothing else. */
export function changedMarksElements(
  { marks, envelope }: Item,
  what: number,
  version: ProtocolVersion,
): Element[] {
  return present(
    (what & Changed.Read) !== 0 && el(Email.Read, marks.read),
    (what & Changed.Flag) !== 0 && isAtLeast(version, '12.0') && flagElement(marks.flag, envelope.subject),
    (what & Changed.Categories) !== 0 && isAtLeast(version, '14.0') && categoriesElement(marks.categories),
  );
}

/** Whether a change is of marks only, so that the rest of the message need not be sent again. */
export function isOfMarksOnly(what: number): boolean {
  return (what & ~(Changed.Read | Changed.Flag | Changed.Categories)) === 0;
}

/** Properties that a client may not send for mail. MS-ASEMAIL: the item answers Status 6. */
const serversOwn = [
  Email2.ConversationId,
  Email2.ReceivedAsBcc,
  Email2.Sender,
  Email2.UmCallerID,
  Email2.UmUserNotes,
];

/** Reads a client's Change of a message; what it may not change is ignored. Throws InvalidPropertyError. */
export function readMarks(applicationData: Element | undefined): MarksChange {
  if (serversOwn.some((tag) => has(applicationData, tag))) {
    throw new InvalidPropertyError('a property that only the server sets');
  }
  const flag = child(applicationData, Email.Flag);
  const categories = child(applicationData, Email.Categories);
  return {
    read: readBoolean(applicationData, Email.Read),
    flag: flag && readFlag(flag),
    categories: categories && readCategories(categories),
  };
}

/** MS-ASEMAIL, Categories: what goes beyond is left out. */
const mostCategories = 300;
/** Of one in characters, as in Exchange, and of all in bytes: they stand in the item's row. */
const longestCategory = 255;
const categoriesBytes = 16 * 1024;

function readCategories(element: Element): readonly string[] {
  const categories = childrenOf(element, Email.Category).slice(0, mostCategories).map(text);
  const bytes = categories.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  if (bytes > categoriesBytes || categories.some(({ length }) => length > longestCategory)) {
    throw new InvalidPropertyError('the Categories are too long');
  }
  return categories;
}

function bccOf({ envelope, draft }: Item): string {
  return listOf(envelope.bcc, ', ', draft ? longestList : longestBcc);
}

function listOf(list: readonly Mailbox5322[], separator = ', ', longest = longestList): string {
  const whole = formatAddressList(list, separator);
  if (whole.length <= longest) {
    return whole;
  }
  const short = whole.slice(0, longest);
  return short.slice(0, Math.max(0, short.lastIndexOf(separator)));
}

/** MS-ASEMAIL, From: never empty. */
export function fromOf(envelope: Envelope): string {
  return listOf(authorsOf(envelope)) || unknownSender;
}

function authorsOf({ from, sender }: Envelope): Mailbox5322[] {
  const known = [...from, ...(from.length === 0 && sender !== undefined ? [sender] : [])];
  return known.filter(({ name, address }) => name !== '' || address !== '');
}

/** MS-ASEMAIL, Sender: there only where it differs from From. Many programs write both. */
function senderElement(envelope: Envelope): Element | undefined {
  const { sender } = envelope;
  if (sender === undefined) return undefined;
  const [author, ...others] = authorsOf(envelope);
  const isAuthor = others.length === 0 && author?.address.toLowerCase() === sender.address.toLowerCase();
  return isAuthor ? undefined : el(Email2.Sender, listOf([sender]));
}

/** Symbian's Mail for Exchange wants a ReplyTo: RFC 5322 §3.6.2, without one replies go to From. */
function replyToElement({ from, replyTo }: Envelope, since14: boolean): Element | undefined {
  const list = since14 || replyTo.length > 0 ? replyTo : from;
  return list.length === 0 ? undefined : el(Email.ReplyTo, listOf(list, '; '));
}

/** MS-ASEMAIL, DisplayTo: the names of a list of recipients. */
export function displayTo(to: readonly Mailbox5322[]): string {
  return to
    .map(({ name, address }) => name || address)
    .join(';')
    .slice(0, longestList);
}

/** A meeting message whose calendar cannot be read is plain mail. */
function messageClassOf({ messageClass }: Item, meeting: Meeting | undefined): string {
  return messageClass.startsWith('IPM.Schedule.') && meeting === undefined ? 'IPM.Note' : messageClass;
}

function contentClassOf({ messageClass }: Item, meeting: Meeting | undefined): string {
  if (meeting !== undefined) return 'urn:content-classes:calendarmessage';
  return messageClass.startsWith('REPORT.') ? 'urn:content-classes:dsn' : 'urn:content-classes:message';
}

function lastVerb({ marks }: Item): Element[] {
  return marks.lastVerb === undefined
    ? []
    : [
        el(Email2.LastVerbExecuted, marks.lastVerb),
        el(Email2.LastVerbExecutionTime, dateTime(marks.lastVerbMs ?? 0)),
      ];
}

function categoriesElement(categories: readonly string[]): Element {
  return el(Email.Categories, ...categories.map((category) => el(Email.Category, category)));
}

function attachmentsElement(item: Item): Element {
  return el(AirSyncBase.Attachments, ...item.attachments.map((one) => attachmentElement(item, one)));
}

function attachmentElement(item: Item, attachment: Attachment): Element {
  return el(
    AirSyncBase.Attachment,
    el(AirSyncBase.DisplayName, attachment.name),
    el(AirSyncBase.FileReference, fileReferenceOf(item.folder, item.id, refOf(attachment))),
    el(AirSyncBase.Method, attachment.method),
    el(AirSyncBase.EstimatedDataSize, attachment.size),
    attachment.contentId === undefined ? undefined : el(AirSyncBase.ContentId, attachment.contentId),
    attachment.contentLocation === undefined
      ? undefined
      : el(AirSyncBase.ContentLocation, attachment.contentLocation),
    attachment.inline ? el(AirSyncBase.IsInline, true) : undefined,
  );
}

function present(...elements: readonly (Element | false | undefined)[]): Element[] {
  return elements.filter((element): element is Element => element !== false && element !== undefined);
}

import type { Buffer } from 'node:buffer';
import { charsetOfCodePage, decodeString } from './code-page.ts';
import { Cursor, TnefError } from './cursor.ts';
import { meetingId } from './meeting-ids.ts';
import { Budget, numberOf, type Properties, PropertyType, readProperties, textOf } from './properties.ts';

/** Bytes [from, to) of a stream. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** A text in a stream. */
export interface TextPlace extends Place {
  /** Undefined: it says so itself, or nobody does. */
  readonly charset: string | undefined;
}

/** A file in a stream. */
export interface TnefAttachment extends Place {
  readonly name: string | undefined;
  /** As it says itself. */
  readonly type: string | undefined;
  readonly contentId: string | undefined;
  readonly contentLocation: string | undefined;
  /** A message, as a TNEF stream of its own. */
  readonly isMessage: boolean;
  /** The HTML shows it, or nothing else does. */
  readonly isHidden: boolean;
}

/** What is in a TNEF stream. */
export interface TnefContent {
  /** Of its texts of 8 bits. */
  readonly codePage: number;
  /** attMessageClass. */
  readonly messageClass: string | undefined;
  /** Of the message itself. */
  readonly properties: Properties;
  readonly recipients: readonly Properties[];
  /** attSubject. */
  readonly subject: string | undefined;
  readonly html: TextPlace | undefined;
  readonly plain: TextPlace | undefined;
  /** Compressed RTF. MS-OXRTFCP. */
  readonly rtf: Place | undefined;
  /** The place behind all texts, and how much of the source was read then. */
  readonly textsEnd: number;
  readonly sourceBytes: number;
  readonly attachments: readonly TnefAttachment[];
  /** Every file of it is among `attachments`. */
  readonly isWhole: boolean;
}

/** MS-OXTNEF, TNEFSignature. */
const signature = 0x223e9f78;
/** MS-OXTNEF, Attribute identifiers. */
const att = {
  MessageClass: 0x00078008,
  Subject: 0x00018004,
  Body: 0x0002800c,
  OemCodepage: 0x00069007,
  MsgProps: 0x00069003,
  RecipTable: 0x00069004,
  AttachRendData: 0x00069002,
  AttachTitle: 0x00018010,
  AttachData: 0x0006800f,
  AttachTransportFilename: 0x00069001,
  Attachment: 0x00069005,
} as const;
/** MS-OXPROPS: properties of a message. */
export const messageId = {
  Subject: 0x0037,
  ClientSubmitTime: 0x0039,
  SentRepresentingName: 0x0042,
  SentRepresentingAddress: 0x0065,
  SenderName: 0x0c1a,
  SenderAddress: 0x0c1f,
  DeliveryTime: 0x0e06,
  RtfInSync: 0x0e1f,
  Body: 0x1000,
  RtfCompressed: 0x1009,
  Html: 0x1013,
  InternetMessageId: 0x1035,
  InternetCodepage: 0x3fde,
  SenderSmtpAddress: 0x5d01,
  SentRepresentingSmtpAddress: 0x5d02,
} as const;
/** The same of a recipient. */
export const recipientId = {
  RecipientType: 0x0c15,
  DisplayName: 0x3001,
  EmailAddress: 0x3003,
  SmtpAddress: 0x39fe,
} as const;
/** The same of an attachment. */
const attachId = {
  DisplayName: 0x3001,
  Data: 0x3701,
  Filename: 0x3704,
  Method: 0x3705,
  LongFilename: 0x3707,
  MimeTag: 0x370e,
  ContentId: 0x3712,
  ContentLocation: 0x3713,
  Flags: 0x3714,
  Hidden: 0x7ffe,
} as const;
const messageIds: ReadonlySet<number> = new Set([...Object.values(messageId), ...Object.values(meetingId)]);
const recipientIds: ReadonlySet<number> = new Set(Object.values(recipientId));
const attachIds: ReadonlySet<number> = new Set(Object.values(attachId));
/** PidTagAttachMethod: embedded message. PidTagAttachFlags: rendered in the body. */
const embeddedMessage = 5;
const renderedInBody = 4;
/** IID_IMessage: the interface in front of an embedded message. */
const messageInterface = '0703020000000000c000000000000046';
const interfaceBytes = 16;

const maxSteps = 20_000;
const maxName = 2 * 1024;
const maxRecipients = 500;
/** So many files of one stream are shown. */
const maxAttachments = 150;
/** Windows-1252. */
const defaultCodePage = 1252;

/** A file in the making. */
interface Attachment {
  title?: Buffer;
  transportName?: Buffer;
  data?: Place;
  properties?: Properties;
}

interface Found {
  codePage: number;
  messageClass: Buffer | undefined;
  subject: Buffer | undefined;
  body: Place | undefined;
  properties: Properties;
  recipients: readonly Properties[];
  textsEnd: number;
  sourceBytes: number;
  readonly attachments: Attachment[];
  attachmentCount: number;
}

/**
 * Reads a TNEF stream (MS-OXTNEF) once and says what is in it, and where; holds names and the like only. Checksums are not
 * looked at. `read` tells how many bytes of the source were read. Throws TnefError for what is no such stream or is cut off.
 */
export async function scanTnef(
  source: AsyncIterable<Uint8Array>,
  read: () => number = () => 0,
): Promise<TnefContent> {
  return await contentIn(source, read, () => false);
}

/** The same up to the properties of the message itself, which stand before its files. */
export async function scanTnefHead(source: AsyncIterable<Uint8Array>): Promise<TnefContent> {
  return await contentIn(
    source,
    () => 0,
    ({ properties }) => properties.size > 0,
  );
}

async function contentIn(
  source: AsyncIterable<Uint8Array>,
  read: () => number,
  isEnough: (found: Found) => boolean,
): Promise<TnefContent> {
  const cursor = new Cursor(source);
  try {
    return contentOf(await scan(cursor, read, isEnough));
  } finally {
    await cursor.close();
  }
}

async function scan(cursor: Cursor, read: () => number, isEnough: (found: Found) => boolean): Promise<Found> {
  if ((await cursor.number()) !== signature) throw new TnefError('no TNEF');
  await cursor.take(2);
  const budget = new Budget(maxSteps);
  const found: Found = {
    codePage: defaultCodePage,
    messageClass: undefined,
    subject: undefined,
    body: undefined,
    properties: new Map(),
    recipients: [],
    textsEnd: 0,
    sourceBytes: 0,
    attachments: [],
    attachmentCount: 0,
  };
  do {
    budget.spend();
    const head = await cursor.take(9);
    // MS-OXTNEF: an attribute of the message, or of an attachment.
    if (head[0] !== 1 && head[0] !== 2) {
      // Transports were seen to add a line end.
      if (head.every((byte) => byte === 0 || byte === 0x0d || byte === 0x0a)) break;
      throw new TnefError('no attribute');
    }
    const end = cursor.at + head.readUInt32LE(5);
    await readAttribute(cursor, { id: head.readUInt32LE(1), end }, found, budget);
    if (isEnough(found)) break;
    await cursor.skipTo(end);
    if (found.textsEnd === end) found.sourceBytes = read();
    // The checksum.
    await cursor.take(2);
  } while (!(await cursor.isAtEnd()));
  return found;
}

async function readAttribute(
  cursor: Cursor,
  { id, end }: { readonly id: number; readonly end: number },
  found: Found,
  budget: Budget,
): Promise<void> {
  const place = { from: cursor.at, to: end };
  const head = () => cursor.take(Math.min(maxName, end - cursor.at));
  switch (id) {
    case att.OemCodepage: {
      const bytes = await head();
      if (bytes.length >= 4) found.codePage = bytes.readUInt32LE(0) || defaultCodePage;
      return;
    }
    case att.MessageClass:
      found.messageClass = await head();
      return;
    case att.Subject:
      found.subject = await head();
      return;
    case att.Body:
      found.body = place;
      found.textsEnd = end;
      return;
    case att.MsgProps:
      found.properties = await readProperties(cursor, end, messageIds, budget);
      found.textsEnd = end;
      return;
    case att.RecipTable:
      found.recipients = await readRecipients(cursor, end, budget);
      return;
    case att.AttachRendData:
      found.attachmentCount++;
      if (found.attachmentCount <= maxAttachments) found.attachments.push({});
      return;
    case att.AttachTitle:
      fileIn(found).title = await head();
      return;
    case att.AttachTransportFilename:
      fileIn(found).transportName = await head();
      return;
    case att.AttachData:
      fileIn(found).data = place;
      return;
    case att.Attachment:
      fileIn(found).properties = await readProperties(cursor, end, attachIds, budget);
      return;
    default:
  }
}

/** The attachment that attributes speak of: one that nobody sees beyond the last that counts. */
function fileIn(found: Found): Attachment {
  // Some writers leave out what begins the first.
  if (found.attachmentCount === 0) {
    found.attachmentCount = 1;
    found.attachments.push({});
  }
  return (found.attachmentCount <= maxAttachments ? found.attachments.at(-1) : undefined) ?? {};
}

async function readRecipients(cursor: Cursor, end: number, budget: Budget): Promise<readonly Properties[]> {
  const rows: Properties[] = [];
  const count = await cursor.number();
  for (let n = 0; n < Math.min(count, maxRecipients); n++) {
    rows.push(await readProperties(cursor, end, recipientIds, budget));
  }
  return rows;
}

function contentOf(found: Found): TnefContent {
  const { codePage, properties, recipients, subject, textsEnd, sourceBytes } = found;
  const files = found.attachments.map((one) => attachmentOf(one, codePage));
  const attachments = files.filter((one) => one !== undefined);
  const internetCodePage = numberOf(properties.get(messageId.InternetCodepage)) ?? 0;
  const plain = textPlace(properties, messageId.Body, codePage) ?? bodyAttribute(found.body, codePage);
  const isRtfOld = numberOf(properties.get(messageId.RtfInSync)) === 0 && plain !== undefined;
  return {
    codePage,
    messageClass: found.messageClass && decodeTitle(found.messageClass, codePage),
    properties,
    recipients,
    subject:
      textOf(properties.get(messageId.Subject), codePage) ?? (subject && decodeTitle(subject, codePage)),
    html: textPlace(properties, messageId.Html, internetCodePage),
    plain,
    rtf: isRtfOld ? undefined : placeOf(properties, messageId.RtfCompressed),
    textsEnd,
    sourceBytes,
    attachments,
    isWhole: attachments.length === found.attachmentCount,
  };
}

function placeOf(properties: Properties, id: number): Place | undefined {
  const property = properties.get(id);
  return property === undefined || property.to === property.from
    ? undefined
    : { from: property.from, to: property.to };
}

/** Where the text of a property is, if there is more of it than its end. */
function textPlace(properties: Properties, id: number, codePage: number): TextPlace | undefined {
  const place = placeOf(properties, id);
  const isWide = properties.get(id)?.type === PropertyType.String;
  if (place === undefined || place.to - place.from < (isWide ? 4 : 1)) return undefined;
  return { ...place, charset: isWide ? 'utf-16le' : charsetOfCodePage(codePage) };
}

function bodyAttribute(place: Place | undefined, codePage: number): TextPlace | undefined {
  // It ends with NUL.
  return place && place.to - place.from > 1 ? { ...place, charset: charsetOfCodePage(codePage) } : undefined;
}

/** A file that is only referred to has no content: undefined. */
function attachmentOf(
  { title, transportName, data, properties = new Map() }: Attachment,
  codePage: number,
): TnefAttachment | undefined {
  const text = (id: number) => textOf(properties.get(id), codePage);
  const object = properties.get(attachId.Data);
  const isObject = object?.type === PropertyType.Object;
  const isMessage =
    isObject &&
    numberOf(properties.get(attachId.Method)) === embeddedMessage &&
    object.head.toString('hex', 0, interfaceBytes) === messageInterface;
  const given = object && { from: object.from + (isObject ? interfaceBytes : 0), to: object.to };
  const place = isMessage ? given : (data ?? given);
  if (place === undefined || place.from > place.to) return undefined;
  const named = title ?? transportName;
  return {
    from: place.from,
    to: place.to,
    name:
      (isMessage ? text(attachId.DisplayName) : undefined) ??
      text(attachId.LongFilename) ??
      text(attachId.Filename) ??
      ((named && decodeTitle(named, codePage)) || text(attachId.DisplayName)),
    type: text(attachId.MimeTag),
    contentId: text(attachId.ContentId)?.replace(/^<|>$/g, '').slice(0, 998) || undefined,
    contentLocation: text(attachId.ContentLocation)?.replace(/\s+/g, '').slice(0, 2048) || undefined,
    isMessage,
    isHidden:
      numberOf(properties.get(attachId.Hidden)) === 1 ||
      ((numberOf(properties.get(attachId.Flags)) ?? 0) & renderedInBody) !== 0,
  };
}

function decodeTitle(bytes: Buffer, codePage: number): string {
  return decodeString(bytes, charsetOfCodePage(codePage));
}

import type { MailAddress } from '#mime/address';
import type { MessageHeaders, MessageIndex, MessagePart as MimePart } from '#mime/message-index';
import type { Attachment, Envelope, ItemDetail, Mailbox5322, MessagePart, NewBody, NewItem } from './item.ts';
import type { Verdicts } from './verdicts.ts';

/** Rows are bounded: what goes beyond is read from the raw message by whoever needs it. */
const maxParts = 400;
const maxAttachments = 150;
const maxAddressBytes = 20 * 1024;
const maxSubject = 2_000;
const maxReferences = 50;
const maxReferenceBytes = 10 * 1024;
/** Envelope, attachments and detail share a row of the queue. */
const maxItemBytes = 54 * 1024;
/** A longer one is none. RFC 6838 §4.2. */
const maxTypeLength = 255;
/** MS-OXOMSG, PidTagNormalizedSubject: up to three characters that are no digits, a colon and a space; Re, Fwd, AW. */
const replyPrefixes = /^(?:[^\s\d:]{1,3}:\s+)+/u;

/** What a new message is apart from its content. */
interface Arrival {
  readonly receivedMs: number;
  readonly read: boolean;
  readonly verdicts?: Verdicts | undefined;
}

/** The item of a message: what its index says, and where its raw bytes are. */
export function newItem(
  index: MessageIndex,
  body: NewBody,
  { receivedMs, read, verdicts }: Arrival,
): NewItem {
  const envelope = envelopeOf(index.headers);
  const { attachments, detail } = withinRow(index, maxItemBytes - bytesOf(envelope));
  return {
    receivedMs,
    size: index.size,
    envelope,
    importance: index.headers.importance,
    messageClass: index.messageClass,
    conversationId: index.conversationId,
    conversationIndex: index.conversationIndex,
    attachments,
    draft: false,
    marks: { read, categories: [] },
    ...(verdicts === undefined ? {} : { verdicts }),
    detail,
    body,
  };
}

function envelopeOf(headers: MessageHeaders): Envelope {
  const take = addressTaker(maxAddressBytes);
  const subject = headers.subject.slice(0, maxSubject);
  return {
    from: take(headers.from),
    sender: headers.sender && take([headers.sender])[0],
    replyTo: take(headers.replyTo),
    to: take(headers.to),
    cc: take(headers.cc),
    bcc: take(headers.bcc),
    subject,
    dateMs: headers.date,
    messageId: headers.messageId.slice(0, maxSubject) || undefined,
    inReplyTo: headers.inReplyTo.slice(0, maxSubject) || undefined,
    references: referencesOf(headers.references),
    threadTopic: headers.threadTopic?.slice(0, maxSubject) ?? subject.replace(replyPrefixes, ''),
  };
}

/** Copies mailboxes as long as all of them together stay within so many bytes. */
function addressTaker(maxBytes: number): (from: readonly MailAddress[]) => Mailbox5322[] {
  let left = maxBytes;
  return (addresses) => {
    const taken: Mailbox5322[] = [];
    for (const { name, address } of addresses) {
      left -= Buffer.byteLength(name) + Buffer.byteLength(address) + 20;
      if (left < 0) break;
      taken.push({ name, address });
    }
    return taken;
  };
}

function referencesOf(all: readonly string[]): string[] {
  let left = maxReferenceBytes;
  return all
    .filter(({ length }) => length < 500)
    .slice(0, maxReferences)
    .filter((id) => {
      left -= Buffer.byteLength(id);
      return left >= 0;
    });
}

/** What of attachments and parts has room in so many bytes: all, or a quarter less, and so on. */
function withinRow(index: MessageIndex, maxBytes: number): Pick<NewItem, 'attachments' | 'detail'> {
  for (let share = 1; ; share *= 0.75) {
    const attachments = attachmentsOf(index, Math.floor(maxAttachments * share));
    const detail = detailOf(index, Math.ceil(maxParts * share));
    const isLeast = attachments.length === 0 && detail.parts.length <= 1;
    if (isLeast || bytesOf([attachments, detail]) <= maxBytes) return { attachments, detail };
  }
}

/** About what it takes in a row, or more. */
function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function attachmentsOf({ parts, attachments }: MessageIndex, limit: number): Attachment[] {
  return attachments.slice(0, limit).map((attachment) => ({
    part: parts[attachment.part]?.path ?? '',
    name: attachment.name,
    type: shortType(attachment.type),
    size: attachment.size,
    method: attachment.method,
    contentId: attachment.contentId,
    contentLocation: attachment.contentLocation,
    inline: attachment.isInline,
  }));
}

function detailOf({ parts, text, html, preview }: MessageIndex, limit: number): ItemDetail {
  const kept = parts
    .map((part, at) => ({ part, at }))
    .filter(({ part, at }) => !part.type.startsWith('multipart/') || text.includes(at) || html.includes(at))
    .slice(0, limit);
  const place = new Map(kept.map(({ at }, n) => [at, n]));
  const placesOf = (indexes: readonly number[]) => indexes.flatMap((at) => place.get(at) ?? []);
  return {
    parts: kept.map(({ part }) => partOf(part)),
    text: placesOf(text),
    html: placesOf(html),
    preview,
  };
}

function partOf({ path, type, charset, encoding, flowed, start, end, size, inside }: MimePart): MessagePart {
  const part = { path, type: shortType(type), charset, encoding, flowed, start, end, size };
  return inside === undefined ? part : { ...part, inside };
}

function shortType(type: string): string {
  return type.length <= maxTypeLength ? type : 'application/octet-stream';
}

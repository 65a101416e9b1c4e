/** How the rows of a mailbox are written: tuples, so that names of fields are not stored with every message. */
import type { FolderChange, FolderStep, HierarchyChange, ItemChange } from '#domain/change';
import type { Folder } from '#domain/folder';
import type { DeviceId, FolderId, ItemId } from '#domain/ids';
import type {
  Attachment,
  BodyRef,
  Envelope,
  Flag,
  Item,
  ItemDetail,
  ItemMarks,
  Mailbox5322,
  MessagePart,
} from '#domain/item';
import type { Verdicts } from '#domain/verdicts';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

type Stored<T> = T | null;
const some = <T>(value: T | undefined): Stored<T> => (value === undefined ? null : value);
const none = <T>(value: Stored<T> | undefined): T | undefined => (value === null ? undefined : value);

export const emptyCodec: Codec<null> = { version: 1, encode: () => new Uint8Array(0), decode: () => null };

export const bytesCodec: Codec<Uint8Array> = { version: 1, encode: (raw) => raw, decode: (body) => body };

export const numberCodec: Codec<number> = packedCodec(
  (value) => value,
  (value) => value,
);

export const folderCodec: Codec<Omit<Folder, 'id'>> = packedCodec(
  (f): [number, number, string, number, number] => [f.parent, f.type, f.name, f.created, f.changed],
  ([parent, type, name, created, changed]) => ({
    parent: parent as FolderId,
    type: type as Folder['type'],
    name,
    created,
    changed,
  }),
);

type MailboxTuple = [string, string];
const mailboxesIn = (list: readonly Mailbox5322[]): MailboxTuple[] => list.map((m) => [m.name, m.address]);
const mailboxesOut = (list: readonly MailboxTuple[]): Mailbox5322[] =>
  list.map(([name, address]) => ({ name, address }));

type EnvelopeTuple = [
  MailboxTuple[],
  Stored<MailboxTuple>,
  MailboxTuple[],
  MailboxTuple[],
  MailboxTuple[],
  MailboxTuple[],
  string,
  Stored<number>,
  Stored<string>,
  Stored<string>,
  readonly string[],
  string,
];

function envelopeIn(e: Envelope): EnvelopeTuple {
  return [
    mailboxesIn(e.from),
    e.sender === undefined ? null : [e.sender.name, e.sender.address],
    mailboxesIn(e.replyTo),
    mailboxesIn(e.to),
    mailboxesIn(e.cc),
    mailboxesIn(e.bcc),
    e.subject,
    some(e.dateMs),
    some(e.messageId),
    some(e.inReplyTo),
    e.references,
    e.threadTopic === e.subject ? '' : e.threadTopic,
  ];
}

function envelopeOut(t: EnvelopeTuple): Envelope {
  return {
    from: mailboxesOut(t[0]),
    sender: t[1] === null ? undefined : { name: t[1][0], address: t[1][1] },
    replyTo: mailboxesOut(t[2]),
    to: mailboxesOut(t[3]),
    cc: mailboxesOut(t[4]),
    bcc: mailboxesOut(t[5]),
    subject: t[6],
    dateMs: none(t[7]),
    messageId: none(t[8]),
    inReplyTo: none(t[9]),
    references: t[10],
    threadTopic: t[11] === '' ? t[6] : t[11],
  };
}

type AttachmentTuple = [
  string,
  string,
  string,
  number,
  1 | 5,
  Stored<string>,
  Stored<string>,
  boolean,
  ...ref: readonly string[],
];
const attachmentIn = (a: Attachment): AttachmentTuple => [
  a.part,
  a.name,
  a.type,
  a.size,
  a.method,
  some(a.contentId),
  some(a.contentLocation),
  a.inline,
  ...(a.ref === undefined ? [] : [a.ref]),
];
const attachmentOut = (t: AttachmentTuple): Attachment => ({
  part: t[0],
  name: t[1],
  type: t[2],
  size: t[3],
  method: t[4],
  contentId: none(t[5]),
  contentLocation: none(t[6]),
  inline: t[7],
  ...(t[8] === undefined ? {} : { ref: t[8] }),
});

type MarksTuple = [boolean, Stored<Flag>, readonly string[], Stored<1 | 2 | 3>, Stored<number>];
const marksIn = (m: ItemMarks): MarksTuple => [
  m.read,
  some(m.flag),
  m.categories,
  some(m.lastVerb),
  some(m.lastVerbMs),
];
const marksOut = (t: MarksTuple): ItemMarks => ({
  read: t[0],
  flag: none(t[1]),
  categories: t[2],
  lastVerb: none(t[3]),
  lastVerbMs: none(t[4]),
});

/** An item without what its key says; the envelope is undefined when it is too long for a list and stands in the detail. */
export type ItemRecord = Omit<Item, 'id' | 'folder' | 'envelope'> & {
  readonly envelope: Envelope | undefined;
};

type ItemTuple = [
  number,
  number,
  number,
  number,
  Stored<EnvelopeTuple>,
  0 | 1 | 2,
  string,
  Uint8Array,
  Uint8Array,
  AttachmentTuple[],
  boolean,
  MarksTuple,
  Stored<Uint8Array>,
  ...more: readonly [isFramed?: Stored<true>, verdicts?: Stored<Verdicts>, receivedAsBcc?: true],
];

export const itemCodec: Codec<ItemRecord> = packedCodec(
  (i): ItemTuple => [
    i.receivedMs,
    i.added,
    i.changed,
    i.size,
    i.envelope === undefined ? null : envelopeIn(i.envelope),
    i.importance,
    i.messageClass === 'IPM.Note' ? '' : i.messageClass,
    i.conversationId,
    i.conversationIndex,
    i.attachments.map(attachmentIn),
    i.draft,
    marksIn(i.marks),
    i.body.kind === 'inline' ? null : i.body.id,
    ...moreIn(i),
  ],
  (t) => ({
    receivedMs: t[0],
    added: t[1],
    changed: t[2],
    size: t[3],
    envelope: t[4] === null ? undefined : envelopeOut(t[4]),
    importance: t[5],
    messageClass: t[6] === '' ? 'IPM.Note' : t[6],
    conversationId: t[7],
    conversationIndex: t[8],
    attachments: t[9].map(attachmentOut),
    draft: t[10],
    marks: marksOut(t[11]),
    body: bodyOut(t[12], t[13] ?? undefined),
    ...(t[14] === undefined || t[14] === null ? {} : { verdicts: t[14] }),
    ...(t[15] === undefined ? {} : { receivedAsBcc: t[15] }),
  }),
);

/** Rows grow only by what they have. */
function moreIn({ body, verdicts, receivedAsBcc }: ItemRecord) {
  const isFramed = body.kind === 'blob' && body.isFramed === true ? true : null;
  if (receivedAsBcc === true) return [isFramed, some(verdicts), true] as const;
  if (verdicts !== undefined) return [isFramed, verdicts] as const;
  return isFramed ? ([true] as const) : ([] as const);
}

function bodyOut(id: Stored<Uint8Array>, isFramed: true | undefined): BodyRef {
  if (id === null) return { kind: 'inline' };
  return isFramed === undefined ? { kind: 'blob', id } : { kind: 'blob', id, isFramed };
}

/** What stands before and after the file of a large body. */
export interface BodyFrame {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** So many bytes at the beginning of the file do not count. */
  readonly from: number;
}
export const bodyFrameCodec: Codec<BodyFrame> = packedCodec(
  (f): [Uint8Array, Uint8Array, ...from: readonly number[]] =>
    f.from === 0 ? [f.before, f.after] : [f.before, f.after, f.from],
  ([before, after, from = 0]) => ({ before, after, from }),
);

/** An item's detail, and its envelope when that is too long for the item's own row. */
export interface DetailRecord {
  readonly detail: ItemDetail;
  readonly envelope: Envelope | undefined;
}

type InsidePart = NonNullable<MessagePart['inside']>;
type InsideTuple = [from: number, to: number, ...form: readonly ('rtf' | 'message')[]];
type PartTuple = [
  string,
  string,
  Stored<string>,
  string,
  number,
  number,
  number,
  Stored<'flowed' | 'delsp'>,
  ...inside: readonly InsideTuple[],
];
const partIn = (p: MessagePart): PartTuple => [
  p.path,
  p.type,
  some(p.charset),
  p.encoding,
  p.start,
  p.end,
  p.size,
  some(p.flowed),
  ...(p.inside === undefined ? [] : [insideIn(p.inside)]),
];
const insideIn = ({ from, to, form }: InsidePart): InsideTuple =>
  form === undefined ? [from, to] : [from, to, form];
const insideOut = ([from, to, form]: InsideTuple): InsidePart =>
  form === undefined ? { from, to } : { from, to, form };
const partOut = (t: PartTuple): MessagePart => ({
  path: t[0],
  type: t[1],
  charset: none(t[2]),
  encoding: t[3],
  start: t[4],
  end: t[5],
  size: t[6],
  flowed: none(t[7]),
  ...(t[8] === undefined ? {} : { inside: insideOut(t[8]) }),
});

type DetailTuple = [PartTuple[], readonly number[], readonly number[], string, Stored<EnvelopeTuple>];

export const detailCodec: Codec<DetailRecord> = packedCodec(
  ({ detail, envelope }): DetailTuple => [
    detail.parts.map(partIn),
    detail.text,
    detail.html,
    detail.preview,
    envelope === undefined ? null : envelopeIn(envelope),
  ],
  (t) => ({
    detail: {
      parts: t[0].map(partOut),
      text: t[1],
      html: t[2],
      preview: t[3],
    },
    envelope: t[4] === null ? undefined : envelopeOut(t[4]),
  }),
);

type ChangeTuple = [ItemChange['kind'], ItemId, number, number];

export const changeCodec: Codec<Omit<FolderChange, 'folder' | 'seq'>> = packedCodec(
  (c): [Stored<DeviceId>, ChangeTuple[]] => [
    some(c.device),
    c.changes.map((one) => [one.kind, one.item, one.receivedMs, one.what]),
  ],
  ([device, changes]) => ({
    device: none(device),
    changes: changes.map(([kind, item, receivedMs, what]) => ({ kind, item, receivedMs, what })),
  }),
);

export const hierarchyCodec: Codec<Omit<HierarchyChange, 'seq'>> = packedCodec(
  (c): [Stored<DeviceId>, [FolderStep['kind'], FolderId, FolderId?][]] => [
    some(c.device),
    c.changes.map(({ kind, folder, movedFrom }) =>
      movedFrom === undefined ? [kind, folder] : [kind, folder, movedFrom],
    ),
  ],
  ([device, changes]) => ({
    device: none(device),
    changes: changes.map(([kind, folder, movedFrom]) =>
      movedFrom === undefined ? { kind, folder } : { kind, folder, movedFrom },
    ),
  }),
);

/** What a mailbox holds in all, and the next folder number. */
export interface UsageRecord {
  readonly bytes: number;
  readonly items: number;
  readonly nextFolder: number;
  /** A conversation was moved once: there may be more to know of it. */
  readonly hasMoves?: true | undefined;
  /** From how many bytes on its owner was told that it is almost full; until it is below that. */
  readonly warnedAtBytes?: number | undefined;
}
type UsageTuple = [
  number,
  number,
  number,
  ...more: readonly [] | readonly [hasMoves: true] | readonly [hasMoves: boolean, warnedAtBytes: number],
];
export const usageCodec: Codec<UsageRecord> = packedCodec(
  ({ bytes, items, nextFolder, hasMoves, warnedAtBytes }): UsageTuple => {
    if (warnedAtBytes !== undefined) {
      return [bytes, items, nextFolder, hasMoves === true, warnedAtBytes];
    }
    return hasMoves === true ? [bytes, items, nextFolder, true] : [bytes, items, nextFolder];
  },
  ([bytes, items, nextFolder, hasMoves, warnedAtBytes]) => ({
    bytes,
    items,
    nextFolder,
    ...(hasMoves && { hasMoves }),
    ...(warnedAtBytes !== undefined && { warnedAtBytes }),
  }),
);

/** Where new items of a conversation go, and the sequence number of the decision; 0: an older version, which did not say. */
export interface ConversationMoveRecord {
  readonly folder: FolderId;
  readonly seq: number;
}
export const conversationMoveCodec: Codec<ConversationMoveRecord> = packedCodec(
  ({ folder, seq }): FolderId | readonly [FolderId, number] => [folder, seq],
  (stored) => {
    const [folder, seq] = typeof stored === 'number' ? [stored, 0] : stored;
    return { folder, seq };
  },
);

/** An acceptance already in the mailbox: what it left, and when it may be forgotten (ms since the epoch). */
export interface MarkerRecord {
  readonly left: string;
  readonly expiresMs: number;
}
export const markerCodec: Codec<MarkerRecord> = packedCodec(
  (m): [string, number] => [m.left, m.expiresMs],
  ([left, expiresMs]) => ({ left, expiresMs }),
);

/** A large body: its size, and when it was written (ms since the epoch). */
export interface BlobRecord {
  readonly size: number;
  readonly createdMs: number;
}
export const blobCodec: Codec<BlobRecord> = packedCodec(
  (b): [number, number] => [b.size, b.createdMs],
  ([size, createdMs]) => ({ size, createdMs }),
);

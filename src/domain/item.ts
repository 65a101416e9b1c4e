import type { InsidePart } from '#mime/message-index';
import type { FolderId, ItemId } from './ids.ts';
import type { Verdicts } from './verdicts.ts';

/** A mailbox in a header: display name (may be empty) and address. RFC 5322 §3.4. */
export interface Mailbox5322 {
  readonly name: string;
  readonly address: string;
}

/** What lists and answers need of a message's header, decoded. */
export interface Envelope {
  readonly from: readonly Mailbox5322[];
  /** Only if it differs from From. */
  readonly sender?: Mailbox5322 | undefined;
  readonly replyTo: readonly Mailbox5322[];
  readonly to: readonly Mailbox5322[];
  readonly cc: readonly Mailbox5322[];
  readonly bcc: readonly Mailbox5322[];
  readonly subject: string;
  /** Milliseconds since the epoch, from the Date header. */
  readonly dateMs?: number | undefined;
  readonly messageId?: string | undefined;
  readonly inReplyTo?: string | undefined;
  readonly references: readonly string[];
  /** Subject without its prefixes. */
  readonly threadTopic: string;
}

/** One part of a message: where its encoded body lies in the raw message. RFC 2045. */
export interface MessagePart {
  /** As in IMAP: '1', '1.2'; '' is the message itself when it is one part. */
  readonly path: string;
  /** Lower case, such as text/plain. */
  readonly type: string;
  readonly charset?: string | undefined;
  /** Content-Transfer-Encoding in lower case; 7bit if absent. */
  readonly encoding: string;
  /** RFC 3676: format=flowed, and with delsp=yes. */
  readonly flowed?: 'flowed' | 'delsp' | undefined;
  /** Byte range [start, end) of the encoded body. */
  readonly start: number;
  readonly end: number;
  /** About how many bytes it decodes to. */
  readonly size: number;
  /** It stands inside what those bytes decode to. */
  readonly inside?: InsidePart | undefined;
}

/** An attachment as a phone lists it. MS-ASAIRS, Attachment. */
export interface Attachment {
  readonly part: string;
  /** In a draft: the name that stays when other files come and go. Absent: its part is its name. */
  readonly ref?: string | undefined;
  readonly name: string;
  readonly type: string;
  /** About how many bytes it decodes to. */
  readonly size: number;
  /** MS-ASAIRS, Method: 1 a file, 5 an embedded message. */
  readonly method: 1 | 5;
  readonly contentId?: string | undefined;
  readonly contentLocation?: string | undefined;
  readonly inline: boolean;
}

/** MS-ASEMAIL, Flag; a missing flag is no flag. */
export interface Flag {
  /** 1 complete, 2 active. */
  readonly status: 1 | 2;
  readonly type: string;
  readonly subject?: string | undefined;
  readonly startMs?: number | undefined;
  readonly utcStartMs?: number | undefined;
  readonly dueMs?: number | undefined;
  readonly utcDueMs?: number | undefined;
  readonly reminderSet?: boolean | undefined;
  readonly reminderMs?: number | undefined;
  readonly completedMs?: number | undefined;
  readonly dateCompletedMs?: number | undefined;
  readonly ordinalMs?: number | undefined;
  readonly subOrdinal?: string | undefined;
}

/** What of an item a client may change. */
export interface ItemMarks {
  readonly read: boolean;
  readonly flag?: Flag | undefined;
  readonly categories: readonly string[];
  /** MS-ASEMAIL, LastVerbExecuted: 1 replied to sender, 2 replied to all, 3 forwarded. */
  readonly lastVerb?: 1 | 2 | 3 | undefined;
  readonly lastVerbMs?: number | undefined;
}

/** Where the raw message lies. Framed: beside the file, the store has what stands before and after it. */
export type BodyRef =
  | { readonly kind: 'inline' }
  | { readonly kind: 'blob'; readonly id: Uint8Array; readonly isFramed?: boolean | undefined };

/** A message as a list needs it. Immutable but for `marks` and, when it moves, `folder` and `added`. */
export interface Item {
  readonly id: ItemId;
  readonly folder: FolderId;
  /** When it was delivered or sent: milliseconds since the epoch. */
  readonly receivedMs: number;
  /** The sequence number at which it entered this folder, and at which itself was last changed, wherever it was. */
  readonly added: number;
  readonly changed: number;
  /** Raw bytes. */
  readonly size: number;
  readonly envelope: Envelope;
  /** 0 low, 1 normal, 2 high. */
  readonly importance: 0 | 1 | 2;
  readonly messageClass: string;
  /** 16 bytes: the same for all messages of a conversation. */
  readonly conversationId: Uint8Array;
  /** 5 bytes and 5 for each reply. MS-ASCON. */
  readonly conversationIndex: Uint8Array;
  readonly attachments: readonly Attachment[];
  readonly draft: boolean;
  readonly marks: ItemMarks;
  readonly body: BodyRef;
  /** What was found when it came from outside. */
  readonly verdicts?: Verdicts | undefined;
  /** Somebody here sent it, and its To and Cc do not name the owner. MS-ASEMAIL, ReceivedAsBcc. */
  readonly receivedAsBcc?: true | undefined;
}

/** The rest of a message: what reading it needs. */
export interface ItemDetail {
  readonly parts: readonly MessagePart[];
  /** Which of the parts make the plain text, in order, and which the HTML (some may be plain): positions in `parts`. */
  readonly text: readonly number[];
  readonly html: readonly number[];
  /** The start of the text, at most 2 KiB. */
  readonly preview: string;
}

/** A message before it has a place in a mailbox. */
export interface NewItem
  extends Pick<
    Item,
    | 'receivedMs'
    | 'size'
    | 'envelope'
    | 'importance'
    | 'messageClass'
    | 'conversationId'
    | 'conversationIndex'
    | 'attachments'
    | 'draft'
    | 'marks'
    | 'verdicts'
    | 'receivedAsBcc'
  > {
  readonly detail: ItemDetail;
  readonly body: NewBody;
}

/**
 * The raw message: small ones travel with the row, large ones are a durable blob already. Messages that have a large part
 * in common share its blob: each is `before`, the blob and `after` (at most 56 KiB together), and its size is that of
 * all three. In one mailbox only one item may name a blob.
 */
export type NewBody =
  | { readonly kind: 'inline'; readonly raw: Uint8Array }
  | {
      readonly kind: 'blob';
      readonly id: Uint8Array;
      readonly before?: Uint8Array | undefined;
      readonly after?: Uint8Array | undefined;
      /** So many bytes at the beginning of the blob are no part of the message. */
      readonly from?: number | undefined;
      /** A BodyRef is no NewBody. */
      readonly isFramed?: undefined;
    };

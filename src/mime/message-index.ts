import type { MailAddress } from './address.ts';

/** What the header of a message says about it, decoded. */
export interface MessageHeaders {
  readonly from: readonly MailAddress[];
  /** The Sender header, where there is one. */
  readonly sender?: MailAddress;
  readonly replyTo: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly subject: string;
  /** The Date header in milliseconds since 1970; absent when there is none that can be read. */
  readonly date?: number;
  /** Message-ID with its angle brackets; '' when there is none. */
  readonly messageId: string;
  /** The first id of In-Reply-To with its angle brackets; '' when there is none. */
  readonly inReplyTo: string;
  /** The ids of References, the root first, with their angle brackets; at most 100. */
  readonly references: readonly string[];
  readonly threadTopic?: string;
  /** The decoded Thread-Index header (PidTagConversationIndex); present only when it is a valid one. */
  readonly threadIndex?: Uint8Array;
  /** 0 low, 1 normal, 2 high: Importance, else X-Priority, else X-MSMail-Priority. */
  readonly importance: Importance;
  /** Auto-Submitted (RFC 3834) in lower case, without parameters. */
  readonly autoSubmitted?: string;
  /** List-Id (RFC 2919) without its phrase and brackets. */
  readonly listId?: string;
  /** Content-Class in lower case. */
  readonly contentClass?: string;
  /** Absent when the header says nothing of it. */
  readonly handling?: Handling;
}

/** What a header says of the way a message goes: who must not answer it, and through whom it came. */
export interface Handling {
  /** Precedence in lower case. */
  readonly precedence?: string;
  /** The words of X-Auto-Response-Suppress in lower case (MS-OXCMAIL, X-Auto-Response-Suppress). */
  readonly suppress?: readonly string[];
  /** It has a field of a mailing list: RFC 2369, RFC 2919. */
  readonly isFromList?: true;
  /** The addresses of Resent-To and Resent-Cc in lower case, at most 21. */
  readonly resentTo?: readonly string[];
  /** The addresses of Delivered-To in lower case, at most 21: whose mailboxes passed it on. */
  readonly deliveredTo?: readonly string[];
}

export type Importance = 0 | 1 | 2;

/** Where something stands in what a part decodes to: bytes [from, to) of it (TNEF). */
export interface InsidePart {
  readonly from: number;
  readonly to: number;
  /** What these bytes are: compressed RTF (MS-OXRTFCP), or a message as TNEF. Absent: what they are to be. */
  readonly form?: 'rtf' | 'message' | undefined;
}

/** One part of a message: what its header says, and where its encoded body stands in the raw message. */
export interface MessagePart {
  /** IMAP section (RFC 9051 §6.4.5): '1', '1.2'; a multipart that is a message's whole content is 'TEXT' or '2.TEXT'. */
  readonly path: string;
  /** Media type in lower case; what is missing or malformed is the default of RFC 2045 §5.2. */
  readonly type: string;
  readonly charset?: string;
  /** Content-Transfer-Encoding in lower case; '7bit' when absent. */
  readonly encoding: string;
  /** Content-Disposition in lower case, without parameters. */
  readonly disposition?: string;
  readonly filename?: string;
  /** Every name that any reader may find in the header, one for each ending, at most 100; absent when there is none. */
  readonly names?: readonly string[];
  /** Its header is longer than what is read of one. */
  readonly isHeaderCut?: true;
  /** Its header names different transfer encodings. */
  readonly isEncodedTwice?: true;
  /** Content-ID without angle brackets. */
  readonly contentId?: string;
  readonly contentLocation?: string;
  /** The method parameter of text/calendar in upper case. */
  readonly method?: string;
  /** RFC 3676: text/plain with format=flowed, and with delsp=yes. */
  readonly flowed?: 'flowed' | 'delsp';
  /** Where the part's own header starts in the raw message. */
  readonly headerStart: number;
  /** The encoded body: bytes `start` to `end` (exclusive) of the raw message. */
  readonly start: number;
  readonly end: number;
  /** Lines of the encoded body. */
  readonly lines: number;
  /** Bytes after transfer decoding: exact for base64 and identity, near for quoted-printable. */
  readonly size: number;
  /** Index in `parts` of the multipart, message/rfc822 or TNEF that holds this part; -1 for the message itself. */
  readonly parent: number;
  /** It has no place of its own in the message: it stands inside what `start` to `end` decode to. */
  readonly inside?: InsidePart | undefined;
}

/** A part that a reader is offered as a file. */
export interface MessageAttachment {
  /** Index in `parts`. */
  readonly part: number;
  /** What to call it; never empty, without path characters, '.eml' for a message. */
  readonly name: string;
  readonly type: string;
  /** Bytes after transfer decoding, as in the part. */
  readonly size: number;
  /** MS-ASAIRS, Method: 1 a file, 5 an embedded message. */
  readonly method: 1 | 5;
  /** Shown inside the HTML body, or meant to be. */
  readonly isInline: boolean;
  readonly contentId?: string;
  readonly contentLocation?: string;
  /** The text/calendar part of an invitation: not listed when the meeting request itself is. */
  readonly isCalendar: boolean;
}

/** Everything that delivery learns of a message; plain data, so that it can be stored as it is. */
export interface MessageIndex {
  /** Bytes of the raw message. */
  readonly size: number;
  readonly headers: MessageHeaders;
  /** MS-ASEMAIL, MessageClass. */
  readonly messageClass: string;
  /** All parts, depth first; the first is the message itself. */
  readonly parts: readonly MessagePart[];
  /** Indexes of the parts that make the plain text body, in order; empty when there is none. */
  readonly text: readonly number[];
  /** Indexes of the parts that make the HTML body, in order (some may be plain text); empty when none is HTML. */
  readonly html: readonly number[];
  readonly attachments: readonly MessageAttachment[];
  /** A line as before a uuencoded file stands somewhere in it. */
  readonly mayHoldUuencode: boolean;
  /** A line of a body begins as a Content- field does. */
  readonly mayHoldFields: boolean;
  /** Index of the text/calendar part, where there is one. */
  readonly calendar?: number;
  /** The beginning of the body as plain text without links, at most 2 KiB of UTF-8. */
  readonly preview: string;
  /** 16 bytes, equal for all messages of a thread (MS-ASCON, ConversationId). */
  readonly conversationId: Uint8Array;
  /** 5 bytes and 5 more per reply (MS-ASCON, ConversationIndex). */
  readonly conversationIndex: Uint8Array;
}

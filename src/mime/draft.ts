import { Buffer } from 'node:buffer';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { MailAddress } from './address.ts';
import { encodeMailbox, encodeText, formatDate, headerBytes, splitMessage } from './header-edit.ts';
import { htmlToText } from './html.ts';

/** The header of a message that its author is still writing: an address may be no address yet. */
export interface DraftHeader {
  readonly from: MailAddress;
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly replyTo: readonly MailAddress[];
  readonly subject: string;
  /** 0 low, 1 normal, 2 high. */
  readonly importance: 0 | 1 | 2;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** With angle brackets; undefined: it is given one when it is sent. */
  readonly messageId: string | undefined;
  /** Further fields, whole lines with their ends. */
  readonly others: readonly string[];
}

/** The text of a draft. */
export interface DraftBody {
  readonly kind: 'plain' | 'html';
  readonly text: string;
}

/** A file in a draft. */
export interface DraftFile {
  readonly name: string;
  /** Undefined or none: by the ending of its name. */
  readonly type: string | undefined;
  readonly content: Uint8Array;
  /** It is a message itself. */
  readonly isMessage: boolean;
  /** Without angle brackets. */
  readonly contentId?: string | undefined;
  readonly contentLocation?: string | undefined;
  readonly isInline: boolean;
}

/** What of a message is not about it but its content: the fields that say how it is written, and its bytes. */
export interface MimeContent {
  readonly lines: readonly string[];
  readonly body: Uint8Array;
}

const eol = '\r\n';
const importances = { 0: ['low', '5'], 2: ['high', '1'] } as const;
/** What DraftHeader says. */
const ownFields = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'reply-to',
  'subject',
  'importance',
  'x-priority',
  'x-msmail-priority',
  'date',
  'message-id',
]);
/** RFC 5322 §3.6.7, and what speaks for somebody else. */
const foreignFields = new Set([
  'sender',
  'return-path',
  'received',
  'delivered-to',
  'authentication-results',
]);

/** A draft as a message, in pieces. */
export function draftMessage(header: DraftHeader, { lines, body }: MimeContent): readonly Uint8Array[] {
  const { date, messageId, subject, importance } = header;
  const [word, number] = importance === 1 ? [] : importances[importance];
  const fields = [
    ...listLine('From', [header.from]),
    ...listLine('To', header.to),
    ...listLine('Cc', header.cc),
    ...listLine('Bcc', header.bcc),
    ...listLine('Reply-To', header.replyTo),
    `Subject: ${encodeText(subject, eol)}${eol}`,
    `Date: ${formatDate(date)}${eol}`,
    ...(messageId === undefined ? [] : [`Message-ID: ${messageId}${eol}`]),
    ...(word === undefined ? [] : [`Importance: ${word}${eol}`, `X-Priority: ${number}${eol}`]),
    ...header.others,
    ...lines,
  ];
  return [headerBytes(fields, eol), body];
}

function listLine(name: string, list: readonly MailAddress[]): string[] {
  if (list.length === 0) return [];
  return [`${name}: ${list.map((one) => encodeMailbox(one, eol)).join(`,${eol} `)}${eol}`];
}

/** The content of a message as it stands, and the fields of its header that neither it nor DraftHeader has. */
export function takeApart(raw: Uint8Array): {
  readonly content: MimeContent;
  readonly others: readonly string[];
} {
  const { fields, body } = splitMessage(raw);
  const isContent = (name: string) => name.startsWith('content-') || name === 'mime-version';
  const lines = fields.filter(({ name }) => isContent(name)).map(({ line }) => line);
  const others = fields
    .filter(({ name }) => !isContent(name) && !ownFields.has(name) && !foreignFields.has(name))
    .map(({ line }) => line);
  return { content: { lines, body }, others };
}

/** The same message without its Date: who sends it gives it the time of that. */
export function withoutDate(raw: Uint8Array): readonly Uint8Array[] {
  const { fields, eol: ownEol, body } = splitMessage(raw);
  const kept = fields.filter(({ name }) => name !== 'date').map(({ line }) => line);
  return [headerBytes(kept, ownEol), body];
}

/** Files in the order in which they stand in a content that is made of them: what the HTML shows comes first. */
export function inOrder<File extends DraftFile>(body: DraftBody, files: readonly File[]): readonly File[] {
  return [...files.filter((file) => isShown(body, file)), ...files.filter((file) => !isShown(body, file))];
}

/** A text and files as content; HTML has its plain text beside it. */
export async function mimeContent(body: DraftBody, files: readonly DraftFile[]): Promise<MimeContent> {
  const isAscii = /^[\0-\x7f]*$/.test(body.text);
  const composer = new MailComposer({
    ...(body.kind === 'html' ? { html: body.text, text: htmlToText(body.text) } : { text: body.text }),
    textEncoding: isAscii ? 'quoted-printable' : 'base64',
    attachments: files.map((file) => attachmentOf(body, file)),
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return takeApart(await composer.compile().build()).content;
}

function isShown({ kind }: DraftBody, { isInline, contentId, isMessage }: DraftFile): boolean {
  return kind === 'html' && isInline && contentId !== undefined && !isMessage;
}

function attachmentOf(body: DraftBody, file: DraftFile) {
  const { name, content, contentLocation } = file;
  const contentType = typeOf(file);
  const contentId = file.contentId === undefined ? undefined : clean(file.contentId);
  const isInline = file.isInline && body.kind === 'html' && !contentType?.startsWith('text/');
  const headers = {
    ...(contentLocation === undefined ? {} : { 'Content-Location': clean(contentLocation) }),
    ...(contentId === undefined || isShown(body, file) ? {} : { 'Content-ID': `<${contentId}>` }),
  };
  return {
    filename: name,
    content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
    contentDisposition: isInline ? 'inline' : 'attachment',
    headers,
    ...(contentType === undefined ? {} : { contentType }),
    ...(isShown(body, file) ? { cid: contentId } : {}),
  };
}

/** RFC 2046 §5.2.1: only a message is a message; a multipart is never a file. */
function typeOf({ type, isMessage }: DraftFile): string | undefined {
  if (isMessage) return 'message/rfc822';
  const plain = type?.trim().toLowerCase() ?? '';
  if (!/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/.test(plain)) return undefined;
  return /^(?:message|multipart)\//.test(plain) ? 'application/octet-stream' : plain;
}

function clean(text: string): string {
  return text
    .replace(/[\p{Cc}<>]/gu, '')
    .trim()
    .slice(0, 500);
}

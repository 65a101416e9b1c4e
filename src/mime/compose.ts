import type { Buffer } from 'node:buffer';
import MailComposer from 'nodemailer/lib/mail-composer';
import { envelopeAddress, type MailAddress, parseAddressList } from './address.ts';
import { parseDate } from './date.ts';
import { encodeMailbox, formatDate, headerBytes, type RawField, splitMessage } from './header-edit.ts';
import { unfold } from './header-fields.ts';

/** Who sends, and what a message gets that its client left out. */
export interface SendingOptions {
  /** Whom From names: the sender's own name and primary address, or that of somebody by whose right it is sent. */
  readonly from: MailAddress;
  /** Who sends it on behalf of `from`: Sender is there, and names them. RFC 5322 §3.6.2. */
  readonly sender?: MailAddress | undefined;
  /** A program may hand on what came to it: its Received fields stay, by which loops are found. RFC 5321 §4.4, §6.3. */
  readonly keepsReceived?: boolean;
  /** Milliseconds since 1970, for a missing Date. */
  readonly now: number;
  /** With angle brackets, for a missing Message-ID. */
  readonly messageId: string;
}

/** A client's message made ready to leave, in pieces to be written one after the other. */
export interface PreparedMessage {
  /** What recipients get: without Bcc. */
  readonly outgoing: readonly Uint8Array[];
  /** What the sender keeps: with Bcc. */
  readonly sent: readonly Uint8Array[];
  /** Everyone in To, Cc, Bcc and their Resent- forms, once, as an envelope takes them. */
  readonly recipients: readonly string[];
  /** Entries of these fields that are no address, as written. */
  readonly invalidRecipients: readonly string[];
  /** The Message-ID that it goes out with, with angle brackets. */
  readonly messageId: string;
  /** Its client gave it a Message-ID, perhaps an ill-formed one that does not go out. */
  readonly isNamed: boolean;
}

const recipientFields = new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']);
/** RFC 5322 §3.6.7: written by servers on the way, not by clients. */
const traceFields = new Set(['return-path', 'received', 'delivered-to', 'x-original-to']);

/**
 * Makes a client's message ready to be sent: the From is the sender's, Date, Message-ID and
 * MIME-Version are there, trace fields (Authentication-Results too, but of a program's) and (for the recipients) Bcc are not. Only the header is
 * written anew; the body's bytes stay, so that signatures stay valid. Never throws on broken input.
 */
export function prepareForSending(raw: Uint8Array, options: SendingOptions): PreparedMessage {
  const { fields: written, eol, body } = splitMessage(raw);
  const fields = written.map(onLinesOfItsOwn);
  const dropped = new Set(['from', 'sender', ...traceFields]);
  if (!options.keepsReceived) dropped.add('authentication-results');
  const kept = fields.filter(({ name }) => !dropped.has(name));
  const trace = options.keepsReceived ? fields.filter(({ name }) => name === 'received') : [];
  const lines = trace.map(({ line }) => line);
  const add = (name: string, value: string): unknown => lines.push(`${name}: ${value}${eol}`);
  const from = ownField(fields, 'from', options.from, eol);
  if (from !== undefined) lines.push(from);
  else add('From', encodeMailbox(options.from, eol));
  const sender = ownField(fields, 'sender', options.sender ?? options.from, eol);
  if (sender !== undefined) lines.push(sender);
  else if (options.sender !== undefined) add('Sender', encodeMailbox(options.sender, eol));
  const date = firstOf(fields, 'date');
  const hasDate = date !== undefined && parseDate(unfold(date.value)) !== undefined;
  if (!hasDate) add('Date', formatDate(options.now));
  const named = unfold(firstOf(fields, 'message-id')?.value ?? '').trim();
  const messageId = /<[^<>\s]+>/.exec(named)?.[0];
  if (messageId === undefined) add('Message-ID', options.messageId);
  const isMime = fields.some(({ name }) => name.startsWith('content-'));
  if (isMime && firstOf(fields, 'mime-version') === undefined) add('MIME-Version', '1.0');
  const replaced = new Set([
    ...(hasDate ? [] : ['date']),
    ...(messageId === undefined ? ['message-id'] : []),
  ]);
  const firsts = new Set([...onceOnly].map((name) => firstOf(fields, name)));
  const rest = kept.filter(
    (field) => !replaced.has(field.name) && (!onceOnly.has(field.name) || firsts.has(field)),
  );
  const open = rest.filter(({ name }) => name !== 'bcc' && name !== 'resent-bcc');
  const outgoing = [headerBytes([...lines, ...open.map(({ line }) => line)], eol), body];
  const hasBcc = open.length < rest.length;
  const sent = hasBcc ? [headerBytes([...lines, ...rest.map(({ line }) => line)], eol), body] : outgoing;
  return {
    outgoing,
    sent,
    ...recipientsOf(fields),
    messageId: messageId ?? options.messageId,
    isNamed: named !== '',
  };
}

/** RFC 5322 §3.6: a second Date, Message-ID or Subject is dropped, so that nobody reads another one than we did. */
const onceOnly = new Set([
  'date',
  'message-id',
  'subject',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]);

/** RFC 5322 §2.2: a CR that ends no line would become a line end on the way, and what follows it a field that nobody looked at. */
function onLinesOfItsOwn(field: RawField): RawField {
  return strayCr.test(field.line) ? { ...field, line: field.line.replace(everyStrayCr, ' ') } : field;
}

const strayCr = /\r(?!\n)/;
const everyStrayCr = /\r(?!\n)/g;

function firstOf(fields: readonly RawField[], name: string): RawField | undefined {
  return fields.find((field) => field.name === name);
}

/**
 * The client's From or Sender, where it names one mailbox and that is the one it has to be. What another reader might take
 * for somebody else's (`<own> <other>`, `own and other`) is written anew.
 */
function ownField(
  fields: readonly RawField[],
  name: 'from' | 'sender',
  own: MailAddress,
  eol: string,
): string | undefined {
  const field = firstOf(fields, name);
  if (field === undefined) return undefined;
  const value = unfold(field.value);
  const [mailbox, ...others] = parseAddressList(value);
  if (mailbox === undefined || others.length > 0) return undefined;
  const address = envelopeAddress(mailbox.address);
  if (address?.toLowerCase() !== envelopeAddress(own.address)?.toLowerCase()) return undefined;
  const [, inAngle, bare] = plainMailbox.exec(value) ?? [];
  if ((inAngle ?? bare) === mailbox.address) return field.line;
  const written = encodeMailbox({ name: mailbox.name.slice(0, maxName), address: mailbox.address }, eol);
  return `${name === 'from' ? 'From' : 'Sender'}: ${written}${eol}`;
}

const atom = '[^\\s"(),:;<>@\\\\\\[\\]]+';
const quoted = '"(?:[^"\\\\]|\\\\.)*"';
const comment = '(?:\\s*\\([^()<>\\\\]*\\))?';
/** RFC 5322 §3.4: a mailbox that nobody can read in two ways: `Name <address>`, `"Name" <address>`, `address (name)`. */
const plainMailbox = new RegExp(
  `^(?:(?:${quoted}|${atom}(?:\\s+${atom})*)?\\s*<(${atom}@${atom})>|(${atom}@${atom}))${comment}$`,
);
/** Of a name that is written anew; it stays below the length of a line. */
const maxName = 200;

function recipientsOf(
  fields: readonly RawField[],
): Pick<PreparedMessage, 'recipients' | 'invalidRecipients'> {
  const recipients = new Map<string, string>();
  const invalidRecipients: string[] = [];
  for (const { name, value } of fields) {
    if (!recipientFields.has(name)) continue;
    for (const mailbox of parseAddressList(unfold(value))) {
      const address = envelopeAddress(mailbox.address);
      if (address === undefined) invalidRecipients.push(mailbox.address || mailbox.name);
      else if (!recipients.has(address.toLowerCase())) recipients.set(address.toLowerCase(), address);
    }
  }
  return { recipients: [...recipients.values()], invalidRecipients };
}

/** A message the server itself writes. */
export interface Notice {
  readonly from: MailAddress;
  readonly to: MailAddress;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** With angle brackets. */
  readonly messageId: string;
}

/**
 * A message of our own (a welcome, a notice) as bytes with CR LF line ends, marked as automatic (RFC
 * 3834). Throws a TypeError when From or To is no address.
 */
export async function composeMessage(notice: Notice): Promise<Buffer> {
  for (const { address } of [notice.from, notice.to]) {
    if (envelopeAddress(address) === undefined) throw new TypeError(`no address: ${address}`);
  }
  const composer = new MailComposer({
    // Objects, not strings: nodemailer has nothing to parse.
    from: { name: notice.from.name, address: notice.from.address },
    to: [{ name: notice.to.name, address: notice.to.address }],
    subject: notice.subject,
    text: notice.text,
    ...(notice.html === undefined ? {} : { html: notice.html }),
    date: new Date(notice.date),
    messageId: notice.messageId,
    headers: { 'Auto-Submitted': 'auto-generated' },
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}

import type { Buffer } from 'node:buffer';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { MailAddress } from './address.ts';
import { declareUtf8, htmlToText, toCrLf } from './html.ts';

/** An answer to a message, in the name of who is away. */
export interface ReplyToSend {
  readonly from: MailAddress;
  /** The address of the Return-Path. RFC 3834 §4. */
  readonly to: string;
  /** Of the message that is answered. */
  readonly subject: string;
  /** Of the message that is answered, with angle brackets. */
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  readonly text: string;
  readonly bodyType: 'Text' | 'HTML';
  /** Milliseconds since 1970. */
  readonly date: number;
  /** With angle brackets. */
  readonly messageId: string;
}

/** RFC 5322 §3.6.4: the first names the thread, the last ones its newest branch. */
const maxReferences = 20;
const maxSubject = 400;

/** An automatic reply as bytes with CR LF line ends: RFC 3834 §3.1. HTML goes beside its text. */
export async function composeAutomaticReply(reply: ReplyToSend): Promise<Buffer> {
  const { from, inReplyTo, text, bodyType } = reply;
  const all = [...reply.references.filter((id) => id !== inReplyTo), ...(inReplyTo ? [inReplyTo] : [])];
  const references = all.length > maxReferences ? [...all.slice(0, 1), ...all.slice(1 - maxReferences)] : all;
  const composer = new MailComposer({
    // Objects, not strings: nodemailer has nothing to parse.
    from: { name: from.name, address: from.address },
    to: [{ name: '', address: reply.to }],
    subject: `Automatic reply: ${[...reply.subject].slice(0, maxSubject).join('')}`,
    text: bodyType === 'HTML' ? htmlToText(text) : toCrLf(text),
    ...(bodyType === 'HTML' ? { html: declareUtf8(text) } : {}),
    date: new Date(reply.date),
    messageId: reply.messageId,
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(references.length === 0 ? {} : { references: [...references] }),
    // RFC 3834 §5.1; MS-OXCMAIL, X-Auto-Response-Suppress.
    headers: { 'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All' },
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}

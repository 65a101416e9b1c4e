import { Buffer } from 'node:buffer';
import type { MailAddress } from './address.ts';
import { encodeMailbox, encodePath, encodeText, formatDate } from './header-edit.ts';

/** A message that is passed on inside another one. */
export interface MessageToForward {
  /** Whose rule passes it on. */
  readonly from: MailAddress;
  readonly to: readonly string[];
  /** Of the message inside. */
  readonly subject: string;
  /** Whose mailboxes passed it on, this one last: a mailbox that is named passes it on no more. */
  readonly deliveredTo: readonly string[];
  /** Milliseconds since 1970. */
  readonly date: number;
  /** With angle brackets. */
  readonly messageId: string;
  /** The id of the message inside, or of what that one forwards: all of a chain have it in References. */
  readonly origin: string;
  /** A text that the message inside does not hold. */
  readonly boundary: string;
  /** The message inside has bytes beyond ASCII. */
  readonly is8bit: boolean;
}

const eol = '\r\n';
const maxSubject = 400;
const prefix = /^fwd?: /i;

/**
 * What stands before and behind a message that is forwarded as an attachment: its bytes stay as they are (RFC 2046
 * §5.2.1), and the new message is the forwarder's own.
 */
export function forwardAround(forward: MessageToForward): {
  readonly before: Buffer;
  readonly after: Buffer;
} {
  const { from, to, boundary, is8bit } = forward;
  const subject = [...forward.subject].slice(0, maxSubject).join('');
  const encoding = is8bit ? ['Content-Transfer-Encoding: 8bit'] : [];
  const lines = [
    ...forward.deliveredTo.map((address) => `Delivered-To: ${encodePath(address)}`),
    `From: ${encodeMailbox(from, eol)}`,
    `To: ${to.map((address) => encodeMailbox({ name: '', address }, eol)).join(`,${eol} `)}`,
    `Subject: ${encodeText(prefix.test(subject) ? subject : `FW: ${subject}`, eol)}`,
    `Date: ${formatDate(forward.date)}`,
    `Message-ID: ${forward.messageId}`,
    `References: ${forward.origin}`,
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed;${eol}\tboundary="${boundary}"`,
    ...encoding,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This message was forwarded to you by a rule. It is attached as it came.',
    '',
    `--${boundary}`,
    'Content-Type: message/rfc822',
    'Content-Disposition: attachment; filename="forwarded.eml"',
    ...encoding,
    '',
    '',
  ];
  return {
    before: Buffer.from(lines.join(eol), 'latin1'),
    after: Buffer.from(`${eol}--${boundary}--${eol}`),
  };
}

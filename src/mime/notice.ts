import type { Buffer } from 'node:buffer';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { MailAddress } from './address.ts';
import { toCrLf } from './html.ts';

/** What the server tells somebody by mail. */
export interface Notice {
  readonly from: MailAddress;
  readonly to: readonly MailAddress[];
  readonly subject: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** With angle brackets. */
  readonly messageId: string;
}

/** A notice as bytes with CR LF line ends, which no machine answers: RFC 3834 §5.1; MS-OXCMAIL, X-Auto-Response-Suppress. */
export async function composeNotice({ from, to, subject, text, date, messageId }: Notice): Promise<Buffer> {
  const composer = new MailComposer({
    // Objects, not strings: nodemailer has nothing to parse.
    from: { ...from },
    to: to.map((one) => ({ ...one })),
    subject,
    text: toCrLf(text),
    date: new Date(date),
    messageId,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}

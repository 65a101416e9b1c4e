/** Delivery status notifications: RFC 3464 in the multipart/report of RFC 6522. */
import { isAscii as isAsciiBytes } from 'node:buffer';
import { formatDate, splitMessage } from './header-edit.ts';

/** One recipient of the message that is reported on. */
export interface ReportedRecipient {
  readonly address: string;
  /** RFC 3461 §4.2, ORCPT: `rfc822;address`. */
  readonly orcpt?: string | undefined;
  /** RFC 3463. */
  readonly status: string;
  /** The other server's reply, or what kept us from getting one. */
  readonly text: string;
  /** Who replied; absent when it is our own finding. */
  readonly remote?: string | undefined;
}

/** What is told, to whom, and about which message. */
export interface StatusReport {
  readonly action: 'failed' | 'delayed' | 'relayed' | 'delivered';
  /** Our own name. */
  readonly hostname: string;
  readonly to: string;
  /** In place of what is usual for the action. */
  readonly subject?: string;
  readonly introduction?: string;
  /** With angle brackets. */
  readonly messageId: string;
  /** A text that the report does not hold. */
  readonly boundary: string;
  /** Milliseconds since 1970: now, when the message came, and (delayed) when it is given up. */
  readonly dateMs: number;
  readonly arrivalMs: number;
  readonly expiresMs: number;
  readonly envid?: string | undefined;
  readonly recipients: readonly ReportedRecipient[];
  /** The message, or its beginning. */
  readonly original: Uint8Array;
  /** The original is there in full, and was asked for so: RFC 3461 §4.3, RET. */
  readonly isFull: boolean;
}

const subjects = {
  failed: 'Undelivered mail',
  delayed: 'Delayed mail (still being tried)',
  relayed: 'Mail handed on',
  delivered: 'Mail delivered',
} as const;

const introductions = {
  failed: 'Your message could not be delivered to these recipients. It is not tried again.',
  delayed:
    'Your message could not be delivered to these recipients yet. You need not send it again: it is tried further, and you will be told if it cannot be delivered in the end.',
  delivered: 'Your message is in the mailboxes of these recipients.',
  relayed: 'Your message was handed to a server that does not report deliveries, for these recipients.',
} as const;

/** The report as bytes with CR LF line ends. */
export function deliveryStatusNotification(report: StatusReport): Buffer {
  const { action, hostname, boundary } = report;
  const returned = returnedPart(report);
  const isReturned8bit = !isAsciiBytes(returned);
  const introduction = [
    `This is the mail server ${hostname}.`,
    '',
    report.introduction ?? introductions[action],
    '',
    ...report.recipients.flatMap(({ address, text }) => [`<${address}>`, `    ${oneLine(text)}`, '']),
  ];
  const is8bit = isReturned8bit || isInternational(report) || !introduction.every(isAscii);
  // RFC 2045 §6.4: what holds 8-bit parts says so, and no part says more than what it is in.
  const encoding = is8bit ? ['Content-Transfer-Encoding: 8bit'] : [];
  const head = [
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${report.to}>`,
    `Subject: ${report.subject ?? subjects[action]}`,
    `Date: ${formatDate(report.dateMs)}`,
    `Message-ID: ${report.messageId}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    ...encoding,
    '',
    'This is a report in several parts.',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    ...encoding,
    '',
    ...introduction,
    `--${boundary}`,
    // RFC 6533 §3.
    ...(isInternational(report)
      ? ['Content-Type: message/global-delivery-status', 'Content-Transfer-Encoding: 8bit']
      : ['Content-Type: message/delivery-status']),
    '',
    ...statusFields(report),
    '',
    `--${boundary}`,
    `Content-Type: ${report.isFull ? 'message/rfc822' : 'text/rfc822-headers'}`,
    ...(isReturned8bit ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n')), returned, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}

function statusFields(report: StatusReport): readonly string[] {
  const { action, envid, hostname, arrivalMs, dateMs, expiresMs } = report;
  return [
    ...(envid === undefined ? [] : [`Original-Envelope-Id: ${oneLine(envid)}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${formatDate(arrivalMs)}`,
    ...report.recipients.flatMap(({ address, orcpt, status, text, remote }) => [
      '',
      ...(orcpt === undefined ? [] : [`Original-Recipient: ${oneLine(orcpt)}`]),
      `Final-Recipient: ${isAscii(address) ? 'rfc822' : 'utf-8'}; ${address}`,
      `Action: ${action}`,
      `Status: ${status}`,
      ...(remote === undefined ? [] : [`Remote-MTA: dns; ${oneLine(remote)}`]),
      // RFC 3464 §2.3.6: of type smtp only what an SMTP server said.
      `Diagnostic-Code: ${remote === undefined ? 'x-mailstead' : 'smtp'}; ${oneLine(text).replace(/\P{ASCII}+/gu, '?')}`,
      `Last-Attempt-Date: ${formatDate(dateMs)}`,
      ...(action === 'delayed' ? [`Will-Retry-Until: ${formatDate(expiresMs)}`] : []),
    ]),
  ];
}

/** Whether addresses need more than ASCII. */
function isInternational({ recipients }: StatusReport): boolean {
  return !recipients.every(({ address, orcpt = '' }) => isAscii(address) && isAscii(orcpt));
}

function isAscii(text: string): boolean {
  return !/\P{ASCII}/u.test(text);
}

function returnedPart({ original, isFull }: StatusReport): Buffer {
  if (isFull) return Buffer.from(original);
  const { fields } = splitMessage(original);
  return Buffer.from(fields.map(({ line }) => line).join(''), 'latin1');
}

/** What others said becomes one line that no field can grow from. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 900);
}

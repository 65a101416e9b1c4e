/** Journal reports in Exchange's format: a text that tells of the envelope, and the message itself as it was. */
import { isAscii } from 'node:buffer';
import { encodedWords, formatDate } from './header-edit.ts';

/** One recipient of a message, and how it came to be one. */
export interface JournaledRecipient {
  /** The header field it stands in; Bcc: in none; Recipient: nobody we trust wrote the header. */
  readonly field: 'To' | 'Cc' | 'Bcc' | 'Recipient';
  readonly address: string;
  /** The group that was addressed, or who had the message sent on. */
  readonly via?: { readonly how: 'Expanded' | 'Forwarded'; readonly address: string } | undefined;
}

/** What a report tells, and to whom. */
export interface JournalReport {
  readonly from: string;
  readonly to: string;
  /** With angle brackets. */
  readonly messageId: string;
  readonly dateMs: number;
  /** A text that the message does not hold. */
  readonly boundary: string;
  /** The reverse-path; '' is the null one. */
  readonly sender: string;
  /** Decoded. */
  readonly subject: string;
  /** Of the message, with angle brackets; '' when it has none. */
  readonly originalId: string;
  readonly recipients: readonly JournaledRecipient[];
  /** The message has bytes beyond ASCII. */
  readonly is8bit: boolean;
}

/** The bytes that stand before and after the message in its report. */
export interface ReportFrame {
  readonly before: Buffer;
  readonly after: Buffer;
  readonly is8bit: boolean;
}

/** RFC 5322 §2.1.1 bounds a line at 998 bytes. */
const maxSubjectBytes = 900;

/** journalReport makes the report of a message, but for the message. */
export function journalReport(report: JournalReport): ReportFrame {
  const { from, to, messageId, dateMs, boundary } = report;
  const subject = oneLine(report.subject);
  const text = [
    `Sender: ${report.sender === '' ? '<>' : oneLine(report.sender)}`,
    `Subject: ${subject}`,
    `Message-Id: ${report.originalId === '' ? '<>' : oneLine(report.originalId)}`,
    ...report.recipients.map(recipientLine),
  ].join('\r\n');
  const isText8bit = !isAscii(Buffer.from(text));
  const is8bit = isText8bit || report.is8bit;
  const eightBit = (isOn: boolean) => (isOn ? ['Content-Transfer-Encoding: 8bit'] : []);
  const before = [
    `From: "Mail Journal" <${from}>`,
    `To: <${to}>`,
    `Subject: ${headerText(subject)}`,
    `Date: ${formatDate(dateMs)}`,
    `Message-ID: ${messageId}`,
    'X-MS-Journal-Report:',
    'Content-Identifier: ExJournalReport',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed;\r\n\tboundary="${boundary}"`,
    ...eightBit(is8bit),
    '',
    `--${boundary}`,
    `Content-Type: text/plain; charset="${isText8bit ? 'utf-8' : 'us-ascii'}"`,
    ...eightBit(isText8bit),
    '',
    text,
    '',
    `--${boundary}`,
    'Content-Type: message/rfc822',
    'Content-Disposition: attachment',
    ...eightBit(report.is8bit),
    '',
    '',
  ];
  return {
    before: Buffer.from(before.join('\r\n')),
    after: Buffer.from(`\r\n--${boundary}--\r\n`),
    is8bit,
  };
}

function recipientLine({ field, address, via }: JournaledRecipient): string {
  const line = `${field}: ${oneLine(address)}`;
  return via === undefined ? line : `${line}, ${via.how}: ${oneLine(via.address)}`;
}

/** A line that no field can grow from. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  if (Buffer.byteLength(line) <= maxSubjectBytes) return line;
  return new TextDecoder().decode(Buffer.from(line).subarray(0, maxSubjectBytes)).replace(/\ufffd+$/, '');
}

function headerText(line: string): string {
  return isAscii(Buffer.from(line)) && !line.includes('=?') ? line : encodedWords(line, '\r\n');
}

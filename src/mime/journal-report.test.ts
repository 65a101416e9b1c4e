import { expect, test } from 'vitest';
import { type JournalReport, journalReport } from './journal-report.ts';
import { readMessageHeaders } from './message-headers.ts';

const given: JournalReport = {
  from: 'journaling@acme.example',
  to: 'archive@store.example',
  messageId: '<report@mx.example>',
  dateMs: Date.UTC(2026, 10, 22, 9),
  boundary: '=_b',
  sender: 'alice@acme.example',
  subject: 'Quarterly numbers',
  originalId: '<abc@acme.example>',
  recipients: [
    { field: 'To', address: 'bob@away.example' },
    { field: 'Cc', address: 'carol@acme.example', via: { how: 'Expanded', address: 'staff@acme.example' } },
    { field: 'Bcc', address: 'dave@acme.example' },
    { field: 'Recipient', address: 'eve@x.example', via: { how: 'Forwarded', address: 'bob@acme.example' } },
  ],
  is8bit: false,
};

const textOf = (report: Partial<JournalReport> = {}) => {
  const { before, after } = journalReport({ ...given, ...report });
  return `${before.toString()}ORIGINAL${after.toString()}`;
};

test('a report is what Exchange writes', () => {
  expect(textOf().split('\r\n')).toEqual([
    'From: "Mail Journal" <journaling@acme.example>',
    'To: <archive@store.example>',
    'Subject: Quarterly numbers',
    'Date: Sun, 22 Nov 2026 09:00:00 +0000',
    'Message-ID: <report@mx.example>',
    'X-MS-Journal-Report:',
    'Content-Identifier: ExJournalReport',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed;',
    '\tboundary="=_b"',
    '',
    '--=_b',
    'Content-Type: text/plain; charset="us-ascii"',
    '',
    'Sender: alice@acme.example',
    'Subject: Quarterly numbers',
    'Message-Id: <abc@acme.example>',
    'To: bob@away.example',
    'Cc: carol@acme.example, Expanded: staff@acme.example',
    'Bcc: dave@acme.example',
    'Recipient: eve@x.example, Forwarded: bob@acme.example',
    '',
    '--=_b',
    'Content-Type: message/rfc822',
    'Content-Disposition: attachment',
    '',
    'ORIGINAL',
    '--=_b--',
    '',
  ]);
});

test('what is beyond ASCII is declared where it is', () => {
  const original = textOf({ is8bit: true }).split('\r\n');
  expect(original.filter((line) => line === 'Content-Transfer-Encoding: 8bit')).toHaveLength(2);
  expect(original.at(original.indexOf('Content-Type: message/rfc822') + 2)).toBe(
    'Content-Transfer-Encoding: 8bit',
  );
  const text = textOf({ subject: 'Größe' });
  expect(text).toContain('Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n');
  expect(text).toContain('\r\nSubject: Größe\r\nMessage-Id:');
  expect(text).toContain('\r\nSubject: =?utf-8?B?R3LDtsOfZQ==?=\r\n');
  expect(text.split('message/rfc822')[1]).not.toContain('8bit');
});

test('the null sender and a missing Message-ID have their sign', () => {
  expect(textOf({ sender: '', originalId: '' })).toContain(
    '\r\nSender: <>\r\nSubject: Quarterly numbers\r\nMessage-Id: <>\r\nTo: ',
  );
});

test.each([
  ['with line ends', 'a\r\nBcc: x@y.example\r\n\r\nb', 'a Bcc: x@y.example b'],
  ['that is long', 'ä'.repeat(4_000), 'ä'.repeat(450)],
  ['with what looks encoded', '=?utf-8?Q?x?=', '=?utf-8?Q?x?='],
])('a subject %s stays one line', (_name, subject, told) => {
  const text = textOf({ subject });
  expect(text.split('\r\n').every((line) => Buffer.byteLength(line) < 999)).toBe(true);
  expect(text).toContain(`\r\nSubject: ${told}\r\nMessage-Id: <abc`);
  const [header = ''] = text.split('\r\n\r\n');
  expect(readMessageHeaders(Buffer.from(header).toString('latin1')).subject).toBe(told);
});

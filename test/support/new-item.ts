/** A small message for tests of mailboxes, made without parsing. */
import { randomBytes } from 'node:crypto';
import type { NewItem } from '#domain/item';

export function newItem(subject: string, receivedMs: number): NewItem {
  const raw = Buffer.from(`From: a@example.org\r\nSubject: ${subject}\r\n\r\nText of ${subject}\r\n`);
  const start = raw.indexOf('\r\n\r\n') + 4;
  return {
    receivedMs,
    size: raw.length,
    envelope: {
      from: [{ name: 'A', address: 'a@example.org' }],
      replyTo: [],
      to: [],
      cc: [],
      bcc: [],
      subject,
      references: [],
      threadTopic: subject,
    },
    importance: 1,
    messageClass: 'IPM.Note',
    conversationId: randomBytes(16),
    conversationIndex: randomBytes(5),
    attachments: [],
    draft: false,
    marks: { read: false, categories: [] },
    detail: {
      parts: [
        { path: '1', type: 'text/plain', encoding: '7bit', start, end: raw.length, size: raw.length - start },
      ],
      text: [0],
      html: [],
      preview: `Text of ${subject}`,
    },
    body: { kind: 'inline', raw },
  };
}

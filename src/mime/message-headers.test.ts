import { expect, test } from 'vitest';
import { readMessageHeaders } from './message-headers.ts';

test.each<[field: string, handling: object | undefined]>([
  ['X-Mailer: one', undefined],
  ['Precedence: Bulk', { precedence: 'bulk' }],
  ['X-Auto-Response-Suppress: DR, OOF,\r\n AutoReply', { suppress: ['dr', 'oof', 'autoreply'] }],
  ['X-Auto-Response-Suppress: All\r\nX-Auto-Response-Suppress: none', { suppress: ['all', 'none'] }],
  ['List-Id: <a.example>', { isFromList: true }],
  ['LIST-Unsubscribe: <mailto:a@b.example>', { isFromList: true }],
  ['Listing: no list', undefined],
  ['Resent-To: A@b.example\r\nResent-Cc: C <c@d.example>', { resentTo: ['a@b.example', 'c@d.example'] }],
  ['Delivered-To: A@b.example\r\nDelivered-To: c@d.example', { deliveredTo: ['a@b.example', 'c@d.example'] }],
])('%s', (field, handling) => {
  expect(readMessageHeaders(`Subject: x\r\n${field}\r\n`).handling).toEqual(handling);
});

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

test('raw ISO-2022-JP, as before encoded words, is read in Subject and names, whatever signs its bytes are', () => {
  // い、い: the bytes of the comma are a ! and a quote.
  const name = '\u001b$B$$!"$$\u001b(B';
  const block = `Subject: Re: \u001b$BF|K\\8l\u001b(J 1\r\nFrom: ${name} <a@b.example>, "C" <c@d.example>\r\n`;
  expect(readMessageHeaders(block)).toMatchObject({
    subject: 'Re: 日本語 1',
    from: [
      { name: 'い、い', address: 'a@b.example' },
      { name: 'C', address: 'c@d.example' },
    ],
  });
  expect(readMessageHeaders('Subject: a\u001bb\u001b$Z\r\n').subject).toBe('a b $Z');
});

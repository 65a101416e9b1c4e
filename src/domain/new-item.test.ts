import { expect, test } from 'vitest';
import { MessageIndexer } from '#mime/index-message';
import { newItem } from './new-item.ts';

function itemOf(raw: string) {
  const indexer = new MessageIndexer();
  indexer.write(Buffer.from(raw));
  const body = { kind: 'inline', raw: Buffer.from(raw) } as const;
  return newItem(indexer.end(1_000), body, { receivedMs: 1_000, read: false });
}

const mixed = [
  'From: =?utf-8?Q?J=C3=BCrgen?= <j@away.example>',
  'To: Bob <bob@ours.example>, carol@ours.example',
  'Subject: Re: Plans',
  'Message-ID: <1@away.example>',
  'Date: Tue, 03 Feb 2026 04:05:06 +0000',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes',
  '',
  'Hi Bob',
  '--b',
  'Content-Type: application/pdf; name=plan.pdf',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment',
  '',
  'AAAA',
  '--b--',
  '',
].join('\r\n');

test('an item holds what lists need, and where each part lies', () => {
  const item = itemOf(mixed);
  expect(item).toMatchObject({
    receivedMs: 1_000,
    size: mixed.length,
    envelope: {
      from: [{ name: 'Jürgen', address: 'j@away.example' }],
      to: [{ name: 'Bob', address: 'bob@ours.example' }, { address: 'carol@ours.example' }],
      subject: 'Re: Plans',
      messageId: '<1@away.example>',
      dateMs: Date.UTC(2026, 1, 3, 4, 5, 6),
    },
    attachments: [{ part: '2', name: 'plan.pdf', type: 'application/pdf', method: 1, inline: false }],
    marks: { read: false },
    detail: { text: [0], preview: 'Hi Bob' },
  });
  const [text] = item.detail.parts;
  expect(text).toMatchObject({ path: '1', type: 'text/plain', flowed: 'delsp' });
  expect(mixed.slice(text?.start, text?.end).trim()).toBe('Hi Bob');
});

test('a header with thousands of addresses and a body of thousands of parts stay within a row', () => {
  const many = Array.from({ length: 4_000 }, (_, i) => `Somebody number ${i} <person${i}@away.example>`).join(
    ',\r\n ',
  );
  const part = '--b\r\nContent-Type: application/pdf; name=x.pdf\r\n\r\nx\r\n';
  const item = itemOf(
    `To: ${many}\r\nSubject: ${'s'.repeat(9_000)}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(3_000)}`,
  );
  expect(JSON.stringify([item.envelope, item.attachments, item.detail]).length).toBeLessThan(100_000);
  expect(item.envelope.to.length).toBeGreaterThan(200);
});

test.each([
  ['names', `Content-Type: image/png; name="${'漢'.repeat(200)}#.png"`],
  [
    'locations',
    `Content-Location: http://x.example/${'x'.repeat(2_000)}\r\nContent-ID: <${'y'.repeat(990)}>`,
  ],
  ['types', `Content-Type: ${'x'.repeat(30_000)}/y`],
])('parts with long %s and a header with much in it stay within a row together', (_what, field) => {
  const part = (n: number) => `--b\r\n${field.replace('#', String(n))}\r\nX: y\r\n\r\nx\r\n`;
  const ids = Array.from({ length: 100 }, (_, n) => `<${'r'.repeat(480)}${n}>`).join(' ');
  const header = [
    `To: ${Array.from({ length: 3_000 }, (_, n) => `u${n}@away.example`).join(', ')}`,
    `Subject: ${'漢'.repeat(4_000)}`,
    `Thread-Topic: ${'漢'.repeat(4_000)}`,
    `References: ${ids}`,
    'Content-Type: multipart/mixed; boundary=b',
  ];
  const item = itemOf(
    `${header.join('\r\n')}\r\n\r\n--b\r\n\r\nHello\r\n${Array.from({ length: 900 }, (_, n) => part(n)).join('')}--b--\r\n`,
  );
  const { envelope, attachments, detail } = item;
  expect(Buffer.byteLength(JSON.stringify([envelope, attachments, detail]))).toBeLessThan(58 * 1024);
  expect([detail.text[0], detail.preview]).toEqual([0, expect.stringMatching(/^Hello/)]);
  expect(envelope.references[0]).toMatch(/^<r+0>$/);
});

import { isAscii } from 'node:buffer';
import { expect, test } from 'vitest';
import { deliveryStatusNotification } from './dsn.ts';
import { splitMessage } from './header-edit.ts';

const recipient = {
  address: 'bob@one.example',
  status: '5.1.1',
  text: '550 5.1.1 No',
  remote: 'mx.one.example',
};
const report = {
  action: 'failed',
  hostname: 'mx.ours.example',
  to: 'alice@ours.example',
  messageId: '<1@ours.example>',
  boundary: 'b',
  dateMs: 0,
  arrivalMs: 0,
  expiresMs: 0,
  recipients: [recipient],
  original: Buffer.from('Subject: Hello\r\n\r\nText\r\n'),
  isFull: false,
} as const;

test.each([
  ['nothing in it is', {}],
  ['the reply is', { recipients: [{ ...recipient, text: '550 Gr\u00fc\u00dfe' }] }],
  ['a recipient is', { recipients: [{ ...recipient, address: 'b\u00fcro@one.example' }] }],
  ['the header that comes back is', { original: Buffer.from('Subject: Gr\u00fc\u00dfe\r\n\r\n') }],
])('a report says that it holds bytes beyond ASCII: %s', (_what, more) => {
  const raw = deliveryStatusNotification({ ...report, ...more });
  const { fields } = splitMessage(raw);
  const encodings = fields.filter(({ name }) => name === 'content-transfer-encoding');
  expect(encodings.map(({ value }) => value.trim())).toEqual(isAscii(raw) ? [] : ['8bit']);
  if (isAscii(raw)) expect(raw.toString()).not.toContain('8bit');
});

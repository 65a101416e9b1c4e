import { expect, test } from 'vitest';
import { forwardAround } from './forward.ts';

const forward = {
  from: { name: 'Alice', address: 'alice@example.com' },
  to: ['bob@one.example'],
  subject: 'Hello',
  date: 0,
  messageId: '<1@example.com>',
  origin: '<0@one.example>',
  boundary: 'b',
  is8bit: true,
} as const;

test('an address that was delivered to before adds no field, whatever bytes its characters end with', () => {
  // U+4E0D and U+4E0A: their low bytes are CR and LF.
  const deliveredTo = ['x\u4e0d\u4e0afrom:ceo@example.com', 'j\u00fcrgen@example.com'];
  const { before } = forwardAround({ ...forward, deliveredTo });
  const lines = before.toString('utf8').split('\r\n');
  expect(lines.slice(0, 3)).toEqual([
    ...deliveredTo.map((address) => `Delivered-To: ${address}`),
    'From: "Alice" <alice@example.com>',
  ]);
});

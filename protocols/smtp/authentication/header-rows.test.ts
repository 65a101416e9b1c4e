import { parseHeaders } from 'mailauth/lib/tools.js';
import { expect, test } from 'vitest';
import { headerRows } from './header-rows.ts';

test.each([
  '',
  '\r\n',
  'Subject: one\r\n\r\n',
  'Subject: one\r\n two\r\n\tthree\r\nFrom: a@b.example\r\n\r\n',
  'no field\r\nSubject: one\r\nneither is this\r\nTo: x\r\n\r\n',
  'From\r\n : a@b.example\r\nTO :b\r\n\r\n',
  'From \r\n\t \r\n: a@b.example\r\nx\r\n:y\r\n\r\n',
  ' leading: fold\r\nGrüße: no name\r\nFrom: a@b.example',
  'a:\r\n:b\r\n::\r\nc\r\nd:e\r\n\r\n',
])('%j is read as mailauth reads it', (text) => {
  const bytes = Buffer.from(text);
  expect(headerRows(bytes)).toEqual(parseHeaders(bytes).parsed);
});

test('65,000 folded lines are read at once', () => {
  expect(headerRows(Buffer.from(`X: 1\r\n${' x\r\n'.repeat(65_000)}\r\n`))).toHaveLength(1);
});

test('200,000 blanks in what may be a name are read at once', () => {
  const rows = headerRows(Buffer.from(`x${' '.repeat(200_000)}y\r\nTo: z\r\n\r\n`));
  expect(rows.map(({ key }) => key.length)).toEqual([200_002, 2]);
});

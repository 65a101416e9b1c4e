import { expect, test } from 'vitest';
import { folderNameKey, isFolderName } from './folder.ts';

test.each(['a', 'Ω', '🗂'.repeat(256), ' a ', 'a/b', 'א', '\u200d'])('a folder may be called %j', (name) => {
  expect(isFolderName(name)).toBe(true);
});

test.each([
  '',
  ' ',
  '\u00a0',
  'x'.repeat(257),
  'a\0',
  'a\tb',
  'a\u001f',
  'a\u007f',
  'a\u009f',
  'a\ud800',
  'a\uffff',
])('a folder may not be called %j', (name) => {
  expect(isFolderName(name)).toBe(false);
});

test('names are one name in any case, composed or not, and whatever blanks stand around them', () => {
  expect(folderNameKey(' CAFÉ ')).toBe(folderNameKey('cafe\u0301'));
  expect(folderNameKey('a b')).not.toBe(folderNameKey('ab'));
});

import { expect, test } from 'vitest';
import { formatFields, formatTable } from './table.ts';

test('columns stand below each other whatever width the characters have', () => {
  const rows = [
    ['日本語', 1],
    ['e\u0301a', 2],
    ['한글 🙂', 3],
    ['plain', 4],
  ];
  expect(formatTable(['NAME', 'N'], rows)).toBe(
    ['NAME     N', '日本語   1', 'e\u0301a       2', '한글 🙂  3', 'plain    4', ''].join('\n'),
  );
});

test('what would steer the terminal, break the line or turn the text around is shown as one mark', () => {
  expect(formatFields({ Name: 'a\u001b[31mb\nc\r\td\u202ee\u2028f' })).toBe(
    'Name  a\u{fffd}[31mb\u{fffd}c\u{fffd}\u{fffd}d\u{fffd}e\u{fffd}f\n',
  );
});

test('what is absent has no line, and an empty cell in a table', () => {
  expect(formatFields({ A: undefined, B: null, C: '' })).toBe('C  \n');
  expect(formatTable(['A', 'B'], [[undefined, { x: 1 }]])).toBe('A  B\n   {"x":1}\n');
});

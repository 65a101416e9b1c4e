import { expect, test } from 'vitest';
import { unenriched } from './enriched.ts';

test.each([
  [
    'commands and parameters',
    '<bold>Now</bold> <color><param>red</param>is</color> the time',
    'Now is the time',
  ],
  ['a character that begins commands', 'a << b <<bold>', 'a < b <bold>'],
  ['line ends', 'one\r\nline\r\n\r\nsecond\r\n\r\n\r\nthird', 'one line\r\nsecond\r\n\r\nthird'],
  ['lines that are not filled', '<nofill>a\r\nb</nofill>\r\nc', 'a\r\nb c'],
  ['a parameter that never ends', 'a<param>b', 'a'],
  ['what is no command', 'a < b > c', 'a < b > c'],
])('text/enriched: %s', (_, text, expected) => {
  expect(unenriched(text)).toBe(expected);
});

test('hostile text/enriched takes no time', () => {
  expect(unenriched('<param>'.repeat(500_000))).toBe('');
  expect(unenriched('</param><<'.repeat(100_000))).toHaveLength(100_000);
});

import { expect, test } from 'vitest';
import { type CommandLine, CommandLines } from './command-lines.ts';

/** Every line of the chunks, as text; faults in brackets. */
function linesOf(chunks: readonly Buffer[], maxBytes = 20): readonly string[] {
  const lines = new CommandLines(maxBytes);
  const texts: string[] = [];
  for (const chunk of chunks) {
    lines.add(chunk);
    for (let next = lines.next(); next !== undefined; next = lines.next()) texts.push(textOf(next));
  }
  return texts;
}

const textOf = (line: CommandLine) => ('line' in line ? line.line.toString('latin1') : `[${line.fault}]`);

test.each<[string, readonly string[]]>([
  ['NOOP\r\nQUIT\r\n', ['NOOP', 'QUIT']],
  ['\r\n', ['']],
  ['NOOP\nQUIT\r\n', ['[line-end]', 'QUIT']],
  ['\nQUIT\r\n', ['[line-end]', 'QUIT']],
  ['NO\rOP\r\nQUIT\r\n', ['[line-end]', 'QUIT']],
  ['NOOP\r\r\nQUIT\r\n', ['[line-end]', 'QUIT']],
  [`${'x'.repeat(20)}\r\nQUIT\r\n`, ['x'.repeat(20), 'QUIT']],
  [`${'x'.repeat(21)}\r\nQUIT\r\n`, ['[too-long]', 'QUIT']],
  [`${'x'.repeat(500)}\r\nQUIT\r\n`, ['[too-long]', 'QUIT']],
  [`${'x'.repeat(500)}\nQUIT\r\n`, ['[too-long]', 'QUIT']],
])('%j is read however it is cut', (sent, expected) => {
  const bytes = Buffer.from(sent, 'latin1');
  expect(linesOf([...bytes].map((byte) => Buffer.of(byte)))).toEqual(expected);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(linesOf(chunks.filter(({ length }) => length > 0))).toEqual(expected);
  }
});

test('a NUL is told before the line ends', () => {
  expect(linesOf([Buffer.from([0x16, 0x03, 0x01, 0x00])])).toEqual(['[nul]']);
});

test('it knows what stands behind a line, and gives it away', () => {
  const lines = new CommandLines(100);
  lines.add(Buffer.from('DATA\r\nSubject'));
  expect(lines.next()).toEqual({ line: Buffer.from('DATA') });
  expect([lines.hasMore, lines.hasBegun]).toEqual([true, true]);
  expect(lines.takeRest().toString()).toBe('Subject');
  expect([lines.hasMore, lines.hasBegun]).toEqual([false, false]);
});

import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { Look, noTraits, type Traits } from './traits.ts';

function look(chunks: readonly Buffer[]): Traits {
  const traits = { ...noTraits };
  const look = new Look(traits);
  for (const chunk of chunks) look.write(chunk);
  look.end();
  return traits;
}

function inChunksOf(size: number, bytes: Buffer): readonly Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

const long = 'x'.repeat(998);

test.each<[string, string, Partial<Traits>]>([
  ['lines that end with CR LF are nothing', 'a\r\n\r\nb\r\n', {}],
  ['nor are 998 octets in a line', `a\r\n${long}\r\n${long}\r\n${long}`, {}],
  ['one more is a long line', `a\r\n${long}x\r\nb\r\n`, { hasLongLine: true }],
  ['also in the first line', `${long}x\r\nb\r\n`, { hasLongLine: true }],
  ['and in a last one without end', `a\r\n${long}x`, { hasLongLine: true }],
  ['a bare CR is no line end', `a\r${long}\r\n`, { hasBareLineEnd: true, hasLongLine: true }],
  ['a CR at the very end stands alone', 'a\r\nb\r', { hasBareLineEnd: true }],
  ['a bare LF', 'a\r\n\nb\r\n', { hasBareLineEnd: true }],
  ['a NUL', 'a\r\n\0\r\n', { hasNul: true }],
  ['a byte beyond ASCII', 'a\r\n\x80\r\n', { has8bit: true }],
])('%s', (_rule, text, expected) => {
  const bytes = Buffer.from(text, 'latin1');
  for (const size of [1, 2, 3, 7, 500, 999, 1_000, 1_001, 10_000]) {
    expect(look(inChunksOf(size, bytes)), `chunks of ${size}`).toEqual({ ...noTraits, ...expected });
  }
});

test('2,000 random messages have the traits that their bytes have', () => {
  let state = 20_260_102;
  const below = (count: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const rare = ['\r', '\n', '\0', '\xe4'];
  for (let n = 0; n < 2_000; n++) {
    const lines = Array.from({ length: below(12) }, () =>
      'y'.repeat(below(2) === 0 ? below(90) : 980 + below(20)),
    );
    const own = below(2) === 0 ? (rare[below(rare.length)] ?? '') : '';
    const at = below(lines.length + 1);
    const text =
      [...lines.slice(0, at), own, ...lines.slice(at)].join('\r\n') + (below(2) === 0 ? '\r\n' : '');
    const bytes = Buffer.from(text, 'latin1');
    const chunks = inChunksOf(1 + below(3_000), bytes);
    expect(look(chunks), JSON.stringify(text)).toEqual({
      has8bit: /[\x80-\xff]/.test(text),
      hasNul: text.includes('\0'),
      hasBareLineEnd: /\r(?!\n)|(?<!\r)\n/.test(text),
      hasLongLine: text.split('\n').some((line) => line.replaceAll('\r', '').length > 998),
    });
  }
});

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RelaxedBodyHash } from './dkim-body.ts';
import { countLineEnds } from './line-ends.ts';

/** RFC 6376 §3.4.4, rule by rule. */
function canonical(body: string): string {
  const lines = body
    .replace(/\r\n?|\n/g, '\r\n')
    .replace(/[ \t]+/g, ' ')
    .replace(/ (?=\r\n|$)/g, '')
    .replace(/(?:\r\n)+$/, '');
  return lines === '' ? '' : `${lines}\r\n`;
}

function hashed(body: Buffer, nextSize: () => number, isCounted = false): string {
  const hash = new RelaxedBodyHash();
  for (let at = 0; at < body.length; ) {
    const size = nextSize();
    // Chunks begin anywhere in memory.
    const moved = Buffer.alloc(size + 3).subarray(size % 4);
    const chunk = moved.subarray(0, body.copy(moved, 0, at, at + size));
    hash.update(chunk, isCounted ? countLineEnds(chunk) : undefined);
    at += size;
  }
  return hash.digest().toString('hex');
}

test('3,000 random bodies have the hash of their canonical form, whatever the chunks', () => {
  let state = 20_260_103;
  const below = (count: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const pieces = [
    'a',
    'x'.repeat(70),
    '\r\n',
    'word',
    '\r\n\r\n',
    '\xe4\xff',
    '\x01',
    ' ',
    '  ',
    '\t',
    ' \r\n',
    '\r',
    '\n',
  ];
  for (let n = 0; n < 3_000; n++) {
    const kinds = [5, 7, 9, pieces.length][n % 4] ?? 1;
    const text = Array.from({ length: below(80) }, () => pieces[below(kinds)]).join('');
    const sizes = below(2) === 0 ? 9 : 600;
    const body = Buffer.from(text, 'latin1');
    const expected = createHash('sha256')
      .update(Buffer.from(canonical(text), 'latin1'))
      .digest('hex');
    for (const isCounted of [false, true]) {
      expect(
        hashed(body, () => 1 + below(sizes), isCounted),
        JSON.stringify(text),
      ).toBe(expected);
    }
  }
});

test('more empty lines than are held at a time count if content follows', () => {
  const body = `a${'\r\n'.repeat(5_000)}b${'\r\n'.repeat(5_000)}`;
  const expected = createHash('sha256').update(canonical(body)).digest('hex');
  expect(hashed(Buffer.from(body), () => 1_000)).toBe(expected);
});

import { expect, test } from 'vitest';
import { ContentCheck } from './content-check.ts';

/** The fault of a message written in pieces of so many bytes. */
function faultOf(message: string, pieceBytes: number): string | undefined {
  const check = new ContentCheck();
  const bytes = Buffer.from(message);
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) check.write(bytes.subarray(at, at + pieceBytes));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'no error';
  }
}

test.each<[string, string | undefined]>([
  ['', undefined],
  ['a: b\r\n\r\nc\r\n', undefined],
  ['\r\n\r\n', undefined],
  ['\t\v\f ä\r\n', undefined],
  ['a\nb\r\n', 'bare LF'],
  ['\nb\r\n', 'bare LF'],
  ['a\r\n\nb\r\n', 'bare LF'],
  ['a\rb\r\n', 'bare CR'],
  ['a\r\r\n', 'bare CR'],
  ['a\0b\r\n', 'NUL'],
  [`\r\n${'x'.repeat(65_535)}\r\n`.repeat(2), undefined],
  [`\r\n${'x'.repeat(65_536)}\r\n`, 'line is too long'],
  [`a: b\r\n\r\n${'x'.repeat(65_537)}`, 'line is too long'],
  [`${'a: b\r\n'.repeat(43_690)}\r\n${'y\r\n'.repeat(9)}`, undefined],
  ['a: b\r\n'.repeat(43_691), 'header is too long'],
])('%.40j is found to have: %s', (message, fault) => {
  for (const pieceBytes of [1, 2, 3, 100]) {
    const found = faultOf(message, pieceBytes);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(fault);
  }
});

test.each([1, 7, 1_000])('Received fields are counted in the header only, in pieces of %d', (pieceBytes) => {
  const header = 'RECEIVED: a\r\n\treceived: folded\r\nX-Received: no\r\n'.repeat(50);
  expect(faultOf(`${header}\r\n${'Received: in the body\r\n'.repeat(99)}`, pieceBytes)).toBeUndefined();
  expect(faultOf(`${header}Received:\r\n\r\n`, pieceBytes)).toBe('Routing loop detected');
});

test('3,000 random messages in random pieces have the fault that their bytes have', () => {
  let state = 20_260_104;
  const below = (count: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const usual = ['a', ' .b', '\r\n', '\r\n.', 'c'.repeat(80), '\xe4', '\t'];
  const odd = ['\r', '\n', '\0'];
  for (let n = 0; n < 3_000; n++) {
    const pieces = Array.from({ length: below(60) }, () => usual[below(usual.length)] ?? '');
    if (n % 2 === 0) pieces.splice(below(pieces.length + 1), 0, odd[below(odd.length)] ?? '');
    // The end of the data is a whole CR LF: nothing else could end it.
    const bytes = Buffer.from(`${pieces.join('')}\r\n`, 'latin1');
    const expected = /\r(?!\n)|(?<!\r)\n|\0/.test(bytes.toString('latin1'));
    const check = new ContentCheck();
    let isFaulty = false;
    let lineFeeds = 0;
    try {
      for (let at = 0; at < bytes.length; ) {
        const piece = bytes.subarray(at, at + 1 + below(n % 3 === 0 ? 5 : 500));
        lineFeeds += check.write(piece).lineFeeds;
        at += piece.length;
      }
    } catch {
      isFaulty = true;
    }
    expect(isFaulty, JSON.stringify(bytes.toString('latin1'))).toBe(expected);
    if (!isFaulty) expect(lineFeeds).toBe(bytes.filter((byte) => byte === 0x0a).length);
  }
});

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

import { describe, expect, test } from 'vitest';
import { compressRtf, storedRtf } from '#test/support/tnef-writer';
import { decompressRtf } from './compressed-rtf.ts';

const most = 1024 * 1024;
const inflate = (data: Buffer) => decompressRtf(data, most)?.toString('latin1');

describe('compressed RTF', () => {
  // MS-OXRTFCP, Examples.
  test.each([
    [
      'with simple compression',
      '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
      '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
    ],
    [
      'with references that cross the write position',
      '1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0',
      '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}',
    ],
  ])('the example of the document %s', (_name, hex, text) => {
    expect(inflate(Buffer.from(hex, 'hex'))).toBe(text);
  });

  test('comes back as it was, longer than the dictionary too, and stored', () => {
    const text = `{\\rtf1 ${Array.from({ length: 3_000 }, (_, n) => `Line ${n}\\par\r\n`).join('')}}`;
    expect(inflate(compressRtf(text))).toBe(text);
    expect(inflate(storedRtf(text))).toBe(text);
  });

  test('that is cut off gives what is there; what is none gives nothing', () => {
    const data = compressRtf(`{\\rtf1 ${'abc '.repeat(50)}}`);
    for (let length = 0; length < data.length; length++) {
      const text = inflate(data.subarray(0, length));
      if (length < 16) expect(text).toBeUndefined();
      else expect('{\\rtf1 '.startsWith(text?.slice(0, 7) ?? 'x')).toBe(true);
    }
    expect(inflate(Buffer.alloc(64, 1))).toBeUndefined();
  });

  test('that says it is too long is not unpacked, and what lies takes no room', () => {
    expect(decompressRtf(compressRtf('{\\rtf1 x}', { rawSize: most + 1 }), most)).toBeUndefined();
    const lying = decompressRtf(compressRtf('{\\rtf1 x}', { rawSize: most }), most);
    expect(lying?.toString()).toBe('{\\rtf1 x}');
    expect(lying?.buffer.byteLength).toBeLessThan(most / 8);
  });
});

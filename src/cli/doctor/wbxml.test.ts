import { expect, test } from 'vitest';
import { decode, encode, find, node } from './wbxml.ts';

const root = { page: 14, token: 0x05 };
const inner = { page: 18, token: 0x16 };
const leaf = { page: 14, token: 0x0b };

test('a document comes back as it was written, over changes of the code page', () => {
  const document = node(root, [node(inner, [node(leaf, 'ä')]), node(leaf)]);
  const read = decode(encode(document));
  expect(read).toEqual(document);
  expect(find(read, inner, leaf)?.text).toBe('ä');
  expect(find(read, leaf, inner)).toBeUndefined();
});

test('opaque data is read as text', () => {
  expect(decode(Buffer.from([3, 1, 0x6a, 0, 0, 14, 0x4b, 0xc3, 2, 0x68, 0x69, 1])).text).toBe('hi');
});

test('every truncation, another header, endless depth and a length beyond the end are refused', () => {
  const bytes = encode(node(root, [node(inner, [node(leaf, 'text')])]));
  const refused = /no document of ActiveSync/;
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decode(bytes.subarray(0, length))).toThrow(refused);
  }
  expect(() => decode(Buffer.from('HTTP/1.1'))).toThrow(refused);
  expect(() => decode(Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(10_000, 0x45)]))).toThrow(refused);
  expect(() => decode(Buffer.from([3, 1, 0x6a, 0, 0x45, 0xc3, 0xff, 0xff, 0xff, 0x7f]))).toThrow(refused);
});

import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { plist } from './plist.ts';

test('a property list holds what was put in, and no text can leave its element', () => {
  const text = '</string><key>Evil & "co"</key>\u0001\u{1f600}';
  const written = plist({ 'a<b': text, list: [1, true, false], inner: { empty: '' } });
  const { plist: read } = new XMLParser({ htmlEntities: true }).parse(written);
  expect(read.dict.key).toEqual(['a<b', 'list', 'inner']);
  expect(read.dict.string).toBe('</string><key>Evil & "co"</key>\u{1f600}');
  expect(read.dict.array).toEqual({ integer: 1, true: '', false: '' });
  expect(read.dict.dict).toEqual({ key: 'empty', string: '' });
});

import { expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { recipientCacheFolder } from '#domain/recipient-cache';
import {
  collectionIdOf,
  fileReferenceOf,
  parseCollectionId,
  parseFileReference,
  parseServerId,
  serverIdOf,
} from './ids.ts';

const folder = 4294967294 as FolderId;
const item = Number.MAX_SAFE_INTEGER as ItemId;

test('ids are read back as they were written', () => {
  expect(parseCollectionId(collectionIdOf(folder))).toBe(folder);
  expect(parseServerId(serverIdOf(folder, item))).toEqual({ folder, item });
  for (const part of ['', '1', '2.1.3', 'TEXT', '2.TEXT']) {
    expect(parseFileReference(fileReferenceOf(folder, item, part))).toEqual({ folder, item, part });
  }
  expect(fileReferenceOf(folder, item, '2.1')).toMatch(/^[A-Za-z0-9:_.-]+$/);
});

test('RI is the recipient cache, and no number is', () => {
  expect(collectionIdOf(recipientCacheFolder)).toBe('RI');
  expect(parseServerId(serverIdOf(recipientCacheFolder, item))).toEqual({
    folder: recipientCacheFolder,
    item,
  });
});

test('a reference is known again when the client has escaped it', () => {
  for (const escaped of ['1%3A2%3a1.2', '1%253A2%253a1.2', '1%25253A2:1.2']) {
    expect(parseFileReference(escaped)).toEqual({ folder: 1, item: 2, part: '1.2' });
  }
});

test.each([
  '',
  '0',
  '-1',
  '+1',
  '01',
  '1.0',
  '1e3',
  ' 1',
  '4294967295',
  '4294967296',
  '99999999999999999999',
  'x',
])('no folder has the id "%s"', (text) => expect(parseCollectionId(text)).toBeUndefined());

test.each(['', '1', '1:', ':1', '1:0', '1:01', '1:2:3', '0:1', '1:9007199254740993', '1:x', '1: 2'])(
  'no item has the id "%s"',
  (text) => expect(parseServerId(text)).toBeUndefined(),
);

test.each(['', '1:2', '1:2:..', '1:2:1.', '1:2:/etc', '1:2:1:1', '1:2:TEXT.1', `1:2:${'1.'.repeat(300)}1`])(
  'no part has the reference "%s"',
  (text) => expect(parseFileReference(text)).toBeUndefined(),
);

import { expect, test } from 'vitest';
import type { Folder, FolderType } from '../folder.ts';
import type { FolderId } from '../ids.ts';
import { foldersToSearch } from './folders.ts';

const folder = (id: number, parent: number, type = 12): Folder => ({
  id: id as FolderId,
  parent: parent as FolderId,
  type: type as FolderType,
  name: `${id}`,
  created: 1,
  changed: 1,
});
const tree = [
  folder(1, 0, 2),
  folder(7, 0, 8),
  folder(20, 1),
  folder(21, 20),
  folder(22, 21),
  folder(23, 0),
  folder(24, 7),
];
const ask = (folders: readonly number[], deep = false) =>
  foldersToSearch(tree, { folders: folders as FolderId[], deep });

test('without a folder all folders of mail are searched', () => {
  expect(ask([])).toEqual([1, 20, 21, 22, 23, 24]);
});

test('a folder is searched alone, or with everything below it', () => {
  expect(ask([20])).toEqual([20]);
  expect(ask([20], true)).toEqual([20, 21, 22]);
  expect(ask([21, 20], true)).toEqual([20, 21, 22]);
  expect(ask([1], true)).toEqual([1, 20, 21, 22]);
});

test('a folder of other things holds no mail, but those below it may', () => {
  expect(ask([7])).toEqual([]);
  expect(ask([7], true)).toEqual([24]);
});

test('a folder that is not there is told of', () => {
  expect(ask([99])).toBeUndefined();
  expect(ask([1, 99], true)).toBeUndefined();
});

test('folders in a circle do not go round for ever', () => {
  const circle = [folder(30, 31), folder(31, 30)];
  expect(foldersToSearch(circle, { folders: [30 as FolderId], deep: true })).toEqual([30, 31]);
});

test('10,000 folders below each other are found', () => {
  const chain = Array.from({ length: 10_000 }, (_, n) => folder(n + 1, n));
  expect(foldersToSearch(chain, { folders: [1 as FolderId], deep: true })).toHaveLength(10_000);
});

/**
 * CreateCollection, DeleteCollection and MoveCollection: folders of mail, by parameters of the query and without a key.
 * No published document describes their answer: the tokens of code page 7 have a root Response for it, and it says the
 * statuses of FolderCreate, FolderDelete and FolderUpdate.
 */
import { FolderType } from '#domain/folder';
import { changeFolders } from '#domain/folder-commands';
import type { FolderId } from '#domain/ids';
import type { FolderCommand } from '#domain/sync-state';
import { defineCommand } from '../../command.ts';
import { collectionIdOf } from '../../ids.ts';
import type { RequestLine } from '../../request-line.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { answering, type StatusTable } from '../folder-changes/change.ts';
import { createStatuses } from '../folder-changes/folder-create.ts';
import { deleteStatuses } from '../folder-changes/folder-delete.ts';
import { updateStatuses } from '../folder-changes/folder-update.ts';
import { checkedName, folderOf, parentOf } from '../folder-changes/read.ts';
import { FolderChangeStatus } from '../folder-changes/status.ts';

/** CreateCollection: CollectionName below ParentId, or below the root. */
export const createCollection = defineCollectionCommand('CreateCollection', createStatuses, (line) => ({
  kind: 'create',
  parent: parentOf(line.parentId ?? '0'),
  name: checkedName(line.collectionName),
  type: FolderType.UserMail,
}));

/** DeleteCollection: the folder CollectionId, with all it holds. */
export const deleteCollection = defineCollectionCommand('DeleteCollection', deleteStatuses, (line) => ({
  kind: 'delete',
  folder: folderOf(line.collectionId ?? ''),
}));

/** MoveCollection: the folder CollectionId to ParentId, under the name CollectionName. */
export const moveCollection = defineCollectionCommand('MoveCollection', updateStatuses, (line) => ({
  kind: 'update',
  folder: folderOf(line.collectionId ?? ''),
  parent: parentOf(line.parentId ?? '0'),
  name: checkedName(line.collectionName),
}));

function defineCollectionCommand<const Name extends string>(
  name: Name,
  statuses: StatusTable,
  read: (line: RequestLine) => FolderCommand,
) {
  return defineCommand({
    name,
    code: undefined,
    until: '12.1',
    read: (_body, line) => read(line),
    readEmpty: read,
    run: (command, { mailbox }) => answering(statuses, () => changeFolders(mailbox, command)),
    write: (folder) => answer(folder),
  });
}

function answer(folder: FolderId): Element {
  const { Response, Status, Folder, ServerId } = FolderHierarchy;
  return el(
    Response,
    el(Status, FolderChangeStatus.Success),
    el(Folder, el(ServerId, collectionIdOf(folder))),
  );
}

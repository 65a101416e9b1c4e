import type { FolderCommand } from '#domain/sync-state';
import { defineCommand } from '../../command.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { el } from '../../wbxml/element.ts';
import { changeByKey, type StatusTable } from './change.ts';
import { readFolder, readKey } from './read.ts';
import { FolderChangeStatus } from './status.ts';

/** What FolderDelete answers to conditions of the domain. */
export const deleteStatuses: StatusTable = {
  'folder/not-found': FolderChangeStatus.NotFound,
  'folder/special': FolderChangeStatus.SystemFolder,
};

/** FolderDelete: deletes a folder and all it holds for good (MS-ASCMD, FolderDelete). */
export const folderDelete = defineCommand({
  name: 'FolderDelete',
  code: 11,
  read: (body) => {
    const key = readKey(body);
    const command: FolderCommand = { kind: 'delete', folder: readFolder(body) };
    return { key, command };
  },
  run: ({ key, command }, context) => changeByKey(key, command, context, deleteStatuses),
  write: ({ key }) =>
    el(
      FolderHierarchy.FolderDelete,
      el(FolderHierarchy.Status, FolderChangeStatus.Success),
      el(FolderHierarchy.SyncKey, key),
    ),
});

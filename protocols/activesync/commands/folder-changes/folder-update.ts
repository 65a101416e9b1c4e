import type { FolderCommand } from '#domain/sync-state';
import { defineCommand } from '../../command.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { el } from '../../wbxml/element.ts';
import { changeByKey, type StatusTable } from './change.ts';
import { readFolder, readKey, readName, readParent } from './read.ts';
import { FolderChangeStatus } from './status.ts';

/** What FolderUpdate answers to conditions of the domain. */
export const updateStatuses: StatusTable = {
  'folder/not-found': FolderChangeStatus.NotFound,
  'folder/special': FolderChangeStatus.NameInUse,
  'folder/name-in-use': FolderChangeStatus.NameInUse,
  'folder/parent-not-found': FolderChangeStatus.ParentNotFound,
};

/** FolderUpdate: moves a folder and gives it a name (MS-ASCMD, FolderUpdate). */
export const folderUpdate = defineCommand({
  name: 'FolderUpdate',
  code: 12,
  read: (body) => {
    const key = readKey(body);
    const name = readName(body);
    const folder = readFolder(body);
    const command: FolderCommand = { kind: 'update', folder, parent: readParent(body), name };
    return { key, command };
  },
  run: ({ key, command }, context) => changeByKey(key, command, context, updateStatuses),
  write: ({ key }) =>
    el(
      FolderHierarchy.FolderUpdate,
      el(FolderHierarchy.Status, FolderChangeStatus.Success),
      el(FolderHierarchy.SyncKey, key),
    ),
});

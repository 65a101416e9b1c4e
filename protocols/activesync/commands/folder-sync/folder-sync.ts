import { DomainError } from '#domain/errors';
import { type Folder, rootFolder } from '#domain/folder';
import { type HierarchyAnswer, syncHierarchy } from '#domain/hierarchy';
import { recipientCacheFolder } from '#domain/recipient-cache';
import { defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { collectionIdOf } from '../../ids.ts';
import { isAtLeast } from '../../protocol-version.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { type Element, el, textOf } from '../../wbxml/element.ts';
import { FolderSyncStatus } from './status.ts';

/** FolderSync: the folder tree, or what changed in it since a key (MS-ASCMD, FolderSync). */
export const folderSync = defineCommand({
  name: 'FolderSync',
  code: 9,
  quarantine: 'served',
  read: (body) => {
    const key = textOf(body, FolderHierarchy.SyncKey);
    if (key === undefined || key === '') throw new CommandError(FolderSyncStatus.Malformed, 'no SyncKey');
    return key;
  },
  run: async (key, { mailbox, device, services, version }) => {
    try {
      const asking = { id: device.id, readsRecipients: isAtLeast(version, '14.0') };
      return await syncHierarchy(mailbox, asking, key, services.random);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'sync/invalid-key') throw error;
      throw new CommandError(FolderSyncStatus.InvalidSyncKey, error.message, { cause: error });
    }
  },
  write: writeAnswer,
  startsOver: (key) => key === '0',
});

function writeAnswer({ key, added, updated, deleted, tellsRecipients }: HierarchyAnswer): Element {
  const { FolderSync, Status, SyncKey, Changes, Count, Update, Delete, Add, ServerId } = FolderHierarchy;
  return el(
    FolderSync,
    el(Status, FolderSyncStatus.Success),
    el(SyncKey, key),
    el(
      Changes,
      el(Count, added.length + updated.length + deleted.length + (tellsRecipients ? 1 : 0)),
      ...updated.map((folder) => writeFolder(Update, folder)),
      ...deleted.map((id) => el(Delete, el(ServerId, collectionIdOf(id)))),
      ...added.map((folder) => writeFolder(Add, folder)),
      tellsRecipients ? writeFolder(Add, recipientCache) : undefined,
    ),
  );
}

/** MS-ASCMD, Type: no folder of the mailbox, and none that anybody may change. */
const recipientCache = { id: recipientCacheFolder, parent: rootFolder, name: 'RecipientInfo', type: 19 };

type WrittenFolder = Pick<Folder, 'id' | 'parent' | 'name'> & { readonly type: number };

function writeFolder(tag: Tag, { id, parent, name, type }: WrittenFolder): Element {
  const { ServerId, ParentId, DisplayName, Type } = FolderHierarchy;
  return el(
    tag,
    el(ServerId, collectionIdOf(id)),
    el(ParentId, collectionIdOf(parent)),
    el(DisplayName, name),
    el(Type, type),
  );
}

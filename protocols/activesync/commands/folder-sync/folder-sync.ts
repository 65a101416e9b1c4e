import { DomainError } from '#domain/errors';
import { type Folder, rootFolder } from '#domain/folder';
import { type HierarchyAnswer, syncHierarchy } from '#domain/hierarchy';
import type { HierarchyStep } from '#domain/hierarchy-steps';
import type { Mailbox } from '#domain/mailbox';
import { isRecipientCacheName, recipientCacheFolder, recipientCacheName } from '#domain/recipient-cache';
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
      const answer = await syncHierarchy(mailbox, asking, key, services.random);
      return { ...answer, recipients: answer.tellsRecipients ? await recipientCacheOf(mailbox) : undefined };
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'sync/invalid-key') throw error;
      throw new CommandError(FolderSyncStatus.InvalidSyncKey, error.message, { cause: error });
    }
  },
  write: writeAnswer,
  startsOver: (key) => key === '0',
});

interface FolderSyncAnswer extends Pick<HierarchyAnswer, 'key' | 'steps'> {
  /** The recipient cache, where the device is to be told of it. */
  readonly recipients: WrittenFolder | undefined;
}

function writeAnswer({ key, steps, recipients }: FolderSyncAnswer): Element {
  const { FolderSync, Status, SyncKey, Changes, Count, Add } = FolderHierarchy;
  return el(
    FolderSync,
    el(Status, FolderSyncStatus.Success),
    el(SyncKey, key),
    el(
      Changes,
      el(Count, steps.length + (recipients === undefined ? 0 : 1)),
      ...steps.map(writeStep),
      recipients && writeFolder(Add, recipients),
    ),
  );
}

function writeStep(step: HierarchyStep): Element {
  const { Update, Delete, Add, ServerId } = FolderHierarchy;
  if (step.kind === 'delete') return el(Delete, el(ServerId, collectionIdOf(step.id)));
  return writeFolder(step.kind === 'add' ? Add : Update, step.folder);
}

type WrittenFolder = Pick<Folder, 'id' | 'parent' | 'name'> & { readonly type: number };

/** MS-ASCMD, Type: no folder of the mailbox, and none that anybody may change. An old folder may have its name. */
async function recipientCacheOf({ reader }: Mailbox): Promise<WrittenFolder> {
  const isTaken = (await reader.folders()).some(isRecipientCacheName);
  const name = isTaken ? 'Recipient Information Cache' : recipientCacheName;
  return { id: recipientCacheFolder, parent: rootFolder, name, type: 19 };
}

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

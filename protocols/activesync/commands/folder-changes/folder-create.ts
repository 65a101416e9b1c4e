import { FolderType } from '#domain/folder';
import type { FolderCommand } from '#domain/sync-state';
import { defineCommand } from '../../command.ts';
import { collectionIdOf } from '../../ids.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { type Element, el, integerOf } from '../../wbxml/element.ts';
import { changeByKey, type StatusTable } from './change.ts';
import { malformed, readKey, readName, readParent } from './read.ts';
import { FolderChangeStatus } from './status.ts';

/** What FolderCreate answers to conditions of the domain. */
export const createStatuses: StatusTable = {
  'folder/name-in-use': FolderChangeStatus.NameInUse,
  'folder/parent-not-found': FolderChangeStatus.ParentNotFound,
};

/** FolderCreate: makes a folder (MS-ASCMD, FolderCreate). */
export const folderCreate = defineCommand({
  name: 'FolderCreate',
  code: 10,
  read: (body) => {
    const key = readKey(body);
    const name = readName(body);
    const type = readType(body);
    const command: FolderCommand = { kind: 'create', parent: readParent(body), name, type };
    return { key, command };
  },
  run: ({ key, command }, context) => changeByKey(key, command, context, createStatuses),
  write: ({ key, folder }) =>
    el(
      FolderHierarchy.FolderCreate,
      el(FolderHierarchy.Status, FolderChangeStatus.Success),
      el(FolderHierarchy.SyncKey, key),
      el(FolderHierarchy.ServerId, collectionIdOf(folder)),
    ),
});

/** MS-ASCMD, Type (FolderCreate): the generic folder of type 1 is one for mail. */
function readType(body: Element): FolderType {
  const sent = integerOf(body, FolderHierarchy.Type);
  const { UserMail, UserCalendar, UserContacts, UserTasks, UserJournal, UserNotes } = FolderType;
  const type = [UserMail, UserCalendar, UserContacts, UserTasks, UserJournal, UserNotes].find(
    (one) => one === (sent === 1 ? UserMail : sent),
  );
  if (type === undefined) throw malformed('no type that a client may create');
  return type;
}

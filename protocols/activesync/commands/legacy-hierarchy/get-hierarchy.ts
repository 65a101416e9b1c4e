import { classOf, type Folder } from '#domain/folder';
import { parentsFirst } from '#domain/folder-tree';
import { defineCommand } from '../../command.ts';
import { collectionIdOf } from '../../ids.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { type Element, el } from '../../wbxml/element.ts';

/** GetHierarchy: every folder of mail, for clients older than FolderSync (MS-ASCMD, GetHierarchy). */
export const getHierarchy = defineCommand({
  name: 'GetHierarchy',
  code: undefined,
  until: '12.1',
  read: () => undefined,
  readEmpty: () => undefined,
  run: async (_request, { mailbox }) => {
    const folders = await mailbox.reader.folders();
    return parentsFirst(folders).filter(({ type }) => classOf(type) === 'Email');
  },
  write: (folders) => el(FolderHierarchy.Folders, ...folders.map(writeFolder)),
});

function writeFolder({ id, parent, name, type }: Folder): Element {
  const { DisplayName, ServerId, Type, ParentId } = FolderHierarchy;
  return el(
    FolderHierarchy.Folder,
    el(DisplayName, name),
    el(ServerId, collectionIdOf(id)),
    el(Type, type),
    el(ParentId, collectionIdOf(parent)),
  );
}

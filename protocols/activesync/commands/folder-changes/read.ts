import { isFolderName, rootFolder } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { CommandError } from '../../command-error.ts';
import { parseCollectionId, recipientCacheId } from '../../ids.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { FolderHierarchy } from '../../wbxml/code-pages/folder-hierarchy.ts';
import { type Element, textOf } from '../../wbxml/element.ts';
import { FolderChangeStatus } from './status.ts';

/** The key of the folder tree. Throws CommandError 10. */
export function readKey(body: Element): string {
  return required(body, FolderHierarchy.SyncKey);
}

/** The folder to change. Throws CommandError 3, 4, 10. */
export function readFolder(body: Element): FolderId {
  return folderOf(required(body, FolderHierarchy.ServerId));
}

/** The folder that an id names. Throws CommandError 3, 4. */
export function folderOf(id: string): FolderId {
  refuseCache(id);
  const folder = parseCollectionId(id);
  if (folder === undefined) throw new CommandError(FolderChangeStatus.NotFound, 'no such folder');
  return folder;
}

/** The folder to stand in, 0 for the root. Throws CommandError 3, 5, 10. */
export function readParent(body: Element): FolderId {
  return parentOf(required(body, FolderHierarchy.ParentId));
}

/** The folder that an id names as a parent. Throws CommandError 3, 5. */
export function parentOf(id: string): FolderId {
  if (id === '0') return rootFolder;
  refuseCache(id);
  const parent = parseCollectionId(id);
  if (parent === undefined) throw new CommandError(FolderChangeStatus.ParentNotFound, 'no such parent');
  return parent;
}

/** The name, as it is to be shown. Throws CommandError 10. */
export function readName(body: Element): string {
  return checkedName(textOf(body, FolderHierarchy.DisplayName));
}

/** A name that a folder may have. Throws CommandError 10. */
export function checkedName(name: string | undefined): string {
  if (name === undefined || !isFolderName(name)) throw malformed('no name that a folder may have');
  return name;
}

/** The answer of a request that is not what the schema says. */
export function malformed(what: string): CommandError {
  return new CommandError(FolderChangeStatus.Malformed, what);
}

function required(body: Element, tag: Tag): string {
  const text = textOf(body, tag)?.trim() ?? '';
  if (text === '') throw malformed(`no ${tag.name}`);
  return text;
}

function refuseCache(id: string): void {
  if (id === recipientCacheId)
    throw new CommandError(FolderChangeStatus.SystemFolder, 'the recipient information cache');
}

import type { ServableCommand } from '../command.ts';
import { folderSync } from './folder-sync/folder-sync.ts';
import { provision } from './provision/provision.ts';

/** The commands we serve. */
type CommandName = 'FolderSync' | 'Provision';

/** A row for each command; OPTIONS lists them in this order. */
export const commands: Readonly<Record<CommandName, ServableCommand>> = {
  FolderSync: folderSync,
  Provision: provision,
};

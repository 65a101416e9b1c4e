import type { ServableCommand } from '../command.ts';
import { folderSync } from './folder-sync/folder-sync.ts';
import { moveItems } from './move-items/move-items.ts';
import { provision } from './provision/provision.ts';
import { settings } from './settings/settings.ts';

/** The commands we serve. */
type CommandName = 'FolderSync' | 'MoveItems' | 'Provision' | 'Settings';

/** A row for each command; OPTIONS lists them in this order. */
export const commands: Readonly<Record<CommandName, ServableCommand>> = {
  FolderSync: folderSync,
  MoveItems: moveItems,
  Settings: settings,
  Provision: provision,
};

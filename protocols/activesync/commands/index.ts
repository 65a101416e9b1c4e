import type { ServableCommand } from '../command.ts';
import { find } from './find/find.ts';
import { folderCreate } from './folder-changes/folder-create.ts';
import { folderDelete } from './folder-changes/folder-delete.ts';
import { folderUpdate } from './folder-changes/folder-update.ts';
import { folderSync } from './folder-sync/folder-sync.ts';
import { getAttachment } from './get-attachment/get-attachment.ts';
import { getItemEstimate } from './get-item-estimate/get-item-estimate.ts';
import { itemOperations } from './item-operations/item-operations.ts';
import { createCollection, deleteCollection, moveCollection } from './legacy-hierarchy/collections.ts';
import { getHierarchy } from './legacy-hierarchy/get-hierarchy.ts';
import { meetingResponse } from './meeting-response/meeting-response.ts';
import { moveItems } from './move-items/move-items.ts';
import { ping } from './ping/ping.ts';
import { provision } from './provision/provision.ts';
import { resolveRecipients } from './resolve-recipients/resolve-recipients.ts';
import { search } from './search/search.ts';
import { sendMail } from './send-mail/send-mail.ts';
import { settings } from './settings/settings.ts';
import { smartForward, smartReply } from './smart-mail/smart-mail.ts';
import { sync } from './sync/sync.ts';
import { validateCert } from './validate-cert/validate-cert.ts';

/** The commands we serve. */
type CommandName =
  | 'Sync'
  | 'SendMail'
  | 'SmartForward'
  | 'SmartReply'
  | 'GetAttachment'
  | 'GetHierarchy'
  | 'CreateCollection'
  | 'DeleteCollection'
  | 'MoveCollection'
  | 'FolderSync'
  | 'FolderCreate'
  | 'FolderDelete'
  | 'FolderUpdate'
  | 'MoveItems'
  | 'GetItemEstimate'
  | 'MeetingResponse'
  | 'Search'
  | 'Settings'
  | 'Ping'
  | 'ItemOperations'
  | 'Provision'
  | 'ResolveRecipients'
  | 'ValidateCert'
  | 'Find';

/** A row for each command; OPTIONS lists them in this order. */
export const commands: Readonly<Record<CommandName, ServableCommand>> = {
  Sync: sync,
  SendMail: sendMail,
  SmartForward: smartForward,
  SmartReply: smartReply,
  GetAttachment: getAttachment,
  GetHierarchy: getHierarchy,
  CreateCollection: createCollection,
  DeleteCollection: deleteCollection,
  MoveCollection: moveCollection,
  FolderSync: folderSync,
  FolderCreate: folderCreate,
  FolderDelete: folderDelete,
  FolderUpdate: folderUpdate,
  MoveItems: moveItems,
  GetItemEstimate: getItemEstimate,
  MeetingResponse: meetingResponse,
  Search: search,
  Settings: settings,
  Ping: ping,
  ItemOperations: itemOperations,
  Provision: provision,
  ResolveRecipients: resolveRecipients,
  ValidateCert: validateCert,
  Find: find,
};

import type { Tag } from './wbxml/code-page.ts';
import { AirSync } from './wbxml/code-pages/air-sync.ts';
import { ComposeMail } from './wbxml/code-pages/compose-mail.ts';
import { Find } from './wbxml/code-pages/find.ts';
import { FolderHierarchy } from './wbxml/code-pages/folder-hierarchy.ts';
import { GetItemEstimate } from './wbxml/code-pages/get-item-estimate.ts';
import { ItemOperations } from './wbxml/code-pages/item-operations.ts';
import { MeetingResponse } from './wbxml/code-pages/meeting-response.ts';
import { Move } from './wbxml/code-pages/move.ts';
import { Ping } from './wbxml/code-pages/ping.ts';
import { Provision } from './wbxml/code-pages/provision.ts';
import { ResolveRecipients } from './wbxml/code-pages/resolve-recipients.ts';
import { Search } from './wbxml/code-pages/search.ts';
import { Settings } from './wbxml/code-pages/settings.ts';
import { ValidateCert } from './wbxml/code-pages/validate-cert.ts';
import { type Element, el } from './wbxml/element.ts';

/** The root and the status of each command that has a document, served or not: a refusal stands in them. */
const roots: Readonly<Record<string, readonly Tag[]>> = {
  Sync: [AirSync.Sync, AirSync.Status],
  SendMail: [ComposeMail.SendMail, ComposeMail.Status],
  SmartForward: [ComposeMail.SmartForward, ComposeMail.Status],
  SmartReply: [ComposeMail.SmartReply, ComposeMail.Status],
  CreateCollection: [FolderHierarchy.Response, FolderHierarchy.Status],
  DeleteCollection: [FolderHierarchy.Response, FolderHierarchy.Status],
  MoveCollection: [FolderHierarchy.Response, FolderHierarchy.Status],
  FolderSync: [FolderHierarchy.FolderSync, FolderHierarchy.Status],
  FolderCreate: [FolderHierarchy.FolderCreate, FolderHierarchy.Status],
  FolderDelete: [FolderHierarchy.FolderDelete, FolderHierarchy.Status],
  FolderUpdate: [FolderHierarchy.FolderUpdate, FolderHierarchy.Status],
  MoveItems: [Move.MoveItems, Move.Status],
  GetItemEstimate: [GetItemEstimate.GetItemEstimate, GetItemEstimate.Status],
  // MS-ASCMD, Status (MeetingResponse): it belongs into Result.
  MeetingResponse: [MeetingResponse.MeetingResponse, MeetingResponse.Result, MeetingResponse.Status],
  Search: [Search.Search, Search.Status],
  Settings: [Settings.Settings, Settings.Status],
  Ping: [Ping.Ping, Ping.Status],
  ItemOperations: [ItemOperations.ItemOperations, ItemOperations.Status],
  Provision: [Provision.Provision, Provision.Status],
  ResolveRecipients: [ResolveRecipients.ResolveRecipients, ResolveRecipients.Status],
  ValidateCert: [ValidateCert.ValidateCert, ValidateCert.Status],
  Find: [Find.Find, Find.Status],
};

/** The document that holds nothing but a command's status; undefined for a command without documents. */
export function statusDocument(command: string, status: number): Element | undefined {
  const tags = Object.hasOwn(roots, command) ? roots[command] : undefined;
  return tags?.reduceRight<Element | undefined>((inner, tag) => el(tag, inner ?? status), undefined);
}

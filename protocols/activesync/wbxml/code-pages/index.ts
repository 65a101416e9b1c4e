import type { CodePage, Tag } from '../code-page.ts';
import { AirNotify } from './air-notify.ts';
import { AirSync } from './air-sync.ts';
import { AirSyncBase } from './air-sync-base.ts';
import { Calendar } from './calendar.ts';
import { ComposeMail } from './compose-mail.ts';
import { Contacts } from './contacts.ts';
import { Contacts2 } from './contacts2.ts';
import { DocumentLibrary } from './document-library.ts';
import { Email } from './email.ts';
import { Email2 } from './email2.ts';
import { Find } from './find.ts';
import { FolderHierarchy } from './folder-hierarchy.ts';
import { GAL } from './gal.ts';
import { GetItemEstimate } from './get-item-estimate.ts';
import { ItemOperations } from './item-operations.ts';
import { MeetingResponse } from './meeting-response.ts';
import { Move } from './move.ts';
import { Notes } from './notes.ts';
import { Ping } from './ping.ts';
import { Provision } from './provision.ts';
import { ResolveRecipients } from './resolve-recipients.ts';
import { RightsManagement } from './rights-management.ts';
import { Search } from './search.ts';
import { Settings } from './settings.ts';
import { Tasks } from './tasks.ts';
import { ValidateCert } from './validate-cert.ts';

/** MS-ASWBXML, Code Pages: every page, at the index of its number. */
export const codePages: readonly CodePage[] = [
  AirSync,
  Contacts,
  Email,
  AirNotify,
  Calendar,
  Move,
  GetItemEstimate,
  FolderHierarchy,
  MeetingResponse,
  Tasks,
  ResolveRecipients,
  ValidateCert,
  Contacts2,
  Ping,
  Provision,
  Search,
  GAL,
  AirSyncBase,
  Settings,
  DocumentLibrary,
  ItemOperations,
  ComposeMail,
  Email2,
  Notes,
  RightsManagement,
  Find,
];

/** Tag tokens take six bits. */
const TOKENS = 64;

const tags: readonly (Tag | undefined)[] = codePages.flatMap((page) => {
  const byToken: (Tag | undefined)[] = Array.from({ length: TOKENS });
  for (const tag of Object.values(page)) byToken[tag.token] = tag;
  return byToken;
});

/** The tag of a page's token (0 to 63, without flags); undefined when the page or the token is not assigned. */
export function tagAt(page: number, token: number): Tag | undefined {
  return tags[page * TOKENS + token];
}

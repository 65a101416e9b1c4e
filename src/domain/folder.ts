import type { FolderId } from './ids.ts';

/** MS-ASCMD, Type (FolderSync): the default folders of a mailbox and what users make themselves. */
export const FolderType = {
  Inbox: 2,
  Drafts: 3,
  DeletedItems: 4,
  SentItems: 5,
  Outbox: 6,
  Tasks: 7,
  Calendar: 8,
  Contacts: 9,
  Notes: 10,
  Journal: 11,
  UserMail: 12,
  UserCalendar: 13,
  UserContacts: 14,
  UserTasks: 15,
  UserJournal: 16,
  UserNotes: 17,
} as const;
export type FolderType = (typeof FolderType)[keyof typeof FolderType];

/** The content class of a folder: what kind of item lives in it. */
export type ItemClass = 'Email' | 'Calendar' | 'Contacts' | 'Tasks' | 'Notes' | 'Journal';

export interface Folder {
  readonly id: FolderId;
  /** 0 is the root. */
  readonly parent: FolderId;
  readonly type: FolderType;
  readonly name: string;
  /** Sequence numbers of the transactions that made and last changed it. */
  readonly created: number;
  readonly changed: number;
}

export const rootFolder = 0 as FolderId;

/** A mailbox has so many folders at most, and none of them stands deeper: one below the root has the depth 1. */
export const maxFolders = 10_000;
export const maxFolderDepth = 30;
const maxFolderNameLength = 256;

/** Whether its owner made it, and may name, move and delete it. */
export function isUserFolder({ type }: Pick<Folder, 'type'>): boolean {
  return type >= FolderType.UserMail;
}

/** Whether a folder may be called so: 1 to 256 characters that every client can show, not all of them blank. */
export function isFolderName(name: string): boolean {
  return (
    name.trim() !== '' && [...name].length <= maxFolderNameLength && !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(name)
  );
}

/** Names with the same key are one name to a user: siblings differ in it. */
export function folderNameKey(name: string): string {
  return name.normalize('NFC').trim().toLowerCase();
}

const classes: Readonly<Record<FolderType, ItemClass>> = {
  2: 'Email',
  3: 'Email',
  4: 'Email',
  5: 'Email',
  6: 'Email',
  7: 'Tasks',
  8: 'Calendar',
  9: 'Contacts',
  10: 'Notes',
  11: 'Journal',
  12: 'Email',
  13: 'Calendar',
  14: 'Contacts',
  15: 'Tasks',
  16: 'Journal',
  17: 'Notes',
};

/** The class of item a folder of this type holds. */
export function classOf(type: FolderType): ItemClass {
  return classes[type];
}

/** The folder of mail that is put aside, known by its name: no folder type stands for it. */
export const junkName = 'Junk E-mail';

/**
 * What every new mailbox holds; the position is the folder's number.
 * iOS wants types 2, 4 and 5 before it lets anyone move or delete, Outlook 2 to 6, 8 and 9.
 */
export const defaultFolders: readonly { readonly type: FolderType; readonly name: string }[] = [
  { type: FolderType.Inbox, name: 'Inbox' },
  { type: FolderType.Drafts, name: 'Drafts' },
  { type: FolderType.DeletedItems, name: 'Deleted Items' },
  { type: FolderType.SentItems, name: 'Sent Items' },
  { type: FolderType.Outbox, name: 'Outbox' },
  { type: FolderType.UserMail, name: junkName },
  { type: FolderType.Calendar, name: 'Calendar' },
  { type: FolderType.Contacts, name: 'Contacts' },
  { type: FolderType.Tasks, name: 'Tasks' },
  { type: FolderType.Notes, name: 'Notes' },
];

/** The number of a default folder: the same in every mailbox. */
export function defaultFolder(type: FolderType): FolderId {
  return (defaultFolders.findIndex((folder) => folder.type === type) + 1) as FolderId;
}

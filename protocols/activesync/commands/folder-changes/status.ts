/** MS-ASCMD, Status (FolderCreate, FolderDelete, FolderUpdate): a number does not mean the same in each. */
export const FolderChangeStatus = {
  Success: 1,
  /** FolderCreate, FolderUpdate: the name is taken; FolderUpdate also: a special folder. */
  NameInUse: 2,
  /** FolderDelete: a special folder; all: the recipient information cache. */
  SystemFolder: 3,
  NotFound: 4,
  ParentNotFound: 5,
  InvalidSyncKey: 9,
  Malformed: 10,
} as const;
export type FolderChangeStatus = (typeof FolderChangeStatus)[keyof typeof FolderChangeStatus];

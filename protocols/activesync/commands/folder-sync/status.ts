/** MS-ASCMD, Status (FolderSync). */
export const FolderSyncStatus = { Success: 1, InvalidSyncKey: 9, Malformed: 10 } as const;

/** MS-ASCMD, Status (Sync). */
export const SyncStatus = {
  Success: 1,
  InvalidSyncKey: 3,
  ProtocolError: 4,
  ServerError: 5,
  ConversionError: 6,
  Conflict: 7,
  ObjectNotFound: 8,
  OutOfSpace: 9,
  FolderHierarchyChanged: 12,
  IncompleteRequest: 13,
  InvalidWait: 14,
  TooManyCollections: 15,
  Retry: 16,
} as const;
export type SyncStatus = (typeof SyncStatus)[keyof typeof SyncStatus];

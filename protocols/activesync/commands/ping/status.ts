/** MS-ASCMD, Status (Ping). */
export const PingStatus = {
  Expired: 1,
  Changes: 2,
  MissingParameters: 3,
  SyntaxError: 4,
  InvalidHeartbeat: 5,
  TooManyFolders: 6,
  FolderSyncNeeded: 7,
} as const;
export type PingStatus = (typeof PingStatus)[keyof typeof PingStatus];

/** MS-ASCMD, Status (Search): of the Store; in the root stand 1 and 3 only. */
export const SearchStatus = {
  Success: 1,
  InvalidRequest: 2,
  ServerError: 3,
  BadLink: 4,
  AccessDenied: 5,
  NotFound: 6,
  ConnectionFailed: 7,
  TooComplex: 8,
  TimedOut: 10,
  FolderSyncRequired: 11,
  EndOfRetrievableRange: 12,
  AccessBlocked: 13,
  CredentialsRequired: 14,
} as const;
export type SearchStatus = (typeof SearchStatus)[keyof typeof SearchStatus];

/** A search that cannot be done: its status stands in the Store. */
export class SearchError extends Error {
  override readonly name = 'SearchError';
  readonly status: SearchStatus;

  /** `message` goes to the log. */
  constructor(status: SearchStatus, message: string) {
    super(message);
    this.status = status;
  }
}

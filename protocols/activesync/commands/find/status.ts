/** MS-ASCMD, Status (Find): 3 stands in the root only, 4 in the Response only. */
export const FindStatus = {
  Success: 1,
  InvalidRequest: 2,
  FolderSyncRequired: 3,
  StartWithRangeZero: 4,
} as const;
export type FindStatus = (typeof FindStatus)[keyof typeof FindStatus];

/** A search that cannot be done. */
export class FindError extends Error {
  override readonly name = 'FindError';
  readonly status: FindStatus;

  /** `message` goes to the log. */
  constructor(status: FindStatus, message: string) {
    super(message);
    this.status = status;
  }
}

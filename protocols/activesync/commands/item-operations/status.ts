/** MS-ASCMD, Status (ItemOperations). */
export const ItemOperationsStatus = {
  Success: 1,
  ProtocolError: 2,
  ServerError: 3,
  NotFound: 6,
  InvalidRange: 8,
  UnknownStore: 9,
  TooLarge: 11,
  InvalidAttachment: 15,
  AccessDenied: 16,
} as const;
export type ItemOperationsStatus = (typeof ItemOperationsStatus)[keyof typeof ItemOperationsStatus];

/** An operation that cannot be done; the others of its request go on. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

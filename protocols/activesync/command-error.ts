/** A status for the whole command: it stands alone in the command's root (MS-ASCMD, Common Status Codes). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** One of the command's own, or a common one (101 and up), which is an HTTP status below 14.0. */
  readonly status: number;

  /** `message` goes to the log. */
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Why something sealed did not open: no such key, a wrong or changed row, or bytes that are no sealed value. */
type SealErrorCode = 'unknown-key' | 'not-authentic' | 'malformed';

/** A value, a wrapped key or a key itself that cannot be used. `unknown-key` is also what destroyed keys look like. */
export class SealError extends Error {
  override readonly name = 'SealError';
  readonly code: SealErrorCode;

  constructor(code: SealErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

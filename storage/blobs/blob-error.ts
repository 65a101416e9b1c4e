/** Why a blob cannot be read or written: no such file, a file that is not as it was written, a writer that is done. */
type BlobErrorCode = 'missing' | 'damaged' | 'writer-closed';

/** A large body that cannot be read or written. */
export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly code: BlobErrorCode;

  constructor(code: BlobErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

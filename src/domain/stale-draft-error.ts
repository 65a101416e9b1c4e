/** A draft was written on what is not there any more: to be written anew. */
export class StaleDraftError extends Error {
  override readonly name = 'StaleDraftError';
}

import { DomainError } from '#domain/errors';

const KIB = 1024;
/** Of a photo: what a phone may ask for at most (MS-ASCMD, MaxSize). */
const maxPhotoBytes = 100 * KIB;

const signatures = [
  ['image/jpeg', Buffer.of(0xff, 0xd8, 0xff)],
  ['image/png', Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
] as const;

/** photoType tells what kind of picture it is, by its first bytes. Throws DomainError request/invalid for none we keep. */
export function photoType(photo: Uint8Array): 'image/jpeg' | 'image/png' {
  const found = signatures.find(([, bytes]) => bytes.equals(photo.subarray(0, bytes.length)));
  if (found === undefined) throw new DomainError('request/invalid', 'The photo must be a JPEG or a PNG.');
  return found[0];
}

/** checkPhoto throws DomainError request/invalid for what is too large or no picture. */
export function checkPhoto(photo: Uint8Array): void {
  if (photo.length > maxPhotoBytes) {
    throw new DomainError('request/invalid', `The photo must have at most ${maxPhotoBytes / KIB} KiB.`);
  }
  photoType(photo);
}

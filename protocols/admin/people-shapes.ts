import { closedStructure as structure } from './closed-structure.ts';
import type { Shape } from './shape.ts';

/** Who is meant. */
const user = { OrganizationId: 'OrganizationId', UserId: 'EntityIdentifier' } as const;
const whose = ['OrganizationId', 'UserId'] as const;

/** peopleShapes describe the photos and certificates of users; bytes are base64. */
export const peopleShapes: Readonly<Record<string, Shape>> = {
  UserRequest: structure(user, whose),
  // 100 KiB and a little: what is too large is told in bytes.
  Photo: { type: 'string', min: 1, max: 200_000, sensitive: true },
  PutUserPhotoRequest: structure({ ...user, Photo: 'Photo' }, [...whose, 'Photo']),
  Certificate: { type: 'string', min: 1, max: 20_000, sensitive: true },
  Certificates: { type: 'list', member: { shape: 'Certificate' }, max: 20 },
  PutUserCertificatesRequest: structure({ ...user, Certificates: 'Certificates' }, [
    ...whose,
    'Certificates',
  ]),
  Fingerprint: { type: 'string', min: 64, max: 64, pattern: '^[0-9a-f]{64}$' },
  DeleteUserCertificateRequest: structure({ ...user, Fingerprint: 'Fingerprint' }, [...whose, 'Fingerprint']),
};

/** peopleOperations are the operations on them. */
export const peopleOperations = {
  GetUserPhoto: { input: { shape: 'UserRequest' } },
  PutUserPhoto: { input: { shape: 'PutUserPhotoRequest' } },
  DeleteUserPhoto: { input: { shape: 'UserRequest' } },
  ListUserCertificates: { input: { shape: 'UserRequest' } },
  PutUserCertificates: { input: { shape: 'PutUserCertificatesRequest' } },
  DeleteUserCertificate: { input: { shape: 'DeleteUserCertificateRequest' } },
} as const;

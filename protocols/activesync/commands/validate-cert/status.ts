import type { CertificateVerdict } from '#domain/smime/validator';

/** MS-ASCMD, Status (ValidateCert): of the root 1, 2, 17; of a Certificate all but 2. */
export const ValidateCertStatus = {
  Success: 1,
  ProtocolError: 2,
  InvalidSignature: 3,
  Untrusted: 4,
  InvalidChain: 5,
  NotForSigningMail: 6,
  Expired: 7,
  InconsistentTimes: 8,
  ChainMisused: 9,
  InformationMissing: 10,
  Misused: 11,
  AddressMismatch: 12,
  Revoked: 13,
  ServerOffline: 14,
  ChainRevoked: 15,
  RevocationUnknown: 16,
  ServerError: 17,
} as const;
export type ValidateCertStatus = (typeof ValidateCertStatus)[keyof typeof ValidateCertStatus];

/** What each verdict is told as. AddressMismatch is none: a request names no address to compare. */
export const statusByVerdict: Readonly<Record<CertificateVerdict, ValidateCertStatus>> = {
  valid: ValidateCertStatus.Success,
  malformed: ValidateCertStatus.InvalidChain,
  'signature-invalid': ValidateCertStatus.InvalidSignature,
  untrusted: ValidateCertStatus.Untrusted,
  'not-for-signing': ValidateCertStatus.NotForSigningMail,
  expired: ValidateCertStatus.Expired,
  'chain-times': ValidateCertStatus.InconsistentTimes,
  'chain-misused': ValidateCertStatus.ChainMisused,
  incomplete: ValidateCertStatus.InformationMissing,
  misused: ValidateCertStatus.Misused,
  revoked: ValidateCertStatus.Revoked,
  'chain-revoked': ValidateCertStatus.ChainRevoked,
  unreachable: ValidateCertStatus.ServerOffline,
  'revocation-unknown': ValidateCertStatus.RevocationUnknown,
};

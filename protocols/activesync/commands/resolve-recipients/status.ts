/** MS-ASCMD, Status (ResolveRecipients): of the root 1, 5, 6; of a Response 1 to 4; of Certificates 1, 7, 8. */
export const ResolveRecipientsStatus = {
  Success: 1,
  Ambiguous: 2,
  AmbiguousPartly: 3,
  NotResolved: 4,
  ProtocolError: 5,
  ServerError: 6,
  NoValidCertificate: 7,
  CertificateLimitReached: 8,
} as const;
export type ResolveRecipientsStatus = (typeof ResolveRecipientsStatus)[keyof typeof ResolveRecipientsStatus];

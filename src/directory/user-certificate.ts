import { DomainError } from '#domain/errors';
import { Certificate } from '#domain/smime/certificate';
import { DerError } from '#domain/smime/der';
import { canonicalAddress } from './canonical-name.ts';
import type { User } from './user.ts';

const KIB = 1024;
/** Of one user; all of them stand in one row. */
const maxCertificates = 5;
const maxCertificateBytes = 8 * KIB;

/** UserCertificate is an S/MIME certificate of a user as an administrator sees it. */
export interface UserCertificate {
  /** SHA-256 of the DER, in lower-case hexadecimal digits. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly addresses: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly der: Uint8Array;
}

/**
 * userCertificates reads the certificates that a user is to have, each once. Throws DomainError request/invalid for what
 * is no certificate, not for mail, expired or somebody else's, and limit/exceeded.
 */
export function userCertificates(
  user: User,
  given: readonly Uint8Array[],
  nowMs: number,
): readonly UserCertificate[] {
  const read = new Map<string, UserCertificate>();
  for (const [place, der] of given.entries()) {
    const certificate = certificateFor(user, der, `Certificate ${place + 1}`, nowMs);
    read.set(certificate.fingerprint, certificate);
  }
  if (read.size > maxCertificates) {
    throw new DomainError('limit/exceeded', `A user may have ${maxCertificates} certificates.`);
  }
  return [...read.values()];
}

/** describeCertificate tells what is in a certificate that was checked before. */
export function describeCertificate(der: Uint8Array): UserCertificate {
  const { x509, fingerprint, addresses, notBeforeMs, notAfterMs } = new Certificate(der);
  const { subject, issuer, serialNumber } = x509;
  const ofLine = (name: string | undefined) => (name ?? '').replaceAll('\n', ', ');
  return {
    fingerprint,
    subject: ofLine(subject),
    issuer: ofLine(issuer),
    serialNumber,
    addresses,
    notBeforeMs,
    notAfterMs,
    der,
  };
}

/** isInForce tells whether a stored certificate may be used at a time. */
export function isInForce(der: Uint8Array, nowMs: number): boolean {
  const { notBeforeMs, notAfterMs } = new Certificate(der);
  return notBeforeMs <= nowMs && nowMs <= notAfterMs;
}

function certificateFor(user: User, der: Uint8Array, what: string, nowMs: number): UserCertificate {
  try {
    return checked(user, der, what, nowMs);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new DomainError('request/invalid', `${what} is no X.509 certificate in DER.`, { cause });
  }
}

/** Throws DomainError request/invalid, DerError. */
function checked(user: User, der: Uint8Array, what: string, nowMs: number): UserCertificate {
  if (der.length > maxCertificateBytes) {
    throw invalid(`${what} must have at most ${maxCertificateBytes / KIB} KiB.`);
  }
  const certificate = new Certificate(der);
  if (certificate.isAuthority) throw invalid(`${what} is an authority's.`);
  if (!certificate.isForMail) throw invalid(`${what} is not for mail (extended key usage emailProtection).`);
  if (certificate.notAfterMs < nowMs) throw invalid(`${what} has expired.`);
  const isOurs = certificate.addresses.some((address) => user.addresses.includes(canonicalAddress(address)));
  if (!isOurs) throw invalid(`${what} names no address of the user.`);
  return describeCertificate(der);
}

function invalid(message: string): DomainError {
  return new DomainError('request/invalid', message);
}

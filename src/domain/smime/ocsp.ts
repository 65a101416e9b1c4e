/** OCSP (RFC 6960): what an issuer's responder says of one certificate now. */
import { createHash } from 'node:crypto';
import { Certificate } from './certificate.ts';
import {
  childrenOf,
  contextTag,
  type DerElement,
  DerTag,
  elementAt,
  encoded,
  expected,
  oidOf,
  timeOf,
} from './der.ts';
import { isSignedBy, readSigned, type Signed } from './signature.ts';

const basicResponse = '1.3.6.1.5.5.7.48.1.1';
/** AlgorithmIdentifier of SHA-1: what every responder knows a certificate by. */
const sha1 = Buffer.from('300906052b0e03021a0500', 'hex');
const successful = 0;
/** RFC 6960 §4.2.1, CertStatus. */
const CertStatus = {
  good: contextTag(0, 'primitive'),
  revoked: contextTag(1),
} as const;

/** An answer without nextUpdate counts so long. */
const freshMs = 24 * 60 * 60 * 1000;

/** What a responder has said. */
export interface OcspAnswer {
  readonly isRevoked: boolean;
  /** Until when it counts. */
  readonly untilMs: number;
}

/** ocspRequest asks of one certificate, in DER. */
export function ocspRequest(certificate: Certificate, issuer: Certificate): Uint8Array {
  const { nameHash, keyHash } = idOf(certificate, issuer);
  const id = encoded(
    DerTag.Sequence,
    sha1,
    encoded(DerTag.OctetString, nameHash),
    encoded(DerTag.OctetString, keyHash),
    encoded(DerTag.Integer, certificate.serialNumber),
  );
  // OCSPRequest, TBSRequest, requestList, Request.
  return [1, 2, 3, 4].reduce((inner) => encoded(DerTag.Sequence, inner), id);
}

/**
 * readOcspAnswer gives what a response says of a certificate; undefined if that is nothing: another one is meant, the
 * responder does not know, the time is over, or somebody has signed who may not. Throws DerError.
 */
export function readOcspAnswer(
  der: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  nowMs: number,
): OcspAnswer | undefined {
  const [status, bytes] = childrenOf(elementAt(der));
  if (expected(status, DerTag.Enumerated).content[0] !== successful || bytes === undefined) return undefined;
  const [type, value] = childrenOf(elementAt(bytes.content));
  if (oidOf(type) !== basicResponse) return undefined;
  const basic = readSigned(expected(value, DerTag.OctetString).content);
  if (!isByResponder(basic, issuer, nowMs)) return undefined;
  const responses = childrenOf(basic.signed).find(({ tag }) => tag === DerTag.Sequence);
  for (const single of childrenOf(responses)) {
    const answer = answerOf(childrenOf(single), certificate, issuer, nowMs);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function answerOf(
  [id, status, thisUpdate, ...rest]: readonly DerElement[],
  certificate: Certificate,
  issuer: Certificate,
  nowMs: number,
): OcspAnswer | undefined {
  const [algorithm, name, key, serial] = childrenOf(id);
  const { nameHash, keyHash } = idOf(certificate, issuer);
  const isMeant =
    oidOf(childrenOf(algorithm)[0]) === oidOf(childrenOf(elementAt(sha1))[0]) &&
    isSame(name, nameHash) &&
    isSame(key, keyHash) &&
    isSame(serial, certificate.serialNumber);
  if (!isMeant) return undefined;
  const from = timeOf(thisUpdate);
  const next = rest.find(({ tag }) => tag === contextTag(0));
  const untilMs = next === undefined ? from + freshMs : timeOf(elementAt(next.content));
  if (from > nowMs || untilMs < nowMs) return undefined;
  if (status?.tag === CertStatus.good) return { isRevoked: false, untilMs };
  return status?.tag === CertStatus.revoked ? { isRevoked: true, untilMs } : undefined;
}

/** RFC 6960 §4.2.2.2: the issuer itself, or whom it has given a certificate for that. */
function isByResponder(basic: Signed, issuer: Certificate, nowMs: number): boolean {
  if (isSignedBy(basic, issuer.x509.publicKey)) return true;
  const given = basic.rest.find(({ tag }) => tag === contextTag(0));
  for (const element of given === undefined ? [] : childrenOf(elementAt(given.content))) {
    const responder = new Certificate(element.whole);
    const isDelegate =
      responder.signsOcsp &&
      responder.notBeforeMs <= nowMs &&
      responder.notAfterMs >= nowMs &&
      Buffer.compare(responder.issuer, issuer.subject) === 0 &&
      responder.x509.verify(issuer.x509.publicKey);
    if (isDelegate && isSignedBy(basic, responder.x509.publicKey)) return true;
  }
  return false;
}

function idOf(certificate: Certificate, issuer: Certificate): { nameHash: Buffer; keyHash: Buffer } {
  const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest();
  return { nameHash: digest(certificate.issuer), keyHash: digest(issuer.publicKeyBits) };
}

function isSame(element: DerElement | undefined, bytes: Uint8Array): boolean {
  return element !== undefined && Buffer.compare(element.content, bytes) === 0;
}

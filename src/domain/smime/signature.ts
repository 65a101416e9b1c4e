import { constants, type KeyObject, verify } from 'node:crypto';
import { bitsOf, childrenOf, contextTag, type DerElement, DerTag, elementAt, oidOf } from './der.ts';

/** RFC 5754, RFC 5758, RFC 8410: the digest of each, null where the algorithm has its own. SHA-1 proves nothing any more. */
const digests: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
  '1.3.101.113': null,
};

/** RFC 4055 §3.1, RSASSA-PSS, and the digests it may name. */
const rsaPss = '1.2.840.113549.1.1.10';
const pssDigests: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** A structure that is signed: SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING, ... }. */
export interface Signed {
  readonly signed: DerElement;
  readonly algorithm: DerElement;
  readonly signature: DerElement;
  /** What follows. */
  readonly rest: readonly DerElement[];
}

/** readSigned takes a signed structure apart. Throws DerError. */
export function readSigned(der: Uint8Array): Signed {
  const [signed, algorithm, signature, ...rest] = childrenOf(elementAt(der));
  // The bytes are read now, so that what is broken is known before it is believed.
  bitsOf(signature);
  childrenOf(signed);
  childrenOf(algorithm);
  return { signed, algorithm, signature, rest } as Signed;
}

/** isSignedBy tells whether a key has made the signature. False also for an algorithm we do not believe. */
export function isSignedBy({ signed, algorithm, signature }: Signed, key: KeyObject): boolean {
  const [id, parameters] = childrenOf(algorithm);
  const oid = oidOf(id);
  const bits = bitsOf(signature);
  try {
    if (oid === rsaPss) {
      const digest = pssDigests[pssDigestOf(parameters)];
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const pss = { key, padding, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
      return digest !== undefined && verify(digest, signed.whole, pss, bits);
    }
    const digest = Object.hasOwn(digests, oid) ? digests[oid] : undefined;
    return digest !== undefined && verify(digest, signed.whole, key, bits);
  } catch {
    // A key of another kind than the algorithm, or a signature that is none.
    return false;
  }
}

/** RSASSA-PSS-params: [0] holds the digest's AlgorithmIdentifier; '' for SHA-1, which is the default. */
function pssDigestOf(parameters: DerElement | undefined): string {
  if (parameters?.tag !== DerTag.Sequence) return '';
  const hash = childrenOf(parameters).find(({ tag }) => tag === contextTag(0));
  return hash === undefined ? '' : oidOf(childrenOf(elementAt(hash.content))[0]);
}

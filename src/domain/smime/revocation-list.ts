import type { Certificate } from './certificate.ts';
import {
  childrenOf,
  contextTag,
  type DerElement,
  DerTag,
  elementAt,
  elementsIn,
  oidOf,
  timeOf,
} from './der.ts';
import { isSignedBy, readSigned, type Signed } from './signature.ts';

const issuingDistributionPoint = '2.5.29.28';
/** RFC 5280 §5.2.5: what a list may be limited to. */
const OnlyContains = {
  userCertificates: contextTag(1, 'primitive'),
  authorities: contextTag(2, 'primitive'),
};
const fullName = contextTag(0);

/** RevocationList is a CRL (RFC 5280 §5): which certificates of an issuer are revoked. */
export class RevocationList {
  readonly thisUpdateMs: number;
  /** Undefined: it does not say until when it counts. */
  readonly nextUpdateMs: number | undefined;
  readonly #whole: Signed;
  readonly #issuer: DerElement;
  /** SEQUENCE OF entries; undefined when nobody is revoked. */
  readonly #revoked: DerElement | undefined;
  readonly #limits: readonly number[];
  readonly #hasUnknownCritical: boolean;
  /** By the fingerprint of the issuer's certificate: hashing a large list takes its time. */
  readonly #signedBy = new Map<string, boolean>();

  /** Reads DER. Throws DerError. */
  constructor(der: Uint8Array) {
    this.#whole = readSigned(der);
    const all = childrenOf(this.#whole.signed);
    const fields = all[0]?.tag === DerTag.Integer ? all.slice(1) : all;
    const [, issuer, thisUpdate, ...rest] = fields;
    this.#issuer = issuer ?? elementAt(new Uint8Array());
    this.thisUpdateMs = timeOf(thisUpdate);
    const next = rest.find(({ tag }) => tag === DerTag.UtcTime || tag === DerTag.GeneralizedTime);
    this.nextUpdateMs = next && timeOf(next);
    this.#revoked = rest.find(({ tag }) => tag === DerTag.Sequence);
    const extensions = rest.find(({ tag }) => tag === contextTag(0));
    const { limits, hasUnknownCritical } = readExtensions(extensions);
    this.#limits = limits;
    this.#hasUnknownCritical = hasUnknownCritical;
  }

  /**
   * Whether the certificate is revoked; undefined if this list does not tell: it is not the issuer's, does not count at this
   * time, is a part that is about others, or holds what we do not understand.
   */
  tells(certificate: Certificate, issuer: Certificate, nowMs: number): boolean | undefined {
    const isInForce = this.thisUpdateMs <= nowMs && (this.nextUpdateMs ?? 0) >= nowMs;
    const isOfIssuer = Buffer.compare(this.#issuer.whole, certificate.issuer) === 0;
    if (!isInForce || !isOfIssuer || this.#hasUnknownCritical) return undefined;
    if (!this.#isAbout(certificate) || !this.#isSignedBy(issuer)) return undefined;
    return this.#holds(certificate.serialNumber);
  }

  #isAbout(certificate: Certificate): boolean {
    const own = certificate.isAuthority ? OnlyContains.authorities : OnlyContains.userCertificates;
    return this.#limits.every((limit) => limit === own || limit === fullName);
  }

  #isSignedBy(issuer: Certificate): boolean {
    const known = this.#signedBy.get(issuer.fingerprint);
    if (known !== undefined) return known;
    const isSigned = issuer.signsRevocationLists && isSignedBy(this.#whole, issuer.x509.publicKey);
    this.#signedBy.set(issuer.fingerprint, isSigned);
    return isSigned;
  }

  #holds(serialNumber: Uint8Array): boolean {
    if (this.#revoked === undefined) return false;
    const { content: entries } = this.#revoked;
    // Lists may have a hundred thousand entries, and nearly always this number is nowhere in them.
    const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength);
    if (!bytes.includes(Buffer.from(serialNumber))) return false;
    for (const entry of elementsIn(entries)) {
      const { tag, content } = elementAt(entry.content);
      if (tag === DerTag.Integer && Buffer.compare(content, serialNumber) === 0) return true;
    }
    return false;
  }
}

/** The tags that limit what the list is about, and whether something is critical that we do not understand. */
function readExtensions(wrapped: DerElement | undefined): {
  readonly limits: readonly number[];
  readonly hasUnknownCritical: boolean;
} {
  let limits: readonly number[] = [];
  let hasUnknownCritical = false;
  for (const extension of wrapped === undefined ? [] : childrenOf(elementAt(wrapped.content))) {
    const [id, ...rest] = childrenOf(extension);
    const isCritical = rest[0]?.tag === DerTag.Boolean && rest[0].content[0] !== 0;
    const value = rest.find(({ tag }) => tag === DerTag.OctetString);
    if (oidOf(id) === issuingDistributionPoint && value !== undefined) {
      limits = childrenOf(elementAt(value.content)).map(({ tag }) => tag);
    } else if (isCritical) hasUnknownCritical = true;
  }
  return { limits, hasUnknownCritical };
}

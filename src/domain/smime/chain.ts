import type { KeyObject } from 'node:crypto';
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Certificate } from './certificate.ts';

/** What is wrong with a chain, as far as it goes without asking anybody. */
export type ChainFault =
  /** The authority at its end is not trusted, or not known. */
  | 'untrusted'
  /** A signature in it was not made by who is named as the issuer. */
  | 'signature'
  /** An authority in it is not valid at this time. */
  | 'times'
  /** Somebody in it has signed a certificate who may not. */
  | 'misused'
  /** It cannot be followed within reason. */
  | 'broken';

/** The certificate, its issuer, that one's issuer, up to a trusted one; or the fault of the chain that came furthest. */
type Chain = { readonly certificates: readonly Certificate[] } | { readonly fault: ChainFault };

const maxLength = 10;
/** Of one certificate; chains that are made to be followed for ever end here. */
const maxSteps = 500;
/** Of keys: what one verification may cost. Authorities have RSA keys of 2048 to 4096 bits, and the exponent 65537. */
const maxRsaBits = 8192;
const maxExponent = 0xffff_ffffn;
const maxDsaBits = 3072;

/** Authorities known by the names of their subjects. */
export class Authorities {
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #fingerprints = new Set<string>();

  constructor(certificates: Iterable<Certificate>) {
    for (const certificate of certificates) {
      if (this.#fingerprints.has(certificate.fingerprint)) continue;
      this.#fingerprints.add(certificate.fingerprint);
      const name = certificate.x509.subject ?? '';
      const others = this.#bySubject.get(name);
      if (others === undefined) this.#bySubject.set(name, [certificate]);
      else others.push(certificate);
    }
  }

  has({ fingerprint }: Certificate): boolean {
    return this.#fingerprints.has(fingerprint);
  }

  /** Those named as the issuer of a certificate. */
  issuersOf({ x509 }: Certificate): readonly Certificate[] {
    return this.#bySubject.get(x509.issuer ?? '') ?? [];
  }
}

/** ChainBuilder follows certificates of one request to trusted authorities (RFC 5280 §6.1); signatures are verified once. */
export class ChainBuilder {
  readonly #given: Authorities;
  readonly #trusted: Authorities;
  readonly #nowMs: number;
  readonly #verified = new Map<string, boolean>();
  /** Of one request. */
  #verificationsLeft = 1000;
  #stepsLeft = 0;

  constructor(given: Iterable<Certificate>, trusted: Authorities, nowMs: number) {
    this.#given = new Authorities(given);
    this.#trusted = trusted;
    this.#nowMs = nowMs;
  }

  /** Others have their turn while it goes on. */
  build(certificate: Certificate): Promise<Chain> {
    this.#stepsLeft = maxSteps;
    return this.#follow([certificate]);
  }

  /** `path` ends with the certificate whose issuer is looked for. */
  async #follow(path: readonly Certificate[]): Promise<Chain> {
    const last = path.at(-1);
    if (last === undefined || path.length > maxLength) return { fault: 'broken' };
    if (this.#trusted.has(last)) return { certificates: path };
    let worst: ChainFault = 'untrusted';
    for (const issuer of [...this.#trusted.issuersOf(last), ...this.#given.issuersOf(last)]) {
      if (path.some(({ fingerprint }) => fingerprint === issuer.fingerprint)) continue;
      if (--this.#stepsLeft < 0) return { fault: 'broken' };
      const fault = await this.#faultOf(issuer, last, path);
      const chain: Chain = fault === undefined ? await this.#follow([...path, issuer]) : { fault };
      if ('certificates' in chain) return chain;
      if (chain.fault !== 'untrusted') worst = chain.fault;
    }
    return { fault: worst };
  }

  async #faultOf(
    issuer: Certificate,
    last: Certificate,
    path: readonly Certificate[],
  ): Promise<ChainFault | undefined> {
    if (!(await this.#hasSigned(issuer, last))) return 'signature';
    // RFC 5280 §4.2.1.9: authorities between it and the end of the chain, but for those that renewed themselves.
    const between = path.slice(1).filter(({ isSelfIssued }) => !isSelfIssued).length;
    const isAuthority = issuer.isAuthority && issuer.isForMail && !issuer.hasUnknownCritical;
    // Whom we trust is an authority because somebody has said so.
    const mayHave = (isAuthority || this.#trusted.has(issuer)) && between <= issuer.pathLength;
    if (!mayHave) return 'misused';
    return issuer.notBeforeMs <= this.#nowMs && this.#nowMs <= issuer.notAfterMs ? undefined : 'times';
  }

  async #hasSigned(issuer: Certificate, certificate: Certificate): Promise<boolean> {
    const key = `${issuer.fingerprint} ${certificate.fingerprint}`;
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    if (--this.#verificationsLeft < 0) return false;
    await othersTurn();
    let hasSigned = false;
    try {
      const { publicKey } = issuer.x509;
      hasSigned = isWithinReason(publicKey) && certificate.x509.verify(publicKey);
    } catch {
      // A key of an unknown kind has signed nothing that we can tell.
    }
    this.#verified.set(key, hasSigned);
    return hasSigned;
  }
}

/** Whether a verification with a key takes milliseconds: others may be made so that it takes a hundred times as long. */
function isWithinReason({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength: bits = 0, publicExponent: exponent = 0n, namedCurve } = details ?? {};
  switch (kind) {
    case 'rsa':
    case 'rsa-pss':
      return bits <= maxRsaBits && exponent <= maxExponent;
    case 'dsa':
      return bits <= maxDsaBits;
    case 'ec':
      // Not one that brings a curve of its own.
      return namedCurve !== undefined;
    default:
      return kind === 'ed25519' || kind === 'ed448';
  }
}

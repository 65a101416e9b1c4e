import { X509Certificate } from 'node:crypto';
import {
  bitsOf,
  childrenOf,
  contextTag,
  type DerElement,
  DerError,
  DerTag,
  elementAt,
  elementsIn,
  oidOf,
} from './der.ts';

/** RFC 5280 §4.2.1.3, KeyUsage: the bits of the first octet that we ask for. */
const KeyUsage = { digitalSignature: 0x80, nonRepudiation: 0x40, keyCertSign: 0x04, cRLSign: 0x02 } as const;

const Oid = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  extKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocsp: '1.3.6.1.5.5.7.48.1',
  emailAddress: '1.2.840.113549.1.9.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

/** What may be marked critical, as we act by it; RFC 5280 §4.2 has us refuse what we do not understand. */
const understood: ReadonlySet<string> = new Set([
  Oid.keyUsage,
  Oid.subjectAltName,
  Oid.basicConstraints,
  Oid.crlDistributionPoints,
  Oid.certificatePolicies,
  Oid.extKeyUsage,
]);

/** Where a certificate's own parts stand in its TBSCertificate, behind the version (RFC 5280 §4.1). */
interface Parts {
  readonly serialNumber: DerElement;
  readonly issuer: DerElement;
  readonly subject: DerElement;
  readonly publicKeyInfo: DerElement;
  readonly extensions: ReadonlyMap<string, DerElement>;
  readonly hasUnknownCritical: boolean;
}

/** Certificate is what S/MIME asks of an X.509 certificate (RFC 5280, RFC 8550). */
export class Certificate {
  readonly x509: X509Certificate;
  readonly #parts: Parts;

  /** Reads DER. Throws DerError. */
  constructor(der: Uint8Array) {
    try {
      this.x509 = new X509Certificate(der);
    } catch (cause) {
      throw new DerError('no certificate', { cause });
    }
    // OpenSSL stops at the end of the certificate; PEM it takes, too.
    if (!this.x509.raw.equals(der)) throw new DerError('not a certificate alone');
    this.#parts = partsOf(this.x509.raw);
  }

  /** SHA-256 of the DER, in lower-case hexadecimal digits. */
  get fingerprint(): string {
    return this.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  }

  get notBeforeMs(): number {
    return this.x509.validFromDate.getTime();
  }

  get notAfterMs(): number {
    return this.x509.validToDate.getTime();
  }

  /** The contents of the INTEGER. */
  get serialNumber(): Uint8Array {
    return this.#parts.serialNumber.content;
  }

  /** The issuer's Name as it stands. */
  get issuer(): Uint8Array {
    return this.#parts.issuer.whole;
  }

  /** The subject's Name as it stands. */
  get subject(): Uint8Array {
    return this.#parts.subject.whole;
  }

  /** The bits of the public key. */
  get publicKeyBits(): Uint8Array {
    return bitsOf(childrenOf(this.#parts.publicKeyInfo)[1]);
  }

  get isSelfIssued(): boolean {
    return Buffer.compare(this.issuer, this.subject) === 0;
  }

  /** Whether something is marked critical that we do not understand. */
  get hasUnknownCritical(): boolean {
    return this.#parts.hasUnknownCritical;
  }

  /** Whether it may sign certificates: a CA by its basic constraints, whose key is for that. */
  get isAuthority(): boolean {
    return this.#constraints?.isAuthority === true && this.#mayBeUsedFor(KeyUsage.keyCertSign);
  }

  /** How many authorities may stand between it and the end of a chain. */
  get pathLength(): number {
    return this.#constraints?.pathLength ?? Number.POSITIVE_INFINITY;
  }

  get signsRevocationLists(): boolean {
    return this.#mayBeUsedFor(KeyUsage.cRLSign);
  }

  get signsOcsp(): boolean {
    return this.#extendedUsages?.includes(Oid.ocspSigning) ?? false;
  }

  /** Whether its key is for signing mail (RFC 8550 §4.4.2). */
  get signsMail(): boolean {
    return this.#mayBeUsedFor(KeyUsage.digitalSignature | KeyUsage.nonRepudiation) && this.isForMail;
  }

  /** Whether it is for mail, signed or encrypted: nothing says otherwise (RFC 8550 §4.4.4). */
  get isForMail(): boolean {
    const usages = this.#extendedUsages;
    return (
      usages === undefined || usages.includes(Oid.emailProtection) || usages.includes(Oid.anyExtendedKeyUsage)
    );
  }

  /** The mail addresses it names: in subjectAltName, or in the subject (RFC 8550 §3). */
  get addresses(): readonly string[] {
    const names = this.#parts.extensions.get(Oid.subjectAltName);
    const alternative = names === undefined ? [] : textsOf(names, contextTag(1, 'primitive'));
    return [...alternative, ...attributesOf(this.#parts.subject, Oid.emailAddress)];
  }

  /** Where its revocation lists are, http only (RFC 5280 §4.2.1.13). */
  get crlUrls(): readonly string[] {
    const points = this.#parts.extensions.get(Oid.crlDistributionPoints);
    if (points === undefined) return [];
    return childrenOf(points).flatMap((point) => {
      const name = childrenOf(point).find(({ tag }) => tag === contextTag(0));
      const full = name && [...elementsIn(name.content)].find(({ tag }) => tag === contextTag(0));
      return full === undefined ? [] : textsOf(full, contextTag(6, 'primitive')).filter(isHttp);
    });
  }

  /** Where its issuer's OCSP responders are, http only (RFC 5280 §4.2.2.1). */
  get ocspUrls(): readonly string[] {
    const access = this.#parts.extensions.get(Oid.authorityInfoAccess);
    if (access === undefined) return [];
    return childrenOf(access).flatMap((description) => {
      const [method, location] = childrenOf(description);
      const isOcsp = oidOf(method) === Oid.ocsp && location?.tag === contextTag(6, 'primitive');
      return isOcsp ? [latin1(location.content)].filter(isHttp) : [];
    });
  }

  get #constraints(): { readonly isAuthority: boolean; readonly pathLength: number | undefined } | undefined {
    const extension = this.#parts.extensions.get(Oid.basicConstraints);
    if (extension === undefined) return undefined;
    const children = childrenOf(extension);
    const flag = children.find(({ tag }) => tag === DerTag.Boolean);
    const length = children.find(({ tag }) => tag === DerTag.Integer);
    return { isAuthority: flag !== undefined && flag.content[0] !== 0, pathLength: length?.content[0] };
  }

  get #extendedUsages(): readonly string[] | undefined {
    const extension = this.#parts.extensions.get(Oid.extKeyUsage);
    return extension && childrenOf(extension).map(oidOf);
  }

  /** Without the extension, a key may be used for everything. */
  #mayBeUsedFor(bits: number): boolean {
    const extension = this.#parts.extensions.get(Oid.keyUsage);
    return extension === undefined || ((bitsOf(extension)[0] ?? 0) & bits) !== 0;
  }
}

function partsOf(der: Uint8Array): Parts {
  const [tbs] = childrenOf(elementAt(der));
  const all = childrenOf(tbs);
  const fields = all[0]?.tag === contextTag(0) ? all.slice(1) : all;
  const [serialNumber, , issuer, , subject, publicKeyInfo] = fields;
  if (
    serialNumber === undefined ||
    issuer === undefined ||
    subject === undefined ||
    publicKeyInfo === undefined
  ) {
    throw new DerError('no whole certificate');
  }
  const wrapped = fields.find(({ tag }) => tag === contextTag(3));
  const extensions = new Map<string, DerElement>();
  let hasUnknownCritical = false;
  for (const extension of wrapped === undefined ? [] : childrenOf(elementAt(wrapped.content))) {
    const [id, ...rest] = childrenOf(extension);
    const oid = oidOf(id);
    const isCritical = rest[0]?.tag === DerTag.Boolean && rest[0].content[0] !== 0;
    if (isCritical && !understood.has(oid)) hasUnknownCritical = true;
    const value = rest.find(({ tag }) => tag === DerTag.OctetString);
    if (value !== undefined) extensions.set(oid, elementAt(value.content));
  }
  return { serialNumber, issuer, subject, publicKeyInfo, extensions, hasUnknownCritical };
}

/** The texts of those elements in another that have a tag. */
function textsOf({ content }: DerElement, wanted: number): string[] {
  return [...elementsIn(content)].flatMap(({ tag, content: text }) => (tag === wanted ? [latin1(text)] : []));
}

/** The values of an attribute in a Name. */
function attributesOf(name: DerElement, attribute: string): string[] {
  return childrenOf(name)
    .flatMap((set) => [...elementsIn(set.content)])
    .flatMap((pair) => {
      const [type, value] = childrenOf(pair);
      return value !== undefined && oidOf(type) === attribute ? [latin1(value.content)] : [];
    });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function isHttp(url: string): boolean {
  return /^http:\/\//i.test(url);
}

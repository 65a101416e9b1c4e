import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { childrenOf, contextTag, elementAt } from '#domain/smime/der';
import { context, integer, octetString, oid, sequence, set, time } from '#protocols/http/der';

/** Who signs, PEM: the certificate followed by its chain, and its private key. */
interface SigningPair {
  readonly cert: string;
  readonly key: string;
}

const Oid = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

const nothing = Buffer.of(0x05, 0);
const setTag = 0x31;
const versionOne = Buffer.of(1);

/**
 * createSigner gives what signs a content as CMS SignedData that holds it (RFC 5652 §5), in DER; undefined if the key is
 * neither RSA nor EC.
 */
export function createSigner(
  { cert, key }: SigningPair,
  now: () => number,
): ((content: Uint8Array) => Buffer) | undefined {
  const privateKey = createPrivateKey(key);
  const signatureAlgorithm = signatureAlgorithmOf(privateKey.asymmetricKeyType);
  if (signatureAlgorithm === undefined) return undefined;
  const chain = certificatesOf(cert);
  const [own] = chain;
  if (own === undefined) return undefined;
  const signer = issuerAndSerialNumber(own);
  const digestAlgorithm = sequence(oid(Oid.sha256));
  return (content) => {
    const attributes = signedAttributes(content, new Date(now()));
    const signerInfo = sequence(
      integer(versionOne),
      signer,
      digestAlgorithm,
      attributes,
      signatureAlgorithm,
      octetString(sign('sha256', asSet(attributes), privateKey)),
    );
    const signedData = sequence(
      integer(versionOne),
      set(digestAlgorithm),
      sequence(oid(Oid.data), context(0, 'constructed', octetString(content))),
      context(0, 'constructed', ...chain),
      set(signerInfo),
    );
    return sequence(oid(Oid.signedData), context(0, 'constructed', signedData));
  };
}

/** RFC 3370 §3.2 and RFC 5754 §3.3. */
function signatureAlgorithmOf(keyType: string | undefined): Buffer | undefined {
  if (keyType === 'rsa') return sequence(oid(Oid.rsaEncryption), nothing);
  return keyType === 'ec' ? sequence(oid(Oid.ecdsaWithSha256)) : undefined;
}

function certificatesOf(pem: string): Buffer[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw);
}

/** RFC 5652 §10.2.4, as the certificate itself spells both (RFC 5280 §4.1). */
function issuerAndSerialNumber(certificate: Uint8Array): Buffer {
  const [toBeSigned] = childrenOf(elementAt(certificate));
  const members = childrenOf(toBeSigned);
  const first = members[0]?.tag === contextTag(0) ? 1 : 0;
  const [serialNumber, , issuer] = members.slice(first);
  return sequence(...[issuer, serialNumber].map((member) => member?.whole ?? Buffer.of()));
}

/** RFC 5652 §5.3: a SET OF, sorted as DER asks (X.690 §11.6), with the tag under which it is stored. */
function signedAttributes(content: Uint8Array, signedAt: Date): Buffer {
  const attribute = (type: string, value: Uint8Array) => sequence(oid(type), set(value));
  const attributes = [
    attribute(Oid.contentType, oid(Oid.data)),
    attribute(Oid.signingTime, time(signedAt)),
    attribute(Oid.messageDigest, octetString(createHash('sha256').update(content).digest())),
  ];
  return context(0, 'constructed', ...attributes.sort(Buffer.compare));
}

/** RFC 5652 §5.4: what is signed has the tag of a SET OF. */
function asSet(attributes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(setTag), attributes.subarray(1)]);
}

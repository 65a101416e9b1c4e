import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  boolean,
  context,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

/** A certificate and its private key, PEM. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const authorityDays = 3_650;
/** Apple's systems refuse server certificates longer than 825 days, also of an authority the user added. */
const certificateDays = 365;

const Oid = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** makeAuthority makes a self-signed authority for ten years (RFC 5280 §4). */
export function makeAuthority(now: Date): PemPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Several installations may be trusted by one phone: each authority has a name of its own.
  const name = `Mailstead authority ${randomBytes(4).toString('hex')}`;
  const keyId = keyIdentifier(publicKey);
  const certificate = signed(privateKey, {
    issuer: name,
    subject: name,
    publicKey,
    notBefore: new Date(now.getTime() - dayMs),
    notAfter: new Date(now.getTime() + authorityDays * dayMs),
    extensions: [
      extension(Oid.basicConstraints, true, sequence(boolean(true), integer(Buffer.of(0)))),
      // keyCertSign and cRLSign: bits 5 and 6.
      extension(Oid.keyUsage, true, bitString(Buffer.of(0b0000_0110), 1)),
      extension(Oid.subjectKeyIdentifier, false, octetString(keyId)),
      extension(Oid.authorityKeyIdentifier, false, sequence(context(0, 'primitive', keyId))),
    ],
  });
  return { cert: certificate, key: keyPem(privateKey) };
}

/** makeCertificate makes a server certificate for names and addresses (RFC 9525: they stand in subjectAltName). */
export function makeCertificate(authority: PemPair, hostnames: readonly string[], now: Date): PemPair {
  const issuer = new X509Certificate(authority.cert);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signed(createPrivateKey(authority.key), {
    issuer: issuer.subject.replace(/^CN=/, ''),
    subject: (hostnames[0] ?? 'localhost').slice(0, 64),
    publicKey,
    notBefore: new Date(now.getTime() - dayMs),
    notAfter: new Date(now.getTime() + certificateDays * dayMs),
    extensions: [
      extension(Oid.basicConstraints, true, sequence()),
      // digitalSignature: bit 0.
      extension(Oid.keyUsage, true, bitString(Buffer.of(0b1000_0000), 7)),
      extension(Oid.extKeyUsage, false, sequence(oid(Oid.serverAuth))),
      extension(Oid.subjectAltName, false, sequence(...hostnames.map(generalName))),
      extension(Oid.subjectKeyIdentifier, false, octetString(keyIdentifier(publicKey))),
      extension(
        Oid.authorityKeyIdentifier,
        false,
        sequence(context(0, 'primitive', keyIdentifier(issuer.publicKey))),
      ),
    ],
  });
  return { cert: certificate, key: keyPem(privateKey) };
}

interface ToBeSigned {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Uint8Array[];
}

/** RFC 5280 §4.1: version 3, with a random serial number of 16 octets. */
function signed(signingKey: KeyObject, tbs: ToBeSigned): string {
  const algorithm = sequence(oid(Oid.ecdsaWithSha256));
  const toBeSigned = sequence(
    context(0, 'constructed', integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    name(tbs.issuer),
    sequence(time(tbs.notBefore), time(tbs.notAfter)),
    name(tbs.subject),
    tbs.publicKey.export({ type: 'spki', format: 'der' }),
    context(3, 'constructed', sequence(...tbs.extensions)),
  );
  const certificate = sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, signingKey)));
  return new X509Certificate(certificate).toString();
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(oid(Oid.commonName), utf8String(commonName))));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** RFC 5280 §4.2.1.6: dNSName is [2], iPAddress is [7] with 4 or 16 octets. */
function generalName(value: string): Buffer {
  if (isIP(value) === 0) return context(2, 'primitive', Buffer.from(value, 'ascii'));
  return context(7, 'primitive', addressBytes(value));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // WHATWG URL writes an IPv6 address in its short form, without a dotted tail.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const middle = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...new Array<string>(middle).fill('0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** RFC 5280 §4.2.1.2 (1): SHA-1 of the subjectPublicKey's bits, which end the key's DER and are 65 octets on P-256. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1').update(spki.subarray(-65)).digest();
}

function keyPem(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

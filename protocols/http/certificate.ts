import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { makeAuthority, makeCertificate, type PemPair } from './certificate-making.ts';

/** Certificate is PEM text ready for a TLS server. */
export interface Certificate {
  /** The server's certificate, followed by its chain. */
  readonly cert: string;
  readonly key: string;
  /** The authority a client may trust; present when we made it ourselves. */
  readonly ca?: string;
  /** True when this start made the certificate: nothing usable was there. */
  readonly isNew: boolean;
}

/** CertificateError says what is wrong with the PEM files of the configuration, each fault on a line with its setting. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

interface CertificateSource {
  /** PEM files of the configuration; absent: a certificate of our own. */
  readonly files?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where our own are kept: `<data>/tls`. */
  readonly dir: string;
  /** Names and addresses the certificate must hold; the first one is its common name. */
  readonly hostnames: readonly string[];
  readonly now: Date;
}

/** A certificate of ours with less left than this is made anew at start. */
const renewWithinMs = 30 * 86_400_000;

/**
 * loadOrCreateCertificate reads the configured PEM files, or gives the self-signed authority's certificate under `dir`, made
 * when there is none, when it lacks one of the names, or when it ends soon. Throws CertificateError.
 */
export async function loadOrCreateCertificate(source: CertificateSource): Promise<Certificate> {
  if (source.files !== undefined) return readConfigured(source.files);
  const { dir, hostnames, now } = source;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const authority = await loadOrCreateAuthority(dir, now);
  const kept = await readPair(join(dir, 'cert.pem'), join(dir, 'key.pem'));
  if (kept !== undefined && isUsable(kept.cert, authority.cert, hostnames, now)) {
    return { ...kept, ca: authority.cert, isNew: false };
  }
  const made = makeCertificate(authority, hostnames, now);
  const chained = { cert: made.cert + authority.cert, key: made.key };
  await writePair(dir, 'cert.pem', 'key.pem', chained);
  return { ...chained, ca: authority.cert, isNew: true };
}

async function readConfigured({
  certFile,
  keyFile,
}: {
  certFile: string;
  keyFile: string;
}): Promise<Certificate> {
  const read = await Promise.allSettled([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  const [cert, key] = read.map((file) => (file.status === 'fulfilled' ? file.value : undefined));
  if (cert === undefined || key === undefined) {
    const faults = [
      cert === undefined && unreadable(certFile, 'cert'),
      key === undefined && unreadable(keyFile, 'key'),
    ];
    throw new CertificateError(faults.filter((fault) => fault !== false).join('\n'));
  }
  if (!isPair({ cert, key })) {
    throw new CertificateError(`✖ ${keyFile} is not the private key of ${certFile} → at tls.key`);
  }
  return { cert, key, isNew: false };
}

function unreadable(file: string, setting: string): string {
  return `✖ The PEM file ${file} cannot be read → at tls.${setting}`;
}

async function loadOrCreateAuthority(dir: string, now: Date): Promise<PemPair> {
  const kept = await readPair(join(dir, 'ca.pem'), join(dir, 'ca-key.pem'));
  if (kept !== undefined && endsAfter(kept.cert, now)) return kept;
  const authority = makeAuthority(now);
  await writePair(dir, 'ca.pem', 'ca-key.pem', authority);
  return authority;
}

/** Undefined when a file is missing or the two do not belong together, as after a crash between two renames. */
async function readPair(certFile: string, keyFile: string): Promise<PemPair | undefined> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return isPair({ cert, key }) ? { cert, key } : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writePair(
  dir: string,
  certName: string,
  keyName: string,
  { cert, key }: PemPair,
): Promise<void> {
  for (const [name, pem] of [[keyName, key] as const, [certName, cert] as const]) {
    const file = join(dir, name);
    await writeFile(`${file}.new`, pem, { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
  }
}

function isPair({ cert, key }: PemPair): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function isUsable(cert: string, authority: string, hostnames: readonly string[], now: Date): boolean {
  const certificate = new X509Certificate(cert);
  const issuer = new X509Certificate(authority);
  return (
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    endsAfter(cert, now) &&
    hostnames.every((name) => holds(certificate, name))
  );
}

function holds(certificate: X509Certificate, name: string): boolean {
  return isIP(name) === 0
    ? certificate.checkHost(name, { subject: 'never' }) !== undefined
    : certificate.checkIP(name) !== undefined;
}

function endsAfter(cert: string, now: Date): boolean {
  return new X509Certificate(cert).validToDate.getTime() > now.getTime() + renewWithinMs;
}

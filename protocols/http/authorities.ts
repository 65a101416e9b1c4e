import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CertificateError } from './certificate.ts';

const pem = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** loadAuthorities reads the certificates in PEM files, in DER. Throws CertificateError with every fault found. */
export async function loadAuthorities(files: readonly string[]): Promise<readonly Uint8Array[]> {
  const read = await Promise.all(files.map(certificatesIn));
  const faults = read.filter((found) => typeof found === 'string');
  if (faults.length > 0) throw new CertificateError(faults.join('\n'));
  return read.flatMap((found) => (typeof found === 'string' ? [] : found));
}

/** What is wrong with the file in place of its certificates. */
async function certificatesIn(file: string): Promise<string | readonly Uint8Array[]> {
  const setting = '→ at smime.trusted_authorities';
  try {
    const blocks = (await readFile(file, 'utf8')).match(pem) ?? [];
    if (blocks.length === 0) return `✖ ${file} holds no certificate in PEM ${setting}`;
    return blocks.map((block) => new X509Certificate(block).raw);
  } catch {
    return `✖ The PEM file ${file} cannot be read ${setting}`;
  }
}

import { Slots } from '#directory/slots';
import type { MailboxId, MailboxRef } from '../ids.ts';
import type { Clock } from '../outside.ts';
import { Certificate } from './certificate.ts';
import { Authorities, ChainBuilder, type ChainFault } from './chain.ts';
import { DerError } from './der.ts';
import type { Revocation } from './revocation.ts';

/** What a certificate is worth for signed mail. */
export type CertificateVerdict =
  | 'valid'
  /** It is no certificate, or its chain cannot be followed. */
  | 'malformed'
  | 'signature-invalid'
  | 'untrusted'
  | 'not-for-signing'
  | 'expired'
  /** An authority of its chain is not valid at this time. */
  | 'chain-times'
  /** An authority of its chain is none, or not one for this. */
  | 'chain-misused'
  /** It names no mail address. */
  | 'incomplete'
  /** It asks for something we do not know. */
  | 'misused'
  | 'revoked'
  | 'chain-revoked'
  /** Who knows whether it is revoked cannot be reached. */
  | 'unreachable'
  | 'revocation-unknown';

/** What is to be validated; certificates in DER. */
interface CertificatesToValidate {
  /** Who asks. */
  readonly owner: MailboxRef;
  readonly certificates: readonly Uint8Array[];
  /** Of authorities, in any order. */
  readonly chain: readonly Uint8Array[];
  /** Whether it is a fault that nobody knows of a revocation. */
  readonly isRevocationRequired: boolean;
}

interface ValidatorParts {
  readonly revocation: Revocation;
  readonly clock: Clock;
  /** Those trusted, in DER; read when the first certificate is validated. */
  readonly trusted: () => Iterable<Uint8Array>;
}

/** Requests of one user at a time, and how many more may wait: each may take seconds, and hold megabytes. */
const atOnce = 2;
const maxWaiting = 6;
/** So long a request goes on asking about revocation. */
const revocationMs = 20_000;

const verdictByFault: Readonly<Record<ChainFault, CertificateVerdict>> = {
  untrusted: 'untrusted',
  signature: 'signature-invalid',
  times: 'chain-times',
  misused: 'chain-misused',
  broken: 'malformed',
};

/** CertificateValidator tells whether certificates are good for signed mail, now (RFC 5280, RFC 8550). */
export class CertificateValidator {
  readonly #parts: ValidatorParts;
  /** Of those who ask now. */
  readonly #turns = new Map<MailboxId, { readonly slots: Slots; users: number }>();
  #trusted: Authorities | undefined;

  constructor(parts: ValidatorParts) {
    this.#parts = parts;
  }

  /** A verdict for each certificate, in their order. Throws DomainError server/busy when a user asks too much at once. */
  async validate(request: CertificatesToValidate): Promise<readonly CertificateVerdict[]> {
    const { mailbox } = request.owner;
    const turns = this.#turns.get(mailbox) ?? { slots: new Slots(atOnce, maxWaiting), users: 0 };
    this.#turns.set(mailbox, turns);
    turns.users++;
    try {
      const giveBack = await turns.slots.take();
      return await this.#verdicts(request).finally(giveBack);
    } finally {
      if (--turns.users === 0) this.#turns.delete(mailbox);
    }
  }

  async #verdicts({
    certificates,
    chain,
    isRevocationRequired,
  }: CertificatesToValidate): Promise<readonly CertificateVerdict[]> {
    const nowMs = this.#parts.clock.now();
    this.#trusted ??= new Authorities(readAll(this.#parts.trusted()));
    const builder = new ChainBuilder(readAll(chain), this.#trusted, nowMs);
    const verdicts: CertificateVerdict[] = [];
    for (const der of certificates) {
      const verdict = await this.#verdictOn(der, builder, nowMs);
      const isIgnored = verdict === 'unreachable' || verdict === 'revocation-unknown';
      verdicts.push(isIgnored && !isRevocationRequired ? 'valid' : verdict);
    }
    return verdicts;
  }

  async #verdictOn(der: Uint8Array, builder: ChainBuilder, nowMs: number): Promise<CertificateVerdict> {
    try {
      const certificate = new Certificate(der);
      const fault = faultOf(certificate, nowMs);
      if (fault !== undefined) return fault;
      const chain = await builder.build(certificate);
      if ('fault' in chain) return verdictByFault[chain.fault];
      return await this.#revocationOf(chain.certificates, nowMs + revocationMs);
    } catch (error) {
      if (error instanceof DerError) return 'malformed';
      throw error;
    }
  }

  /** From the trusted end on: what a revoked authority has signed is worth nothing, its revocation lists among it. */
  async #revocationOf(chain: readonly Certificate[], deadlineMs: number): Promise<CertificateVerdict> {
    let verdict: CertificateVerdict = 'valid';
    for (let place = chain.length - 2; place >= 0; place--) {
      const [certificate, issuer] = [chain[place], chain[place + 1]];
      if (certificate === undefined || issuer === undefined) continue;
      const status = await this.#parts.revocation.statusOf(certificate, issuer, deadlineMs);
      if (status === 'revoked') return place === 0 ? 'revoked' : 'chain-revoked';
      if (status === 'unreachable') verdict = 'unreachable';
      if (status === 'unknown' && verdict === 'valid') verdict = 'revocation-unknown';
    }
    return verdict;
  }
}

function faultOf(certificate: Certificate, nowMs: number): CertificateVerdict | undefined {
  if (certificate.notBeforeMs > nowMs || certificate.notAfterMs < nowMs) return 'expired';
  if (!certificate.signsMail) return 'not-for-signing';
  if (certificate.hasUnknownCritical) return 'misused';
  return certificate.addresses.length === 0 ? 'incomplete' : undefined;
}

/** Those that can be read. */
function* readAll(certificates: Iterable<Uint8Array>): Generator<Certificate, void, void> {
  for (const der of certificates) {
    try {
      yield new Certificate(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
    }
  }
}

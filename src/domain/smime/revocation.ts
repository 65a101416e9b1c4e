import type { Clock } from '../outside.ts';
import type { Certificate } from './certificate.ts';
import { DerError } from './der.ts';
import { ocspRequest, readOcspAnswer } from './ocsp.ts';
import { RevocationList } from './revocation-list.ts';

/** UnreachableError: what was asked for could not be had. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Where revocation lists and OCSP answers come from. */
export interface RevocationSource {
  /** Gets what is at a URL of the scheme http, or posts an OCSP request there. Rejects with UnreachableError. */
  fetch(url: string, ocspRequest?: Uint8Array): Promise<Uint8Array>;
}

/**
 * What is known of a certificate. `unreachable`: who could tell does not answer; `unknown`: nobody is named who could, or
 * what came does not tell.
 */
type RevocationStatus = 'good' | 'revoked' | 'unknown' | 'unreachable';

/** How long something is kept, and what it takes. */
interface Terms {
  untilMs: number;
  bytes: number;
}

interface Kept extends Terms {
  /** Undefined: it could not be had, or not be read. */
  readonly value: Promise<unknown>;
}

const MINUTE = 60_000;
/** What could not be had is asked for again then, */
const pauseMs = MINUTE;
/** and what could, at the latest then. */
const maxAgeMs = 24 * 60 * MINUTE;
/** Of all that is kept. */
const maxBytes = 32 * 1024 * 1024;
/** What a small answer takes in memory beside its bytes. */
const overhead = 1024;
/** Certificates name few; more are not asked. */
const maxUrls = 3;

/** Revocation tells whether certificates are revoked, by OCSP and CRL (RFC 6960, RFC 5280); it remembers what it was told. */
export class Revocation {
  readonly #source: RevocationSource;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(source: RevocationSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Of a certificate whose issuer is the other one; after `deadlineMs` nothing more is fetched. */
  async statusOf(
    certificate: Certificate,
    issuer: Certificate,
    deadlineMs: number,
  ): Promise<RevocationStatus> {
    const asked = [
      ...certificate.ocspUrls.slice(0, maxUrls).map((url) => () => this.#byOcsp(url, certificate, issuer)),
      ...certificate.crlUrls.slice(0, maxUrls).map((url) => () => this.#byList(url, certificate, issuer)),
    ];
    let status: RevocationStatus = 'unknown';
    for (const ask of asked) {
      const told = this.#clock.now() > deadlineMs ? 'unreachable' : await ask();
      if (told === 'good' || told === 'revoked') return told;
      if (told === 'unreachable') status = told;
    }
    return status;
  }

  async #byOcsp(url: string, certificate: Certificate, issuer: Certificate): Promise<RevocationStatus> {
    const key = `${issuer.fingerprint} ${certificate.fingerprint} ${url}`;
    const answer = await this.#get(key, async (kept) => {
      const der = await this.#source.fetch(url, ocspRequest(certificate, issuer));
      const read = readOcspAnswer(der, certificate, issuer, this.#clock.now());
      kept.untilMs = Math.min(kept.untilMs, read?.untilMs ?? this.#clock.now() + pauseMs);
      return { read };
    });
    if (answer === undefined) return 'unreachable';
    return answer.read === undefined ? 'unknown' : answer.read.isRevoked ? 'revoked' : 'good';
  }

  async #byList(url: string, certificate: Certificate, issuer: Certificate): Promise<RevocationStatus> {
    const list = await this.#get(url, async (kept) => {
      const der = await this.#source.fetch(url);
      const read = new RevocationList(der);
      kept.bytes += der.length;
      kept.untilMs = Math.min(kept.untilMs, Math.max(read.nextUpdateMs ?? 0, this.#clock.now() + pauseMs));
      return read;
    });
    if (list === undefined) return 'unreachable';
    const isRevoked = list.tells(certificate, issuer, this.#clock.now());
    return isRevoked === undefined ? 'unknown' : isRevoked ? 'revoked' : 'good';
  }

  /** What is kept, or what `load` brings; many who ask at once ask once. */
  async #get<T>(key: string, load: (terms: Terms) => Promise<T>): Promise<T | undefined> {
    const known = this.#kept.get(key);
    if (known !== undefined && known.untilMs >= this.#clock.now())
      return known.value as Promise<T | undefined>;
    const started = Promise.withResolvers<T | undefined>();
    const kept: Kept = {
      value: started.promise,
      untilMs: this.#clock.now() + maxAgeMs,
      bytes: overhead,
    };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    try {
      started.resolve(await load(kept));
    } catch (error) {
      kept.untilMs = this.#clock.now() + pauseMs;
      started.resolve(undefined);
      // A fault of ours is not the responder's.
      if (!(error instanceof DerError || error instanceof UnreachableError)) throw error;
    } finally {
      this.#shrink();
    }
    return started.promise;
  }

  /** Drops what came first, as long as it is too much. */
  #shrink(): void {
    let sum = [...this.#kept.values()].reduce((bytes, kept) => bytes + kept.bytes, 0);
    for (const [key, { bytes }] of this.#kept) {
      if (sum <= maxBytes) return;
      this.#kept.delete(key);
      sum -= bytes;
    }
  }
}

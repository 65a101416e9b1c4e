import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { domainToASCII } from 'node:url';
import { RecentMap } from '#directory/recent-map';
import type { Clock } from '#domain/outside';
import type { TransportPolicy, TransportPolicyStore } from '#domain/transport-policy';
import type { Logger } from '#telemetry/log';
import { codeOf, type Dns } from './dns.ts';
import { parsePolicy } from './mta-sts-policy.ts';

interface MtaStsOptions {
  readonly dns: Dns;
  readonly store: TransportPolicyStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who signs the certificates of policy hosts, and where those listen; for tests. */
  readonly ca?: string | undefined;
  readonly port?: number | undefined;
}

const maxPolicyBytes = 64 * 1024;
const fetchMs = 60_000;
/** RFC 8461 §3.3: after a failed fetch so long none is made. */
const pauseMs = 5 * 60_000;
/** A policy that its domain goes on announcing is fetched again: who hides it for a while gains nothing. */
const refreshMs = 24 * 3_600_000;
const cleanMs = 24 * 3_600_000;
/** Domains whose last fetch failed. */
const maxFailures = 10_000;

/** MtaSts knows how mail to other domains has to travel. RFC 8461. */
export class MtaSts {
  readonly #options: MtaStsOptions;
  readonly #fetching = new Map<string, Promise<TransportPolicy | undefined>>();
  readonly #pausedUntilMs = new RecentMap<string, number>(maxFailures);
  #cleanedMs = Number.NEGATIVE_INFINITY;

  constructor(options: MtaStsOptions) {
    this.#options = options;
  }

  /** The policy that counts for mail to a domain now; undefined when it has none. */
  async policyFor(domain: string): Promise<TransportPolicy | undefined> {
    const name = domainToASCII(domain);
    if (name === '' || isIP(name) !== 0) return undefined;
    const { store, clock } = this.#options;
    const id = await this.#announced(name);
    const stored = await store.get(name);
    const nowMs = clock.now();
    const known = stored !== undefined && stored.expiresMs > nowMs ? stored : undefined;
    const isFresh = known?.id === id && known !== undefined && nowMs < known.fetchedMs + refreshMs;
    // RFC 8461 §5.1: what was fetched counts to its end, whatever became of the announcement.
    const isPaused = (this.#pausedUntilMs.get(name) ?? 0) > nowMs;
    const counts = id === undefined || isFresh || isPaused ? known : await this.#fetch(name, id, known);
    return counts?.mode === 'none' ? undefined : counts;
  }

  /** The id in the TXT record of a domain; undefined when it announces no policy, or nobody can tell. RFC 8461 §3.1. */
  async #announced(domain: string): Promise<string | undefined> {
    const records = await this.#options.dns.resolve(`_mta-sts.${domain}`, 'TXT').catch(() => []);
    const ours = records.map((strings) => strings.join('')).filter((text) => /^v=STSv1[ \t]*;/.test(text));
    if (ours.length !== 1) return undefined;
    return /;[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*(?:;|$)/.exec(ours[0] ?? '')?.[1];
  }

  #fetch(
    domain: string,
    id: string,
    known: TransportPolicy | undefined,
  ): Promise<TransportPolicy | undefined> {
    const fetching = this.#fetching.get(domain) ?? this.#refresh(domain, id, known);
    this.#fetching.set(domain, fetching);
    return fetching;
  }

  async #refresh(domain: string, id: string, known: TransportPolicy | undefined) {
    const { store, clock, log } = this.#options;
    try {
      const { mode, mx, maxAgeSeconds: seconds } = parsePolicy(await this.#policyText(domain));
      const nowMs = clock.now();
      const policy = { id, mode, mx, fetchedMs: nowMs, expiresMs: nowMs + seconds * 1_000 };
      await store.put(domain, policy);
      log.info('outbound.sts.fetched', { domain, mode, mx: mx.join(' ') });
      if (nowMs >= this.#cleanedMs + cleanMs) {
        this.#cleanedMs = nowMs;
        await store.removeExpired(nowMs);
      }
      return policy;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('outbound.sts.failed', { domain, reason, isKnown: known !== undefined });
      this.#pausedUntilMs.set(domain, clock.now() + pauseMs);
      return known;
    } finally {
      this.#fetching.delete(domain);
    }
  }

  /** RFC 8461 §3.3: over verified TLS, and no further than asked. */
  async #policyText(domain: string): Promise<string> {
    const { dns, clock, ca, port = 443 } = this.#options;
    const host = `mta-sts.${domain}`;
    const abort = new AbortController();
    const cancel = clock.after(fetchMs, () => abort.abort(new Error('The policy took too long to come')));
    const answer = Promise.withResolvers<string>();
    const asking = request(
      {
        host,
        port,
        path: '/.well-known/mta-sts.txt',
        servername: host,
        lookup: lookupBy(dns),
        agent: false,
        timeout: fetchMs,
        signal: abort.signal,
        minVersion: 'TLSv1.2',
        ...(ca === undefined ? {} : { ca }),
      },
      (response) => {
        const { statusCode, headers } = response;
        const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
        if (statusCode !== 200) return answer.reject(new Error(`The policy host answered ${statusCode}`));
        if (type !== 'text/plain') return answer.reject(new Error(`The policy is no text/plain but ${type}`));
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size > maxPolicyBytes) answer.reject(new Error('The policy is longer than 64 KiB'));
        });
        response.on('error', answer.reject);
        response.on('end', () => answer.resolve(Buffer.concat(chunks).toString('utf8')));
        response.on('close', () => answer.reject(new Error('The policy broke off')));
      },
    );
    asking.on('timeout', () => asking.destroy(new Error('The policy host is silent')));
    asking.on('error', answer.reject);
    asking.end();
    try {
      return await answer.promise;
    } finally {
      cancel();
      asking.destroy();
    }
  }
}

/** Addresses by our own resolver, as a socket asks for them. */
function lookupBy(dns: Dns): LookupFunction {
  return (name, options, done) => {
    void (async () => {
      const [four, six] = await Promise.allSettled([dns.resolve(name, 'A'), dns.resolve(name, 'AAAA')]);
      const found = [
        ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
        ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
      ];
      const [first] = found;
      if (first === undefined) {
        const code = four.status === 'rejected' ? codeOf(four.reason) : 'ENODATA';
        done(Object.assign(new Error(`${name} has no address (${code})`), { code }), '', 0);
      } else if (options.all === true) {
        done(null, found);
      } else {
        done(null, first.address, first.family);
      }
    })();
  };
}

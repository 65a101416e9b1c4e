/** How mail to another domain has to travel, as the domain says: MTA-STS, RFC 8461. */

/** A policy as it was fetched. RFC 8461 §3.2. */
export interface TransportPolicy {
  /** The id of the TXT record that announced it. RFC 8461 §3.1. */
  readonly id: string;
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Names of mail servers; the first label may be `*`. */
  readonly mx: readonly string[];
  readonly fetchedMs: number;
  /** From then on it counts no more. */
  readonly expiresMs: number;
}

/** Remembers the policies of other domains: one that was enforced is enforced after a restart too. */
export interface TransportPolicyStore {
  get(domain: string): Promise<TransportPolicy | undefined>;
  put(domain: string, policy: TransportPolicy): Promise<void>;
  /** Forgets those that had expired at `nowMs`. */
  removeExpired(nowMs: number): Promise<void>;
}

/** Whether a policy lists this mail server. RFC 8461 §4.1: `*` stands for exactly one label, the first. */
export function listsServer({ mx }: Pick<TransportPolicy, 'mx'>, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  const wildcard = name.replace(/^[^.]+/, '*');
  return mx.includes(name) || mx.includes(wildcard);
}

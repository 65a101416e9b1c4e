import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { RelayServer, RemoteHop } from '#domain/outside';
import { listsServer, type TransportPolicy } from '#domain/transport-policy';
import type { Logger } from '#telemetry/log';
import { codeOf, type Dns } from './dns.ts';
import type { MtaSts } from './mta-sts.ts';

/** A server to try, by address. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** Given by configuration: it may be on this machine, and its certificate can be insisted on. */
  readonly isConfigured: boolean;
  /** TLS with a certificate that fits the name: insisted on, asked for and done without, or not looked at. */
  readonly tls: 'required' | 'tested' | 'any';
  readonly login: RelayServer['login'];
}

/** NoHostError says that there is nowhere to go: for now, or for good. */
export class NoHostError extends Error {
  override readonly name = 'NoHostError';
  readonly isPermanent: boolean;
  /** RFC 3463. */
  readonly status: string;

  constructor(isPermanent: boolean, status: string, text: string) {
    super(text);
    this.isPermanent = isPermanent;
    this.status = status;
  }
}

interface NextHopOptions {
  readonly dns: Dns;
  readonly sts: Pick<MtaSts, 'policyFor'>;
  readonly log: Logger;
  /** The names of configured servers are asked of `dns` first; else of this machine alone. */
  readonly isDnsOurs: boolean;
  /** Our own name: mail for a domain that names it as its server would come back. */
  readonly hostname: string;
  /** Where the servers of other domains listen; on any other than 25, which is for tests, they may be on this machine. */
  readonly port: number;
}

/** RFC 5321 §5.1: so many are tried of those a domain names, */
const maxNames = 5;
/** and so many addresses of each, of either family. */
const maxAddresses = 2;

/** Addresses that lead to this machine, to its own network segment, or to nobody: what trusts us there takes no mail by DNS. */
export const notInternet = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  notInternet.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  notInternet.addSubnet(network, prefix, 'ipv6');

/** NextHops finds the servers that take mail for a domain. RFC 5321 §5, RFC 7505. */
export class NextHops {
  readonly #options: NextHopOptions;
  readonly #dns: Dns;

  constructor(options: NextHopOptions) {
    this.#options = options;
    this.#dns = options.dns;
  }

  /** The servers to try, the most preferred first. Throws NoHostError. */
  async hosts(hop: RemoteHop): Promise<readonly Host[]> {
    if (hop.kind === 'server') return this.#serverHosts(hop.server);
    const { domain } = hop;
    const literal = /^\[(?:IPv6:)?(.+)\]$/i.exec(domain)?.[1];
    if (literal !== undefined) {
      if (isIP(literal) === 0) throw new NoHostError(true, '5.1.2', 'The domain is no address');
      return this.#reachable(domain, [literal]).map((address) => this.#host(domain, address, 'any'));
    }
    const policy = await this.#options.sts.policyFor(domain);
    const names = this.#listed(domain, await this.#mailServers(domain), policy);
    const tls = policy === undefined ? 'any' : policy.mode === 'enforce' ? 'required' : 'tested';
    const hosts: Host[] = [];
    let failure: NoHostError | undefined;
    for (const name of names.slice(0, maxNames)) {
      try {
        const addresses = this.#reachable(name, await this.#addresses(name));
        hosts.push(...addresses.map((address) => this.#host(name, address, tls)));
      } catch (error) {
        if (!(error instanceof NoHostError)) throw error;
        if (failure === undefined || failure.isPermanent) failure = error;
      }
    }
    if (hosts.length === 0) throw failure ?? new NoHostError(true, '5.4.4', 'The domain has no mail server');
    return hosts;
  }

  /** Those that a server of another domain can have. Throws NoHostError. */
  #reachable(name: string, addresses: readonly string[]): readonly string[] {
    if (this.#options.port !== 25) return addresses;
    const left = addresses.filter(
      (address) => !notInternet.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
    );
    if (left.length > 0) return left;
    throw new NoHostError(
      true,
      '5.4.4',
      `${name} is at ${addresses.join(', ')}, which is no server of the internet`,
    );
  }

  /** RFC 8461 §4.2: of the servers those that the domain's policy lists. Throws NoHostError. */
  #listed(domain: string, names: readonly string[], policy: TransportPolicy | undefined): readonly string[] {
    const listed = policy === undefined ? names : names.filter((name) => listsServer(policy, name));
    if (listed.length === names.length || policy === undefined) return names;
    const reason = `The MTA-STS policy of ${domain} does not list ${names.filter((name) => !listed.includes(name)).join(', ')}`;
    this.#options.log.warn('outbound.sts.failed', { domain, mode: policy.mode, reason });
    if (policy.mode !== 'enforce') return names;
    if (listed.length === 0) throw new NoHostError(false, '4.7.0', reason);
    return listed;
  }

  /** A configured server: its name may be one that only this machine knows. */
  async #serverHosts({ host, port, isSecure, login }: RelayServer): Promise<readonly Host[]> {
    const toHost = (address: string): Host => {
      // A password is for the server that is meant; one on this machine needs no proof.
      const tls = login !== undefined && !isOnThisMachine(address) ? 'required' : 'any';
      return { name: host, address, port, isSecure, isConfigured: true, tls, login };
    };
    if (isIP(host) !== 0) return [toHost(host)];
    const own = this.#options.isDnsOurs ? await this.#addresses(host).catch(() => []) : [];
    if (own.length > 0) return own.map(toHost);
    const found = await lookup(host, { all: true }).catch((error: Error) => {
      throw new NoHostError(false, '4.4.3', `The relay ${host} is not found: ${error.message}`);
    });
    return found.map(({ address }) => toHost(address));
  }

  /** The names of the servers by preference; without MX records the domain itself. RFC 5321 §5.1. */
  async #mailServers(domain: string): Promise<readonly string[]> {
    const records = await this.#dns.resolve(domain, 'MX').catch((error: unknown) => {
      switch (codeOf(error)) {
        case 'ENODATA':
          return undefined;
        case 'ENOTFOUND':
        case 'EBADNAME':
          throw new NoHostError(true, '5.1.2', `The domain ${domain} does not exist`);
        default:
          throw new NoHostError(false, '4.4.3', `DNS does not answer for ${domain} (${codeOf(error)})`);
      }
    });
    if (records === undefined || records.length === 0) return [domain];
    if (records.every(({ exchange }) => exchange === '' || exchange === '.')) {
      // RFC 7505 §4.2.
      throw new NoHostError(true, '5.1.10', `556 5.1.10 The domain ${domain} accepts no mail (null MX)`);
    }
    const own = this.#options.hostname.toLowerCase();
    const ours = records.filter(({ exchange }) => exchange.toLowerCase().replace(/\.$/, '') === own);
    const limit = Math.min(...ours.map(({ priority }) => priority));
    // RFC 5321 §5.1: those after ourselves would bring it back here.
    const left = ours.length === 0 ? records : records.filter(({ priority }) => priority < limit);
    if (left.length === 0) {
      throw new NoHostError(true, '5.4.6', `Mail for ${domain} loops back to this server`);
    }
    // The sort leaves those of one preference as they are.
    return inAnyOrder(left)
      .sort((a, b) => a.priority - b.priority)
      .map(({ exchange }) => exchange);
  }

  async #addresses(name: string): Promise<readonly string[]> {
    if (isIP(name) !== 0)
      throw new NoHostError(true, '5.4.4', `The mail server ${name} is an address and no name`);
    const settled = await Promise.allSettled([this.#dns.resolve(name, 'A'), this.#dns.resolve(name, 'AAAA')]);
    const found = settled.flatMap((one) =>
      one.status === 'fulfilled' ? inAnyOrder(one.value).slice(0, maxAddresses) : [],
    );
    if (found.length > 0) return found;
    const isDefinite = settled.every(
      (one) =>
        one.status === 'fulfilled' || ['ENODATA', 'ENOTFOUND', 'EBADNAME'].includes(codeOf(one.reason)),
    );
    throw isDefinite
      ? new NoHostError(true, '5.4.4', `The server ${name} has no address`)
      : new NoHostError(false, '4.4.3', `DNS does not answer for ${name}`);
  }

  #host(name: string, address: string, tls: Host['tls']): Host {
    return {
      name,
      address,
      port: this.#options.port,
      isSecure: false,
      isConfigured: false,
      tls,
      login: undefined,
    };
  }
}

function inAnyOrder<T>(list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, lot: randomInt(1_000_000) }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ one }) => one);
}

function isOnThisMachine(address: string): boolean {
  return /^(?:127\.|::1$)/.test(address);
}

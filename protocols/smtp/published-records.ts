import { CANCELLED, Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { DnsAnswer, DnsLook, PublishedRecords } from '#directory/ports';
import { codeOf } from './dns.ts';
import { notInternet } from './next-hop.ts';

interface PublishedRecordsOptions {
  /** The resolver that is asked first, `host:port`; the system's if there are none. */
  readonly servers: readonly string[];
  /** Where the name servers of domains listen; on any other than 53, which is for tests, they may be on this machine. */
  readonly port: number;
  /** How long the first try of a question takes at most; the second takes twice that. */
  readonly tryMs?: number;
  /** Whoever takes longer is slow. */
  readonly slowMs?: number;
}

type Type = Parameters<DnsLook['ask']>[0];
type Answers = Awaited<ReturnType<DnsLook['ask']>>;

/** A name server of a zone. */
interface NameServer {
  readonly name: string;
  readonly address: string | undefined;
  /** The name at which the zone begins. */
  readonly zone: string;
}

const usualTryMs = 2_000;
const usualSlowMs = 1_500;
/** Zones have up to 13; more than these few are copies of the same. */
const maxNameServers = 8;
/** What leads to a name that is another's, and that again. */
const noRecords: ReadonlySet<string> = new Set(['ENODATA', 'ENOTFOUND']);
const unreachable: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECONNREFUSED']);

/**
 * createPublishedRecords looks at DNS as it is now: at what the resolver has, and at what each name server of the zone says
 * itself. A look remembers for as long as it lasts; whoever looks has just changed something.
 */
export function createPublishedRecords(options: PublishedRecordsOptions): PublishedRecords {
  return { look: (signal) => new Look(options, signal) };
}

class Look implements DnsLook {
  readonly #options: PublishedRecordsOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #resolver: Resolver;
  readonly #questions = new Map<string, Promise<Answers>>();
  readonly #zones = new Map<string, Promise<readonly NameServer[]>>();
  readonly #byAddress = new Map<string, Resolver>();
  /** Whether a name server has a zone, by both. */
  readonly #serving = new Map<string, Promise<boolean>>();
  /** Name servers that are not asked again in this look, by address, with what they failed with. */
  readonly #down = new Map<string, string>();

  constructor(options: PublishedRecordsOptions, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
    this.#resolver = this.#newResolver(options.servers);
    signal?.addEventListener('abort', () => {
      for (const resolver of [this.#resolver, ...this.#byAddress.values()]) resolver.cancel();
    });
  }

  ask(type: Type, hostname: string): Promise<Answers> {
    const name = hostname.replace(/\.$/, '').toLowerCase();
    const question = `${type} ${name}`;
    const known = this.#questions.get(question) ?? this.#ask(type, name);
    this.#questions.set(question, known);
    return known;
  }

  async #ask(type: Type, name: string): Promise<Answers> {
    // A name that is another's has no zone of its own.
    const zone = type === 'CNAME' || type === 'A' ? parentOf(name) : name;
    const [cached, servers] = await Promise.all([
      this.#answer(() => valuesOf(this.#resolver, type, name)),
      this.#nameServers(zone),
    ]);
    return {
      cached,
      servers: await Promise.all(
        servers.map(async (server) => ({
          server: server.name,
          ...(await this.#answerOf(server, type, name)),
        })),
      ),
    };
  }

  async #answerOf({ address, zone }: NameServer, type: Type, name: string): Promise<DnsAnswer> {
    if (address === undefined) return { error: 'no address' };
    const known = this.#down.get(address);
    if (known !== undefined) return { error: known };
    const resolver = this.#resolverAt(address);
    const answer = await this.#answer(async () => {
      const values = await valuesOf(resolver, type, name);
      if (values.length > 0 || type === 'CNAME') return values;
      // A name server answers for its own zone only: what the name stands for may be in another.
      const [target] = await valuesOf(resolver, 'CNAME', name);
      return target === undefined ? [] : valuesOf(this.#resolver, type, target.replace(/\.$/, ''));
    });
    if (answer.error !== undefined && unreachable.has(answer.error)) this.#down.set(address, answer.error);
    const isNothing = answer.values?.length === 0;
    return isNothing && !(await this.#serves(address, zone)) ? { error: 'not authoritative' } : answer;
  }

  /** RFC 1034 §4.2.1: who has a zone has its SOA. A lame server has nothing, and so cannot tell what is not there. */
  #serves(address: string, zone: string): Promise<boolean> {
    const key = `${address} ${zone}`;
    const known =
      this.#serving.get(key) ??
      this.#resolverAt(address)
        .resolveSoa(zone)
        .then(
          () => true,
          () => false,
        );
    this.#serving.set(key, known);
    return known;
  }

  async #answer(values: () => Promise<readonly string[]>): Promise<DnsAnswer> {
    if (this.#signal?.aborted) return { error: CANCELLED };
    const { slowMs = usualSlowMs } = this.#options;
    const began = performance.now();
    try {
      const found = await values();
      return { values: found, isSlow: performance.now() - began > slowMs };
    } catch (error) {
      return { error: codeOf(error) || String(error) };
    }
  }

  /** The name servers of the zone that a name is in, as the resolver has them; none if that cannot be told. */
  #nameServers(name: string): Promise<readonly NameServer[]> {
    const known = this.#zones.get(name) ?? this.#findNameServers(name);
    this.#zones.set(name, known);
    return known;
  }

  async #findNameServers(name: string): Promise<readonly NameServer[]> {
    // Those of a top-level domain know nothing of what is below.
    if (!name.includes('.') || this.#signal?.aborted) return [];
    try {
      const names = await this.#resolver.resolveNs(name);
      const asked = names.sort().slice(0, maxNameServers);
      return await Promise.all(
        asked.map(async (server) => ({ name: server, address: await this.#addressOf(server), zone: name })),
      );
    } catch (error) {
      return noRecords.has(codeOf(error)) ? this.#nameServers(parentOf(name)) : [];
    }
  }

  async #addressOf(server: string): Promise<string | undefined> {
    const addresses = await addressesOf(this.#resolver, server).catch(() => []);
    const isAnywhere = this.#options.port !== 53;
    return addresses.find(
      (address) => isAnywhere || !notInternet.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
    );
  }

  #resolverAt(address: string): Resolver {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const { port } = this.#options;
    const resolver = this.#newResolver([isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`]);
    this.#byAddress.set(address, resolver);
    return resolver;
  }

  /** Over UDP, and over TCP what is cut there. */
  #newResolver(servers: readonly string[]): Resolver {
    const resolver = new Resolver({ timeout: this.#options.tryMs ?? usualTryMs, tries: 2 });
    if (servers.length > 0) resolver.setServers([...servers]);
    return resolver;
  }
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1 || name.length);
}

/** None if there is no such name or record. */
async function valuesOf(resolver: Resolver, type: Type, name: string): Promise<readonly string[]> {
  try {
    return await recordsOf(resolver, type, name);
  } catch (error) {
    if (noRecords.has(codeOf(error))) return [];
    throw error;
  }
}

async function recordsOf(resolver: Resolver, type: Type, name: string): Promise<readonly string[]> {
  switch (type) {
    case 'TXT':
      return (await resolver.resolveTxt(name)).map((strings) => strings.join(''));
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${priority} ${exchange}.`);
    case 'CNAME':
      return (await resolver.resolveCname(name)).map((host) => `${host}.`);
    case 'SRV':
      return (await resolver.resolveSrv(name)).map(
        (one) => `${one.priority} ${one.weight} ${one.port} ${one.name}.`,
      );
    case 'A':
      return addressesOf(resolver, name);
  }
}

async function addressesOf(resolver: Resolver, name: string): Promise<readonly string[]> {
  const none = (error: unknown): string[] => {
    if (noRecords.has(codeOf(error))) return [];
    throw error;
  };
  const [v4, v6] = await Promise.all([
    resolver.resolve4(name).catch(none),
    resolver.resolve6(name).catch(none),
  ]);
  return [...v4, ...v6];
}

import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Clock } from '#domain/outside';
import { type RevocationSource, UnreachableError } from '#domain/smime/revocation';

interface RevocationFetchParts {
  readonly clock: Clock;
  /** Whether private networks and this machine are asked too. */
  readonly allowsPrivateAddresses: boolean;
  /** Undefined: the system's. */
  readonly dns: { resolve(name: string, type: 'A' | 'AAAA'): Promise<readonly string[]> } | undefined;
}

/** How long one may take, and how large it may be. */
const fetchMs = 5000;
const maxBytes = 5 * 1024 * 1024;
/** At a time; more are not asked at all. */
const maxAtOnce = 16;

/**
 * Addresses that are nobody's on the Internet (RFC 6890), or that hide such a one: a certificate from elsewhere must not
 * have us ask them.
 */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');
/** RFC 4291 §2.4: what the Internet uses of IPv6. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** isPublicAddress tells whether an IP address is somebody's on the Internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
  return isIP(address) !== 0 && !notPublic.check(address, 'ipv4');
}

/** RevocationFetch gets revocation lists and OCSP answers over HTTP, from public addresses; redirects are not followed. */
export class RevocationFetch implements RevocationSource {
  readonly #parts: RevocationFetchParts;
  #running = 0;

  constructor(parts: RevocationFetchParts) {
    this.#parts = parts;
  }

  async fetch(url: string, ocspRequest?: Uint8Array): Promise<Uint8Array> {
    const parsed = URL.parse(url);
    if (parsed?.protocol !== 'http:') throw new UnreachableError('no URL of http');
    if (this.#running >= maxAtOnce) throw new UnreachableError('too many at a time');
    this.#running++;
    const abort = new AbortController();
    const cancel = this.#parts.clock.after(fetchMs, () => abort.abort());
    try {
      const address = await this.#addressOf(parsed.hostname);
      if (abort.signal.aborted) throw new UnreachableError('it takes too long');
      return await ask(parsed, address, ocspRequest, abort.signal);
    } catch (error) {
      if (error instanceof UnreachableError) throw error;
      throw new UnreachableError(`${parsed.host} does not answer`, { cause: error });
    } finally {
      cancel();
      this.#running--;
    }
  }

  /** The one that is asked: what the name means later does not count. */
  async #addressOf(hostname: string): Promise<string> {
    const literal = hostname.replace(/^\[(.*)\]$/, '$1');
    const addresses = isIP(literal) === 0 ? await this.#resolve(hostname) : [literal];
    const address = addresses.find((one) => this.#parts.allowsPrivateAddresses || isPublicAddress(one));
    if (address === undefined) throw new UnreachableError(`${hostname} has no public address`);
    return address;
  }

  async #resolve(hostname: string): Promise<readonly string[]> {
    const { dns } = this.#parts;
    if (dns === undefined) return (await lookup(hostname, { all: true })).map(({ address }) => address);
    const found = await Promise.allSettled([dns.resolve(hostname, 'A'), dns.resolve(hostname, 'AAAA')]);
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  }
}

function ask(
  { hostname, port, pathname, search, host }: URL,
  address: string,
  body: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const answered = Promise.withResolvers<Uint8Array>();
  const asking = request({
    host: address,
    port: port === '' ? 80 : Number(port),
    path: `${pathname}${search}`,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      Host: host,
      ...(body !== undefined && {
        'Content-Type': 'application/ocsp-request',
        'Content-Length': body.length,
      }),
    },
    agent: false,
    signal,
  });
  asking.on('error', answered.reject);
  asking.on('response', (response) => {
    if (response.statusCode === 200) return gather(response, answered);
    answered.reject(new UnreachableError(`${hostname} answers ${response.statusCode}`));
    asking.destroy();
  });
  asking.end(body);
  return answered.promise.finally(() => asking.destroy());
}

function gather(response: IncomingMessage, answered: PromiseWithResolvers<Uint8Array>): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > maxBytes) answered.reject(new UnreachableError('it is too large'));
  });
  response.on('error', answered.reject);
  response.on('end', () => answered.resolve(Buffer.concat(chunks)));
  response.on('close', () => answered.reject(new UnreachableError('it broke off')));
}

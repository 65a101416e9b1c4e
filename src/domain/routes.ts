import { domainOfAddress } from './outbound.ts';
import type { RelayServer, RemoteHop } from './outside.ts';

/** A rule of the configuration: mail for a domain goes to another server. */
export interface Route {
  readonly domain: string;
  /** `smtp://user:password@host:port` or `smtps://...`. */
  readonly relay: string;
  /** Only addresses that are nobody's here. */
  readonly onlyUnknown: boolean;
}

/** Routes tells where mail for an address is given to: a server of the configuration, or the domain's own. */
export class Routes {
  readonly #byDomain: ReadonlyMap<string, { readonly server: RelayServer; readonly onlyUnknown: boolean }>;
  readonly #relay: RelayServer | undefined;

  constructor({ relay, routes }: { readonly relay: string | undefined; readonly routes: readonly Route[] }) {
    this.#relay = relay === undefined ? undefined : relayServer(relay);
    this.#byDomain = new Map(
      routes.map((route) => [
        route.domain.toLowerCase(),
        { server: relayServer(route.relay), onlyUnknown: route.onlyUnknown },
      ]),
    );
  }

  /** Where mail for this address goes, if it is not delivered here. */
  nextHop(address: string): RemoteHop {
    const domain = domainOfAddress(address);
    const server = this.#byDomain.get(domain)?.server ?? this.#relay;
    return server === undefined ? { kind: 'mx', domain } : { kind: 'server', server };
  }

  /** The name of where it goes: mail of one name shares connections. */
  destinationOf(address: string): string {
    const hop = this.nextHop(address);
    return hop.kind === 'mx' ? hop.domain : `${hop.server.host}:${hop.server.port}`;
  }

  /** Whether mail for the domain of this address has a server of its own: for all of it, or for what is unknown here. */
  routed(address: string): 'all' | 'unknown' | undefined {
    const route = this.#byDomain.get(domainOfAddress(address));
    if (route === undefined) return undefined;
    return route.onlyUnknown ? 'unknown' : 'all';
  }
}

function relayServer(text: string): RelayServer {
  const { protocol, hostname, port, username, password } = new URL(text);
  const isSecure = protocol === 'smtps:';
  const usualPort = isSecure ? 465 : username === '' ? 25 : 587;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? usualPort : Number(port),
    isSecure,
    login:
      username === ''
        ? undefined
        : { user: decodeURIComponent(username), password: decodeURIComponent(password) },
  };
}

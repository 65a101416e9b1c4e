/** A resolver, and the name servers of a zone beside it, at addresses of loopback and one port. */
import { type DnsName, startDns } from './dns-responder.ts';

type Names = Record<string, DnsName>;

export interface NameServers {
  /** `host:port` of the resolver. */
  readonly resolver: string;
  /** Where the name servers listen, too. */
  readonly port: number;
  /** What the resolver has; with the zone's name servers, and their addresses. */
  readonly cached: Names;
  /** What each name server has, `ns1.<zone>` first; a change counts at once. */
  readonly zones: readonly Names[];
}

/** Starts a resolver with these names and `count` name servers of the zone with a copy of them each. */
export async function startNameServers(zone: string, names: Names, count = 2): Promise<NameServers> {
  const hosts = Array.from({ length: count }, (_, n) => `ns${n + 1}.${zone}`);
  const cached: Names = { ...names, [zone]: { ...names[zone], ns: hosts } };
  hosts.forEach((host, n) => {
    cached[host] = { a: [`127.0.0.${n + 2}`] };
  });
  const resolver = await startDns(cached);
  const port = Number(resolver.split(':')[1]);
  const zones: Names[] = hosts.map(() => ({ ...names, [zone]: { ...names[zone], soa: true } }));
  for (const [n, one] of zones.entries()) await startDns(one, undefined, { host: `127.0.0.${n + 2}`, port });
  return { resolver, port, cached, zones };
}

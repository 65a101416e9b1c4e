import { Resolver } from 'node:dns/promises';

/** A resolver that asks these name servers (`host:port`), or the system's if there are none. */
export function createResolver(servers: readonly string[]): Resolver {
  const resolver = new Resolver({ timeout: 5_000, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return resolver;
}

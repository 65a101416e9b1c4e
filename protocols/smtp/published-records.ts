import { Resolver } from 'node:dns/promises';
import type { DnsRecord } from '#directory/domain';
import type { PublishedRecords } from '#directory/ports';

/**
 * What DNS holds now, by these name servers (`host:port`), or the system's if there are none. Nothing is remembered:
 * whoever looks has just changed something.
 */
export function createPublishedRecords(servers: readonly string[]): PublishedRecords {
  const resolver = new Resolver({ timeout: 4_000, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return {
    values: async (type, hostname) => {
      try {
        return await recordsOf(resolver, type, hostname.replace(/\.$/, ''));
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'ENODATA' || code === 'ENOTFOUND') return [];
        throw error;
      }
    },
  };
}

async function recordsOf(resolver: Resolver, type: DnsRecord['type'], name: string): Promise<string[]> {
  switch (type) {
    case 'TXT':
      return (await resolver.resolveTxt(name)).map((strings) => strings.join(''));
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${priority} ${exchange}.`);
    case 'CNAME':
      return (await resolver.resolveCname(name)).map((host) => `${host}.`);
  }
}

import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Config } from '#config/config';
import { publicUrlOf } from '#config/config';
import { type ListenAddress, parseListenAddress } from '#config/units';
import { recordsOf, type Session } from '../session.ts';

/** A mail domain and whose it is. */
export interface DomainOf {
  readonly OrganizationId: string;
  readonly DomainName: string;
}

/** Scene is what the checks start from. */
export interface Scene {
  readonly config: Config;
  readonly session: Session;
  /** What keeps the server from answering over its admin socket, in a sentence; undefined: it answers. */
  readonly outage: string | undefined;
  /** As the running server says, else as the configuration does. */
  readonly hostname: string;
  readonly publicUrl: string;
  /** Where the listeners are reached from this machine, by name. */
  readonly listeners: Readonly<Record<string, ListenAddress>>;
  readonly openFiles: { readonly now: number | undefined; readonly limit: number | undefined };
  /** Of organisations that are not deleted. */
  readonly organizations: readonly { readonly id: string; readonly alias: string }[];
  readonly domains: readonly DomainOf[];
}

/** lookAround asks the server what there is; without one, what the configuration says. */
export async function lookAround(config: Config, session: Session): Promise<Scene> {
  try {
    return { ...(await askServer(config, session)), outage: undefined };
  } catch (error) {
    return {
      config,
      session,
      outage: error instanceof Error ? error.message : String(error),
      hostname: config.hostname,
      publicUrl: publicUrlOf(config, config.listen.https?.port ?? 443),
      listeners: configured(config),
      openFiles: { now: undefined, limit: undefined },
      organizations: [],
      domains: [],
    };
  }
}

async function askServer(config: Config, session: Session): Promise<Omit<Scene, 'outage'>> {
  const { client } = session;
  const [about, listed] = await Promise.all([
    client.call('Mailstead.DescribeInstallation'),
    client.list('WorkMailService.ListOrganizations', 'OrganizationSummaries'),
  ]);
  const bound = recordsOf(about['Listeners']).flatMap(({ Name, Address }) => {
    const address = parseListenAddress(String(Address));
    return address === undefined ? [] : [[String(Name), reachable(address)] as const];
  });
  const organizations = recordsOf(listed['OrganizationSummaries'])
    .filter(({ State }) => State !== 'Deleted')
    .map(({ OrganizationId, Alias }) => ({ id: String(OrganizationId), alias: String(Alias) }));
  const domains: DomainOf[] = [];
  for (const { id: OrganizationId } of organizations) {
    const input = { OrganizationId };
    const { MailDomains } = await client.list('WorkMailService.ListMailDomains', 'MailDomains', input);
    for (const { DomainName } of recordsOf(MailDomains)) {
      domains.push({ OrganizationId, DomainName: String(DomainName) });
    }
  }
  return {
    config,
    session,
    hostname: String(about['Hostname']),
    publicUrl: String(about['PublicUrl']),
    listeners: Object.fromEntries(bound),
    openFiles: { now: numberOf(about['OpenFiles']), limit: numberOf(about['OpenFilesLimit']) },
    organizations,
    domains,
  };
}

function configured({ listen }: Config): Record<string, ListenAddress> {
  const all = { ...listen, insecureAuth: undefined };
  const on = Object.entries(all).flatMap(([name, address]) =>
    address === undefined || address.port === 0 ? [] : [[name, reachable(address)] as const],
  );
  return Object.fromEntries(on);
}

/** Who listens on every address is reached by the loopback one. */
function reachable({ host, port }: ListenAddress): ListenAddress {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** addressText writes an address as the settings do. */
export function addressText({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** resolverOf gives a resolver that asks whom the server asks, until the signal is aborted. */
export function resolverOf({ config }: Scene, signal: AbortSignal): Resolver {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  if (config.dnsServers.length > 0) resolver.setServers([...config.dnsServers]);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  return resolver;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

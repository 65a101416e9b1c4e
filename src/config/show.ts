import { stringify } from 'smol-toml';
import { publicUrlOf, toConfig } from './config.ts';
import type { Settings } from './schema.ts';

/** shownSettings are the effective settings as one may show them: passwords in URLs masked, the public URL filled in. */
export function shownSettings(settings: Settings): Settings {
  const { outbound, scanner } = settings;
  const config = toConfig(settings, '/');
  return {
    ...settings,
    public_url: publicUrlOf(config, config.listen.https?.port ?? 443),
    outbound: {
      ...outbound,
      relay: masked(outbound.relay),
      route: outbound.route.map((route) => ({ ...route, relay: masked(route.relay) })),
    },
    scanner: { ...scanner, url: masked(scanner.url) },
  };
}

/** toToml writes settings as the file would hold them. */
export function toToml(settings: Settings): string {
  return stringify(settings);
}

function masked(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.password === '') return url;
  return url.replace(/^([a-z]+:\/\/[^:@/]*:)[^@]*@/i, '$1***@');
}

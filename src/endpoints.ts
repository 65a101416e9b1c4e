import { type Config, publicUrlOf } from '#config/config';
import type { PublicHosts } from '#directory/dns-record';
import type { Endpoints, SubmissionEndpoint } from '#protocols/autodiscover/endpoints';
import { mtaStsId } from '#protocols/http/mta-sts';

/**
 * endpointsOf is what clients are told of where this server is: what the configuration says, else its host name and the
 * ports that are bound, by listener name. What has neither is not offered.
 */
export function endpointsOf(config: Config, addresses: Readonly<Record<string, string>>): Endpoints {
  const portOf = (name: string) => {
    const port = addresses[name]?.split(':').at(-1);
    return port === undefined ? undefined : Number(port);
  };
  const offered = (name: 'submission' | 'submissions'): SubmissionEndpoint[] => {
    const security = name === 'submissions' ? 'TLS' : 'STARTTLS';
    const told = name === 'submissions' ? config.publicSubmissions : config.publicSubmission;
    if (told !== undefined) return [{ ...told, security }];
    const port = portOf(name);
    return port === undefined ? [] : [{ host: config.hostname, port, security }];
  };
  return {
    publicUrl: publicUrlOf(config, portOf('https') ?? 443),
    // RFC 8314 §3.3: TLS from the first byte on is preferred.
    submission: [...offered('submissions'), ...offered('submission')],
  };
}

/** publicHostsOf is the same for whoever publishes the records of a mail domain. */
export function publicHostsOf(config: Config, addresses: Readonly<Record<string, string>>): PublicHosts {
  const { publicUrl, submission } = endpointsOf(config, addresses);
  return {
    mail: config.hostname,
    web: new URL(publicUrl).hostname,
    submission,
    mtaStsId: mtaStsId({ mode: config.mtaStsMode, mx: config.hostname }),
  };
}

import type { IncomingMessage } from 'node:http';
import { domainOf } from '#directory/address';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { activeSyncUrl, type Endpoints, type SubmissionEndpoint } from './endpoints.ts';
import type { AutodiscoverParts } from './parts.ts';
import { optionsHandler } from './plain-http.ts';
import { hostedDomain, queryOf } from './query.ts';
import { escaped } from './xml.ts';

const paths = ['/mail/config-v1.1.xml', '/.well-known/autoconfig/mail/config-v1.1.xml'];
const xml = { 'Content-Type': 'text/xml; charset=utf-8', 'Cache-Control': 'no-store' } as const;

/**
 * autoconfigRoutes gives the configuration file of Thunderbird and its like (clientConfig 1.1), the same for every address
 * of a domain, over http too: programs ask there, and it asks for nothing and holds no secret.
 */
export function autoconfigRoutes(parts: AutodiscoverParts): readonly Route[] {
  const methods: Route['methods'] = {
    GET: async (request, response) => {
      const domain = await hostedDomain(domainAsked(request), parts.isOurs);
      if (domain === undefined) throw new HttpError(404, 'Not found');
      send(response, 200, xml, configDocument(domain, parts.endpoints()));
    },
    OPTIONS: optionsHandler('GET, HEAD, OPTIONS'),
  };
  return paths.map((path) => ({ path, methods }));
}

/** Who is told to send no address is known by the domain it asks: Host chooses among our domains, and no URL comes from it. */
function domainAsked({ url, headers }: IncomingMessage): string | undefined {
  const address = queryOf(url ?? '', 'emailaddress');
  if (address !== undefined) return domainOf(address);
  return headers.host?.replace(/:\d*$/, '').replace(/^autoconfig\./i, '');
}

function configDocument(domain: string, endpoints: Endpoints): string {
  const url = new URL(activeSyncUrl(endpoints));
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port;
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${escaped(domain)}">
    <domain>${escaped(domain)}</domain>
    <displayName>${escaped(domain)}</displayName>
    <displayShortName>${escaped(domain)}</displayShortName>
    <incomingServer type="exchange">
      <hostname>${escaped(url.hostname)}</hostname>
      <port>${port}</port>
      <socketType>${url.protocol === 'https:' ? 'SSL' : 'plain'}</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
      <easURL>${escaped(url.href)}</easURL>
    </incomingServer>
${endpoints.submission.map(outgoingServer).join('')}  </emailProvider>
</clientConfig>
`;
}

function outgoingServer({ host, port, security }: SubmissionEndpoint): string {
  return `    <outgoingServer type="smtp">
      <hostname>${escaped(host)}</hostname>
      <port>${port}</port>
      <socketType>${security === 'TLS' ? 'SSL' : 'STARTTLS'}</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
`;
}

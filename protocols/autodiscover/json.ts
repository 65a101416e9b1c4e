import type { ServerResponse } from 'node:http';
import { domainOf } from '#directory/address';
import { send } from '#protocols/http/response';
import { pathOf, type Route } from '#protocols/http/router';
import { activeSyncUrl, type Endpoints, jsonPath, poxUrl } from './endpoints.ts';
import type { AutodiscoverParts } from './parts.ts';
import { leadToTls, optionsHandler } from './plain-http.ts';
import { hostedDomain, queryOf } from './query.ts';

/** What AutoDiscover v2 tells of, by the names that clients use. */
const urls: Readonly<Record<string, (endpoints: Endpoints) => string>> = {
  ActiveSync: activeSyncUrl,
  AutodiscoverV1: poxUrl,
};
const maxEchoed = 64;

/**
 * jsonRoute gives AutoDiscover v2: `?Email=` or `/v1.0/{address}`, and `Protocol=`. Nobody is asked who they are, so every
 * address of a domain of ours has the same answer, whether somebody has it or not.
 */
export function jsonRoute(parts: AutodiscoverParts): Route {
  return {
    path: jsonPath,
    anyCase: true,
    below: true,
    methods: {
      GET: async (request, response, http) => {
        const target = request.url ?? '';
        if (!http.secure && !parts.insecureAuth) {
          leadToTls(parts, response, targetOf(target));
          return;
        }
        const address = addressOf(target);
        const protocol = queryOf(target, 'protocol');
        if (address === undefined || protocol === undefined) {
          const missing = address === undefined ? 'Email' : 'Protocol';
          sendError(response, 400, 'MandatoryParameterMissing', `The parameter '${missing}' is missing.`);
          return;
        }
        const name = Object.keys(urls).find((known) => known.toLowerCase() === protocol.toLowerCase());
        const urlOf = name === undefined ? undefined : urls[name];
        if (urlOf === undefined) {
          const known = Object.keys(urls).join(',');
          const text = `The given protocol value '${protocol.slice(0, maxEchoed)}' is invalid. Supported values are '${known}'`;
          sendError(response, 400, 'InvalidProtocol', text);
          return;
        }
        if ((await hostedDomain(domainOf(address), parts.isOurs)) === undefined) {
          sendError(response, 404, 'UserNotFound', 'The domain of the address is not served here.');
          return;
        }
        sendJson(response, 200, { Protocol: name, Url: urlOf(parts.endpoints()) });
      },
      OPTIONS: optionsHandler('GET, HEAD, OPTIONS'),
    },
  };
}

/** The target with our own path, the rest as it came. */
function targetOf(target: string): string {
  const path = pathOf(target);
  const query = target.indexOf('?');
  return `${jsonPath}${path.slice(jsonPath.length)}${query < 0 ? '' : target.slice(query)}`;
}

/** The address in the path, or in the query. */
function addressOf(target: string): string | undefined {
  const rest = pathOf(target).slice(jsonPath.length);
  const [, inPath] = /^\/v1\.0\/([^/]+)\/?$/i.exec(rest) ?? [];
  if (inPath === undefined) return queryOf(target, 'email');
  try {
    return decodeURIComponent(inPath);
  } catch {
    return undefined;
  }
}

function sendError(response: ServerResponse, status: number, code: string, text: string): void {
  sendJson(response, status, { ErrorCode: code, ErrorMessage: text });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
  send(response, status, headers, JSON.stringify(body));
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpContext, HttpHandler } from '#protocols/http/handler';
import { send } from '#protocols/http/response';
import type { AutodiscoverParts } from './parts.ts';

/** askedOverTls passes a request on that may be asked for a password, and leads others to the public URL. */
export function askedOverTls(
  parts: AutodiscoverParts,
  serve: HttpHandler,
  target: (request: IncomingMessage) => string,
): HttpHandler {
  return async (request, response, http) => {
    if (mayAsk(parts, request, http)) await serve(request, response, http);
    else leadToTls(parts, response, target(request));
  };
}

/** leadToTls answers 302 to a path below the public URL, whatever Host says. */
export function leadToTls({ endpoints }: AutodiscoverParts, response: ServerResponse, target: string): void {
  send(response, 302, { Location: `${endpoints().publicUrl}${target}` });
}

/** optionsHandler answers OPTIONS with the methods there are (RFC 9110 §9.3.7); nothing is asked for. */
export function optionsHandler(allow: string): HttpHandler {
  return async (_request, response) => send(response, 204, { Allow: allow });
}

/**
 * Whether this request may be asked for a password. Without TLS a client that brings none is in the third phase of
 * AutoDiscover and waits for a redirect, even where passwords are accepted; unless it came to a proxy by https, where
 * a redirect would lead it in a circle.
 */
function mayAsk(
  { insecureAuth }: AutodiscoverParts,
  { headers }: IncomingMessage,
  http: HttpContext,
): boolean {
  if (http.secure) return true;
  return insecureAuth && (headers.authorization !== undefined || headers['x-forwarded-proto'] === 'https');
}

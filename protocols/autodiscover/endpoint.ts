import type { ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import type { Account } from '#directory/account';
import { readBody } from '#protocols/http/body';
import type { HttpContext } from '#protocols/http/handler';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { signInOver } from '#protocols/http/sign-in';
import { autoconfigRoutes } from './autoconfig.ts';
import { profileRoute } from './configuration-profile.ts';
import { activeSyncUrl, poxPath } from './endpoints.ts';
import { jsonRoute } from './json.ts';
import type { AutodiscoverParts } from './parts.ts';
import { askedOverTls, optionsHandler } from './plain-http.ts';
import { isAddressOf } from './query.ts';
import { AutodiscoverContentError, type AutodiscoverRequest, readRequest } from './request.ts';
import { ErrorCode, errorDocument, settingsDocument } from './response.ts';

const maxBodyBytes = 64 * 1024;
const xml = { 'Content-Type': 'text/xml; charset=utf-8', 'Cache-Control': 'no-store' } as const;

/**
 * autodiscoverRoutes gives the routes by which clients find this server, for the https listener and the http listener
 * alike: without TLS nothing asks for a password.
 */
export function autodiscoverRoutes(parts: AutodiscoverParts): readonly Route[] {
  return [poxRoute(parts), jsonRoute(parts), ...autoconfigRoutes(parts), profileRoute(parts)];
}

/** POX AutoDiscover (MS-ASCMD, Autodiscover; MS-OXDSCLI). */
function poxRoute(parts: AutodiscoverParts): Route {
  const here = () => poxPath;
  const GET = askedOverTls(
    parts,
    async (request, response, http) => {
      await signInOver(parts.signIn, request, http);
      // What Exchange answers to a browser, and what test tools look for.
      sendError(parts, response, http, ErrorCode.InvalidRequest, 'GET');
    },
    here,
  );
  const POST = askedOverTls(
    parts,
    async (request, response, http) => {
      const account = await signInOver(parts.signIn, request, http);
      const asked = read(await readBody(request, maxBodyBytes));
      const refusal = refusalOf(account, asked, request.headers['user-agent'] ?? '');
      if (refusal !== undefined) {
        sendError(parts, response, http, refusal.code, refusal.reason);
        return;
      }
      send(response, 200, xml, settingsDocument({ ...account, url: activeSyncUrl(parts.endpoints()) }));
      http.log.debug('autodiscover.request.answered', { user: account.address });
    },
    here,
  );
  const OPTIONS = optionsHandler('GET, HEAD, POST, OPTIONS');
  return { path: poxPath, anyCase: true, methods: { GET, POST, OPTIONS } };
}

/** The request, or what is wrong with it. */
function read(body: Uint8Array): AutodiscoverRequest | string {
  try {
    return readRequest(body);
  } catch (error) {
    if (error instanceof AutodiscoverContentError) return error.message;
    throw error;
  }
}

/** Why there are no settings in answer to this request, which may itself be what is wrong with it; undefined if there are. */
function refusalOf(
  { addresses }: Account,
  asked: AutodiscoverRequest | string,
  userAgent: string,
): { readonly code: ErrorCode; readonly reason: string } | undefined {
  if (typeof asked === 'string') return { code: ErrorCode.InvalidRequest, reason: asked };
  const { schema, address } = asked;
  if (schema !== 'mobilesync' && !(schema === 'outlook' && hasActiveSync(userAgent))) {
    return { code: ErrorCode.NoProvider, reason: 'schema' };
  }
  if (isAddressOf(addresses, address)) return undefined;
  // Whether anybody else has the address is not told: the answer is the same.
  return { code: ErrorCode.AddressNotFound, reason: 'address' };
}

/**
 * Whether an Outlook makes an ActiveSync account of mobilesync settings that come in the place of its own schema's: from
 * 2013 (15) on, on Windows. Others take an error for a reason to go on.
 */
function hasActiveSync(userAgent: string): boolean {
  return userAgent.includes('Windows') && /Outlook (1[5-9]|[2-9]\d)\./.test(userAgent);
}

function sendError(
  { clock }: AutodiscoverParts,
  response: ServerResponse,
  http: HttpContext,
  code: ErrorCode,
  reason: string,
): void {
  // The document says which log line is its own.
  const id = crc32(http.connectionId);
  send(response, 200, xml, errorDocument(code, new Date(clock.now()), id));
  http.log.info('autodiscover.request.refused', { code, reason, id });
}

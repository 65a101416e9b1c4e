import type { IncomingMessage, ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import type { Account } from '#directory/account';
import { canonicalAddress } from '#directory/canonical-name';
import type { SignIn } from '#directory/sign-in';
import type { Clock } from '#domain/outside';
import { readBody } from '#protocols/http/body';
import type { HttpContext, HttpHandler } from '#protocols/http/handler';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { signInOver } from '#protocols/http/sign-in';
import { AutodiscoverContentError, type AutodiscoverRequest, readRequest } from './request.ts';
import { ErrorCode, errorDocument, settingsDocument } from './response.ts';

/** What AutoDiscover is made of. */
export interface AutodiscoverParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly clock: Pick<Clock, 'now'>;
  /** What clients are told, without a slash at its end; asked at each request, as a port may be known late. */
  readonly publicUrl: () => string;
  /** Passwords are accepted without TLS: in tests, and behind a proxy that ends TLS. */
  readonly insecureAuth: boolean;
}

const path = '/autodiscover/autodiscover.xml';
const maxBodyBytes = 64 * 1024;
const xml = { 'Content-Type': 'text/xml; charset=utf-8', 'Cache-Control': 'no-store' } as const;

/**
 * autodiscoverRoutes gives the route of POX AutoDiscover (MS-ASCMD, Autodiscover), for the https listener and the http
 * listener alike: without TLS it leads to the public URL and asks for nothing.
 */
export function autodiscoverRoutes(parts: AutodiscoverParts): readonly Route[] {
  const guarded =
    (serve: HttpHandler): HttpHandler =>
    (request, response, http) =>
      mayAsk(parts, request, http) ? serve(request, response, http) : redirect(parts, response);
  const GET = guarded(async (request, response, http) => {
    await signInOver(parts.signIn, request, http);
    // What Exchange answers to a browser, and what test tools look for.
    sendError(parts, response, http, ErrorCode.InvalidRequest, 'GET');
  });
  const POST = guarded(async (request, response, http) => {
    const account = await signInOver(parts.signIn, request, http);
    const asked = read(await readBody(request, maxBodyBytes));
    const refusal = refusalOf(account, asked);
    if (refusal !== undefined) {
      sendError(parts, response, http, refusal.code, refusal.reason);
      return;
    }
    const url = `${parts.publicUrl()}/Microsoft-Server-ActiveSync`;
    send(response, 200, xml, settingsDocument({ ...account, url }));
    http.log.debug('autodiscover.request.answered', { user: account.address });
  });
  return [{ path, anyCase: true, methods: { GET, POST } }];
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

async function redirect({ publicUrl }: AutodiscoverParts, response: ServerResponse): Promise<void> {
  send(response, 302, { Location: `${publicUrl()}${path}` });
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
  account: Account,
  asked: AutodiscoverRequest | string,
): { readonly code: ErrorCode; readonly reason: string } | undefined {
  if (typeof asked === 'string') return { code: ErrorCode.InvalidRequest, reason: asked };
  if (asked.schema === 'other') return { code: ErrorCode.NoProvider, reason: 'schema' };
  if (isOf(account, asked.address)) return undefined;
  // Whether anybody else has the address is not told: the answer is the same.
  return { code: ErrorCode.AddressNotFound, reason: 'address' };
}

function isOf({ addresses }: Account, address: string): boolean {
  const wanted = canonicalAddress(address);
  return addresses.some((one) => canonicalAddress(one) === wanted);
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

import type { IncomingMessage } from 'node:http';
import type { Account } from '#directory/account';
import { type SignIn, SignInThrottled } from '#directory/sign-in';
import { DomainError } from '#domain/errors';
import { parseBasicAuth, unauthorized } from './basic-auth.ts';
import type { HttpContext } from './handler.ts';
import { HttpError } from './http-error.ts';

const realm = 'Mailstead';
const busyRetrySeconds = '60';

/**
 * signInOver gives the account of the request's Basic credentials (RFC 7617). Throws HttpError: 401, 403 for a user who
 * is known and disabled, or whom the rules keep out (at a 401 a phone asks for the password), 429 when throttled, 503 when too many sign in.
 */
export async function signInOver(
  signIn: Pick<SignIn, 'signIn'>,
  request: IncomingMessage,
  http: HttpContext,
): Promise<Account> {
  const credentials = parseBasicAuth(request.headers.authorization);
  if (credentials === undefined) throw unauthorized(realm);
  try {
    return await signIn.signIn(credentials.user, credentials.passwords, http.remoteAddress);
  } catch (error) {
    throw answerTo(error);
  }
}

function answerTo(error: unknown): unknown {
  if (error instanceof SignInThrottled) {
    return new HttpError(429, error.message, { 'Retry-After': String(error.retryAfterSeconds) });
  }
  if (!(error instanceof DomainError)) return error;
  switch (error.code) {
    case 'server/busy':
      return new HttpError(503, error.message, { 'Retry-After': busyRetrySeconds });
    case 'mailbox/disabled':
    case 'access/denied':
      return new HttpError(403, error.message);
    default:
      return unauthorized(realm);
  }
}

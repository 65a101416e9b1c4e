import { isUtf8 } from 'node:buffer';
import { HttpError } from './http-error.ts';

/** Credentials as a client sent them: the user name untouched, the password in every reading its bytes allow. */
export interface BasicCredentials {
  readonly user: string;
  /** Most likely reading first. */
  readonly passwords: readonly string[];
}

/**
 * parseBasicAuth reads an Authorization header (RFC 7617); undefined when it is absent, of another scheme or malformed.
 * The charset is UTF-8 as we announce it (§2.1); bytes that are no UTF-8, or that read differently as Latin-1, are
 * offered as Latin-1 too, which Outlook sends. `DOMAIN\user` is left for the directory to resolve.
 */
export function parseBasicAuth(header: string | undefined): BasicCredentials | undefined {
  const match = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '');
  if (match?.[1] === undefined) return undefined;
  const bytes = Buffer.from(match[1], 'base64');
  const latin1 = bytes.toString('latin1');
  const readings = isUtf8(bytes) ? [bytes.toString('utf8'), latin1] : [latin1];
  const [first] = readings;
  const colon = first?.indexOf(':') ?? -1;
  // §2: the user-id has no colon, and neither part holds control characters.
  if (first === undefined || colon < 1 || hasControls(first)) return undefined;
  const passwords = readings.map((text) => text.slice(text.indexOf(':') + 1));
  return {
    user: first.slice(0, colon),
    passwords: [...new Set(passwords)].filter((text) => !hasControls(text)),
  };
}

/** unauthorized is the 401 that asks for Basic credentials in UTF-8 (RFC 7617 §2.1). */
export function unauthorized(realm: string): HttpError {
  return new HttpError(401, 'Sign in', { 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"` });
}

/** C0 and DEL only: the Latin-1 reading of UTF-8 bytes is full of C1. */
function hasControls(text: string): boolean {
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

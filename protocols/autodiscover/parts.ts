import type { SignIn } from '#directory/sign-in';
import type { Clock } from '#domain/outside';
import type { Endpoints } from './endpoints.ts';

/** What AutoDiscover is made of. */
export interface AutodiscoverParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Asked at each request, as a port may be known late. */
  readonly endpoints: () => Endpoints;
  /** Whether a domain, in any case, gives addresses here. */
  readonly isOurs: (domain: string) => Promise<boolean>;
  /** Signs a configuration profile (CMS); undefined: the certificate is none that a phone knows. */
  readonly signProfile: ((profile: Uint8Array) => Uint8Array) | undefined;
  /** Passwords are accepted without TLS: in tests, and behind a proxy that ends TLS. */
  readonly insecureAuth: boolean;
}

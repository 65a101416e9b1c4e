/** Where this server is, for clients: the one description that every answer here is built from. */
export interface Endpoints {
  /** Of all that is spoken over HTTP, without a slash at its end. */
  readonly publicUrl: string;
  /** Where programs hand in mail, the best one first; none while those listeners are off. */
  readonly submission: readonly SubmissionEndpoint[];
}

export interface SubmissionEndpoint {
  readonly host: string;
  readonly port: number;
  /** RFC 8314 §3: TLS from the first byte on, or STARTTLS. */
  readonly security: 'TLS' | 'STARTTLS';
}

/** Paths below the public URL. */
export const poxPath = '/autodiscover/autodiscover.xml';
export const jsonPath = '/autodiscover/autodiscover.json';
export const profilePath = '/mobileconfig';

/** activeSyncUrl is what a phone synchronises with. */
export function activeSyncUrl({ publicUrl }: Endpoints): string {
  return `${publicUrl}/Microsoft-Server-ActiveSync`;
}

/** poxUrl is where POX AutoDiscover is served with TLS. */
export function poxUrl({ publicUrl }: Endpoints): string {
  return `${publicUrl}${poxPath}`;
}

import { DomainError } from '#domain/errors';
import { canonicalDomain } from './canonical-name.ts';

/** Only a Verified domain receives mail and gives addresses. */
export type MailDomainState = 'Pending' | 'Verified';

/** MailDomain is a domain an organisation has registered. */
export interface MailDomain {
  /** Its A-label in lower case. */
  readonly name: string;
  readonly state: MailDomainState;
  /** `<alias>.<base_domain>`, made with the organisation. */
  readonly test: boolean;
  readonly registeredMs: number;
  /** Whoever can publish it in the domain's DNS owns the domain. */
  readonly ownershipToken: string;
}

/** The longest domain that leaves room for the names below it; the API's WorkMailDomainName. */
const maxDomainName = 209;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** isDomainName tells whether a canonical name is a host name of at least two labels (RFC 1123 §2.1), not an address. */
export function isDomainName(name: string): boolean {
  const labels = name.split('.');
  const top = labels.at(-1) ?? '';
  return (
    name.length <= maxDomainName &&
    labels.length > 1 &&
    labels.every((l) => label.test(l)) &&
    !/^\d+$/.test(top)
  );
}

/** domainName gives the canonical form of a mail domain. Throws DomainError request/invalid for what is none. */
export function domainName(text: string): string {
  const name = canonicalDomain(text.trim().replace(/\.$/, ''));
  if (isDomainName(name)) return name;
  const why = name.includes('_') ? ' An underscore is not allowed.' : '';
  throw new DomainError('request/invalid', `The domain name is not valid.${why}`);
}

/** isWithin tells whether a canonical domain is `parent` or lies below it. */
export function isWithin(name: string, parent: string): boolean {
  return name === parent || name.endsWith(`.${parent}`);
}

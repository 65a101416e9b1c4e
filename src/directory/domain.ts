import { DomainError } from '#domain/errors';
import { canonicalDomain } from './canonical-name.ts';
import type { DkimKeyState, DkimRecord } from './dkim-keys.ts';

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

/** What a record is for. */
export type DnsPurpose = 'OWNERSHIP' | 'MX' | 'AUTODISCOVER' | 'SPF' | 'DKIM' | 'DMARC';

/** A record the domain's owner publishes. RFC 1035 §3.2.2. */
export interface DnsRecord {
  readonly type: 'TXT' | 'MX' | 'CNAME';
  /** With the dot at its end. */
  readonly hostname: string;
  /** Of a TXT record whole: DNS keeps it in strings of up to 255 bytes. */
  readonly value: string;
  readonly purpose: DnsPurpose;
  /** Of a record for a key. */
  readonly keyState?: DkimKeyState | undefined;
  /** Until when the record of a key that signs no more has to stay. */
  readonly keepUntilMs?: number | undefined;
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

/** dnsRecords lists what the owner publishes so that the domain is verified, receives mail here and is not forged. */
export function dnsRecords(
  { name, test, ownershipToken }: MailDomain,
  mailHost: string,
  dkim: readonly DkimRecord[],
): readonly DnsRecord[] {
  const ownership: DnsRecord = {
    purpose: 'OWNERSHIP',
    type: 'TXT',
    hostname: `_mailstead.${name}.`,
    value: ownershipToken,
  };
  return [
    ...(test ? [] : [ownership]),
    { purpose: 'MX', type: 'MX', hostname: `${name}.`, value: `10 ${mailHost}.` },
    { purpose: 'AUTODISCOVER', type: 'CNAME', hostname: `autodiscover.${name}.`, value: `${mailHost}.` },
    // RFC 7208 §5.4; RFC 7489 §6.3.
    { purpose: 'SPF', type: 'TXT', hostname: `${name}.`, value: `v=spf1 a:${mailHost} mx ~all` },
    ...dkim.map(
      ({ selector, record, state, keepUntilMs }): DnsRecord => ({
        purpose: 'DKIM',
        type: 'TXT',
        hostname: `${selector}._domainkey.${name}.`,
        value: record,
        keyState: state,
        keepUntilMs,
      }),
    ),
    {
      purpose: 'DMARC',
      type: 'TXT',
      hostname: `_dmarc.${name}.`,
      value: 'v=DMARC1;p=quarantine;pct=100;fo=1',
    },
  ];
}

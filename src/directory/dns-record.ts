/** The records that the owner of a mail domain publishes. */
import type { DkimKeyState, DkimRecord } from './dkim-keys.ts';
import type { MailDomain } from './domain.ts';
import { isAddress } from './record-judge.ts';

/** What a record is for. */
export type DnsPurpose =
  | 'OWNERSHIP'
  | 'MX'
  | 'AUTODISCOVER'
  | 'SPF'
  | 'DKIM'
  | 'DMARC'
  | 'AUTODISCOVER_SRV'
  | 'AUTOCONFIG'
  | 'SUBMISSIONS'
  | 'SUBMISSION'
  | 'IMAPS'
  | 'MTA_STS'
  | 'MTA_STS_HOST';

/** A record the domain's owner publishes. RFC 1035 §3.2.2, RFC 2782. */
export interface DnsRecord {
  readonly type: 'TXT' | 'MX' | 'CNAME' | 'SRV';
  /** With the dot at its end. */
  readonly hostname: string;
  /** Of a TXT record whole: DNS keeps it in strings of up to 255 bytes. */
  readonly value: string;
  readonly purpose: DnsPurpose;
  /** Mail comes and goes without it. */
  readonly isOptional?: boolean | undefined;
  /** Of a record for a key. */
  readonly keyState?: DkimKeyState | undefined;
  /** Until when the record of a key that signs no more has to stay. */
  readonly keepUntilMs?: number | undefined;
}

/** Where others find this server. */
export interface PublicHosts {
  /** Where mail for our domains goes. */
  readonly mail: string;
  /** Where everything over HTTP is. */
  readonly web: string;
  /** Where programs hand in mail. */
  readonly submission: readonly {
    readonly host: string;
    readonly port: number;
    /** RFC 8314 §3: TLS from the first byte on, or STARTTLS. */
    readonly security: 'TLS' | 'STARTTLS';
  }[];
  /** Of the MTA-STS policy that is served; absent if none is announced. RFC 8461 §3.1. */
  readonly mtaStsId?: string | undefined;
}

/** dnsRecords lists what the owner publishes so that the domain is verified, receives mail here, is not forged, and is found. */
export function dnsRecords(
  domain: MailDomain,
  hosts: PublicHosts,
  dkim: readonly DkimRecord[],
): readonly DnsRecord[] {
  const { name, test, ownershipToken } = domain;
  const web = isAddress(hosts.web) ? hosts.mail : hosts.web;
  const ownership: DnsRecord = {
    purpose: 'OWNERSHIP',
    type: 'TXT',
    hostname: `_mailstead.${name}.`,
    value: ownershipToken,
  };
  return [
    ...(test ? [] : [ownership]),
    { purpose: 'MX', type: 'MX', hostname: `${name}.`, value: `10 ${hosts.mail}.` },
    { purpose: 'AUTODISCOVER', type: 'CNAME', hostname: `autodiscover.${name}.`, value: `${web}.` },
    // RFC 7208 §5.4; RFC 7489 §6.3.
    { purpose: 'SPF', type: 'TXT', hostname: `${name}.`, value: `v=spf1 a:${hosts.mail} mx ~all` },
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
    ...optionalRecords(name, { ...hosts, web }).map((record) => ({ ...record, isOptional: true })),
  ];
}

function optionalRecords(name: string, { web, submission, mtaStsId }: PublicHosts): readonly DnsRecord[] {
  const service = (purpose: DnsPurpose, label: string, value: string): DnsRecord => ({
    purpose,
    type: 'SRV',
    hostname: `${label}._tcp.${name}.`,
    value,
  });
  return [
    // Outlook takes no other port.
    service('AUTODISCOVER_SRV', '_autodiscover', `0 0 443 ${web}.`),
    { purpose: 'AUTOCONFIG', type: 'CNAME', hostname: `autoconfig.${name}.`, value: `${web}.` },
    // RFC 8314 §5.1: TLS from the first byte on comes first; RFC 6186 §3.1.
    ...submission
      .filter(({ host }) => !isAddress(host))
      .map(({ host, port, security }) =>
        security === 'TLS'
          ? service('SUBMISSIONS', '_submissions', `0 1 ${port} ${host}.`)
          : service('SUBMISSION', '_submission', `10 1 ${port} ${host}.`),
      ),
    // RFC 6186 §3.4: not offered.
    service('IMAPS', '_imaps', '0 0 0 .'),
    ...(mtaStsId === undefined
      ? []
      : ([
          {
            purpose: 'MTA_STS',
            type: 'TXT',
            hostname: `_mta-sts.${name}.`,
            value: `v=STSv1; id=${mtaStsId};`,
          },
          { purpose: 'MTA_STS_HOST', type: 'CNAME', hostname: `mta-sts.${name}.`, value: `${web}.` },
        ] as const)),
  ];
}

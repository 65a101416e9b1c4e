/** Compares what DNS holds with what a mail domain needs, and says what to do about it. */
import type { DnsRecord, MailDomain } from './domain.ts';
import type { PublishedRecords } from './ports.ts';

/** VERIFIED: as it should be. MISSING: not there. INCONSISTENT: something else is there. PENDING: DNS does not answer. */
export type RecordStatus = 'VERIFIED' | 'PENDING' | 'MISSING' | 'INCONSISTENT';

/** RecordCheck is what DNS holds for a record now. */
export interface RecordCheck {
  readonly record: DnsRecord;
  readonly found: readonly string[];
  readonly status: RecordStatus;
  /** What to do, in a sentence or two; absent if nothing is. */
  readonly advice?: string | undefined;
}

/** What is found, and what that means. */
type Finding = Omit<RecordCheck, 'record'>;

/** Whoever publishes the records decides what there is to show: bounded. */
const maxShown = 10;
const maxShownLength = 1_000;

/** checkRecords looks at each record of a domain, all at once. Never rejects. */
export function checkRecords(
  { name }: Pick<MailDomain, 'name'>,
  records: readonly DnsRecord[],
  dns: PublishedRecords,
): Promise<readonly RecordCheck[]> {
  return Promise.all(
    records.map(async (record) => {
      try {
        const finding = await checkRecord(name, record, dns);
        const found = finding.found.slice(0, maxShown).map((value) => value.slice(0, maxShownLength));
        return retold({ record, ...finding, found }, record);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return {
          record,
          found: [],
          status: 'PENDING',
          advice: `DNS does not answer (${why}). Try again later.`,
        };
      }
    }),
  );
}

/** What was found for a record, told of the record as it is by now: its key may have been retired by what was found. */
export function retold(check: RecordCheck, record: DnsRecord): RecordCheck {
  if (record.keyState !== 'RETIRED' || check.status === 'PENDING') return { ...check, record };
  const what = check.status === 'VERIFIED' ? 'Leave it for now' : 'Put it back';
  return { ...check, record, advice: `${what}: mail signed with this key is still under way.` };
}

async function checkRecord(domain: string, record: DnsRecord, dns: PublishedRecords): Promise<Finding> {
  const found = await dns.values(record.type, record.hostname);
  const finding = judge(record, found);
  if (finding.status === 'VERIFIED') return finding;
  if (record.purpose === 'OWNERSHIP') {
    const atDomain = await dns.values('TXT', `${domain}.`);
    const isThere = atDomain.some((value) => plain(value) === tokenAtDomain(record));
    if (isThere) return { found: [tokenAtDomain(record)], status: 'VERIFIED' };
  }
  if (finding.status !== 'MISSING') return finding;
  // Some providers put the domain behind whatever is typed.
  const typed = record.hostname.replace(/\.$/, '');
  const doubled = `${typed}.${domain}.`;
  if (judge(record, await dns.values(record.type, doubled)).status !== 'VERIFIED') {
    return { ...finding, advice: `${finding.advice ?? ''}${underscoreAdvice(domain, record)}` };
  }
  const short = typed === domain ? '@' : typed.slice(0, -domain.length - 1);
  return {
    ...finding,
    advice: `The record is at ${doubled} instead: the DNS provider adds the domain name itself. Enter only "${short}" as the host name.`,
  };
}

/** What stands at the domain itself where a provider takes no underscore in a host name. */
function tokenAtDomain({ value }: DnsRecord): string {
  return `mailstead=${value}`;
}

function underscoreAdvice(domain: string, record: DnsRecord): string {
  if (record.purpose === 'OWNERSHIP') {
    return ` If the DNS provider takes no underscore in a host name, add a TXT record at ${domain} with the value ${tokenAtDomain(record)} instead.`;
  }
  if (record.purpose !== 'DKIM' && record.purpose !== 'DMARC') return '';
  return ' The underscore in the host name has to stay: if the DNS provider takes none there, another one is needed for this record.';
}

/** A value without the quotation marks that some providers store with it. */
function plain(value: string): string {
  return value.trim().replace(/^"(.*)"$/, '$1');
}

function judge(record: DnsRecord, found: readonly string[]): Finding {
  const relevant = found.filter((value) => isMeant(record, value));
  if (relevant.length === 0 && record.purpose !== 'OWNERSHIP') {
    return { found, status: 'MISSING', advice: `Add the ${record.type} record.` };
  }
  switch (record.purpose) {
    case 'OWNERSHIP':
      return ownership(record, found);
    case 'MX':
      return mailExchangers(record, relevant);
    case 'AUTODISCOVER':
      return relevant.some((value) => sameHost(value, record.value))
        ? { found: relevant, status: 'VERIFIED' }
        : { found: relevant, status: 'INCONSISTENT', advice: 'Another host is named: change it.' };
    case 'SPF':
      return senderPolicy(record, relevant);
    case 'DKIM':
      return key(record, relevant);
    case 'DMARC':
      return relevant.length === 1 ? { found: relevant, status: 'VERIFIED' } : several(relevant, 'DMARC');
  }
}

/** Other TXT records at the same name are no business of ours. */
function isMeant({ purpose }: DnsRecord, value: string): boolean {
  if (purpose === 'SPF') return /^v=spf1(?:\s|$)/i.test(plain(value));
  if (purpose === 'DMARC') return /^v\s*=\s*DMARC1\s*(?:;|$)/i.test(plain(value));
  return true;
}

function several(found: readonly string[], what: string): Finding {
  const advice = `There are ${found.length} ${what} records: other servers then ignore all of them. Keep one.`;
  return { found, status: 'INCONSISTENT', advice };
}

function ownership({ value }: DnsRecord, found: readonly string[]): Finding {
  if (found.some((one) => plain(one) === value)) return { found, status: 'VERIFIED' };
  return found.length === 0
    ? { found, status: 'MISSING', advice: 'Add the TXT record.' }
    : { found, status: 'INCONSISTENT', advice: 'Another value is there: add this one beside it.' };
}

/** RFC 5321 §5.1: the lowest number is tried first. */
function mailExchangers({ value }: DnsRecord, found: readonly string[]): Finding {
  const hosts = found.map((one) => {
    const [preference = '', host = ''] = one.split(' ');
    return { preference: Number(preference), host };
  });
  const ours = hosts.filter(({ host }) => sameHost(host, value.split(' ')[1] ?? ''));
  if (ours.length === 0) {
    return {
      found,
      status: 'INCONSISTENT',
      advice: 'Mail goes to other servers: replace them once the mailboxes are here.',
    };
  }
  if (ours.length === hosts.length) return { found, status: 'VERIFIED' };
  const best = Math.min(...ours.map(({ preference }) => preference));
  const isFirst = hosts.every(
    ({ preference, host }) => preference > best || sameHost(host, ours[0]?.host ?? ''),
  );
  return isFirst
    ? {
        found,
        status: 'VERIFIED',
        advice: 'Other servers are named too: mail goes there while this one does not answer.',
      }
    : {
        found,
        status: 'INCONSISTENT',
        advice:
          'Other servers come first or share the mail: give this one the lowest number, or remove them.',
      };
}

/** RFC 7208 §4.5: with several records none counts. */
function senderPolicy({ value }: DnsRecord, found: readonly string[]): Finding {
  if (found.length > 1) return several(found, 'SPF');
  const ours = value.split(' ').filter((term) => term.startsWith('a:') || term === 'mx');
  const terms = plain(found[0] ?? '')
    .toLowerCase()
    .split(/\s+/)
    .map((term) => term.replace(/^\+/, ''));
  if (ours.some((term) => terms.includes(term.toLowerCase()))) return { found, status: 'VERIFIED' };
  return {
    found,
    status: 'INCONSISTENT',
    advice: `Put ${ours[0]} into the record there is, before its "all"; a second SPF record would undo both.`,
  };
}

/** RFC 6376 §3.6.2.2: what several records at one name mean is undefined. */
function key({ value }: DnsRecord, found: readonly string[]): Finding {
  if (found.length > 1) return several(found, 'DKIM');
  const wanted = publicKeyIn(value);
  const there = publicKeyIn(plain(found[0] ?? ''));
  if (there === wanted) return { found, status: 'VERIFIED' };
  const isCut = there !== '' && wanted.startsWith(there);
  return {
    found,
    status: 'INCONSISTENT',
    advice: isCut
      ? 'The value is cut short: enter it whole, in strings of up to 255 characters if the DNS provider asks for them.'
      : 'Another value is there: replace it by this one.',
  };
}

/** RFC 6376 §3.6.1: p=, in which white space does not count. */
function publicKeyIn(record: string): string {
  const tag = record.split(';').find((one) => /^\s*p\s*=/.test(one)) ?? '';
  return tag.replace(/\s+/g, '').slice(2);
}

function sameHost(one: string, other: string): boolean {
  const plainHost = (host: string) => host.toLowerCase().replace(/\.$/, '');
  return plainHost(one) === plainHost(other);
}

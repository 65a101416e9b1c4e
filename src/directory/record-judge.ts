/** Whether what stands at a name is the record that belongs there, and what to do if it is not. */
import type { DnsRecord } from './dns-record.ts';

/** VERIFIED: as it should be. MISSING: not there. INCONSISTENT: something else is there. */
export interface Finding {
  /** What bears on the record, of all that stands at its name. */
  readonly found: readonly string[];
  readonly status: 'VERIFIED' | 'MISSING' | 'INCONSISTENT';
  /** What to do, in a sentence or two; absent if nothing is. */
  readonly advice?: string | undefined;
}

/** judge compares the values at the name of a record with the record; `domain` is the mail domain it is of. */
export function judge(domain: string, record: DnsRecord, values: readonly string[]): Finding {
  const found = values.filter((value) => isMeant(record, value));
  if (found.length === 0) {
    const advice = record.isOptional ? undefined : `Add the ${record.type} record.`;
    return { found: values, status: 'MISSING', advice };
  }
  switch (record.purpose) {
    case 'OWNERSHIP':
      return ownership(record, found);
    case 'MX':
      return mailExchangers(domain, record, found);
    case 'AUTODISCOVER':
    case 'AUTOCONFIG':
    case 'MTA_STS_HOST':
      return host(domain, record, found);
    case 'AUTODISCOVER_SRV':
    case 'SUBMISSIONS':
    case 'SUBMISSION':
    case 'IMAPS':
      return service(domain, record, found);
    case 'SPF':
      return text(record, found, senderPolicy);
    case 'DKIM':
      return text(record, found, key);
    case 'DMARC':
      return text(record, found, () => ({ found, status: 'VERIFIED' }));
    case 'MTA_STS':
      return text(record, found, transportPolicy);
  }
}

/** Whether two names are of one host: case and the dot at the end do not count. */
function sameHost(one: string, other: string): boolean {
  const plainHost = (name: string) => name.toLowerCase().replace(/\.$/, '');
  return plainHost(one) === plainHost(other);
}

/** isAddress tells whether what stands for a host is its address, of either family. */
export function isAddress(host: string): boolean {
  return /^\d+(?:\.\d+){3}$|:/.test(host);
}

/** The host that the value of a CNAME, MX or SRV record names. */
function hostIn(value: string): string {
  return value.split(' ').at(-1) ?? '';
}

/** plain is a value without the quotation marks that some providers store with it. */
export function plain(value: string): string {
  return value.trim().replace(/^\\?"(.*?)\\?"$/s, '$1');
}

/** Other TXT records at the same name are no business of ours. */
function isMeant({ purpose }: DnsRecord, value: string): boolean {
  if (purpose === 'SPF') return /^v=spf1(?:\s|$)/i.test(plain(value));
  if (purpose === 'DMARC') return /^v\s*=\s*DMARC1\s*(?:;|$)/i.test(plain(value));
  if (purpose === 'MTA_STS') return /^v\s*=\s*STSv1\s*(?:;|$)/i.test(plain(value));
  return true;
}

/** Of records that others read there may be one, and what they read has no quotation marks in it. */
function text(
  record: DnsRecord,
  found: readonly string[],
  one: (record: DnsRecord, value: string) => Finding,
): Finding {
  const [value = ''] = found;
  if (found.length > 1) {
    const advice = `There are ${found.length} ${kindOf(record)} records: other servers then ignore all of them. Keep one.`;
    return { found, status: 'INCONSISTENT', advice };
  }
  if (value.includes('"')) {
    const advice =
      'Quotation marks are part of the value, so that other servers do not understand it: enter it without them.';
    return { found, status: 'INCONSISTENT', advice };
  }
  return one(record, value);
}

function kindOf({ purpose }: DnsRecord): string {
  return purpose === 'MTA_STS' ? 'MTA-STS' : purpose;
}

function ownership({ value }: DnsRecord, found: readonly string[]): Finding {
  if (found.some((one) => plain(one) === value)) return { found, status: 'VERIFIED' };
  // Hexadecimal: its case carries nothing.
  if (found.some((one) => plain(one).toLowerCase() === value.toLowerCase())) {
    return { found, status: 'VERIFIED' };
  }
  return { found, status: 'INCONSISTENT', advice: 'Another value is there: add this one beside it.' };
}

/** RFC 5321 §5.1: the lowest number is tried first. */
function mailExchangers(domain: string, { value }: DnsRecord, found: readonly string[]): Finding {
  const hosts = found.map((one) => ({ preference: Number(one.split(' ')[0]), host: hostIn(one) }));
  const wanted = hostIn(value);
  const ours = hosts.filter((one) => sameHost(one.host, wanted));
  const others = hosts.filter((one) => !sameHost(one.host, wanted));
  if (ours.length === 0) {
    const advice =
      targetFault(domain, wanted, hosts) ??
      'Mail goes to other servers: replace them once the mailboxes are here.';
    return { found, status: 'INCONSISTENT', advice };
  }
  if (others.length === 0) return { found, status: 'VERIFIED' };
  const best = Math.min(...ours.map(({ preference }) => preference));
  return others.every(({ preference }) => preference > best)
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

/** RFC 1034 §3.6.2: of CNAME there is one at a name. */
function host(domain: string, { value }: DnsRecord, found: readonly string[]): Finding {
  if (!found.some((one) => sameHost(one, value))) {
    const advice =
      targetFault(
        domain,
        value,
        found.map((one) => ({ host: one })),
      ) ?? `Another host is named: change it to ${value}`;
    return { found, status: 'INCONSISTENT', advice };
  }
  return found.length === 1
    ? { found, status: 'VERIFIED' }
    : { found, status: 'INCONSISTENT', advice: `There are ${found.length} CNAME records: keep this one.` };
}

/** What is wrong with the host of a record, if it is one of the usual faults. */
function targetFault(
  domain: string,
  wanted: string,
  found: readonly { readonly host: string }[],
): string | undefined {
  const doubled = `${wanted.replace(/\.$/, '')}.${domain}.`;
  if (found.some((one) => sameHost(one.host, doubled))) {
    return `The DNS provider has put the domain behind the value: enter it with a dot at its end, ${wanted}`;
  }
  if (found.some((one) => isAddress(one.host.replace(/\.$/, '')))) {
    return `An address is there where the name of a host belongs: enter ${wanted}`;
  }
  return undefined;
}

/** RFC 2782: priority and weight are the owner's. */
function service(domain: string, { value }: DnsRecord, found: readonly string[]): Finding {
  const place = (one: string) => one.split(' ').slice(2).join(' ');
  const ours = found.filter((one) => sameHost(place(one), place(value)));
  if (ours.length > 0) {
    return ours.length === found.length
      ? { found, status: 'VERIFIED' }
      : {
          found,
          status: 'VERIFIED',
          advice: 'Other servers are named too: programs may be set up with those.',
        };
  }
  const wanted = hostIn(value);
  const hosts = found.map((one) => ({ host: hostIn(one) }));
  const isPort = hosts.some((one) => sameHost(one.host, wanted));
  const advice =
    targetFault(domain, wanted, hosts) ??
    (isPort ? 'The port is another one: change it.' : 'Another host is named: change it.');
  return { found, status: 'INCONSISTENT', advice };
}

/** RFC 7208 §4.6.2: terms are read without case. */
function senderPolicy({ value }: DnsRecord, there: string): Finding {
  const found = [there];
  const ours = value.split(' ').filter((term) => term.startsWith('a:') || term === 'mx');
  const terms = there
    .toLowerCase()
    .trim()
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
function key({ value }: DnsRecord, there: string): Finding {
  const found = [there];
  const wanted = publicKeyIn(value);
  const published = publicKeyIn(there);
  if (published === wanted) return { found, status: 'VERIFIED' };
  if (published !== '' && published.toLowerCase() === wanted.toLowerCase()) {
    const advice =
      'The value was changed to upper or lower case, and is another key then: enter it as it is.';
    return { found, status: 'INCONSISTENT', advice };
  }
  const isCut = published !== '' && wanted.startsWith(published);
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

/** RFC 8461 §3.1: a new id is what makes others fetch the policy anew. */
function transportPolicy({ value }: DnsRecord, there: string): Finding {
  const found = [there];
  const idIn = (record: string) => /;\s*id\s*=\s*([A-Za-z0-9]{1,32})\s*(?:;|$)/.exec(record)?.[1];
  const id = idIn(there);
  if (id === undefined) {
    return { found, status: 'INCONSISTENT', advice: 'The id is not valid: replace the value by this one.' };
  }
  if (id === idIn(value)) return { found, status: 'VERIFIED' };
  return {
    found,
    status: 'VERIFIED',
    advice:
      'The id is not that of the policy as it is served now: replace it, so that other servers fetch that.',
  };
}

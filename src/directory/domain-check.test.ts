import { describe, expect, test } from 'vitest';
import { publishedRecords } from '#test/support/published-records';
import { type DnsRecord, dnsRecords } from './dns-record.ts';
import { checkRecords, type RecordCheck, recordKey } from './domain-check.ts';
import { isOwnershipSeen } from './domain-look.ts';
import type { DnsAnswer, DnsLook } from './ports.ts';

const name = 'example.com';
const rsa = `v=DKIM1; k=rsa; p=${'MIIB'.repeat(98)}`;
const dkim = [
  { selector: 'now', record: rsa, state: 'SIGNING' },
  { selector: 'old', record: 'v=DKIM1; k=ed25519; p=abcd', state: 'RETIRED', keepUntilMs: 1 },
] as const;
const domain = { name, state: 'Pending', test: false, registeredMs: 0, ownershipToken: 'token' } as const;
const hosts = {
  mail: 'mail.example.net',
  web: 'web.example.net',
  submission: [
    { host: 'mail.example.net', port: 465, security: 'TLS' },
    { host: 'mail.example.net', port: 587, security: 'STARTTLS' },
  ],
  mtaStsId: '0123abcd',
} as const;
const records = dnsRecords(domain, hosts, dkim);
/** A domain that was looked at before, with everything in place. */
const known = { name, isProved: true, seen: new Set(records.map(recordKey)) };
const fresh = { name, isProved: false, seen: new Set<string>() };

/** By `TYPE host.name`; an Error is what DNS fails with. */
type Zone = Readonly<Record<string, readonly string[] | Error>>;

const right: Zone = {
  'TXT _mailstead.example.com.': ['token'],
  'MX example.com.': ['10 mail.example.net.'],
  'CNAME autodiscover.example.com.': ['web.example.net.'],
  'TXT example.com.': ['google-site-verification=x', 'v=spf1 a:mail.example.net mx ~all'],
  'TXT now._domainkey.example.com.': [rsa],
  'TXT old._domainkey.example.com.': ['v=DKIM1; k=ed25519; p=abcd'],
  'TXT _dmarc.example.com.': ['v=DMARC1;p=quarantine;pct=100;fo=1'],
  'SRV _autodiscover._tcp.example.com.': ['0 0 443 web.example.net.'],
  'CNAME autoconfig.example.com.': ['WEB.example.net'],
  'SRV _submissions._tcp.example.com.': ['5 5 465 mail.example.net.'],
  'SRV _submission._tcp.example.com.': ['0 1 587 mail.example.net.'],
  'SRV _imaps._tcp.example.com.': ['0 0 0 .'],
  'TXT _mta-sts.example.com.': ['v=STSv1; id=0123abcd'],
  'CNAME mta-sts.example.com.': ['web.example.net.'],
};

const dnsOf = (zone: Zone): DnsLook =>
  publishedRecords(async (type, hostname) => {
    const found = zone[`${type} ${hostname}`] ?? [];
    if (found instanceof Error) throw found;
    return found;
  }).look();

async function check(zone: Zone, what: (record: DnsRecord) => boolean): Promise<RecordCheck> {
  const checks = await checkRecords(known, records, dnsOf(zone));
  const found = checks.find(({ record }) => what(record));
  if (found === undefined) throw new Error('no such record');
  return found;
}

const purpose = (wanted: DnsRecord['purpose']) => (record: DnsRecord) => record.purpose === wanted;

test('a domain whose records are as they should be is verified throughout', async () => {
  const checks = await checkRecords(known, records, dnsOf(right));
  expect(checks.map(({ status }) => status)).toEqual(records.map(() => 'VERIFIED'));
  const advised = checks.filter(({ advice }) => advice !== undefined);
  expect(advised.map(({ record, advice }) => [record.hostname, advice])).toEqual([
    ['old._domainkey.example.com.', expect.stringContaining('Leave it for now')],
  ]);
});

test('a domain without records is told what to add; they are PENDING until one is there, optional ones after that too', async () => {
  const checks = await checkRecords(fresh, records, dnsOf({}));
  expect(checks.map(({ status, found }) => [status, found])).toEqual(records.map(() => ['PENDING', []]));
  for (const { record, advice } of checks) {
    if (record.isOptional) expect(advice).toBeUndefined();
    else expect(advice).toMatch(/^(?:Add the (?:TXT|MX|CNAME) record\.|Put it back)/);
  }
  const begun = await checkRecords(fresh, records, dnsOf({ 'MX example.com.': ['1 mail.example.net.'] }));
  for (const { record, status } of begun.filter((one) => one.record.purpose !== 'MX')) {
    expect([record.purpose, status]).toEqual([record.purpose, record.isOptional ? 'PENDING' : 'MISSING']);
  }
  const gone = await checkRecords(known, records, dnsOf({}));
  expect(gone.map(({ status }) => status)).toEqual(records.map(() => 'MISSING'));
  expect(gone.at(-1)?.advice).toBe('It was there once: add it again if it is wanted.');
});

test('records of what is not offered are not asked for', () => {
  const few = dnsRecords(domain, { mail: 'm.example.net', web: '192.0.2.1', submission: [] }, []);
  expect(few.map(({ purpose, value }) => [purpose, value]).slice(4)).toEqual([
    ['DMARC', expect.any(String)],
    ['AUTODISCOVER_SRV', '0 0 443 m.example.net.'],
    ['AUTOCONFIG', 'm.example.net.'],
    ['IMAPS', '0 0 0 .'],
  ]);
});

test('a name server that does not answer says nothing of the records', async () => {
  const down = dnsOf({ ...right, 'MX example.com.': new Error('queryMx ESERVFAIL example.com') });
  const checks = await checkRecords(known, records, down);
  expect(checks.filter(({ status }) => status !== 'VERIFIED')).toMatchObject([
    { record: { purpose: 'MX' }, status: 'PENDING', advice: expect.stringContaining('ESERVFAIL') },
  ]);
});

describe('what is told of', () => {
  test.each<[string, DnsRecord['purpose'], Zone, RecordCheck['status'], string | undefined]>([
    [
      'a host name that the provider doubled',
      'OWNERSHIP',
      { 'TXT _mailstead.example.com.example.com.': ['token'] },
      'MISSING',
      'Enter only "_mailstead" as the host name',
    ],
    [
      'a doubled name of the domain itself',
      'MX',
      { 'MX example.com.example.com.': ['10 mail.example.net.'] },
      'MISSING',
      'Enter only "@"',
    ],
    [
      'a doubled name of a key',
      'DKIM',
      { 'TXT now._domainkey.example.com.example.com.': [rsa] },
      'MISSING',
      'Enter only "now._domainkey"',
    ],
    ['no underscore at the provider', 'OWNERSHIP', {}, 'MISSING', 'the value mailstead=token instead'],
    [
      'the token at the domain itself',
      'OWNERSHIP',
      { 'TXT example.com.': ['mailstead=token'] },
      'VERIFIED',
      undefined,
    ],
    ['another token', 'OWNERSHIP', { 'TXT _mailstead.example.com.': ['other'] }, 'INCONSISTENT', 'beside it'],
    ['two tokens', 'OWNERSHIP', { 'TXT _mailstead.example.com.': ['a', 'token'] }, 'VERIFIED', undefined],
    [
      'a token in quotation marks',
      'OWNERSHIP',
      { 'TXT _mailstead.example.com.': ['"token"'] },
      'VERIFIED',
      undefined,
    ],
    [
      'mail that goes elsewhere',
      'MX',
      { 'MX example.com.': ['1 mx.old.example.'] },
      'INCONSISTENT',
      'other servers',
    ],
    [
      'another server first',
      'MX',
      { 'MX example.com.': ['1 mx.old.example.', '10 MAIL.example.net.'] },
      'INCONSISTENT',
      'lowest number',
    ],
    [
      'another server after',
      'MX',
      { 'MX example.com.': ['20 mx.old.example.', '10 mail.example.net.'] },
      'VERIFIED',
      'while this one does not answer',
    ],
    ['another preference', 'MX', { 'MX example.com.': ['0 mail.example.net.'] }, 'VERIFIED', undefined],
    [
      'another autodiscover',
      'AUTODISCOVER',
      { 'CNAME autodiscover.example.com.': ['autodiscover.old.example.'] },
      'INCONSISTENT',
      'Another host',
    ],
    [
      'an autodiscover of its own address',
      'AUTODISCOVER',
      {
        'A autodiscover.example.com.': ['192.0.2.1'],
        'A web.example.net.': ['192.0.2.1', '2001:db8::1'],
      },
      'VERIFIED',
      undefined,
    ],
    [
      'an autodiscover of another address',
      'AUTODISCOVER',
      { 'A autodiscover.example.com.': ['192.0.2.9'], 'A web.example.net.': ['192.0.2.1'] },
      'MISSING',
      'Add the CNAME',
    ],
    [
      'a domain behind the value',
      'AUTODISCOVER',
      { 'CNAME autodiscover.example.com.': ['web.example.net.example.com.'] },
      'INCONSISTENT',
      'with a dot at its end, web.example.net.',
    ],
    [
      'a domain behind the mail server',
      'MX',
      { 'MX example.com.': ['10 mail.example.net.EXAMPLE.com.'] },
      'INCONSISTENT',
      'with a dot at its end, mail.example.net.',
    ],
    [
      'an address for the mail server',
      'MX',
      { 'MX example.com.': ['10 192.0.2.1.'] },
      'INCONSISTENT',
      'An address is there where the name of a host belongs',
    ],
    [
      'a domain that is a CNAME',
      'MX',
      { 'CNAME example.com.': ['shop.example.org.'] },
      'INCONSISTENT',
      'The domain itself is a CNAME of shop.example.org.',
    ],
    [
      'a host name without its underscore',
      'OWNERSHIP',
      { 'TXT mailstead.example.com.': ['token'] },
      'MISSING',
      'the underscore is missing',
    ],
    [
      'a key without its underscore',
      'DKIM',
      { 'TXT now.domainkey.example.com.': [rsa] },
      'MISSING',
      'the underscore is missing',
    ],
    [
      'a token in upper case',
      'OWNERSHIP',
      { 'TXT _mailstead.example.com.': ['TOKEN'] },
      'VERIFIED',
      undefined,
    ],
    [
      'a key in lower case',
      'DKIM',
      { 'TXT now._domainkey.example.com.': [rsa.toLowerCase()] },
      'INCONSISTENT',
      'upper or lower case',
    ],
    [
      'an SPF record in quotation marks',
      'SPF',
      { 'TXT example.com.': ['"v=spf1 a:mail.example.net mx ~all"'] },
      'INCONSISTENT',
      'Quotation marks are part of the value',
    ],
    [
      'a key in the quotation marks of two strings',
      'DKIM',
      { 'TXT now._domainkey.example.com.': [`"${rsa.slice(0, 255)}" "${rsa.slice(255)}"`] },
      'INCONSISTENT',
      'Quotation marks are part of the value',
    ],
    [
      'a service at another port',
      'SUBMISSION',
      { 'SRV _submission._tcp.example.com.': ['0 1 25 mail.example.net.'] },
      'INCONSISTENT',
      'The port is another one',
    ],
    [
      'a service elsewhere',
      'SUBMISSIONS',
      { 'SRV _submissions._tcp.example.com.': ['0 1 465 smtp.old.example.'] },
      'INCONSISTENT',
      'Another host is named',
    ],
    [
      'an IMAP server of others',
      'IMAPS',
      { 'SRV _imaps._tcp.example.com.': ['0 1 993 imap.old.example.'] },
      'INCONSISTENT',
      'change it',
    ],
    [
      'an older policy',
      'MTA_STS',
      { 'TXT _mta-sts.example.com.': ['v=STSv1; id=1;'] },
      'VERIFIED',
      'The id is not that of the policy',
    ],
    [
      'a policy without id',
      'MTA_STS',
      { 'TXT _mta-sts.example.com.': ['v=STSv1; id=a b'] },
      'INCONSISTENT',
      'The id is not valid',
    ],
    [
      'two SPF records',
      'SPF',
      { 'TXT example.com.': ['v=spf1 mx -all', 'v=spf1 -all'] },
      'INCONSISTENT',
      'Keep one',
    ],
    [
      'an SPF record of others',
      'SPF',
      { 'TXT example.com.': ['v=spf1 include:old.example ~all'] },
      'INCONSISTENT',
      'Put a:mail.example.net into the record',
    ],
    [
      'an SPF record with more in it',
      'SPF',
      { 'TXT example.com.': ['V=SPF1 include:old.example  +A:Mail.example.net -all'] },
      'VERIFIED',
      undefined,
    ],
    ['other text', 'SPF', { 'TXT example.com.': ['v=spf10', 'hello'] }, 'MISSING', 'Add the TXT'],
    [
      'two keys at one name',
      'DKIM',
      { 'TXT now._domainkey.example.com.': [rsa, rsa] },
      'INCONSISTENT',
      'Keep one',
    ],
    [
      'a key cut short',
      'DKIM',
      { 'TXT now._domainkey.example.com.': [rsa.slice(0, 255)] },
      'INCONSISTENT',
      'cut short',
    ],
    [
      'another key',
      'DKIM',
      { 'TXT now._domainkey.example.com.': ['v=DKIM1; p=abcd'] },
      'INCONSISTENT',
      'replace it',
    ],
    [
      'a revoked key',
      'DKIM',
      { 'TXT now._domainkey.example.com.': ['v=DKIM1; p='] },
      'INCONSISTENT',
      'replace it',
    ],
    [
      'a key with blanks in it',
      'DKIM',
      {
        'TXT now._domainkey.example.com.': [`k=rsa;v=DKIM1; p = ${rsa.slice(18).replace(/.{50}/g, '$& ')};`],
      },
      'VERIFIED',
      undefined,
    ],
    [
      'two DMARC records',
      'DMARC',
      { 'TXT _dmarc.example.com.': ['v=DMARC1;p=none', 'v=DMARC1'] },
      'INCONSISTENT',
      'Keep one',
    ],
    [
      'a DMARC policy of their own',
      'DMARC',
      { 'TXT _dmarc.example.com.': ['v=DMARC1; p=none'] },
      'VERIFIED',
      undefined,
    ],
  ])('%s', async (_what, wanted, zone, status, advice) => {
    const found = await check(zone, purpose(wanted));
    expect(found.status).toBe(status);
    if (advice === undefined) expect(found.advice).toBeUndefined();
    else expect(found.advice).toContain(advice);
  });
});

test('what DNS holds is shown within bounds', async () => {
  const many = Array.from({ length: 50 }, (_, n) => `${n}${'x'.repeat(5_000)}`);
  const { found } = await check({ 'TXT _mailstead.example.com.': many }, purpose('OWNERSHIP'));
  expect(found).toHaveLength(10);
  expect(Math.max(...found.map(({ length }) => length))).toBe(1_000);
});

type Servers = Readonly<Record<string, Zone>>;

/** DNS of name servers that differ; the resolver has what the first one has. */
const dnsOfServers = (servers: Servers): DnsLook => ({
  ask: async (type, hostname) => {
    const answerOf = (zone: Zone): DnsAnswer => {
      const found = zone[`${type} ${hostname}`] ?? [];
      return found instanceof Error ? { error: found.message } : { values: found };
    };
    const answers = Object.entries(servers).map(([server, zone]) => ({ server, ...answerOf(zone) }));
    return { cached: answers[0] ?? { values: [] }, servers: answers };
  },
});

const silent: Zone = {
  'TXT _mailstead.example.com.': new Error('ETIMEOUT'),
  'TXT example.com.': new Error('ETIMEOUT'),
};
const atDomain: Zone = { 'TXT example.com.': ['mailstead=token'] };

test.each<[string, Servers, boolean | undefined]>([
  ['all name servers lack it', { a: {}, b: {} }, false],
  ['one of two lacks it, the other does not answer', { a: {}, b: silent }, false],
  ['one of three lacks it, the others do not answer', { a: {}, b: silent, c: silent }, undefined],
  ['the resolver lacks it, and there is no name server to ask', {}, undefined],
  [
    'it is at the domain itself, which is not answered for',
    { a: { ...silent, 'TXT _mailstead.example.com.': [] } },
    undefined,
  ],
  ['it is at the domain itself at one of two', { a: atDomain, b: {} }, undefined],
  ['it is at the domain itself', { a: atDomain, b: atDomain }, true],
])('the ownership record: %s', async (_what, servers, isSeen) => {
  const ownership = records.filter(purpose('OWNERSHIP'));
  expect(isOwnershipSeen(await checkRecords(known, ownership, dnsOfServers(servers)))).toBe(isSeen);
});

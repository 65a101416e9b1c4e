import { describe, expect, test } from 'vitest';
import { type DnsRecord, dnsRecords } from './domain.ts';
import { checkRecords, type RecordCheck } from './domain-check.ts';
import type { PublishedRecords } from './ports.ts';

const name = 'example.com';
const rsa = `v=DKIM1; k=rsa; p=${'MIIB'.repeat(98)}`;
const dkim = [
  { selector: 'now', record: rsa, state: 'SIGNING' },
  { selector: 'old', record: 'v=DKIM1; k=ed25519; p=abcd', state: 'RETIRED', keepUntilMs: 1 },
] as const;
const domain = { name, state: 'Pending', test: false, registeredMs: 0, ownershipToken: 'token' } as const;
const records = dnsRecords(domain, 'mail.example.net', dkim);

/** By `TYPE host.name`; an Error is what DNS fails with. */
type Zone = Readonly<Record<string, readonly string[] | Error>>;

const right: Zone = {
  'TXT _mailstead.example.com.': ['token'],
  'MX example.com.': ['10 mail.example.net.'],
  'CNAME autodiscover.example.com.': ['mail.example.net.'],
  'TXT example.com.': ['google-site-verification=x', 'v=spf1 a:mail.example.net mx ~all'],
  'TXT now._domainkey.example.com.': [rsa],
  'TXT old._domainkey.example.com.': ['v=DKIM1; k=ed25519; p=abcd'],
  'TXT _dmarc.example.com.': ['v=DMARC1;p=quarantine;pct=100;fo=1'],
};

const dnsOf = (zone: Zone): PublishedRecords => ({
  values: async (type, hostname) => {
    const found = zone[`${type} ${hostname}`] ?? [];
    if (found instanceof Error) throw found;
    return found;
  },
});

async function check(zone: Zone, what: (record: DnsRecord) => boolean): Promise<RecordCheck> {
  const checks = await checkRecords({ name }, records, dnsOf(zone));
  const found = checks.find(({ record }) => what(record));
  if (found === undefined) throw new Error('no such record');
  return found;
}

const purpose = (wanted: DnsRecord['purpose']) => (record: DnsRecord) => record.purpose === wanted;

test('a domain whose records are as they should be is verified throughout', async () => {
  const checks = await checkRecords({ name }, records, dnsOf(right));
  expect(checks.map(({ status }) => status)).toEqual(records.map(() => 'VERIFIED'));
  const advised = checks.filter(({ advice }) => advice !== undefined);
  expect(advised.map(({ record, advice }) => [record.hostname, advice])).toEqual([
    ['old._domainkey.example.com.', expect.stringContaining('Leave it for now')],
  ]);
});

test('a domain without records is told what to add', async () => {
  const checks = await checkRecords({ name }, records, dnsOf({}));
  expect(checks.map(({ status, found }) => [status, found])).toEqual(records.map(() => ['MISSING', []]));
  for (const { advice } of checks)
    expect(advice).toMatch(/^(?:Add the (?:TXT|MX|CNAME) record\.|Put it back)/);
});

test('a name server that does not answer says nothing of the records', async () => {
  const down = dnsOf({ ...right, 'MX example.com.': new Error('queryMx ESERVFAIL example.com') });
  const checks = await checkRecords({ name }, records, down);
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

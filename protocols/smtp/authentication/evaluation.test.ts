import { describe, expect, test } from 'vitest';
import { dmarcAction } from '#domain/verdicts';
import { silentLogger } from '#telemetry/log';
import { type Zone, zoneResolver } from '#test/support/dns-zone';
import { ed25519Key, rsaKey, type SigningKey, sealed, signed } from '#test/support/signer';
import { systemOutside } from '../../../src/outside.ts';
import { Evaluation } from './evaluation.ts';

const hostname = 'mx.ours.example';
const rsa = rsaKey();
const ed25519 = ed25519Key();
const short = rsaKey(512);

interface Sent {
  readonly message?: string;
  readonly ip?: string;
  readonly helo?: string;
  readonly reversePath?: string;
  readonly trustedSealers?: readonly string[];
  readonly timeoutMs?: number;
  readonly asked?: string[];
}

/** Evaluates a message as the listener does. */
async function evaluated(zone: Zone, sent: Sent = {}) {
  const { ip = '192.0.2.1', helo = 'client.example', reversePath = 'bob@author.example' } = sent;
  const parts = { clock: systemOutside.clock, log: silentLogger, hostname };
  const { timeoutMs = 10_000, trustedSealers = [] } = sent;
  const resolve = zoneResolver(zone, sent.asked);
  const evaluation = new Evaluation(
    { ...parts, resolve, timeoutMs, trustedSealers },
    { ip, helo, reversePath },
  );
  const bytes = Buffer.from(sent.message ?? plain, 'latin1');
  const bodyAt = bytes.indexOf('\r\n\r\n') + 4;
  await evaluation.header(bytes.subarray(0, bodyAt));
  for (let at = bodyAt; at < bytes.length; at += 1_000) evaluation.body(bytes.subarray(at, at + 1_000));
  const { verdicts, field } = await evaluation.end();
  expect(field.startsWith(`Authentication-Results: ${hostname};\r\n\tspf=`)).toBe(true);
  for (const line of field.split('\r\n')) expect(line.length).toBeLessThan(998);
  return { verdicts, field, action: dmarcAction(verdicts) };
}

const plain = 'From: Bob <bob@author.example>\r\nSubject: Hi\r\n\r\nHello  there \r\n\r\n';

describe('SPF', () => {
  const includes = (n: number): Zone =>
    Object.fromEntries(
      Array.from({ length: n }, (_, i) => [
        `i${i}.author.example`,
        { txt: [`v=spf1 include:i${i + 1}.author.example ?all`] },
      ]),
    );
  test.each<[string, Zone, Sent, string, string?]>([
    ['the client is named', { 'author.example': { txt: ['v=spf1 ip4:192.0.2.0/24 -all'] } }, {}, 'pass'],
    ['its A record is', { 'author.example': { txt: ['v=spf1 a -all'], a: ['192.0.2.1'] } }, {}, 'pass'],
    [
      'its MX is',
      {
        'author.example': { txt: ['v=spf1 mx -all'], mx: ['m.author.example'] },
        'm.author.example': { a: ['192.0.2.1'] },
      },
      {},
      'pass',
    ],
    [
      'by inclusion',
      {
        'author.example': { txt: ['v=spf1 include:o.example -all'] },
        'o.example': { txt: ['v=spf1 ip4:192.0.2.1 -all'] },
      },
      {},
      'pass',
    ],
    [
      'an IPv6 client',
      { 'author.example': { txt: ['v=spf1 ip6:2001:db8::/32 -all'] } },
      { ip: '2001:db8::1' },
      'pass',
    ],
    [
      'an IPv6 client that is not',
      { 'author.example': { txt: ['v=spf1 ip6:2001:db8::/48 -all'] } },
      { ip: '2001:db8:1::1' },
      'fail',
    ],
    [
      'an IPv4 client in IPv6 clothes',
      { 'author.example': { txt: ['v=spf1 ip4:192.0.2.1 -all'] } },
      { ip: '::ffff:192.0.2.1' },
      'pass',
    ],
    ['others only', { 'author.example': { txt: ['v=spf1 ip4:192.0.2.9 -all'] } }, {}, 'fail'],
    ['others, weakly', { 'author.example': { txt: ['v=spf1 ~all'] } }, {}, 'softfail'],
    ['no opinion', { 'author.example': { txt: ['v=spf1 ?all'] } }, {}, 'neutral'],
    ['no record', { 'author.example': { txt: ['hello'] } }, {}, 'none'],
    ['no such domain', {}, {}, 'none'],
    ['two records', { 'author.example': { txt: ['v=spf1 +all', 'v=spf1 -all'] } }, {}, 'permerror'],
    ['an unknown mechanism', { 'author.example': { txt: ['v=spf1 foo:bar -all'] } }, {}, 'permerror'],
    [
      'too many lookups',
      { 'author.example': { txt: ['v=spf1 include:i0.author.example -all'] }, ...includes(12) },
      {},
      'permerror',
    ],
    [
      'an endless inclusion',
      { 'author.example': { txt: ['v=spf1 include:author.example -all'] } },
      {},
      'permerror',
    ],
    [
      'too many names without records',
      { 'author.example': { txt: ['v=spf1 a:x.author.example a:y.author.example a:z.author.example -all'] } },
      {},
      'permerror',
    ],
    ['a name server that fails', { 'author.example': { is: 'fails' } }, {}, 'temperror'],
    [
      'one that fails half way',
      { 'author.example': { txt: ['v=spf1 include:o.example -all'] }, 'o.example': { is: 'fails' } },
      {},
      'temperror',
    ],
    [
      'the null reverse-path: HELO is looked at',
      { 'client.example': { txt: ['v=spf1 ip4:192.0.2.1 -all'] } },
      { reversePath: '' },
      'pass',
      'client.example',
    ],
    [
      'the null reverse-path and an address literal',
      {},
      { reversePath: '', helo: '[192.0.2.1]' },
      'none',
      '[192.0.2.1]',
    ],
  ])('%s', async (_name, zone, sent, result, domain = 'author.example') => {
    const { verdicts, field } = await evaluated(zone, sent);
    expect(verdicts.spf).toEqual({ result, domain });
    expect(field).toContain(`\tspf=${result} smtp.${sent.reversePath === '' ? 'helo' : 'mailfrom'}=`);
  });

  test('a record longer than any policy is none', async () => {
    const txt = (length: number) => [`v=spf1 ip4:192.0.2.1 redirect=a.${'a'.repeat(length)}!`];
    const of = async (length: number) =>
      (await evaluated({ 'author.example': { txt: txt(length) } })).verdicts.spf.result;
    expect([await of(10), await of(150_000)]).toEqual(['permerror', 'none']);
  });
});

describe('DKIM', () => {
  const zone = (key: Partial<Record<string, string>> = {}): Zone => ({
    's._domainkey.author.example': { txt: [key['s'] ?? rsa.record] },
    'e._domainkey.author.example': { txt: [ed25519.record] },
  });
  const by = (key: SigningKey, options: object = {}, message = plain) =>
    signed(message, key, {
      signingDomain: 'author.example',
      selector: key === ed25519 ? 'e' : 's',
      ...options,
    });
  const body = (text: string) => plain.replace('Hello  there \r\n\r\n', text);

  test.each<[string, () => string | Promise<string>, Zone, string, (string | undefined)?]>([
    ['no signature', () => plain, {}, 'none'],
    ['RSA', () => by(rsa), zone(), 'pass'],
    ['Ed25519', () => by(ed25519), zone(), 'pass'],
    ['both', async () => by(ed25519, {}, await by(rsa)), zone(), 'pass'],
    ...['simple/simple', 'relaxed/simple', 'simple/relaxed', 'relaxed/relaxed'].map(
      (canonicalization): [string, () => Promise<string>, Zone, string] => [
        canonicalization,
        () => by(rsa, { canonicalization }),
        zone(),
        'pass',
      ],
    ),
    [
      'a body of more than one chunk',
      () => by(rsa, {}, body('0123456789 abcdef\r\n'.repeat(500))),
      zone(),
      'pass',
    ],
    ['an empty body', () => by(rsa, {}, body('')), zone(), 'pass'],
    ['l= and more behind it', async () => `${await by(rsa, { maxBodyLength: 5 })}more\r\n`, zone(), 'pass'],
    [
      'relaxed and white space that changed',
      async () => (await by(rsa)).replace('Hello  there', 'Hello\t there'),
      zone(),
      'pass',
    ],
    [
      'simple and white space that changed',
      async () =>
        (await by(rsa, { canonicalization: 'simple/simple' })).replace('Hello  there', 'Hello there'),
      zone(),
      'fail',
      'body hash did not verify',
    ],
    [
      'a body that changed',
      async () => (await by(rsa)).replace('Hello', 'Hullo'),
      zone(),
      'fail',
      'body hash did not verify',
    ],
    [
      'a subject that changed',
      async () => (await by(rsa)).replace('Hi', 'Ho'),
      zone(),
      'fail',
      'bad signature',
    ],
    ['another key', () => by(rsa), zone({ s: rsaKey().record }), 'fail'],
    ['no key', () => by(rsa), {}, 'neutral', 'no key'],
    ['a revoked key', () => by(rsa), zone({ s: 'v=DKIM1; k=rsa; p=' }), 'neutral'],
    ['a key of 512 bits', () => by(short), zone({ s: short.record }), 'policy'],
    ['a key that is nonsense', () => by(rsa), zone({ s: 'v=DKIM1; p=AAAA' }), 'neutral'],
    [
      'a giant key that is nonsense',
      () => by(rsa),
      zone({ s: `v=DKIM1; p=${'A'.repeat(60_000)}` }),
      'neutral',
    ],
    ['a key of another version', () => by(rsa), zone({ s: rsa.record.replace('DKIM1', 'DKIM2') }), 'neutral'],
    ['a key that is being tested', () => by(rsa), zone({ s: `${rsa.record}; t=y` }), 'pass'],
    ['SHA-1', () => by(rsa, { algorithm: 'rsa-sha1' }), zone(), 'policy'],
    [
      'an expired one',
      () => by(rsa, { signTime: new Date(1e12), expires: new Date(1.1e12) }),
      zone(),
      'neutral',
      'expired',
    ],
    [
      'From not signed',
      () => `DKIM-Signature: v=1; a=rsa-sha256; d=author.example; s=s; h=subject; bh=AA; b=AA\r\n${plain}`,
      zone(),
      'neutral',
      'From field not signed',
    ],
    [
      'a name server that fails',
      () => by(rsa),
      { 's._domainkey.author.example': { is: 'fails' } },
      'temperror',
    ],
    ['nonsense', () => `DKIM-Signature: nonsense\r\n${plain}`, zone(), 'none'],
  ])('%s', async (_name, message, names, result, comment) => {
    const { verdicts, field } = await evaluated(names, { message: await message() });
    expect(verdicts.dkim.result).toBe(result);
    expect(verdicts.dkim.domains).toEqual(result === 'pass' ? ['author.example'] : []);
    expect(field).toContain(`\tdkim=${result}${comment === undefined ? '' : ` (${comment})`}`);
  });

  test('a signature of more names than anybody signs is left out', async () => {
    const of = async (names: number) => {
      const many = (await by(rsa)).replace(/h=[^;]*/, `h=${'x:'.repeat(names)}from`);
      return (await evaluated(zone(), { message: many })).verdicts.dkim.result;
    };
    expect([await of(400), await of(600)]).toEqual(['fail', 'none']);
  });

  test('a signature of more blanks than folds come with is left out', async () => {
    const of = async (blanks: number) => {
      const many = (await by(rsa)).replace('v=1;', `v=1;${' '.repeat(blanks)}`);
      return (await evaluated(zone(), { message: many })).verdicts.dkim.result;
    };
    expect([await of(90), await of(200)]).toEqual(['pass', 'none']);
  });

  test.each(['Content-Type', 'Return-Path'])(
    'a %s longer than anybody writes does not pass',
    async (name) => {
      const of = async (length: number) => {
        const message = await by(
          rsa,
          { headerList: `from:${name}` },
          `${name}: ${'x'.repeat(length)}\r\n${plain}`,
        );
        return (await evaluated(zone(), { message })).verdicts.dkim.result;
      };
      expect([await of(8_000), await of(9_000)]).toEqual(['pass', 'fail']);
    },
  );

  test('of a hundred signatures ten are looked at', async () => {
    const asked: string[] = [];
    const one = (n: number) =>
      `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d${n}.example; s=s; h=from; l=${n}; bh=AAAA; b=AAAA\r\n`;
    const many = Array.from({ length: 100 }, (_, n) => one(n)).join('');
    const { field } = await evaluated({}, { message: many + plain, asked });
    expect(field.match(/dkim=/g)).toHaveLength(10);
    expect(asked.length).toBeLessThan(30);
  });
});

describe('DMARC', () => {
  const record = (text: string, at = 'author.example'): Zone => ({ [`_dmarc.${at}`]: { txt: [text] } });
  const from = (address: string) => plain.replace('bob@author.example', address);
  const spf = (domain: string): Zone => ({ [domain]: { txt: ['v=spf1 ip4:192.0.2.1 -all'] } });
  const reject = record('v=DMARC1; p=reject');

  test.each<[string, Zone, Sent, string, string]>([
    ['no record', {}, {}, 'none', 'none'],
    ['p=none', record('v=DMARC1; p=none'), {}, 'fail', 'none'],
    ['p=quarantine', record('v=DMARC1; p=quarantine'), {}, 'fail', 'quarantine'],
    ['p=reject', reject, {}, 'fail', 'reject'],
    ['p=reject; t=y asks for less', record('v=DMARC1; p=reject; t=y'), {}, 'fail', 'quarantine'],
    ['pct= is not heeded any more', record('v=DMARC1; p=reject; pct=0'), {}, 'fail', 'reject'],
    ['a subdomain by p=', reject, { message: from('bob@sub.author.example') }, 'fail', 'reject'],
    [
      'a subdomain by sp=',
      {
        ...record('v=DMARC1; p=reject; sp=quarantine'),
        ...spf('other.author.example'),
        'sub.author.example': { a: ['192.0.2.7'] },
      },
      { message: from('bob@sub.author.example') },
      'fail',
      'quarantine',
    ],
    [
      'a subdomain that does not exist by np=',
      record('v=DMARC1; p=none; sp=none; np=reject'),
      { message: from('bob@not.author.example') },
      'fail',
      'reject',
    ],
    [
      'a subdomain with a record of its own',
      { ...reject, ...record('v=DMARC1; p=none', 'sub.author.example') },
      { message: from('bob@sub.author.example') },
      'fail',
      'none',
    ],
    ['SPF that fits', { ...reject, ...spf('author.example') }, {}, 'pass', 'none'],
    [
      'SPF of a subdomain, relaxed',
      { ...reject, ...spf('sub.author.example') },
      { reversePath: 'b@sub.author.example' },
      'pass',
      'none',
    ],
    [
      'SPF of a subdomain, strict',
      { ...record('v=DMARC1; p=reject; aspf=s'), ...spf('sub.author.example') },
      { reversePath: 'b@sub.author.example' },
      'fail',
      'reject',
    ],
    [
      'SPF of somebody else',
      { ...reject, ...spf('evil.example') },
      { reversePath: 'b@evil.example' },
      'fail',
      'reject',
    ],
    [
      'SPF of HELO for the null reverse-path',
      { ...reject, ...spf('mail.author.example') },
      { reversePath: '', helo: 'mail.author.example' },
      'pass',
      'none',
    ],
    ['SPF unknown for now', { ...reject, 'author.example': { is: 'fails' } }, {}, 'temperror', 'none'],
    [
      'SPF of somebody else unknown for now',
      { ...reject, 'evil.example': { is: 'fails' } },
      { reversePath: 'b@evil.example' },
      'fail',
      'reject',
    ],
    ['the policy unknown for now', { '_dmarc.author.example': { is: 'fails' } }, {}, 'temperror', 'none'],
    [
      'two records are none',
      { '_dmarc.author.example': { txt: ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] } },
      {},
      'none',
      'none',
    ],
    ['no author', reject, { message: 'Subject: x\r\n\r\n' }, 'permerror', 'quarantine'],
    ['an author without address', reject, { message: 'From: Bob\r\n\r\n' }, 'permerror', 'quarantine'],
    [
      'a From of 9 KB',
      reject,
      { message: `From: bob@author.example${' '.repeat(9_000)}\r\n\r\n` },
      'permerror',
      'quarantine',
    ],
    ['two From fields', reject, { message: `From: eve@evil.example\r\n${plain}` }, 'permerror', 'reject'],
    [
      'two domains in From',
      reject,
      { message: from('bob@author.example>, <eve@evil.example') },
      'permerror',
      'reject',
    ],
    [
      'two authors of one domain',
      { ...reject, ...spf('author.example') },
      { message: from('bob@author.example>, <al@author.example') },
      'pass',
      'none',
    ],
    [
      'From whose name is folded before the colon',
      reject,
      { message: 'From\r\n : bob@author.example\r\n\r\n' },
      'fail',
      'reject',
    ],
    [
      'an international domain',
      record('v=DMARC1; p=reject', 'xn--mnchen-3ya.example'),
      { message: from(Buffer.from('bob@münchen.example').toString('latin1')) },
      'fail',
      'reject',
    ],
  ])('%s', async (_name, zone, sent, result, action) => {
    const { verdicts, action: decided, field } = await evaluated(zone, sent);
    expect([verdicts.dmarc.result, decided]).toEqual([result, action]);
    expect(field).toContain(`\tdmarc=${result}`);
  });

  // A sender who passes for a domain of his own must not be shown as somebody else.
  test.each<[string, string]>([
    ['a field behind a blank fold', 'X: y\r\nFrom\r\n \r\n : ceo@bank.example\r\nFrom: bob@author.example'],
    [
      'a line that is no field behind a group',
      'From: mailto:ceo@bank.example\r\nFrom\x7f:bob@author.example',
    ],
    [
      'a line that is no field behind an open comment',
      'From: ceo@bank.example (\r\njunk ) <bob@author.example>',
    ],
    ['two addresses with a blank between', 'From: bob@author.example ceo@bank.example'],
  ])('an author that only readers see counts too: %s', async (_name, header) => {
    const zone = { ...reject, ...record('v=DMARC1; p=reject', 'bank.example'), ...spf('author.example') };
    const { action } = await evaluated(zone, { message: `${header}\r\nSubject: Hi\r\n\r\nHello\r\n` });
    expect(action).toBe('reject');
  });

  test.each<[string, string, string, string]>([
    ['adkim=r', 'sub.author.example', 'pass', ''],
    ['adkim=s', 'sub.author.example', 'fail', '; adkim=s'],
    ['adkim=s', 'author.example', 'pass', '; adkim=s'],
    ['adkim=r', 'evil.example', 'fail', ''],
  ])('%s and a signature of %s: %s', async (_mode, signingDomain, result, tag) => {
    const message = await signed(plain, rsa, { signingDomain, selector: 's' });
    const zone = {
      ...record(`v=DMARC1; p=reject${tag}`),
      [`s._domainkey.${signingDomain}`]: { txt: [rsa.record] },
    };
    const { verdicts } = await evaluated(zone, { message });
    expect(verdicts.dmarc).toEqual({ result, domain: 'author.example', policy: 'reject' });
  });

  test('a key of the author that is unknown for now is no reason to refuse, a key of somebody else is', async () => {
    const of = async (signingDomain: string) => {
      const message = await signed(plain, rsa, { signingDomain, selector: 's' });
      const zone: Zone = { ...reject, [`s._domainkey.${signingDomain}`]: { is: 'fails' } };
      return (await evaluated(zone, { message })).verdicts.dmarc.result;
    };
    expect([await of('author.example'), await of('evil.example')]).toEqual(['temperror', 'fail']);
  });

  test('name servers of others that never answer do not keep the policy of the author from being known', async () => {
    const zone: Zone = {
      ...reject,
      'evil.example': { is: 'silent' },
      's._domainkey.evil.example': { is: 'silent' },
    };
    const message = await signed(plain, rsa, { signingDomain: 'evil.example', selector: 's' });
    const { verdicts, action } = await evaluated(zone, {
      message,
      reversePath: 'b@evil.example',
      timeoutMs: 200,
    });
    expect([verdicts.spf.result, verdicts.dkim.result, verdicts.dmarc.result, action]).toEqual([
      'temperror',
      'temperror',
      'fail',
      'reject',
    ]);
  });

  test('name servers that never answer cost the time that is set, and no more than a temporary error', async () => {
    const silent = { is: 'silent' } as const;
    const zone = {
      'author.example': silent,
      '_dmarc.author.example': silent,
      's._domainkey.author.example': silent,
    };
    const message = await signed(plain, rsa, { signingDomain: 'author.example', selector: 's' });
    const { verdicts, action } = await evaluated(zone, { message, timeoutMs: 200 });
    expect([verdicts.spf.result, verdicts.dkim.result, verdicts.dmarc.result, action]).toEqual([
      'temperror',
      'temperror',
      'temperror',
      'none',
    ]);
  });
});

test('authors whose domains are nothing but dots cost no more than their length', async () => {
  const from = (n: number) => `From: a@b${'.'.repeat(8_000)}${n}.example\r\n`;
  const message = Array.from({ length: 30 }, (_, n) => from(n)).join('') + plain;
  for (let n = 0; n < 20; n++)
    expect((await evaluated({}, { message })).verdicts.dmarc.result).toBe('permerror');
});

test('keys that nobody tells keep neither other keys nor the policy from being known', async () => {
  const silent = { is: 'silent' } as const;
  const zone: Zone = {
    '_dmarc.author.example': { txt: ['v=DMARC1; p=reject'] },
    's._domainkey.sub.author.example': { txt: [rsa.record] },
    'a._domainkey.slow.example': silent,
    'b._domainkey.slow.example': silent,
    'c._domainkey.slow.example': silent,
  };
  let message = await signed(plain, rsa, { signingDomain: 'sub.author.example', selector: 's' });
  for (const selector of ['a', 'b', 'c'])
    message = await signed(message, rsa, { signingDomain: 'slow.example', selector });
  const seal = { signingDomain: 'slow.example', authResults: 'slow.example; none' };
  message = await sealed(message, rsa, { ...seal, selector: 'd' });
  message = await sealed(message, rsa, { ...seal, selector: 'g', cv: 'pass' });
  const names = {
    ...zone,
    'd._domainkey.slow.example': silent,
    'g._domainkey.slow.example': { txt: [rsa.record] },
  };
  const { verdicts } = await evaluated(names, { message, timeoutMs: 2_000 });
  expect(verdicts.dkim.domains).toEqual(['sub.author.example']);
  expect([verdicts.dmarc.result, verdicts.arc.result]).toEqual(['pass', 'fail']);
});

describe('ARC', () => {
  const zone: Zone = {
    's._domainkey.list.example': { txt: [rsa.record] },
    'e._domainkey.forward.example': { txt: [ed25519.record] },
    '_dmarc.author.example': { txt: ['v=DMARC1; p=reject'] },
  };
  const list = (message = plain) =>
    sealed(message, rsa, {
      signingDomain: 'list.example',
      selector: 's',
      authResults: 'list.example; dmarc=pass header.from=author.example',
    });
  const forward = async (message: string, dmarc = 'pass') =>
    sealed(message, ed25519, {
      signingDomain: 'forward.example',
      selector: 'e',
      cv: 'pass',
      authResults: `forward.example; arc=pass; dmarc=${dmarc}`,
    });

  test.each<[string, () => string | Promise<string>, string, string?]>([
    ['no set', () => plain, 'none'],
    ['one set', () => list(), 'pass', 'list.example'],
    ['two sets', async () => forward(await list()), 'pass', 'forward.example'],
    ['a body that changed', async () => (await list()).replace('Hello', 'Hullo'), 'fail', 'list.example'],
    [
      'results that changed',
      async () => (await list()).replace('dmarc=pass', 'dmarc=none'),
      'fail',
      'list.example',
    ],
    ['a set without its seal', async () => (await list()).replace('ARC-Seal', 'X-Seal'), 'fail'],
    [
      'a second set that is missing',
      async () => (await forward(await list())).replaceAll('i=2', 'i=3'),
      'fail',
    ],
  ])('%s', async (_name, message, result, sealer) => {
    const { verdicts, field, action } = await evaluated(zone, { message: await message() });
    expect(verdicts.arc.result).toBe(result);
    if (result === 'pass') expect(verdicts.arc.sealer).toBe(sealer);
    expect(field).toContain(`\tarc=${result}`);
    // Whoever sealed it: nobody trusts them.
    expect(action).toBe('reject');
  });

  test.each<[string, readonly string[], string, string]>([
    ['the newest sealer is trusted', ['forward.example'], 'pass', 'none'],
    ['its domain is', ['example'], 'pass', 'none'],
    ['only an older one is', ['list.example'], 'pass', 'reject'],
    ['it saw a failure', ['forward.example'], 'fail', 'reject'],
    ['somebody of a similar name is', ['ward.example'], 'pass', 'reject'],
  ])('%s', async (_name, trustedSealers, dmarc, action) => {
    const message = await forward(await list(), dmarc);
    const decided = await evaluated(zone, { message, trustedSealers });
    expect(decided.verdicts.dmarc.result).toBe('fail');
    expect(decided.action).toBe(action);
  });

  test('a chain longer than anybody makes fails without a question', async () => {
    const asked: string[] = [];
    const set = (i: number) =>
      [
        `ARC-Seal: i=${i}; a=rsa-sha256; t=1; cv=${i === 1 ? 'none' : 'pass'}; d=list.example; s=s${i}; b=AAAA`,
        `ARC-Message-Signature: i=${i}; a=rsa-sha256; c=relaxed/relaxed; d=list.example; s=s; h=from; bh=AAAA; b=AAAA`,
        `ARC-Authentication-Results: i=${i}; list.example; spf=pass\r\n`,
      ].join('\r\n');
    const sets = Array.from({ length: 50 }, (_, n) => set(50 - n)).join('');
    const { verdicts } = await evaluated(zone, { message: sets + plain, asked });
    expect(verdicts.arc.result).toBe('fail');
    expect(asked.filter((question) => question.includes('_domainkey')).length).toBeLessThan(3);
  });
});

test('what a message names is told without breaking the field', async () => {
  const message = [
    'DKIM-Signature: v=1; a=rsa-sha256; d=a.example;s=x" \\(; h=from; bh=AA; b=(;x=y',
    'From: "x" <bob@author.example>\r\n\r\n',
  ].join('\r\n');
  const { field } = await evaluated({}, { message, reversePath: 'bob@a;dkim=pass.example' });
  expect(field).not.toContain('dkim=pass');
  expect(
    field
      .split('\r\n')
      .slice(1, -1)
      .every((line) => line.startsWith('\t')),
  ).toBe(true);
});

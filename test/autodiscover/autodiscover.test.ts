import { expect, test } from 'vitest';
import { autodiscover, autodiscoverRequest, elementText, outlook } from '#test/support/autodiscover-client';
import { credentials, names, publicUrl, start } from './listeners.ts';

const location = `${publicUrl}/autodiscover/autodiscover.xml`;

test("a phone gets the guide's answer", async () => {
  const { https, asked } = await start();
  const answer = await autodiscover({
    ...https,
    credentials,
    body: autodiscoverRequest('alice@example.test'),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/xml; charset=utf-8');
  expect(elementText(answer.text, 'Culture')).toBe('en:us');
  expect(elementText(answer.text, 'DisplayName')).toBe('Alice &lt;Adams&gt; &amp; &quot;Co&quot;');
  expect(elementText(answer.text, 'EMailAddress')).toBe('alice@example.test');
  expect(elementText(answer.text, 'Type')).toBe('MobileSync');
  expect(elementText(answer.text, 'Url')).toBe(`${publicUrl}/Microsoft-Server-ActiveSync`);
  expect(elementText(answer.text, 'Name')).toBe(`${publicUrl}/Microsoft-Server-ActiveSync`);
  expect(asked).toEqual(['127.0.0.1']);
});

test.each(['ALICE@Example.Test', 'ally@example.test', 'alice@MÜLLER.test', 'alice@xn--mller-kva.test'])(
  'asked for %s, the answer is the primary address with its settings',
  async (address) => {
    const { https } = await start();
    const { text } = await autodiscover({ ...https, credentials, body: autodiscoverRequest(address) });
    expect(elementText(text, 'EMailAddress')).toBe('alice@example.test');
    expect(elementText(text, 'Url')).toBeDefined();
  },
);

test.each(names)('%s signs in', async (user) => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test');
  const { text } = await autodiscover({ ...https, credentials: `${user}:correct horse`, body });
  expect(elementText(text, 'Url')).toBeDefined();
});

test.each([
  '/Autodiscover/Autodiscover.xml',
  '/AUTODISCOVER/AUTODISCOVER.XML',
  '/autodiscover/autodiscover.xml?a=b',
])('the path is served as %s', async (path) => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test');
  expect((await autodiscover({ ...https, path, credentials, body })).status).toBe(200);
  expect((await autodiscover({ ...https, path: `${path}x/`, credentials, body })).status).not.toBe(401);
});

test.each(['text/html', 'application/xml', 'application/x-www-form-urlencoded', ''])(
  'Content-Type "%s" does not matter, nor does a byte order mark',
  async (type) => {
    const { https } = await start();
    const body = `\uFEFF${autodiscoverRequest('alice@example.test')}`;
    const { text } = await autodiscover({ ...https, credentials, headers: { 'Content-Type': type }, body });
    expect(elementText(text, 'Url')).toBeDefined();
  },
);

test('without credentials or with wrong ones the answer is 401 and asks for Basic', async () => {
  const { https, asked } = await start();
  const body = autodiscoverRequest('alice@example.test');
  for (const given of [
    {},
    { credentials: 'alice@example.test:wrong' },
    { credentials: 'nobody@example.test:x' },
  ]) {
    const answer = await autodiscover({ ...https, ...given, body });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/);
    expect(answer.text).not.toContain('alice');
  }
  const bearer = await autodiscover({ ...https, headers: { Authorization: 'Bearer x' }, body });
  expect(bearer.status).toBe(401);
  expect(asked).toHaveLength(2);
});

test('a throttled client hears when to come back: 429, and 503 while the server is busy', async () => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test');
  const throttled = await autodiscover({ ...https, credentials: 'guesser:x', body });
  expect([throttled.status, throttled.headers['retry-after']]).toEqual([429, '900']);
  const busy = await autodiscover({ ...https, credentials: 'crowd:x', body });
  expect([busy.status, busy.headers['retry-after']]).toEqual([503, '60']);
});

test('an address that is not the own one is not found, whether somebody has it or not', async () => {
  const { https } = await start();
  const ask = async (address: string) => {
    const answer = await autodiscover({ ...https, credentials, body: autodiscoverRequest(address) });
    expect(answer.status).toBe(200);
    expect(elementText(answer.text, 'ErrorCode')).toBe('500');
    expect(answer.text).not.toContain(address);
    return answer.text.replace(/Id="\d+"/, '');
  };
  expect(await ask('bob@example.test')).toBe(await ask('nobody@elsewhere.test'));
});

test.each([
  ['Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)', undefined],
  ['Microsoft Office/15.0 (Windows NT 6.2; Microsoft Outlook 15.0.4420; Pro)', undefined],
  ['Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.4760; Pro)', '601'],
  ['Microsoft Office/12.0 (Windows NT 6.1; Microsoft Office Outlook 12.0.6739; Pro)', '601'],
  ['MacOutlook/16.78.3 (Intel Mac OS X 13.6)', '601'],
  ['Microsoft Office/16.0 (Macintosh; Microsoft Outlook 16.0.4266)', '601'],
  ['Windows Outlook 1', '601'],
])(
  "Outlook's schema, asked for by %s: mobilesync settings where it can use them, else 601",
  async (agent, code) => {
    const { https } = await start();
    const body = autodiscoverRequest('alice@example.test', outlook);
    const { text } = await autodiscover({ ...https, credentials, headers: { 'User-Agent': agent }, body });
    const hasUrl = elementText(text, 'Url') !== undefined;
    expect([elementText(text, 'ErrorCode'), hasUrl]).toEqual([code, code === undefined]);
    const other = autodiscoverRequest('bob@example.test', outlook);
    const refused = await autodiscover({
      ...https,
      credentials,
      headers: { 'User-Agent': agent },
      body: other,
    });
    expect(elementText(refused.text, 'ErrorCode')).toBe(code ?? '500');
  },
);

test("Outlook's schema has no provider: 601", async () => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test', outlook);
  const { status, text } = await autodiscover({ ...https, credentials, body });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, '601']);
});

/** UTF-16 with its byte order mark, or without. */
const utf16 = (text: string, mark = '\uFEFF') => Buffer.from(`${mark}${text}`, 'utf16le');
const inUtf16 = autodiscoverRequest('alice@example.test').replace('utf-8', 'utf-16');
const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">${'bcdefghi'
  .split('')
  .map((name) => `<!ENTITY ${name} "${`&${String.fromCharCode(name.charCodeAt(0) - 1)};`.repeat(10)}">`)
  .join('')}]>${autodiscoverRequest('&i;').split('?>')[1]}`;
const reading = autodiscoverRequest('&x;').replace(
  '?>',
  '?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
);
test.each([
  ['nonsense', 'hello'],
  ['nothing', ''],
  ['a bomb of entities', laughs],
  ['an external entity', reading],
  [
    'an external DTD',
    autodiscoverRequest('a').replace('?>', '?><!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">'),
  ],
  ['UTF-16', utf16(inUtf16)],
  ['UTF-16 with its bytes the other way', utf16(inUtf16).swap16()],
  ['UTF-16 without a mark', utf16(inUtf16, '')],
  ['a DOCTYPE in UTF-16', utf16(inUtf16.replace('?>', '?><!DOCTYPE a [<!ENTITY x "y">]>'), '')],
  [
    'a DOCTYPE in UTF-7',
    autodiscoverRequest('a').replace('?>', '?>+ADwAIQ-DOCTYPE a+AD4-').replace('utf-8', 'utf-7'),
  ],
  [
    'a parameter entity',
    autodiscoverRequest('a').replace('?>', '?><!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]>'),
  ],
  [
    'an XInclude',
    autodiscoverRequest(
      '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/hostname"/>',
    ),
  ],
  ['depth', '<a>'.repeat(15_000)],
  ['a flood of tags', `<a>${'<b/>'.repeat(15_000)}</a>`],
  ['a flood of attributes', `<a ${Array.from({ length: 6000 }, (_, n) => `a${n}=""`).join(' ')}/>`],
])('%s is an invalid request: 600', async (_what, body) => {
  const { https } = await start();
  const { status, text } = await autodiscover({ ...https, credentials, body });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, '600']);
  expect(text).toContain('Time="11:42:21.1230000"');
});

test('a body over 64 KiB is refused: 413', async () => {
  const { https } = await start();
  const body = autodiscoverRequest(`alice@example.test${' '.repeat(64 * 1024)}`);
  expect((await autodiscover({ ...https, credentials, body })).status).toBe(413);
});

test('GET over https: 401 without credentials, 600 with them', async () => {
  const { https } = await start();
  expect((await autodiscover({ ...https, method: 'GET' })).status).toBe(401);
  const { status, text } = await autodiscover({ ...https, method: 'GET', credentials });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, '600']);
});

test('HEAD over https asks for credentials as GET does, and OPTIONS lists the methods and asks for nothing', async () => {
  const { https, http, asked } = await start();
  const head = await autodiscover({ ...https, method: 'HEAD' });
  expect([head.status, head.headers['www-authenticate'], head.text]).toEqual([401, expect.any(String), '']);
  for (const listener of [https, http]) {
    const options = await autodiscover({ ...listener, method: 'OPTIONS' });
    expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, POST, OPTIONS']);
  }
  expect(asked).toEqual([]);
});

test('PUT is not allowed', async () => {
  const { https } = await start();
  const answer = await autodiscover({ ...https, method: 'PUT', credentials });
  expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, POST, OPTIONS, HEAD']);
});

test('plain http leads to the public URL and never asks for a password, nor takes one', async () => {
  const { http, asked } = await start();
  const body = autodiscoverRequest('alice@example.test');
  for (const call of [
    { method: 'GET' },
    { method: 'GET', headers: { Host: 'evil.test', 'X-Forwarded-Host': 'evil.test' } },
    { method: 'GET', path: '/Autodiscover/Autodiscover.XML' },
    { method: 'HEAD' },
    { method: 'GET', credentials },
    { method: 'POST', credentials, body },
    { method: 'POST', credentials, body, headers: { 'X-Forwarded-Proto': 'https' } },
  ]) {
    const answer = await autodiscover({ ...http, ...call });
    expect([answer.status, answer.headers['location']]).toEqual([302, location]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  }
  expect(asked).toEqual([]);
});

test('with insecure_auth, a POST over http is answered, and a GET without credentials still leads to https', async () => {
  const { http } = await start({ insecureAuth: true });
  const body = autodiscoverRequest('alice@example.test');
  const { text } = await autodiscover({ ...http, credentials, body });
  expect(elementText(text, 'Url')).toBeDefined();
  expect((await autodiscover({ ...http, method: 'GET' })).status).toBe(302);
});

test('behind a proxy that ends TLS, a client without credentials is asked for them instead of led in a circle', async () => {
  const { http } = await start({ insecureAuth: true });
  const headers = { 'X-Forwarded-Proto': 'https' };
  expect((await autodiscover({ ...http, method: 'GET', headers })).status).toBe(401);
  const body = autodiscoverRequest('alice@example.test');
  expect((await autodiscover({ ...http, headers, body })).status).toBe(401);
});

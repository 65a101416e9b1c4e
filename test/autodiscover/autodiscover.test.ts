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

test("Outlook's schema has no provider: 601", async () => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test', outlook);
  const { status, text } = await autodiscover({ ...https, credentials, body });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, '601']);
});

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

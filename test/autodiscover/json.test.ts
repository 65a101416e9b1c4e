import { expect, test } from 'vitest';
import { autodiscover } from '#test/support/autodiscover-client';
import { publicUrl, start } from './listeners.ts';

const path = '/autodiscover/autodiscover.json';
const activeSync = { Protocol: 'ActiveSync', Url: `${publicUrl}/Microsoft-Server-ActiveSync` };
const v1 = { Protocol: 'AutodiscoverV1', Url: `${publicUrl}/autodiscover/autodiscover.xml` };

async function ask(
  target: string,
  options: { insecureAuth?: boolean; method?: string; plain?: boolean } = {},
) {
  const { https, http, asked } = await start({ insecureAuth: options.insecureAuth ?? false });
  const { method = 'GET' } = options;
  const headers = { Host: 'elsewhere.test' };
  const {
    status,
    headers: answered,
    text,
  } = await autodiscover({
    ...(options.plain ? http : https),
    method,
    path: target,
    headers,
  });
  expect(asked).toEqual([]);
  return { status, headers: answered, text };
}

test.each([
  ['by query', `${path}?Email=alice%40example.test&Protocol=ActiveSync&RedirectCount=1`, activeSync],
  ['by path', `${path}/v1.0/alice@example.test?Protocol=ActiveSync`, activeSync],
  [
    'by path, encoded, in other letters',
    '/AutoDiscover/AutoDiscover.JSON/V1.0/alice%40EXAMPLE.test?protocol=activesync',
    activeSync,
  ],
  ['names and values in other letters', `${path}?EMAIL=alice@example.test&PROTOCOL=ACTIVESYNC`, activeSync],
  [
    'the path comes before the query',
    `${path}/v1.0/a@example.test?Email=b@foreign.test&Protocol=AutodiscoverV1`,
    v1,
  ],
  ['POX', `${path}?Email=alice@example.test&Protocol=autodiscoverv1`, v1],
  [
    'a domain in letters beyond ASCII',
    `${path}?Email=alice@m%C3%BCller.test&Protocol=ActiveSync`,
    activeSync,
  ],
])('AutoDiscover v2, %s: 200 with the URL, whatever Host says', async (_what, target, expected) => {
  const { status, headers, text } = await ask(target);
  expect([status, JSON.parse(text)]).toEqual([200, expected]);
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
});

test('AutoDiscover v2: an address that nobody has is answered as any other of its domain', async () => {
  const of = async (name: string) => {
    const { headers, ...rest } = await ask(`${path}?Email=${name}@example.test&Protocol=ActiveSync`);
    const { date: _date, ...others } = headers;
    return { ...rest, headers: others };
  };
  expect(await of('nobody')).toEqual(await of('alice'));
});

test.each([
  ['an unknown protocol', 'Email=alice@example.test&Protocol=Ews', 400, 'InvalidProtocol'],
  ['a protocol of another language', 'Email=alice@example.test&Protocol=__proto__', 400, 'InvalidProtocol'],
  ['no protocol', 'Email=alice@example.test', 400, 'MandatoryParameterMissing'],
  ['no address', 'Protocol=ActiveSync', 400, 'MandatoryParameterMissing'],
  ['a foreign domain', 'Email=alice@foreign.test&Protocol=ActiveSync', 404, 'UserNotFound'],
  ['an address without a domain', 'Email=alice&Protocol=ActiveSync', 404, 'UserNotFound'],
  ['a domain beyond all bounds', `Email=a@${'a'.repeat(9000)}.test&Protocol=ActiveSync`, 404, 'UserNotFound'],
])('AutoDiscover v2: %s answers an error', async (_what, query, status, code) => {
  const answer = await ask(`${path}?${query}`);
  expect([answer.status, JSON.parse(answer.text).ErrorCode]).toEqual([status, code]);
});

test('AutoDiscover v2: the error for a protocol names those there are, and no more than a piece of what was asked', async () => {
  const answer = await ask(`${path}?Email=a@example.test&Protocol=${'%3Cscript%3E'.repeat(500)}`);
  expect(answer.text.length).toBeLessThan(300);
  expect(JSON.parse(answer.text).ErrorMessage).toContain("Supported values are 'ActiveSync,AutodiscoverV1'");
});

test.each([`${path}/v1.0/%E0%A4?Protocol=ActiveSync`, `${path}/v2.0/a@example.test?Protocol=ActiveSync`])(
  'AutoDiscover v2: %s has no address',
  async (target) => {
    expect((await ask(target)).status).toBe(400);
  },
);

test('AutoDiscover v2 over http leads to the public URL; behind a proxy that ends TLS it is answered', async () => {
  const target = `${path}/v1.0/alice@example.test?Protocol=ActiveSync`;
  const led = await ask(target, { plain: true });
  expect([led.status, led.headers['location']]).toEqual([302, `${publicUrl}${target}`]);
  expect((await ask(target, { plain: true, insecureAuth: true })).status).toBe(200);
});

test('AutoDiscover v2: HEAD has no body, OPTIONS lists the methods, POST is not allowed', async () => {
  const target = `${path}?Email=alice@example.test&Protocol=ActiveSync`;
  const head = await ask(target, { method: 'HEAD' });
  expect([head.status, head.text]).toEqual([200, '']);
  const options = await ask(target, { method: 'OPTIONS' });
  expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
  expect((await ask(target, { method: 'POST' })).status).toBe(405);
});

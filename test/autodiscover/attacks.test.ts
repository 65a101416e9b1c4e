/** What no client would send, byte by byte over a socket of its own. */
import { connect as connectPlain } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { autodiscover, autodiscoverRequest, elementText } from '#test/support/autodiscover-client';
import { credentials, publicUrl, start } from './listeners.ts';

const pox = '/autodiscover/autodiscover.xml';
const json = '/autodiscover/autodiscover.json';
const evil = 'evil.example';
const basic = `Authorization: Basic ${Buffer.from(credentials).toString('base64')}`;

/** Sends lines over one of the listeners and gives everything that comes until it is closed. */
async function raw(
  { baseUrl, ca }: { baseUrl: string; ca?: string | undefined },
  lines: readonly string[],
  body = '',
) {
  const { hostname: host, port } = new URL(baseUrl);
  const at = { host, port: Number(port) };
  const socket =
    ca === undefined ? connectPlain(at) : connectTls({ ...at, ca, checkServerIdentity: () => undefined });
  socket.on('error', () => undefined);
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  return await textOf(socket);
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const headerOf = (answer: string, name: string) =>
  new RegExp(`^${name}: (.*?)\r$`, 'im').exec(answer.split('\r\n\r\n')[0] ?? '')?.[1];

test.each([
  ['Host', 'GET /autodiscover/autodiscover.xml HTTP/1.1', [`Host: ${evil}`]],
  ['an absolute target', `GET http://${evil}${pox} HTTP/1.1`, [`Host: ${evil}`]],
  [
    'X-Forwarded-Host',
    `GET ${pox} HTTP/1.1`,
    ['Host: a', `X-Forwarded-Host: ${evil}`, `Forwarded: host=${evil}`],
  ],
  [
    'X-Original-URL',
    `GET ${pox} HTTP/1.1`,
    ['Host: a', `X-Original-URL: https://${evil}/`, `X-Host: ${evil}`],
  ],
  ['a path that goes up', `GET ${json}/../../../@${evil}/ HTTP/1.1`, ['Host: a']],
  ['a path with a host in it', `GET ${json}//${evil}/?Email=a@example.test HTTP/1.1`, ['Host: a']],
  ['a backslash', `GET ${json}/\\\\${evil}?Email=@${evil} HTTP/1.1`, ['Host: a']],
  ['an absolute target with a user', `GET http://x@${evil}${json}/v1.0/a HTTP/1.1`, ['Host: a']],
  ['a tab and bytes beyond ASCII', `GET ${json}/v1.0/\u00ff\u0085 HTTP/1.1`, ['Host: a']],
  ['HTTP/1.0 without Host', `GET ${pox} HTTP/1.0`, []],
])('http leads to the public URL and nowhere else: %s', async (_what, line, headers) => {
  const { http } = await start();
  const answer = await raw(http, [line, ...headers, 'Connection: close']);
  const location = headerOf(answer, 'Location');
  if (location === undefined) expect([400, 404]).toContain(statusOf(answer));
  else expect(new URL(location).origin).toBe(publicUrl);
  expect(answer).not.toMatch(/www-authenticate/i);
});

test.each([
  ['Host', [`Host: ${evil}`]],
  ['X-Forwarded-Host', ['Host: a', `X-Forwarded-Host: ${evil}`, `X-Forwarded-Server: ${evil}`]],
])('no answer over https names a host that %s does', async (_what, headers) => {
  const { https } = await start();
  const body = autodiscoverRequest('alice@example.test');
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const end = [...headers, 'Connection: close'];
  const answers = [
    await raw(https, [`POST ${pox} HTTP/1.1`, basic, length, ...end], body),
    await raw(https, [`GET ${json}?Email=a@example.test&Protocol=ActiveSync HTTP/1.1`, ...end]),
    await raw(https, ['GET /mail/config-v1.1.xml?emailaddress=a@example.test HTTP/1.1', ...end]),
    await raw(https, ['GET /mobileconfig HTTP/1.1', basic, ...end]),
  ];
  expect(answers.map(statusOf)).toEqual([200, 200, 200, 200]);
  for (const answer of answers) {
    expect(answer).toContain('mail.example.test');
    expect(answer).not.toContain(evil);
  }
});

test.each([
  ['declared', 'Content-Length: 10000000000', ''],
  ['in chunks', 'Transfer-Encoding: chunked', 'ffff\r\n'],
  ['after 100-continue', 'Content-Length: 10000000000\r\nExpect: 100-continue', ''],
])(
  'a huge body, %s, is not waited for: 401 without credentials, 413 with them',
  async (_what, header, body) => {
    const { https } = await start();
    const lines = [`POST ${pox} HTTP/1.1`, 'Host: a', header];
    expect(await raw(https, lines, body)).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 401 /);
    const large = body === '' ? '' : `${body}${'a'.repeat(0xffff)}\r\n${body}${'a'.repeat(0xffff)}\r\n`;
    expect(await raw(https, [...lines, basic], large)).toMatch(
      /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 413 /,
    );
  },
);

test.each([
  ['two lengths', ['Content-Length: 0', 'Content-Length: 5']],
  ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
  ['two hosts', ['Host: b']],
  ['a header of 17 KiB', [`X-A: ${'a'.repeat(17_000)}`]],
  ['a space before the colon', ['Content-Length : 5']],
])('a request that two servers would read in two ways is refused: %s', async (_what, headers) => {
  const { https, asked } = await start();
  const answer = await raw(
    https,
    [`POST ${pox} HTTP/1.1`, 'Host: a', ...headers, 'Connection: close'],
    'hello',
  );
  expect([400, 401, 431]).toContain(statusOf(answer));
  expect(asked).toEqual([]);
});

test.each([
  ['CDATA', '<![CDATA[alice@example.test]]>'],
  ['blanks and line ends', '\r\n\t ALICE@EXAMPLE.test \r\n'],
  ['a plus', 'alice+work@example.test'],
  ['references', '&#97;lice&#x40;example&#46;test'],
  ['letters beyond ASCII', 'alice@MÜLLER.test'],
])('EMailAddress with %s is read', async (_what, address) => {
  const { https } = await start();
  const { text } = await autodiscover({ ...https, credentials, body: autodiscoverRequest(address) });
  expect(elementText(text, 'EMailAddress')).toBe('alice@example.test');
});

test.each([
  ['with blanks inside', 'alice @example.test', '500'],
  ['of two lines', 'alice@example.test\r\nbob@example.test', '500'],
  ['with a comment in it', 'alice<!-- x -->bob@example.test', '500'],
  ['in angle brackets', '&lt;alice@example.test&gt;', '500'],
  ['with markup in it', '<b>alice</b>@example.test', '500'],
  ['with look-alikes', 'аlice@example.test', '500'],
  ['of 60,000 characters', `${'a'.repeat(60_000)}@example.test`, '500'],
  ['with a NUL', 'alice&#0;@example.test', '600'],
  ['that is a LegacyDN', '/o=Org/ou=Exchange/cn=Recipients/cn=alice', '500'],
  ['without a domain', 'alice', '500'],
  ['of half a surrogate pair', '&#xd800;', '500'],
])('EMailAddress %s is nobody’s', async (_what, address, code) => {
  const { https } = await start();
  const { status, text } = await autodiscover({ ...https, credentials, body: autodiscoverRequest(address) });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, code]);
});

test('a request with LegacyDN alone, which Outlook may send, is answered with an error: 600', async () => {
  const { https } = await start();
  const body = autodiscoverRequest('x').replace(
    /<EMailAddress>.*<\/EMailAddress>/,
    '<LegacyDN>/o=Org/cn=alice</LegacyDN>',
  );
  const { status, text } = await autodiscover({ ...https, credentials, body });
  expect([status, elementText(text, 'ErrorCode')]).toEqual([200, '600']);
});

test('a body that does not end, behind a request that is answered without it, is read away for a moment only', async () => {
  const { http } = await start();
  const { hostname: host, port } = new URL(http.baseUrl);
  const socket = connectPlain({ host, port: Number(port) });
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.write(`POST ${pox} HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n`);
  const piece = Buffer.alloc(1024);
  const sending = setInterval(() => socket.write(piece), 50);
  onTestFinished(() => clearInterval(sending));
  await new Promise<void>((resolve) => void socket.on('error', () => undefined).on('close', () => resolve()));
  expect(statusOf(answer)).toBe(302);
});

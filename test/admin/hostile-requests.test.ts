import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Credentials, createKey } from '../support/aws-client.ts';
import { signedClient, signedHeaders } from '../support/signed-client.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let site: TestServer;
let key: Credentials;
let OrganizationId: string;

/** Who waits does not keep the test waiting. */
const clock = {
  now: () => Date.now(),
  after: (ms: number, done: () => void) => {
    const timer = setTimeout(done, Math.min(ms, 5)).unref();
    return () => clearTimeout(timer);
  },
};

beforeEach(async () => {
  site = await startServer({ clock });
  OrganizationId = site.organization;
  key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
});

const listUsers = 'WorkMailService.ListUsers';
const wrongOf = ({ accessKeyId }: Credentials) => ({ accessKeyId, secretAccessKey: 'wrong' });

async function open(): Promise<TLSSocket> {
  const { hostname, port } = new URL(site.baseUrl);
  const socket = connect({ host: hostname, port: Number(port), ca: site.ca, servername: 'localhost' });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).setEncoding('utf8');
  await once(socket, 'secureConnect');
  return socket;
}

interface Sent {
  readonly body?: string | Uint8Array;
  readonly credentials?: Credentials;
  readonly target?: string;
  /** Signed with the others. */
  readonly signed?: Readonly<Record<string, string>>;
  /** Written as they are. */
  readonly lines?: readonly string[];
  readonly version?: string;
  readonly change?: (headers: Record<string, string>) => Record<string, string>;
}

/** The head of a signed request. */
function headOf({ body = '{}', credentials = key, target = listUsers, ...more }: Sent): string {
  const { host } = new URL(site.baseUrl);
  const signed = signedHeaders(host, target, body, credentials, more.signed ?? {});
  const headers = Object.entries(more.change?.(signed) ?? signed).map(([name, value]) => `${name}: ${value}`);
  return [`POST / HTTP/${more.version ?? '1.1'}`, ...headers, ...(more.lines ?? []), '', ''].join('\r\n');
}

/** The rest of what comes until the connection is closed. */
async function answerTo(...writes: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = await open();
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  // Node resets what it cannot read, once it has answered.
  const closed = new Promise((resolve) => void socket.once('close', resolve));
  for (const write of writes) socket.write(write);
  await closed;
  return text;
}

const named = () => JSON.stringify({ OrganizationId });
const length = (body: string | Uint8Array) => `Content-Length: ${Buffer.byteLength(body)}`;
const close = 'Connection: close';

test('a signed request is served in chunks, and over HTTP/1.0', async () => {
  const body = named();
  const head = headOf({ body, lines: ['Transfer-Encoding: chunked', close] });
  const chunks = [...body].map((letter) => `1\r\n${letter}\r\n`).join('');
  expect(await answerTo(head, `${chunks}0\r\n\r\n`)).toContain('{"Users":[]}');
  expect(await answerTo(headOf({ body, lines: [length(body)], version: '1.0' }), body)).toContain(
    '{"Users":[]}',
  );
});

const refusals: readonly [string, () => Sent, string][] = [
  [
    'no Host, over HTTP/1.0',
    () => ({ version: '1.0', change: ({ host: _host, ...rest }) => rest }),
    'InvalidSignatureException',
  ],
  [
    'a scheme in lower case',
    () => ({ change: (all) => ({ ...all, authorization: String(all['authorization']).toLowerCase() }) }),
    'IncompleteSignatureException',
  ],
  [
    'two Authorization headers',
    () => ({ lines: ['Authorization: AWS4-HMAC-SHA256 x'] }),
    'InvalidSignatureException',
  ],
  ['two dates', () => ({ lines: ['X-Amz-Date: 20261123T100000Z'] }), 'InvalidSignatureException'],
  [
    'two targets',
    () => ({ lines: ['X-Amz-Target: WorkMailService.DeleteUser'] }),
    'InvalidSignatureException',
  ],
  [
    'a header named twice in SignedHeaders',
    () => ({
      change: (all) => ({
        ...all,
        authorization: String(all['authorization']).replace('SignedHeaders=', 'SignedHeaders=host;'),
      }),
    }),
    'InvalidSignatureException',
  ],
  ['a body that is no UTF-8', () => ({ body: Buffer.of(0x7b, 0xff, 0x7d) }), 'SerializationException'],
  ['a body in UTF-16', () => ({ body: Buffer.from('{}', 'utf16le') }), 'SerializationException'],
  [
    'a body nested 100,000 deep',
    () => ({ body: '['.repeat(100_000) + ']'.repeat(100_000) }),
    'SerializationException',
  ],
  ['another Content-Type', () => ({ signed: { 'content-type': 'text/html' } }), 'InvalidParameterException'],
  [
    'the target of an object’s own',
    () => ({ target: 'WorkMailService.__proto__' }),
    'UnknownOperationException',
  ],
  [
    'gzip that was not signed so',
    () => ({ body: gzipSync('{}'), lines: ['Content-Encoding: gzip'] }),
    'InvalidSignatureException',
  ],
  ['a session token', () => ({ signed: { 'x-amz-security-token': 't' } }), 'UnrecognizedClientException'],
];

test('a signed request that is odd in one thing is refused with the exception for it', async () => {
  for (const [what, sent, type] of refusals) {
    const { body = '{}', ...more } = sent();
    const lines = [length(body), close, ...(more.lines ?? [])];
    const answer = await answerTo(headOf({ ...more, body, lines }), body);
    expect.soft(answer, what).toMatch(/^HTTP\/1\.1 400 /);
    expect.soft(answer, what).toContain(`"__type":"${type}"`);
  }
});

const httpRefusals: readonly [string, () => [string, ...(string | Uint8Array)[]], number][] = [
  ['headers of over 16 KiB', () => [headOf({ lines: [`X-Long: ${'x'.repeat(20_000)}`] })], 431],
  ['two lengths', () => [headOf({ lines: ['Content-Length: 2', 'Content-Length: 3'] }), '{}'], 400],
  [
    'a length and chunks',
    () => [headOf({ lines: ['Content-Length: 2', 'Transfer-Encoding: chunked'] }), '2\r\n{}\r\n0\r\n\r\n'],
    400,
  ],
  [
    'a body over 1 MiB in chunks',
    () => [headOf({ lines: ['Transfer-Encoding: chunked'] }), `110000\r\n${'x'.repeat(0x110000)}\r\n`],
    413,
  ],
  [
    'a body that inflates to over 1 MiB',
    () => {
      const bomb = gzipSync(Buffer.alloc(8_388_608));
      return [headOf({ body: bomb, lines: ['Content-Encoding: gzip', length(bomb), close] }), bomb];
    },
    413,
  ],
  [
    'an unknown encoding',
    () => [headOf({ lines: ['Content-Encoding: br', 'Content-Length: 2', close] }), '{}'],
    415,
  ],
];

test('a signed request that HTTP, or its size, forbids is refused with an HTTP status', async () => {
  for (const [what, writes, status] of httpRefusals) {
    expect.soft(await answerTo(...writes()), what).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

test('a long header named a thousand times in SignedHeaders is not hashed a thousand times', async () => {
  const more = { x: 'x'.repeat(6_000) };
  const names = 'SignedHeaders='.padEnd(8_000, 'x;');
  const change = (all: Record<string, string>) => ({
    ...all,
    authorization: String(all['authorization']).replace('SignedHeaders=', names),
  });
  const answer = await answerTo(headOf({ signed: more, change, lines: ['Content-Length: 2', close] }), '{}');
  expect(answer).toContain('A signed header is named more than once.');
});

test('requests of several keys over one connection are each their own signer’s', async () => {
  const reader = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' });
  const body = JSON.stringify({ OrganizationId, Name: 'staff' });
  const from = (credentials: Credentials, ...lines: string[]) =>
    `${headOf({ body, credentials, target: 'WorkMailService.CreateGroup', lines: [length(body), ...lines] })}${body}`;
  const text = await answerTo([from(key), from(reader), from(wrongOf(key)), from(reader, close)].join(''));
  const answers = text.split('HTTP/1.1 ').slice(1);
  expect(answers.map((answer) => /\{.*?(GroupId|\w+Exception)/.exec(answer)?.[1])).toEqual([
    'GroupId',
    'AccessDeniedException',
    'InvalidSignatureException',
    'AccessDeniedException',
  ]);
});

test('who sends wrong signatures is throttled, and good keys behind the same address are served', async () => {
  const [guess, good] = [signedClient(site), signedClient(site)];
  const types: (string | undefined)[] = [];
  for (let n = 0; n < 120; n++) {
    const accessKeyId = n % 2 === 0 ? key.accessKeyId : `AKIAEXAMPLEKEY${1_000 + n}`;
    types.push((await guess(wrongOf({ ...key, accessKeyId }), listUsers, { OrganizationId })).type);
  }
  expect(types.slice(0, 2)).toEqual(['InvalidSignatureException', 'UnrecognizedClientException']);
  expect(types.slice(99)).toEqual(Array.from({ length: 21 }, () => 'ThrottlingException'));
  expect((await good(key, listUsers, { OrganizationId })).status).toBe(200);
  const another = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  expect((await good(another, listUsers, { OrganizationId })).status).toBe(200);
});

test('large bodies that come slowly hold 16 MiB at most, and a key that is known here finds room beside them', async () => {
  const good = signedClient(site);
  await good(key, listUsers, { OrganizationId });
  const stranger = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const head = headOf({ credentials: wrongOf(stranger), lines: ['Content-Length: 1048576'] });
  const slow = await Promise.all(Array.from({ length: 24 }, open));
  let refused = 0;
  const eightRefused = new Promise<void>((resolve) => {
    for (const socket of slow) {
      socket.once('data', (answer: string) => {
        if (answer.startsWith('HTTP/1.1 503 ') && ++refused === 8) resolve();
      });
      socket.write(`${head}{`);
    }
  });
  await eightRefused;
  const Photo = Buffer.alloc(150_000, 'A').toString();
  const input = { OrganizationId, UserId: 'nobody', Photo };
  const put = 'Mailstead.PutUserPhoto';
  expect((await good(key, put, input)).status).toBe(400);
  expect((await good(stranger, put, input)).status).toBe(503);
  expect(refused).toBe(8);
});

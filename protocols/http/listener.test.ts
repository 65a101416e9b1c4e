import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzip } from 'node:zlib';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { createLogger, silentLogger } from '#telemetry/log';
import { readBody } from './body.ts';
import { BodyRoom } from './body-room.ts';
import { loadOrCreateCertificate } from './certificate.ts';
import type { HttpContext, HttpHandler } from './handler.ts';
import { healthHandler } from './health.ts';
import { HttpError } from './http-error.ts';
import { createHttpListener, createHttpsListener, type HttpListener } from './listener.ts';
import { send } from './response.ts';
import { createRouter } from './router.ts';

let tls: { cert: string; key: string; ca: string };
let listener: HttpListener;
const agents: Agent[] = [];
const maxBytes = 1_000;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mailstead-http-'));
  const {
    cert,
    key,
    ca = '',
  } = await loadOrCreateCertificate({ dir, hostnames: ['127.0.0.1'], now: new Date() });
  tls = { cert, key, ca };
  await rm(dir, { recursive: true });
});
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await listener.stop(0);
});

async function serve(handler: HttpHandler, log = silentLogger): Promise<number> {
  listener = createHttpsListener({ handler, log, cert: tls.cert, key: tls.key });
  return portOf(await listener.listen({ host: '127.0.0.1', port: 0 }));
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: tls.ca });
  agents.push(agent);
  return agent;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function call(port: number, options: RequestOptions, body?: Uint8Array | string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, ca: tls.ca, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    });
    sent.on('error', reject).end(body);
  });
}

const echo: HttpHandler = async (incoming, response) =>
  send(response, 200, {}, await readBody(incoming, maxBytes));

test('a request is answered with Content-Length, over one connection with one id', async () => {
  const contexts: HttpContext[] = [];
  const port = await serve(async (incoming, response, context) => {
    contexts.push(context);
    await echo(incoming, response, context);
  });
  const agent = keepAlive();
  const answer = await call(port, { method: 'POST', agent }, 'häuser');
  await call(port, { method: 'POST', agent }, '');
  expect(answer).toMatchObject({ status: 200, text: 'häuser', headers: { 'content-length': '7' } });
  expect(contexts[0]).toMatchObject({ remoteAddress: '127.0.0.1', secure: true });
  expect(contexts[0]?.connectionId).toMatch(/^[0-9a-f]{12}$/);
  expect(contexts[1]?.connectionId).toBe(contexts[0]?.connectionId);
});

test('a listener without TLS says so to its handlers', async () => {
  let secure: boolean | undefined;
  const handler: HttpHandler = async (_request, response, context) => {
    secure = context.secure;
    send(response, 204, {});
  };
  listener = createHttpListener({ handler, log: silentLogger });
  const answer = await fetch(`http://${await listener.listen({ host: '127.0.0.1', port: 0 })}/`);
  expect(answer.status).toBe(204);
  expect(secure).toBe(false);
});

test('an address in use is an error, and stop after it is harmless', async () => {
  const port = await serve(echo);
  const second = createHttpListener({ handler: echo, log: silentLogger });
  await expect(second.listen({ host: '127.0.0.1', port: port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await second.stop();
});

test('TLS 1.1 is refused', async () => {
  const port = await serve(echo);
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: tls.ca,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1.1',
  });
  const [error] = await once(socket, 'error');
  expect(String(error)).toMatch(/protocol version|unsupported|no protocols/i);
});

/** A handshake; gives the protocol that was agreed on, false for none. */
async function agreed(port: number, ALPNProtocols?: string[]): Promise<TLSSocket['alpnProtocol']> {
  const options = { host: '127.0.0.1', port, ca: tls.ca, ...(ALPNProtocols && { ALPNProtocols }) };
  const socket = connectTls(options);
  try {
    await once(socket, 'secureConnect');
    return socket.alpnProtocol;
  } finally {
    socket.destroy();
  }
}

test('HTTP/1.1 is agreed on by whoever speaks it, too, and nothing else', async () => {
  const port = await serve(healthHandler(() => true));
  expect(await agreed(port, ['h2', 'http/1.1'])).toBe('http/1.1');
  expect(await agreed(port)).toBe(false);
  await expect(agreed(port, ['h2'])).rejects.toMatchObject({
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  });
});

test('a connection keeps nothing in memory of what others are served meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const port = await serve(healthHandler(() => true));
  const held = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  const sockets: TLSSocket[] = [];
  for (let n = 0; n < 40; n++) {
    const socket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
    sockets.push(socket);
    await once(socket, 'secureConnect');
    for (let bytes = 0; bytes < 2 * Buffer.poolSize; bytes += 1_000) Buffer.allocUnsafe(1_000);
  }
  const grownBy = held() - before;
  for (const socket of sockets) socket.destroy();
  expect(grownBy).toBeLessThan(10 * Buffer.poolSize);
});

test('an unknown path answers 404, a wrong method 405 with Allow, and both keep the connection', async () => {
  const port = await serve(
    createRouter([
      { path: '/exact', methods: { GET: echo, OPTIONS: echo } },
      { path: '/autodiscover/autodiscover.xml', anyCase: true, methods: { POST: echo } },
    ]),
  );
  const agent = keepAlive();
  expect(await call(port, { path: '/none', agent })).toMatchObject({ status: 404, text: 'Not found\n' });
  const refused = await call(port, { path: '/exact?x=1', method: 'POST', agent }, 'body');
  expect(refused).toMatchObject({
    status: 405,
    headers: { allow: 'GET, OPTIONS, HEAD', connection: 'keep-alive' },
  });
  const inherited = await call(port, { path: '/exact', method: 'PROPFIND', agent });
  expect(inherited.status).toBe(405);
  expect((await call(port, { path: '/exact', method: 'OPTIONS', agent })).status).toBe(200);
  expect((await call(port, { path: '/exact', method: 'HEAD', agent })).status).toBe(200);
  expect((await call(port, { path: '/EXACT', agent })).status).toBe(404);
  const anyCase = await call(port, { path: '/AutoDiscover/AutoDiscover.xml', method: 'POST', agent }, 'x');
  expect(anyCase).toMatchObject({ status: 200, text: 'x' });
});

test('a route takes the paths below it if it says so, in any case if it says that too', async () => {
  const port = await serve(
    createRouter([
      { path: '/exact', methods: { GET: echo } },
      { path: '/tree', below: true, methods: { GET: echo } },
      { path: '/Any', below: true, anyCase: true, methods: { GET: echo } },
    ]),
  );
  const statusOf = async (path: string) => (await call(port, { path })).status;
  for (const path of ['/tree', '/tree/', '/tree/a/b?c', '/aNY/x', '/any'])
    expect(await statusOf(path)).toBe(200);
  for (const path of ['/exact/', '/treetop', '/Tree/a', '/anything']) expect(await statusOf(path)).toBe(404);
});

test('the absolute-form of a request target finds its route', async () => {
  const port = await serve(createRouter([{ path: '/exact', methods: { GET: echo } }]));
  expect((await call(port, { path: 'https://mail.example.com/exact?q' })).status).toBe(200);
});

test('a thrown HttpError is exactly the answer; anything else is "local error" and logged in full', async () => {
  const lines: string[] = [];
  const port = await serve(
    async (incoming) => {
      if (incoming.url === '/refuse')
        throw new HttpError(449, 'Retry after provisioning', { 'X-Reason': 'policy' });
      throw new Error('secret detail');
    },
    createLogger('info', { write: (line) => void lines.push(line) }),
  );
  const refused = await call(port, { path: '/refuse' });
  expect(refused).toMatchObject({
    status: 449,
    text: 'Retry after provisioning\n',
    headers: { 'x-reason': 'policy' },
  });
  const failed = await call(port, { path: '/fail?user=alice' });
  expect(failed).toMatchObject({ status: 500, text: 'local error\n' });
  const line = JSON.parse(lines.at(-1) ?? '');
  expect(line).toMatchObject({
    level: 'error',
    event: 'http.request.failed',
    path: '/fail',
    remote: '127.0.0.1',
  });
  expect(line.err.stack).toContain('listener.test.ts');
});

test('an answer that fails half-way is broken off, never completed', async () => {
  const port = await serve(async (_request, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half');
    throw new Error('lost the rest');
  });
  await expect(call(port, {})).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test.each<[name: string, bytes: number, headers: Record<string, string>, status: number]>([
  ['at the limit', maxBytes, {}, 200],
  ['over it by Content-Length', maxBytes + 1, {}, 413],
  ['over it in chunks', maxBytes + 1, { 'Transfer-Encoding': 'chunked' }, 413],
  ['of many times the limit', 8_000_000, {}, 413],
  ['of many times the limit in chunks', 8_000_000, { 'Transfer-Encoding': 'chunked' }, 413],
])('a body %s', async (_name, bytes, headers, status) => {
  const port = await serve(echo);
  const length = 'Transfer-Encoding' in headers ? {} : { 'Content-Length': String(bytes) };
  const answer = await call(
    port,
    { method: 'POST', headers: { ...headers, ...length } },
    Buffer.alloc(bytes, 'a'),
  );
  expect(answer.status).toBe(status);
});

test('a gzip body is inflated, up to the limit', async () => {
  const port = await serve(echo);
  const post = async (body: Uint8Array, encoding = 'gzip') =>
    call(
      port,
      { method: 'POST', headers: { 'Content-Encoding': encoding, 'Content-Length': body.length } },
      body,
    );
  expect(await post(await promisify(gzip)('hello'))).toMatchObject({ status: 200, text: 'hello' });
  expect((await post(await promisify(gzip)(Buffer.alloc(100_000)))).status).toBe(413);
  expect((await post(Buffer.from('not gzip'))).status).toBe(400);
  expect((await post(Buffer.from('x'), 'br')).status).toBe(415);
});

test('a body that breaks off reaches the handler as an HttpError, not as a hang', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const port = await serve(async (incoming) => {
    await readBody(incoming, maxBytes).catch(resolve);
  });
  const socket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
  socket.end('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  expect(await promise).toMatchObject({ name: 'HttpError', status: 400 });
  socket.destroy();
});

/** Reads bodies within a room, and answers once it may. */
function within(room: BodyRoom, mayAnswer: () => Promise<void> = async () => undefined): HttpHandler {
  return async (incoming, response) => {
    const hold = room.hold();
    try {
      const body = await readBody(incoming, 1_000_000, hold);
      await mayAnswer();
      send(response, 200, {}, String(body.length));
    } finally {
      hold.release();
    }
  };
}

test.each([
  ['by their length', {}],
  ['as they come', { 'Transfer-Encoding': 'chunked' }],
  ['inflated', { 'Content-Encoding': 'gzip' }],
])(
  'bodies beyond the room for all of them are refused with 503, %s, and small ones never are',
  async (_how, headers) => {
    const read = Promise.withResolvers<void>();
    const { promise, resolve } = Promise.withResolvers<void>();
    const mayAnswer = () => {
      read.resolve();
      return promise;
    };
    const port = await serve(within(new BodyRoom(500_000), mayAnswer));
    const bytes = async (count: number) => {
      const plain = Buffer.alloc(count);
      return 'Content-Encoding' in headers ? await promisify(gzip)(plain) : plain;
    };
    const post = async (count: number) => call(port, { method: 'POST', headers }, await bytes(count));
    const first = post(400_000);
    await read.promise;
    const refused = await post(200_000);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '30', connection: 'close' } });
    const others = [post(65_536), post(65_536), post(90_000)];
    resolve();
    const answers = await Promise.all([first, ...others]);
    expect(answers.map(({ text }) => text)).toEqual(['400000', '65536', '65536', '90000']);
    expect((await post(500_000)).text).toBe('500000');
  },
);

test('the answer that there is no room comes before the body is sent', async () => {
  const room = new BodyRoom(100_000);
  const port = await serve(within(room));
  room.hold().take(100_000);
  const socket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n');
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 /);
  socket.destroy();
});

test('a body that stalls, or breaks off, gives its room back', async () => {
  const port = await serve(within(new BodyRoom(500_000, 20)));
  const begin = () => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\nbegun`);
    return socket;
  };
  const post = () => call(port, { method: 'POST' }, Buffer.alloc(400_000));
  const stalled = begin();
  expect(String((await once(stalled, 'data'))[0])).toMatch(/^HTTP\/1\.1 408 /);
  expect((await post()).status).toBe(200);
  const left = begin();
  await once(left, 'secureConnect');
  left.end();
  await expect.poll(async () => (await post()).status).toBe(200);
  for (const socket of [stalled, left]) socket.destroy();
});

test('/healthz answers 503 until the server is ready', async () => {
  let ready = false;
  const port = await serve(healthHandler(() => ready));
  expect((await call(port, {})).status).toBe(503);
  ready = true;
  expect(await call(port, {})).toMatchObject({ status: 200, text: '{"status":"ok"}' });
});

test('the response of a waiting request closes when its client leaves', async () => {
  const waiting = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const port = await serve(async (_request, response) => {
    response.once('close', () => left.resolve());
    waiting.resolve();
  });
  const socket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await waiting.promise;
  socket.destroy();
  await left.promise;
});

test('a waiting request survives the beginning of a stop, is answered, and its connection closes', async () => {
  const waiting = Promise.withResolvers<() => void>();
  const port = await serve((_request, response) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.resolve(resolve);
    return promise.then(() => send(response, 200, {}, 'woken'));
  });
  const answer = call(port, { agent: keepAlive() });
  const wake = await waiting.promise;
  const stopped = listener.stop();
  await expect(call(port, {})).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  wake();
  expect(await answer).toMatchObject({ status: 200, text: 'woken', headers: { connection: 'close' } });
  await stopped;
});

test('stop closes idle connections, also those that never asked or never finished their handshake', async () => {
  const port = await serve(echo);
  await call(port, { method: 'POST', agent: keepAlive() }, 'x');
  const silent = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
  await once(silent, 'secureConnect');
  const half = connectTcp({ host: '127.0.0.1', port });
  await once(half, 'connect');
  const ended = [silent, half].map((socket) => once(socket.on('error', () => undefined).resume(), 'close'));
  await listener.stop();
  await Promise.all(ended);
});

test('stop cuts off a request that outlasts its grace', async () => {
  const waiting = Promise.withResolvers<void>();
  const port = await serve(() => {
    waiting.resolve();
    return new Promise<void>(() => undefined);
  });
  const cutOff = expect(call(port, {})).rejects.toMatchObject({ code: 'ECONNRESET' });
  await waiting.promise;
  await listener.stop(20);
  await cutOff;
});

test('requests in one packet are answered in their order', async () => {
  const port = await serve(
    createRouter([{ path: '/a', methods: { GET: async (_r, w) => send(w, 200, {}, 'A') } }]),
  );
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca: tls.ca });
  socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
});

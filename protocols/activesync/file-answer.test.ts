import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { type FileAnswer, sendFile } from './file-answer.ts';

async function* chunks(count: number, fault?: Error): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(65_536, n);
  if (fault !== undefined) throw fault;
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** A server that answers with a file; gives its answer's end beside the address. */
async function serve(
  file: FileAnswer,
  patienceMs?: number,
): Promise<{ url: string; ended: Promise<unknown> }> {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const answer = (_request: IncomingMessage, response: ServerResponse) => {
    sendFile(response, file, patienceMs).then(
      () => resolve('done'),
      (error: unknown) => resolve(error),
    );
  };
  const server = createServer({ keepAliveTimeout: 100 }, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ended };
}

async function ask(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  return response;
}

test('a file is sent with its type and length', async () => {
  const { url, ended } = await serve({ type: 'image/png', size: 131_072, open: () => chunks(2) });
  const response = await ask(url);
  expect(response.headers).toMatchObject({ 'content-type': 'image/png', 'content-length': '131072' });
  expect((await buffer(response)).length).toBe(131_072);
  expect(await ended).toBe('done');
});

test('a client that goes away ends the reading, and is no fault', async () => {
  let read = 0;
  const open = async function* () {
    for await (const chunk of chunks(10_000)) {
      read++;
      yield chunk;
    }
  };
  const { url, ended } = await serve({ type: 'image/png', size: 655_360_000, open });
  const response = await ask(url);
  response.destroy();
  expect(await ended).toBe('done');
  expect(read).toBeLessThan(10_000);
});

test('a client that takes nothing any more does not keep the file open', async () => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const open = async function* () {
    try {
      yield* chunks(10_000);
    } finally {
      close();
    }
  };
  const { url, ended } = await serve({ type: 'image/png', size: 655_360_000, open }, 50);
  const response = await ask(url);
  await closed;
  expect(await ended).toBe('done');
  await expect(buffer(response)).rejects.toThrow('aborted');
});

test('the next request on the same connection is answered, and then it may idle as long as any other', async () => {
  const { url } = await serve({ type: 'image/png', size: 3, open: () => one('abc') }, 3_600_000);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  for (let n = 0; n < 2; n++) {
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('200 OK');
  }
  await once(socket.resume(), 'close');
});

test('a file that cannot be read breaks the answer off, and is one', async () => {
  const fault = new Error('lost');
  const { url, ended } = await serve({ type: 'image/png', size: 655_360, open: () => chunks(2, fault) });
  const response = await ask(url);
  await expect(buffer(response)).rejects.toThrow('aborted');
  expect(await ended).toBe(fault);
});

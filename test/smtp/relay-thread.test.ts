/** The thread of outgoing sessions: what becomes of mail when it fails, when a message cannot be read, and when nobody takes it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import type { RelayedMail, RemoteHop } from '#domain/outside';
import { NextHops } from '#protocols/smtp/next-hop';
import { SmtpRelay } from '#protocols/smtp/relay';
import { createLogger, silentLogger } from '#telemetry/log';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { minute, startOutbound } from '#test/support/outbound-site';
import { goodReply, startScripted } from '#test/support/scripted-server';
import { fixedClock } from '#test/support/temp-store';

const mebibyte = 1024 * 1024;

/** Every thread that is started from now on. */
function startedThreads(): Worker[] {
  const threads: Worker[] = [];
  const note = (worker: Worker) => void threads.push(worker);
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  return threads;
}

/** A relay to servers of the configuration, with what it logs. */
function startRelay() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const clock = fixedClock(0);
  const hostname = 'mx.ours.example';
  const dns = { resolve: async () => [] };
  const sts = { policyFor: async () => undefined };
  const hops = new NextHops({ dns, sts, log: silentLogger, isDnsOurs: false, hostname, port: 25 });
  const relay = new SmtpRelay({ hostname, hops, clock, log });
  onTestFinished(() => relay.stop());
  return { relay, lines, clock };
}

function hopTo(port: number): RemoteHop {
  return { kind: 'server', server: { host: '127.0.0.1', port, isSecure: false, login: undefined } };
}

function mailOf(size: number, open: () => AsyncIterable<Uint8Array>): RelayedMail {
  return {
    reversePath: 'alice@ours.example',
    recipients: [{ address: 'bob@one.example' }],
    size,
    is8bit: false,
    facts: { hasLongLine: false, has8bit: false, hasNul: false, hasBareLineEnd: false, bodyHash: '' },
    open,
    signing: { keysFor: async () => ({ keys: [], atMs: 0 }), failed: () => undefined },
  };
}

const line = `${'x'.repeat(62)}\r\n`;
const part = () => Buffer.from(line.repeat(1024));

/** A message of so many parts of 64 KiB, and how many of them were asked for. */
function largeMail(parts: number, fault?: Error) {
  const read = { parts: 0, isEnded: false };
  const mail = mailOf(parts * 65_536, async function* () {
    try {
      for (let n = 0; n < parts; n++) {
        read.parts++;
        yield n === 0 ? Buffer.from(`Subject: x\r\n\r\n${part().subarray(14).toString()}`) : part();
      }
      if (fault !== undefined) throw fault;
    } finally {
      read.isEnded = true;
    }
  });
  return { mail, read };
}

/** A next server that reads nothing after it has asked for the message, until it is told to. */
async function startUnwilling(): Promise<{ readonly port: number; readonly asked: Promise<Socket> }> {
  const asked = Promise.withResolvers<Socket>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(goodReply(''));
    const answer = (bytes: Buffer) => {
      for (const command of bytes.toString().split('\r\n').slice(0, -1)) {
        socket.write(goodReply(command));
        if (command !== 'DATA') continue;
        socket.pause();
        socket.off('data', answer);
        asked.resolve(socket);
      }
    };
    socket.on('data', answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, asked: asked.promise };
}

/** Resolves when nothing more is asked for. */
async function settled(read: { readonly parts: number }): Promise<void> {
  let before = -1;
  const isSettled = () => {
    const isSame = read.parts === before;
    before = read.parts;
    return isSame;
  };
  await expect.poll(isSettled, { interval: 300 }).toBe(true);
}

test('a server that relays nothing has no thread; a stop ends it, and the next session starts another', async () => {
  const threads = startedThreads();
  const next = await startNextServer();
  const { relay } = startRelay();
  const send = async () => {
    const session = relay.session();
    const outcomes = await session.send(
      hopTo(next.port),
      mailOf(14, async function* () {
        yield Buffer.from('Subject: x\r\n\r\n');
      }),
    );
    expect(outcomes).toMatchObject([{ kind: 'delivered' }]);
    session.close();
  };
  await relay.stop();
  expect(threads).toEqual([]);
  await send();
  await send();
  expect(threads).toHaveLength(1);
  await relay.stop();
  expect(threads[0]?.threadId).toBe(-1);
  await send();
  expect(threads).toHaveLength(2);
  await relay.stop();
  expect(threads.map(({ threadId }) => threadId)).toEqual([-1, -1]);
});

test('a thread that dies in the middle of a message: it is tried again by another, and arrives once', async () => {
  const threads = startedThreads();
  const begun = Promise.withResolvers<void>();
  let isHolding = true;
  const next = await startNextServer({
    onMessage: () => {
      begun.resolve();
      return isHolding ? new Promise<undefined>(() => undefined) : undefined;
    },
  });
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const site = await startOutbound({ dns, port: next.port });
  await site.accept(['bob@one.example']);
  await begun.promise;
  await threads[0]?.terminate();
  await site.runner.settled();
  const [waiting] = await site.queued();
  expect(waiting).toMatchObject({ attempts: 1, dueMs: site.clock.now() + minute });
  expect(waiting?.recipients[0]?.last).toMatchObject({
    kind: 'deferred',
    status: '4.3.0',
    text: 'Local error in processing',
  });
  isHolding = false;
  await site.pass(minute);
  expect(await site.queued()).toEqual([]);
  expect(next.mails).toHaveLength(1);
  expect(threads).toHaveLength(2);
});

test('a thread that dies is in the log, and fails what it sends and what it opens', async () => {
  const threads = startedThreads();
  const { relay, lines } = startRelay();
  const silent = await startScripted(() => undefined);
  const unwilling = await startUnwilling();
  const { mail, read } = largeMail(2_000);
  const sending = relay.session().send(hopTo(unwilling.port), mail);
  await unwilling.asked;
  const opening = relay.session().send(hopTo(silent.port), mail);
  await expect.poll(() => silent.connections()).toBe(1);
  await threads[0]?.terminate();
  const fault = [{ kind: 'deferred', status: '4.3.0', text: 'Local error in processing' }];
  expect(await Promise.all([sending, opening])).toMatchObject([fault, fault]);
  expect(lines.map(({ level, event }) => [level, event])).toEqual([['error', 'outbound.thread.failed']]);
  await expect.poll(() => read.isEnded).toBe(true);
});

test('a large message that cannot be read to its end leaves nothing that looks whole', async () => {
  const { relay } = startRelay();
  const isClosed = Promise.withResolvers<void>();
  let bytes = 0;
  const next = await startScripted((command, socket) => {
    if (command === '') {
      socket.on('data', (chunk) => {
        bytes += chunk.length;
      });
      socket.on('close', () => isClosed.resolve());
    }
    return goodReply(command);
  });
  const { mail } = largeMail(40, new Error('a frame was changed'));
  const outcomes = await relay.session().send(hopTo(next.port), mail);
  expect(outcomes).toMatchObject([{ kind: 'deferred', status: '4.4.2', text: 'a frame was changed' }]);
  await isClosed.promise;
  expect(bytes).toBeGreaterThan(mebibyte);
  expect(next.commands.at(-1)).toBe('DATA');
});

test('a small message that cannot be read is not begun, and the session goes on', async () => {
  const { relay } = startRelay();
  const next = await startNextServer();
  const session = relay.session();
  const unreadable = mailOf(14, async function* () {
    yield Buffer.from('Subject: ');
    throw new Error('a row was changed');
  });
  expect(await session.send(hopTo(next.port), unreadable)).toMatchObject([
    { kind: 'deferred', status: '4.3.0', text: 'a row was changed' },
  ]);
  const { mail } = largeMail(40);
  expect(await session.send(hopTo(next.port), mail)).toMatchObject([{ kind: 'delivered' }]);
  expect(next.mails.map(({ raw }) => raw.length)).toEqual([40 * 65_536]);
  expect(next.connections()).toBe(1);
});

test('of a message that the next server does not take only a part is read; it goes on when it is taken', async () => {
  const { relay } = startRelay();
  const next = await startUnwilling();
  const { mail, read } = largeMail(2_000);
  const session = relay.session();
  const sending = session.send(hopTo(next.port), mail);
  const socket = await next.asked;
  await settled(read);
  // The kernel's buffers, and half a mebibyte of ours.
  expect(read.parts * 65_536).toBeLessThan(20 * mebibyte);
  let tail = '';
  socket.on('data', (chunk) => {
    tail = `${tail}${chunk.toString('latin1')}`.slice(-5);
    if (tail === '\r\n.\r\n') socket.write('250 2.0.0 Fine\r\n');
  });
  socket.resume();
  expect(await sending).toMatchObject([{ kind: 'delivered' }]);
  expect(read).toEqual({ parts: 2_000, isEnded: true });
});

test('a close in the middle of a message breaks it off, and what is read of it ends', async () => {
  const { relay, lines } = startRelay();
  const next = await startUnwilling();
  const { mail, read } = largeMail(2_000);
  const session = relay.session();
  const sending = session.send(hopTo(next.port), mail);
  const socket = await next.asked;
  await settled(read);
  session.close();
  expect(await sending).toMatchObject([{ kind: 'deferred', status: '4.4.2' }]);
  await expect.poll(() => read.isEnded).toBe(true);
  expect(read.parts).toBeLessThan(2_000);
  let tail = '';
  socket.on('data', (chunk) => {
    tail = `${tail}${chunk.toString('latin1')}`.slice(-5);
  });
  socket.resume();
  await once(socket, 'close');
  expect(tail).not.toBe('\r\n.\r\n');
  await relay.stop();
  expect(lines).toEqual([]);
});

test('an attempt that takes too long is broken off', async () => {
  const { relay, clock } = startRelay();
  const next = await startUnwilling();
  const { mail, read } = largeMail(2_000);
  const sending = relay.session().send(hopTo(next.port), mail);
  await next.asked;
  clock.move(50 * minute);
  expect(await sending).toMatchObject([{ kind: 'deferred', status: '4.4.2' }]);
  await expect.poll(() => read.isEnded).toBe(true);
});

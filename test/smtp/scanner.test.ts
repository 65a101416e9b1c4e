import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FolderType } from '#domain/folder';
import { Rspamd } from '#protocols/smtp/rspamd';
import { silentLogger } from '#telemetry/log';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { systemOutside } from '../../src/outside.ts';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const raw = 'From: <al@away.example>\r\nSubject: Hi\r\n\r\nHello\r\n';

type Handler = (call: IncomingMessage, response: ServerResponse, content: Buffer) => void;

/** A scanner of one test; gives its URL. It answers once it has read all. */
async function startScanner(handle: Handler): Promise<string> {
  const server = createServer((call, response) => {
    const chunks: Buffer[] = [];
    call.on('error', () => undefined);
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.on('end', () => handle(call, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering =
  (answer: unknown): Handler =>
  (_call, response) =>
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));

/** A site with this scanner, and somebody to write to. */
async function startScanned(url: string, options: Partial<ConstructorParameters<typeof Rspamd>[0]> = {}) {
  const { clock } = systemOutside;
  const bounds = { failOpen: false, timeoutMs: 5_000, maxBytes: 1024 * 1024 };
  const scanner = new Rspamd({
    url,
    ...bounds,
    hostname: 'mx.ours.example',
    clock,
    log: silentLogger,
    ...options,
  });
  const site = await startSite({ scanner, authentication: { reserved: new Set(['x-spam-status']) } });
  const user = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  return {
    site,
    send: async (content = raw) => (await client.mail('al@away.example', [bob], content)).line,
    inbox: () => site.messages(user),
    junk: () => site.messages(user, FolderType.UserMail),
  };
}

describe('the scanner is told', () => {
  test('who sends, to whom, from where, and the message as it came', async () => {
    const seen: { headers: IncomingMessage['headers']; url: string | undefined; content: string }[] = [];
    const url = await startScanner((call, response, content) => {
      seen.push({ headers: call.headers, url: call.url, content: content.toString() });
      response.end('{"action":"no action","score":1.5,"required_score":15}');
    });
    const { send, inbox } = await startScanned(url.replace('//', '//:s%20cret@'));
    const large = raw + 'xyz\r\n'.repeat(20_000);
    for (const content of [`X-Spam-Status: No, forged\r\n${raw}`, large]) {
      expect(await send(content)).toMatch(/^250 /);
    }
    const [found] = (await inbox()).slice(-1);
    expect(seen[0]).toMatchObject({
      url: '/checkv2',
      headers: {
        from: 'al@away.example',
        rcpt: bob,
        ip: '127.0.0.1',
        helo: 'client.example',
        hostname: 'mx.ours.example',
        password: 's cret',
        'content-length': String(raw.length),
      },
      content: raw,
    });
    expect(seen[0]?.headers['user']).toBeUndefined();
    expect(seen[1]?.content).toBe(large);
    expect(found?.raw).toMatch(
      /^Return-Path: .*\r\nX-Spam-Status: No, score=1\.50, required=15\.00\r\nReceived: /,
    );
    expect(found?.raw).toContain(`id ${seen[0]?.headers['queue-id']}`);
    expect(found?.raw).not.toContain('forged');
    expect(found?.item.verdicts).toEqual({ scan: { action: 'accept', score: 1.5, required: 15 } });
  });
});

describe('its action', () => {
  test.each<[string, object, RegExp]>([
    ['reject', {}, /^554 5\.7\.1 The message is not wanted \[/],
    ['reject', { messages: { smtp_message: 'Gtube pattern' } }, /^554 5\.7\.1 Gtube pattern \[/],
    ['reject', { messages: { smtp_message: 'a\r\n250 yes' } }, /^554 5\.7\.1 The message is not wanted \[/],
    ['discard', {}, /^554 5\.7\.1 /],
    ['soft reject', { messages: { smtp_message: 'Later' } }, /^451 4\.7\.1 Later \[/],
    ['greylist', {}, /^451 4\.7\.1 The message is not taken now \[/],
    ['no action', {}, /^250 /],
    ['add header', {}, /^250 /],
    ['rewrite subject', { subject: 'x' }, /^250 /],
  ])('%s %j', async (action, more, reply) => {
    const url = await startScanner(answering({ action, score: 7, required_score: 15, ...more }));
    const { send, site, inbox, junk } = await startScanned(url);
    expect(await send(`${raw}${'x'.repeat(60_000)}`)).toMatch(reply);
    const isTaken = reply.source.startsWith('^250');
    const [found] = await junk();
    expect(await inbox()).toHaveLength(action === 'no action' ? 1 : 0);
    expect(found !== undefined).toBe(isTaken && action !== 'no action');
    if (found) {
      expect(found.raw).toContain('\r\nX-Spam-Status: Yes, score=7.00, required=15.00\r\n');
      expect(found.item.verdicts?.junk).toBe('scanner');
    }
    expect(await site.database.blobs.list()).toHaveLength(isTaken ? 1 : 0);
  });
});

describe('no answer', () => {
  const silent: Handler = () => undefined;
  test.each<[string, Handler]>([
    ['nothing for too long', silent],
    ['an answer that never ends', (_call, response) => void response.write('{"action":')],
    ['an error', (_call, response) => response.writeHead(500).end('{"action":"no action"}')],
    ['a redirect', (_call, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()],
    ['no JSON', answering('hello')],
    ['JSON that is none of it', answering('[1,2]')],
    ['null', answering('null')],
    ['no action', answering({ score: 3 })],
    ['an action nobody knows', answering({ action: 'dance' })],
    ['a giant one', answering(`{"action":"no action","x":"${'x'.repeat(2_000_000)}"}`)],
    ['a connection that is cut', (call) => call.socket.destroy()],
  ])('%s: 451 if it fails closed, taken if open', async (_name, handle) => {
    const url = await startScanner(handle);
    const closed = await startScanned(url, { timeoutMs: 500 });
    expect(await closed.send()).toMatch(/^451 4\.7\.1 Scanner unavailable, try again later \[/);
    expect(await closed.inbox()).toEqual([]);
    const open = await startScanned(url, { timeoutMs: 500, failOpen: true });
    expect(await open.send()).toMatch(/^250 /);
    const [found] = await open.inbox();
    expect(found?.item.verdicts).toEqual({ scan: { action: 'not-scanned' } });
    expect(found?.raw).toContain('X-Spam-Status: No, not scanned');
  });

  test('because nothing listens', async () => {
    const { send } = await startScanned('http://127.0.0.1:1');
    expect(await send()).toMatch(/^451 4\.7\.1 /);
  });

  test('asked of a message that is too large', async () => {
    const url = await startScanner(answering({ action: 'reject' }));
    const { send, inbox } = await startScanned(url, { maxBytes: 10_000 });
    expect(await send(`${raw}${'x'.repeat(10_000)}`)).toMatch(/^250 /);
    expect((await inbox())[0]?.item.verdicts?.scan).toEqual({ action: 'not-scanned' });
  });

  test('read to its end while the answer is there already', async () => {
    const server = createServer((_call, response) => void response.end('{"action":"reject"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { send, site } = await startScanned(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await send(`${raw}${'xyz\r\n'.repeat(180_000)}`)).toMatch(/^554 5\.7\.1 /);
    expect(await site.database.blobs.list()).toEqual([]);
  });
});

test('what users send is scanned for refusals only, and bears no mark', async () => {
  const users: unknown[] = [];
  let action = 'add header';
  const url = await startScanner((call, response) => {
    users.push(call.headers['user']);
    response.end(JSON.stringify({ action, score: 9, required_score: 15 }));
  });
  const server = await startServer({
    settings: { MAILSTEAD_SCANNER_URL: url, MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' },
  });
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  const secret = Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64');
  expect((await client.command(`AUTH PLAIN ${secret}`)).code).toBe(235);
  const send = async () =>
    (await client.mail(alice.address, [alice.address], 'Subject: x\r\n\r\nText\r\n')).code;
  expect(await send()).toBe(250);
  action = 'reject';
  expect(await send()).toBe(554);
  expect(users).toEqual([alice.address, alice.address]);
});

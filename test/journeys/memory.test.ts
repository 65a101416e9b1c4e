import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { EasClient } from '#test/support/eas-client';
import { smartMail } from '#test/support/smart-mail';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { ServerProcess } from './server-process.ts';

const messages = 64;
const messageBytes = 20_000_000;
const limitBytes = 600_000_000;
const password = 'Secret-of-bob-1';

test(`${messages} messages of 20 MB at once are taken within 600 MB of memory`, {
  timeout: 180_000,
}, async () => {
  const dataDir = join(await tempFolder(), 'data');
  const server = await ServerProcess.start({ dataDir, settings: { MAILSTEAD_QUICK_SETUP: 'false' } });
  const address = await server.address('smtp');
  const recipient = await makeRecipient(join(dataDir, 'admin.sock'));
  const clients = await Promise.all(Array.from({ length: messages }, () => SmtpClient.greeted(address)));
  // Every message has begun before any of them ends.
  for (const client of clients) await beginMessage(client, recipient);
  const replies = await Promise.all(clients.map(sendContent));
  for (const client of clients) client.close();
  expect(replies.filter((line) => !line.startsWith('250 '))).toEqual([]);
  expect(await peakBytes(server.child.pid)).toBeLessThan(limitBytes);
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

const forwards = 16;

test(`${forwards} requests of a few bytes at once that forward 20 MB each are served within 600 MB of memory`, {
  timeout: 180_000,
}, async () => {
  const dataDir = join(await tempFolder(), 'data');
  const server = await ServerProcess.start({ dataDir, settings: { MAILSTEAD_QUICK_SETUP: 'false' } });
  const user = await makeRecipient(join(dataDir, 'admin.sock'));
  const sender = await SmtpClient.greeted(await server.address('smtp'));
  await beginMessage(sender, user);
  expect(await sendContent(sender)).toMatch(/^250 /);
  sender.close();
  const baseUrl = `https://${await server.address('https')}`;
  const ca = await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8');
  const phone = new EasClient({ baseUrl, ca, user, password, version: '14.1' });
  onTestFinished(() => phone.close());
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  const itemId = [...phone.collection(inbox).items.keys()][0] ?? '';
  const answers = await Promise.all(
    Array.from({ length: forwards }, (_, n) =>
      smartMail(phone, 'SmartForward', { mime: `To: ${user}\r\nMessage-ID: <${n}@x>\r\n\r\n`, itemId }),
    ),
  );
  expect(answers.map(({ status, body }) => [status, body.length])).toEqual(answers.map(() => [200, 0]));
  expect(await peakBytes(server.child.pid)).toBeLessThan(limitBytes);
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

const uploads = 40;

test(`${uploads} phones send 20 MB each at once: all are taken in the end, within 600 MB of memory, and no Sync is refused`, {
  timeout: 300_000,
}, async () => {
  const dataDir = join(await tempFolder(), 'data');
  const server = await ServerProcess.start({ dataDir, settings: { MAILSTEAD_QUICK_SETUP: 'false' } });
  const user = await makeRecipient(join(dataDir, 'admin.sock'));
  const baseUrl = `https://${await server.address('https')}`;
  const ca = await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8');
  const phone = new EasClient({ baseUrl, ca, user, password, version: '12.1' });
  onTestFinished(() => phone.close());
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await phone.sync(inbox);
  const send = (id: number, secret = password) => upload(phone, { baseUrl, ca, user, id, secret });

  // Nobody is asked for a body who has not signed in.
  const strangers = Array.from({ length: uploads }, (_, id) => send(id, 'wrong'));
  expect(new Set((await Promise.all(strangers)).map(({ status }) => status))).not.toContain(200);

  let refused = 0;
  let running = 0;
  const waiting: (() => void)[] = [];
  const sendUntilTaken = async (id: number): Promise<void> => {
    for (;;) {
      running++;
      const { status, retryAfter } = await send(id);
      running--;
      if (status === 200) break;
      expect([status, retryAfter]).toEqual([503, '30']);
      refused++;
      // Whoever is taken lets the next ones try again.
      if (running > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    }
    for (const tryAgain of waiting.splice(0, 2)) tryAgain();
    if (running === 0) for (const tryAgain of waiting.splice(0)) tryAgain();
  };
  let isDone = false;
  let syncs = 0;
  const syncing = (async () => {
    while (!isDone) {
      expect((await phone.sync(phone.folder(5))).response.status).toBe(200);
      syncs++;
    }
  })();
  await Promise.all(Array.from({ length: uploads }, (_, id) => sendUntilTaken(id)));
  isDone = true;
  await syncing;
  expect([refused > 0, syncs > 0]).toEqual([true, true]);
  await phone.syncAll(inbox);
  expect(phone.collection(inbox).items.size).toBe(uploads);
  expect(await peakBytes(server.child.pid)).toBeLessThan(limitBytes);
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

async function makeRecipient(socketPath: string): Promise<string> {
  const { OrganizationId } = await callAdmin(socketPath, 'CreateOrganization', { Alias: 'memory' });
  const named = { OrganizationId, Name: 'bob', DisplayName: 'Bob', Password: password };
  const { UserId } = await callAdmin(socketPath, 'CreateUser', named);
  const Email = 'bob@memory.mailstead.test';
  await callAdmin(socketPath, 'RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email });
  return Email;
}

const header = Buffer.from(
  'Subject: Large\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n',
);
/** 64 KB of base64, shared by every message: the sender has no memory of its own to speak of. */
const block = Buffer.from(`${'QUJD'.repeat(19)}\r\n`.repeat(840));

async function beginMessage(client: SmtpClient, recipient: string): Promise<void> {
  await client.command(`MAIL FROM:<sender@elsewhere.example> SIZE=${messageBytes}`);
  await client.command(`RCPT TO:<${recipient}>`);
  expect((await client.command('DATA')).code).toBe(354);
}

async function sendContent(client: SmtpClient): Promise<string> {
  await client.send(header);
  for (let sent = header.length; sent < messageBytes; sent += block.length) await client.send(block);
  return (await client.command('.')).line;
}

interface Upload {
  readonly baseUrl: string;
  readonly ca: string;
  readonly user: string;
  readonly id: number;
  readonly secret: string;
}

/** SendMail as below 14.0, without holding the message. */
async function upload(phone: EasClient, { baseUrl, ca, user, id, secret }: Upload) {
  const header = Buffer.from(
    `To: ${user}\r\nMessage-ID: <${id}@x>\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n`,
  );
  const blocks = Math.ceil(messageBytes / block.length);
  const { deviceId, deviceType, policyKey } = phone;
  const query = new URLSearchParams({
    Cmd: 'SendMail',
    User: user,
    DeviceId: deviceId,
    DeviceType: deviceType,
    SaveInSent: 'F',
  });
  const outgoing = request(`${baseUrl}/Microsoft-Server-ActiveSync?${query}`, {
    method: 'POST',
    agent: false,
    ca,
    checkServerIdentity: () => undefined,
    headers: {
      Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
      'MS-ASProtocolVersion': '12.1',
      'X-MS-PolicyKey': String(policyKey),
      'Content-Type': 'message/rfc822',
      'Content-Length': String(header.length + blocks * block.length),
    },
  });
  let answered: IncomingMessage | undefined;
  const answer = new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
    outgoing.on('error', (error) => {
      if (answered === undefined) reject(error);
    });
    outgoing.once('response', (response: IncomingMessage) => {
      answered = response;
      const status = response.statusCode ?? 0;
      void text(response)
        .catch(() => '')
        .then(() => resolve({ status, retryAfter: response.headers['retry-after'] }));
    });
  });
  outgoing.write(header);
  for (let n = 0; n < blocks && answered === undefined; n++) {
    if (!outgoing.write(block)) await Promise.race([once(outgoing, 'drain'), answer]);
  }
  if (answered === undefined) outgoing.end();
  return await answer.finally(() => outgoing.destroy());
}

/** The most memory that was ever resident. proc(5), VmHWM. */
async function peakBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

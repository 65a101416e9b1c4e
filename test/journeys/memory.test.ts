import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** The most memory that was ever resident. proc(5), VmHWM. */
async function peakBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

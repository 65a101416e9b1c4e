import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { startSmtpProcess } from '#test/support/smtp-process';
import { tempFolder } from '#test/support/temp-store';

const clients = 64;
const messageBytes = 20_000_000;
const chunk = Buffer.from(`${'x'.repeat(78)}\r\n`.repeat(800));

async function sendLarge(address: string): Promise<number> {
  const client = await SmtpClient.greeted(address);
  const commands = [`MAIL FROM:<a@away.example> SIZE=${messageBytes}`, 'RCPT TO:<bob@bench.example>', 'DATA'];
  for (const command of commands) expect((await client.command(command)).code).toBeLessThan(400);
  client.write('Subject: large\r\n\r\n');
  for (let sent = 0; sent < messageBytes; sent += chunk.length) await client.send(chunk);
  const { code } = await client.command('.');
  client.close();
  return code;
}

test('64 messages of 20 MB at once keep the process under 600 MB resident', {
  timeout: 300_000,
}, async () => {
  const server = await startSmtpProcess(await tempFolder());
  const codes = await Promise.all(Array.from({ length: clients }, () => sendLarge(server.address)));
  expect(new Set(codes)).toEqual(new Set([250]));
  const { items, peakRssKiB } = await server.stop();
  expect(items).toBe(clients);
  expect(peakRssKiB).toBeLessThan(600_000_000 / 1024);
});

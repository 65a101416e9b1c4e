/** The server is killed while it relays: nothing is lost, and twice comes only what SMTP itself cannot exclude. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { type NextServer, startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { ServerProcess } from './server-process.ts';

const messages = 40;
const taken = 15;
const concurrency = 5;

/** A server with `messages` messages of alice on their way; the next hop answers to so many of them and then to none. */
async function killWhileRelaying(
  isSettled: (queued: number, next: NextServer) => boolean,
): Promise<NextServer> {
  let isHolding = true;
  let begun = 0;
  const next = await startNextServer({
    onMessage: () => (isHolding && begun++ >= taken ? new Promise<undefined>(() => undefined) : undefined),
  });
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const dataDir = join(await tempFolder(), 'data');
  const settings = {
    MAILSTEAD_QUICK_SETUP: 'false',
    MAILSTEAD_DNS_SERVERS: dns,
    MAILSTEAD_OUTBOUND_PORT: String(next.port),
    MAILSTEAD_OUTBOUND_CONCURRENCY_PER_DOMAIN: String(concurrency),
    MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
  };
  const first = await ServerProcess.start({ dataDir, settings });
  const admin = (operation: string, input: object) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const OrganizationId = String((await admin('CreateOrganization', { Alias: 'test' }))['OrganizationId']);
  const user = { OrganizationId, Name: 'alice', DisplayName: 'Alice', Password: 'Secret-12345' };
  const EntityId = String((await admin('CreateUser', user))['UserId']);
  const Email = 'alice@test.mailstead.test';
  await admin('RegisterToWorkMail', { OrganizationId, EntityId, Email });
  const client = await SmtpClient.greeted(await first.address('submission'));
  await client.command(`AUTH PLAIN ${Buffer.from(`\0${Email}\0Secret-12345`).toString('base64')}`);
  for (let n = 0; n < messages; n++) {
    const raw = `From: ${Email}\r\nSubject: number ${n}.\r\n\r\nText\r\n`;
    expect((await client.mail(Email, ['bob@one.example'], raw)).code).toBe(250);
  }
  await next.arrived(taken);
  const queued = async () => {
    const { Messages } = await admin('Mailstead.ListQueue', { OrganizationId });
    return isSettled((Messages as unknown[]).length, next);
  };
  await expect.poll(queued).toBe(true);
  await first.end('SIGKILL');
  isHolding = false;
  await ServerProcess.start({ dataDir, settings });
  await next.arrived(messages);
  await expect.poll(() => new Set(next.mails.map(subjectOf)).size).toBe(messages);
  return next;
}

function subjectOf({ raw }: { readonly raw: string }): string | undefined {
  return /^Subject: (.*)$/m.exec(raw)?.[1];
}

test('killed when every answer was written down: each message arrives once', {
  timeout: 120_000,
}, async () => {
  const next = await killWhileRelaying((queued) => queued === messages - taken);
  expect(next.mails).toHaveLength(messages);
});

test('killed at any moment: twice comes at most what each session had in hand', {
  timeout: 120_000,
}, async () => {
  const next = await killWhileRelaying(() => true);
  expect(next.mails.length).toBeLessThanOrEqual(messages + concurrency);
});

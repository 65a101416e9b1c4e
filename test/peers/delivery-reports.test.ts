/** A whole server and a Postfix that send each other mail: the reports of RFC 3461 come back to who asked for them. */
import { dirname } from 'node:path';
import { expect, vi } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId, MailboxRef } from '#domain/ids';
import { startDns } from '#test/support/dns-responder';
import { postfixForTest, testWith } from '#test/support/peers';
import { freePort } from '#test/support/postfix';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { tempDatabase } from '#test/support/temp-store';

// Postfix takes its time between attempts, the more so on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const test = await testWith('postfix');

/** Stops the server, and gives what a user has got. */
async function inboxOf({ server, dataDir, organization }: TestServer, { id }: TestUser): Promise<string[]> {
  await server.stop();
  const { mail } = await tempDatabase({ folder: dirname(dataDir) });
  const reader = mail.mailbox({ organization, mailbox: id } as MailboxRef);
  const places = await reader.list(defaultFolder(FolderType.Inbox), {
    from: listStart,
    to: listEnd,
    limit: 100,
  });
  const bodies = await reader.inlineBodies(places.map(({ item }) => item as ItemId));
  return bodies.map((raw) => Buffer.from(raw ?? []).toString());
}

test('NOTIFY, RET, ENVID and ORCPT reach Postfix, and its reports reach the sender', async () => {
  const smtpPort = await freePort();
  const postfix = await postfixForTest({
    settings: {
      transport_maps: `inline:{ { test.mailstead.test = smtp:[127.0.0.1]:${smtpPort} } }`,
      smtp_tls_security_level: 'may',
    },
  });
  const dns = await startDns({ 'postfix.example': { a: ['127.0.0.1'] } });
  const server = await startServer({
    settings: {
      MAILSTEAD_LISTEN_SMTP: `127.0.0.1:${smtpPort}`,
      MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
      MAILSTEAD_DNS_SERVERS: dns,
      MAILSTEAD_OUTBOUND_PORT: String(postfix.port),
    },
  });
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  await client.command(
    `AUTH PLAIN ${Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64')}`,
  );
  await client.command(`MAIL FROM:<${alice.address}> RET=HDRS ENVID=QQ314159`);
  const original = 'ORCPT=rfc822;Robert@postfix.example';
  expect(
    (await client.command(`RCPT TO:<bob@postfix.example> NOTIFY=SUCCESS,FAILURE ${original}`)).code,
  ).toBe(250);
  expect((await client.command('RCPT TO:<carol@postfix.example> NOTIFY=NEVER')).code).toBe(250);
  await client.command('DATA');
  const content = `From: ${alice.address}\r\nSubject: Tell me\r\n\r\nSecret text\r\n`;
  expect((await client.command(`${content}.`)).code).toBe(250);
  client.close();
  const isReported = async () =>
    (await postfix.log()).includes(`to=<${alice.address}>`) && (await postfix.queued()).length === 0;
  await expect.poll(isReported, { timeout: 60_000 }).toBe(true);
  expect((await postfix.kept()).map(({ to }) => to).sort()).toEqual([
    'bob@postfix.example',
    'carol@postfix.example',
  ]);
  const [report, ...others] = await inboxOf(server, alice);
  expect(others).toEqual([]);
  expect(report).toMatch(/^Return-Path: <>\r\nReceived: from mx\.postfix\.example /);
  expect(report).toContain('\r\nOriginal-Envelope-Id: QQ314159\r\n');
  expect(report).toContain('\r\nOriginal-Recipient: rfc822;Robert@postfix.example\r\nAction: delivered\r\n');
  expect(report).not.toContain('carol');
  expect(report).not.toContain('Secret text');
});

/** The server is killed while it accepts and journals: no message is without its record, and none has two. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { textOf } from '#protocols/activesync/wbxml/element';
import { startDns } from '#test/support/dns-responder';
import { EasClient } from '#test/support/eas-client';
import { journalRecord } from '#test/support/journal-record';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { ServerProcess } from './server-process.ts';

const sessions = 4;
/** So many are accepted before the kill. */
const accepted = 60;
const alice = 'alice@test.mailstead.test';
const bob = 'bob@test.mailstead.test';
const password = 'Secret-12345';

/** A server that journals to an address, killed amid messages to alice, and started anew. */
async function killed(journalingAddress: string) {
  const next = await startNextServer();
  const dns = await startDns({ 'archive.example': { a: ['127.0.0.1'] } });
  const dataDir = join(await tempFolder(), 'data');
  const settings = {
    MAILSTEAD_QUICK_SETUP: 'false',
    MAILSTEAD_DNS_SERVERS: dns,
    MAILSTEAD_OUTBOUND_PORT: String(next.port),
  };
  const first = await ServerProcess.start({ dataDir, settings });
  const admin = (operation: string, input: object) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const OrganizationId = String((await admin('CreateOrganization', { Alias: 'test' }))['OrganizationId']);
  for (const Email of [alice, bob]) {
    const Name = Email.slice(0, Email.indexOf('@'));
    const user = { OrganizationId, Name, DisplayName: Name, Password: password };
    const EntityId = String((await admin('CreateUser', user))['UserId']);
    await admin('RegisterToWorkMail', { OrganizationId, EntityId, Email });
  }
  await admin('Mailstead.PutJournaling', {
    OrganizationId,
    Enabled: true,
    JournalingAddress: journalingAddress,
  });
  const acknowledged = new Set<string>();
  const address = await first.address('smtp');
  const load = async (session: number) => {
    const client = await SmtpClient.greeted(address);
    for (let n = 0; ; n++) {
      const subject = `${session}-${n}`;
      const raw = `Subject: ${subject}\r\n\r\n${n % 5 === 0 ? 'x\r\n'.repeat(20_000) : 'Text\r\n'}`;
      const { code } = await client.mail('carol@away.example', [alice], raw);
      if (code !== 250) throw new Error(`refused with ${code}`);
      acknowledged.add(subject);
      if (acknowledged.size === accepted) first.child.kill('SIGKILL');
    }
  };
  await Promise.allSettled(Array.from({ length: sessions }, (_, session) => load(session)));
  await first.end('SIGKILL');
  expect(acknowledged.size).toBeGreaterThanOrEqual(accepted);
  const again = await ServerProcess.start({ dataDir, settings });
  const waiting = async () => (await admin('Mailstead.ListQueue', { OrganizationId }))['Messages'];
  await expect.poll(waiting, { timeout: 20_000 }).toEqual([]);
  const inbox = async (user: string) => {
    const phone = new EasClient({
      baseUrl: `https://${await again.address('https')}`,
      ca: await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8'),
      user,
      password,
      version: '14.1',
      deviceId: 'phone1',
      deviceType: 'TestPhone',
    });
    await phone.provision();
    await phone.folderSync();
    const items = await phone.syncAll(String(phone.folder(2)));
    return [...items.values()].map((item) => textOf(item, Email.Subject) ?? '').toSorted();
  };
  const messages = await inbox(alice);
  for (const subject of acknowledged) expect(messages).toContain(subject);
  return { next, messages, inbox };
}

test('to an archive elsewhere: one record for each message that is there', { timeout: 240_000 }, async () => {
  const { next, messages } = await killed('box@archive.example');
  const bySubject = new Map<string, Set<string>>();
  for (const { raw } of next.mails) {
    const { header, lines } = journalRecord(raw);
    const subject = lines[1]?.slice('Subject: '.length) ?? '';
    // Twice may come the same record, if the archive's answer was lost; not another one.
    const ids = bySubject.get(subject) ?? new Set();
    ids.add(/^Message-ID: (.*)$/m.exec(header)?.[1] ?? '');
    bySubject.set(subject, ids);
  }
  expect([...bySubject.keys()].toSorted()).toEqual(messages);
  expect([...bySubject.values()].every((ids) => ids.size === 1)).toBe(true);
  expect(next.mails.length).toBeLessThanOrEqual(messages.length + 10);
});

test('to an archive here: one record for each message, and not one more', { timeout: 240_000 }, async () => {
  const { messages, inbox } = await killed(bob);
  expect(await inbox(bob)).toEqual(messages);
});

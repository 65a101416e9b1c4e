/** A mail server of its own process for the benches: the MX listener over a real store, with one mailbox. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { blockedExtensions } from '#config/blocked-extensions';
import type { Recipient } from '#directory/lookups';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { Delivery } from '#domain/delivery';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import { QueueRunner } from '#domain/queue-runner';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { createSmtpReceiver } from '#protocols/smtp/receive';
import { openDatabase } from '#storage/database';
import { createLogger } from '#telemetry/log';
import { clientLimits } from '#test/support/client-limits';
import { ownAuthenticator } from '#test/support/own-authenticator';
import { systemOutside } from '../src/outside.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: smtp-server.ts FOLDER');
const log = createLogger('info');
const database = await openDatabase({
  folder: join(folder, 'data'),
  inlineBodyBytes: 32 * 1024,
  now: Date.now,
  onFatal: () => process.exit(1),
});
const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
database.keys.add(organization, database.keys.create(organization));
const entity = randomUUID() as EntityId;
const mailbox = { organization, mailbox: mailboxOf(entity) };
await database.mail.createMailbox(mailbox);
const address = 'bob@bench.example';
const bob: Recipient = {
  kind: 'mailbox',
  account: { organization, entity, mailbox, address, addresses: [address], displayName: 'Bob' },
};
const hostname = 'mx.bench.example';
const limits = { maxMessageBytes: 25 * 1024 * 1024, mailboxQuotaBytes: 1e12 };
const runner = new QueueRunner(database.mail, systemOutside.clock, log);
const delivery = new Delivery({
  store: database.mail,
  outside: systemOutside,
  attachments: new AttachmentPolicy({ blockedExtensions, inspectArchives: true }),
  limits,
  hostname,
  wakeQueue: () => runner.wake(),
});
const certificate = await loadOrCreateCertificate({
  dir: join(folder, 'tls'),
  hostnames: [hostname],
  now: new Date(),
});
const receiver = createSmtpReceiver(
  {
    ...limits,
    hostname,
    ...certificate,
    maxRecipients: 500,
    maxRefusedRecipients: 20,
    clients: clientLimits(systemOutside.clock),
    clock: systemOutside.clock,
  },
  delivery,
  { resolveRecipient: async () => bob },
  log,
  ownAuthenticator(hostname),
);
const bound = await receiver.listen('127.0.0.1', 0);
process.stdout.write(`${bound}\n`);
process.once('SIGTERM', async () => {
  await receiver.close(1_000);
  const { items, bytes } = await database.mail.mailbox(mailbox).usage();
  await database.close();
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpuMs = (userCPUTime + systemCPUTime) / 1000;
  process.stdout.write(`${JSON.stringify({ items, bytes, peakRssKiB: maxRSS, cpuMs })}\n`);
  process.exit(0);
});

import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { Directory } from '#directory/directory';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { listEnd, listStart } from '#domain/change';
import { Delivery } from '#domain/delivery';
import { defaultFolder, FolderType } from '#domain/folder';
import { type EntityId, mailboxOf } from '#domain/ids';
import { QueueRunner } from '#domain/queue-runner';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { createSmtpReceiver } from '#protocols/smtp/receive';
import { StoredDirectory } from '#storage/directory-store';
import { silentLogger } from '#telemetry/log';
import { clientLimits } from '#test/support/client-limits';
import { ownAuthenticator } from '#test/support/own-authenticator';
import { SmtpClient } from '#test/support/smtp-client';
import { fixedClock, tempDatabase, tempFolder } from '#test/support/temp-store';

/** The domain of the site's organisation. */
export const acme = 'acme.mailstead.test';

/** A mail server with a real directory: the listener, the delivery, its queue, and one organisation. */
export async function startDirectorySite(options: { mailboxQuotaBytes?: number } = {}) {
  const clock = fixedClock(1_800_000_000_000);
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const database = await tempDatabase({ clock });
  const { mail } = database;
  const hostname = 'mx.example.net';
  const store = new StoredDirectory(database);
  const settings = { baseDomain: 'mailstead.test', hostname, maxDomains: 100 };
  const directory = new Directory({ store, mailboxes: mail, outside, settings });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const runner = new QueueRunner(mail, clock, silentLogger);
  const maxMessageBytes = 1024 * 1024;
  const delivery = new Delivery({
    store: mail,
    outside,
    limits: { maxMessageBytes, mailboxQuotaBytes: options.mailboxQuotaBytes ?? 1e12 },
    hostname,
    wakeQueue: () => runner.wake(),
    attachments: new AttachmentPolicy({ blockedExtensions: ['.exe'], inspectArchives: true }),
  });
  const dir = await tempFolder();
  const certificate = await loadOrCreateCertificate({ dir, hostnames: [hostname], now: new Date() });
  const receiver = createSmtpReceiver(
    {
      hostname,
      ...certificate,
      maxMessageBytes,
      maxRecipients: 3,
      maxRefusedRecipients: 20,
      clients: clientLimits(clock),
      clock,
    },
    delivery,
    directory,
    silentLogger,
    ownAuthenticator(hostname),
  );
  const address = await receiver.listen('127.0.0.1', 0);
  onTestFinished(async () => {
    await receiver.close(0);
    await runner.stop();
  });

  const enable = async (id: EntityId, at: string) => {
    await directory.registerToWorkMail(organization, id, at);
    return id;
  };
  return {
    directory,
    store,
    organization,
    enable,
    /** An enabled user of this name. */
    user: async (name: string) =>
      enable(await directory.createUser(organization, { name, displayName: name }), `${name}@${acme}`),
    /** An enabled group of this name, with members. */
    group: async (name: string, members: readonly EntityId[] = []) => {
      const id = await directory.groups.create(organization, { name, hiddenFromGlobalAddressList: false });
      for (const member of members) await directory.groups.associateMember(organization, id, member);
      return enable(id, `${name}@${acme}`);
    },
    /** An enabled room of this name. */
    room: async (name: string) =>
      enable(
        await directory.resources.create(organization, {
          name,
          type: 'ROOM',
          description: undefined,
          hiddenFromGlobalAddressList: false,
        }),
        `${name}@${acme}`,
      ),
    /** Sends a message and gives the last reply, once everybody has it. */
    send: async (to: readonly string[], content = 'Subject: Hello\r\n\r\nHi\r\n'): Promise<string> => {
      const client = await SmtpClient.greeted(address);
      const { line } = await client.mail('a@away.example', to, content);
      client.close();
      await runner.settled();
      return line;
    },
    /** How many messages are in somebody's Inbox. */
    inbox: async (id: EntityId): Promise<number> => {
      const reader = mail.mailbox({ organization, mailbox: mailboxOf(id) });
      const range = { from: listStart, to: listEnd, limit: 1_000 };
      return (await reader.list(defaultFolder(FolderType.Inbox), range)).length;
    },
  };
}

import { randomBytes, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import type { Account } from '#directory/account';
import type { Recipient } from '#directory/lookups';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { listEnd, listStart } from '#domain/change';
import type { ContentScanner } from '#domain/content-scanner';
import { Delivery } from '#domain/delivery';
import { defaultFolder, FolderType } from '#domain/folder';
import { type EntityId, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Item } from '#domain/item';
import type { Outside } from '#domain/outside';
import type { MailStore } from '#domain/ports';
import { QueueRunner } from '#domain/queue-runner';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { createSmtpReceiver, type SmtpReceiver, type SmtpReceiverOptions } from '#protocols/smtp/receive';
import type { Database } from '#storage/database';
import { silentLogger } from '#telemetry/log';
import { clientLimits } from '#test/support/client-limits';
import { ownAuthenticator } from '#test/support/own-authenticator';
import { tempDatabase, tempFolder, tempOrganization } from '#test/support/temp-store';

export interface SiteOptions extends Partial<SmtpReceiverOptions> {
  readonly mailboxQuotaBytes?: number;
  /** What differs from limits that no test meets. */
  readonly limits?: Parameters<typeof clientLimits>[1];
  /** Clients are ours if not said otherwise. */
  readonly authentication?: Parameters<typeof ownAuthenticator>[1];
  readonly scanner?: ContentScanner;
  readonly isDmarcEnforced?: (organization: OrganizationId) => Promise<boolean>;
  /** True if not said. */
  readonly inspectArchives?: boolean;
  /** Stands between the listener and the store. */
  readonly wrap?: (store: MailStore) => MailStore;
}

/** A mail server for one test: the listener, the delivery, and a real store; people are made as the test names them. */
export interface Site {
  readonly address: string;
  readonly database: Database;
  readonly organization: OrganizationId;
  readonly receiver: SmtpReceiver;
  readonly delivery: Delivery;
  readonly runner: QueueRunner;
  /** Somebody with a mailbox. */
  user(
    address: string,
    options?: { aliases?: readonly string[]; organization?: OrganizationId },
  ): Promise<Account>;
  disable(address: string): void;
  /** The next lookups of recipients fail with this; undefined: they do not any more. */
  failLookups(error: Error | undefined): void;
  /** What is in a folder (the Inbox if not said), newest first, with the raw messages. */
  messages(account: Account, type?: FolderType): Promise<readonly { item: Item; raw: string }[]>;
}

export const ourDomain = 'ours.example';

const outside: Outside = {
  clock: { now: Date.now, after: timer },
  random: { bytes: (length) => randomBytes(length) },
};

function timer(delayMs: number, callback: () => void): () => void {
  const timeout = setTimeout(callback, delayMs);
  return () => clearTimeout(timeout);
}

export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const {
    wrap = (store: MailStore) => store,
    mailboxQuotaBytes = 1e12,
    inspectArchives = true,
    limits: clientOptions,
    clock = outside.clock,
    authentication,
    scanner,
    isDmarcEnforced,
    ...rest
  } = options;
  const database = await tempDatabase();
  const store = wrap(database.mail);
  const organization = tempOrganization(database);
  const recipients = new Map<string, Recipient>();
  let failure: Error | undefined;
  const hostname = 'mx.ours.example';
  const maxMessageBytes = rest.maxMessageBytes ?? 25 * 1024 * 1024;
  const limits = { maxMessageBytes, mailboxQuotaBytes };
  const runner = new QueueRunner(store, outside.clock, silentLogger);
  const attachments = new AttachmentPolicy({ blockedExtensions, inspectArchives });
  const delivery = new Delivery({
    store,
    outside,
    limits,
    attachments,
    hostname,
    scanner,
    isDmarcEnforced,
    wakeQueue: () => runner.wake(),
  });
  const directory = {
    resolveRecipient: async (address: string): Promise<Recipient> => {
      if (failure) throw failure;
      const known = recipients.get(address.toLowerCase());
      return known ?? { kind: address.toLowerCase().endsWith(`@${ourDomain}`) ? 'unknown' : 'elsewhere' };
    },
  };
  const certificate = await loadOrCreateCertificate({
    dir: await tempFolder(),
    hostnames: [hostname],
    now: new Date(),
  });
  const receiver = createSmtpReceiver(
    {
      hostname,
      ...certificate,
      maxMessageBytes,
      maxRecipients: 500,
      maxRefusedRecipients: 20,
      clients: clientLimits(clock, clientOptions),
      clock,
      ...rest,
    },
    delivery,
    directory,
    silentLogger,
    ownAuthenticator(hostname, authentication),
  );
  const address = await receiver.listen('127.0.0.1', 0);
  onTestFinished(async () => {
    await receiver.close(0);
    await runner.stop();
  });
  return {
    address,
    database,
    organization,
    receiver,
    delivery,
    runner,
    user: async (userAddress, { aliases = [], organization: owner = organization } = {}) => {
      const entity = randomUUID() as EntityId;
      const mailbox = { organization: owner, mailbox: mailboxOf(entity) };
      await store.createMailbox(mailbox);
      const addresses = [userAddress, ...aliases];
      const account = {
        organization: owner,
        entity,
        mailbox,
        address: userAddress,
        addresses,
        displayName: '',
      };
      for (const one of addresses) recipients.set(one.toLowerCase(), { kind: 'mailbox', account });
      return account;
    },
    disable: (userAddress) => void recipients.set(userAddress, { kind: 'disabled' }),
    failLookups: (error) => {
      failure = error;
    },
    messages: (account, type = FolderType.Inbox) => messagesOf(database.mail, account, type),
  };
}

async function messagesOf(store: MailStore, { mailbox }: Account, type: FolderType) {
  const folder = defaultFolder(type);
  const reader = store.mailbox(mailbox);
  const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 1_000 });
  const items = await reader.items(
    folder,
    places.map(({ item }) => item as Item['id']),
  );
  const found: { item: Item; raw: string }[] = [];
  for (const item of items) {
    if (!item) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.openBody(mailbox, item)) chunks.push(chunk);
    found.push({ item, raw: Buffer.concat(chunks).toString('utf8') });
  }
  return found;
}

/** What relays mail, over a real store, for one test: the parts of src/server.ts without listeners. */
import { randomBytes, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Account } from '#directory/account';
import type { JournalingFacts } from '#directory/journaling';
import type { Recipient } from '#directory/lookups';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { listEnd, listStart } from '#domain/change';
import { Delivery } from '#domain/delivery';
import type { DkimSigner } from '#domain/dkim-signer';
import { defaultFolder, FolderType } from '#domain/folder';
import { type EntityId, type ItemId, mailboxOf, type OrganizationId } from '#domain/ids';
import { Journal } from '#domain/journal';
import { LocalTransport } from '#domain/local-transport';
import type { OutboundEnvelope, OutboundMail } from '#domain/outbound';
import { OutboundQueue } from '#domain/outbound-queue';
import type { Clock } from '#domain/outside';
import { OwnMail } from '#domain/own-mail';
import { QueueRunner } from '#domain/queue-runner';
import { type Route, Routes } from '#domain/routes';
import { Routing } from '#domain/routing';
import { returnPathField } from '#domain/trace';
import { CachingDns } from '#protocols/smtp/dns';
import { MtaSts } from '#protocols/smtp/mta-sts';
import { NextHops } from '#protocols/smtp/next-hop';
import { SmtpRelay } from '#protocols/smtp/relay';
import { RelayRunner } from '#protocols/smtp/runner';
import type { Database } from '#storage/database';
import { StoredTransportPolicies } from '#storage/transport-policy-store';
import { silentLogger } from '#telemetry/log';
import { fixedClock, tempDatabase, tempOrganization } from '#test/support/temp-store';

interface OutboundSiteOptions {
  readonly dns?: string;
  /** Where the servers of other domains listen. */
  readonly port?: number;
  readonly relay?: string;
  readonly routes?: readonly Route[];
  readonly concurrency?: number;
  /** In the place of the one that `pass` moves. */
  readonly clock?: Clock;
  readonly mailboxQuotaBytes?: number;
  /** Nothing is signed if absent. */
  readonly signer?: Pick<DkimSigner, 'signing'>;
  /** Who signs the certificates of other servers, and where hosts of MTA-STS policies listen. */
  readonly sts?: { readonly ca: string; readonly port: number };
  /** A data folder that outlives the site. */
  readonly folder?: string;
  readonly startMs?: number;
}

export interface OutboundSite {
  readonly clock: ReturnType<typeof fixedClock>;
  readonly database: Database;
  readonly organization: OrganizationId;
  readonly delivery: Delivery;
  readonly queue: OutboundQueue;
  readonly runner: RelayRunner;
  /** The sender of all mail. */
  readonly alice: Account;
  readonly routing: Routing;
  /** Accepts a message of alice, and waits until it has been tried once. */
  send(to: readonly string[], more?: Partial<OutboundEnvelope>, raw?: string): Promise<void>;
  /** Accepts a message without waiting. */
  accept(to: readonly string[], more?: Partial<OutboundEnvelope>, raw?: string): Promise<void>;
  /** What alice (or another one) has got, newest first. */
  inbox(account?: Account): Promise<readonly string[]>;
  /** Who is behind the addresses of ours.example; others there are unknown, in other domains elsewhere. */
  readonly recipients: Map<string, Recipient>;
  /** Somebody with a mailbox. */
  user(address: string): Promise<Account>;
  readonly local: LocalTransport;
  readonly ownMail: OwnMail;
  readonly localQueue: QueueRunner;
  /** How every organisation journals; set by the test. */
  readonly journaling: { facts?: JournalingFacts };
  queued(): Promise<readonly OutboundMail[]>;
  /** Lets time pass, until everything due by then has been tried. */
  pass(ms: number): Promise<void>;
}

/** Nothing is signed. */
const unsigned: Pick<DkimSigner, 'signing'> = {
  signing: () => ({ keysFor: async () => ({ keys: [], atMs: 0 }), failed: () => undefined }),
};

export const minute = 60_000;
export const hour = 60 * minute;

export async function startOutbound(options: OutboundSiteOptions = {}): Promise<OutboundSite> {
  const movable = fixedClock(options.startMs ?? Date.UTC(2026, 10, 22));
  const clock: Clock = options.clock ?? movable;
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const database = await tempDatabase({
    clock,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  const organization = tempOrganization(database);
  const store = database.mail;
  const hostname = 'mx.ours.example';
  const routes = new Routes({ relay: options.relay, routes: options.routes ?? [] });
  const recipients = new Map<string, Recipient>();
  const user = async (address: string) => {
    const account = await accountIn(database, organization, address);
    recipients.set(address, { kind: 'mailbox', account });
    return account;
  };
  const alice = await user('alice@ours.example');
  const directory = {
    organizationOf: async () => organization,
    resolveRecipient: async (address: string): Promise<Recipient> => {
      const known = recipients.get(address);
      if (known !== undefined) return known;
      return { kind: address.endsWith('@ours.example') ? 'unknown' : 'elsewhere' };
    },
  };
  const routing = new Routing(directory, routes);
  const destinationOf = (address: string) => routes.destinationOf(address);
  const schedule = {
    retryMs: [1, 5, 15, 30, 60, 120, 240].map((minutes) => minutes * minute),
    expireMs: 48 * hour,
  };
  const log = silentLogger;
  const journaling: { facts?: JournalingFacts } = {};
  const journal = new Journal({
    directory: { ...directory, journaling: { facts: async () => journaling.facts } },
    routing,
    store,
    outside,
    hostname,
    sign: (owner, text) => database.keys.nameKey(owner, text),
  });
  const ownMail = new OwnMail({ store, routing, outside, journal });
  const queue = new OutboundQueue({
    store,
    queue: store.outbound,
    directory: routing,
    outside,
    log,
    hostname,
    schedule,
    ownMail,
    journal,
  });
  const dns = new CachingDns({ servers: options.dns === undefined ? [] : [options.dns], clock });
  const hops = new NextHops({
    dns,
    sts: new MtaSts({ dns, store: new StoredTransportPolicies(database), clock, log, ...options.sts }),
    log,
    isDnsOurs: options.dns !== undefined,
    hostname,
    port: options.port ?? 25,
  });
  const relay = new SmtpRelay({ hostname, hops, clock, log, ca: options.sts?.ca });
  const localQueue = new QueueRunner(store, clock, log);
  const delivery = new Delivery({
    store,
    outside,
    limits: { maxMessageBytes: 30_000_000, mailboxQuotaBytes: options.mailboxQuotaBytes ?? 1e12 },
    hostname,
    attachments: new AttachmentPolicy({ blockedExtensions: [], inspectArchives: false }),
    wakeQueue: () => localQueue.wake(),
    destinationOf,
    journal,
    wakeRelay: (due) => runner.wake(due),
  });
  const local = new LocalTransport({ delivery, routing, store, hostname, log });
  const runner = new RelayRunner({
    queue,
    relay,
    local,
    signer: options.signer ?? unsigned,
    routing,
    routes,
    clock,
    log,
    concurrency: options.concurrency ?? 10,
    retryMs: schedule.retryMs,
  });
  await runner.start();
  onTestFinished(async () => {
    await runner.stop();
    await localQueue.stop();
  });
  const accept: OutboundSite['accept'] = async (to, more = {}, raw = 'Subject: Hello\r\n\r\nText\r\n') => {
    const recipients = to.map((address) => ({ address }));
    const reversePath = alice.address;
    const outbound: OutboundEnvelope = { organization, kind: 'mail', reversePath, recipients, ...more };
    const message = delivery.begin(
      { reversePath: outbound.reversePath, recipients: [], outbound, isAuthenticated: true },
      (id) => `${returnPathField(reversePath)}Received: by ${hostname}\r\n\tid ${id}\r\n`,
    );
    await message.write(Buffer.from(raw));
    await message.accept();
  };
  return {
    clock: movable,
    database,
    organization,
    delivery,
    queue,
    runner,
    alice,
    routing,
    accept,
    send: async (...given) => {
      await accept(...given);
      await runner.settled();
    },
    inbox: (account = alice) => inboxOf(database, account),
    recipients,
    user,
    local,
    ownMail,
    localQueue,
    journaling,
    queued: async () => (await queue.list(organization, undefined, 100)).rows,
    pass: async (ms) => {
      movable.move(ms);
      await runner.settled();
    },
  };
}

async function accountIn(
  database: Database,
  organization: OrganizationId,
  address: string,
): Promise<Account> {
  const entity = randomUUID() as EntityId;
  const mailbox = { organization, mailbox: mailboxOf(entity) };
  await database.mail.createMailbox(mailbox);
  return { organization, entity, mailbox, address, addresses: [address], displayName: '' };
}

async function inboxOf({ mail }: Database, { mailbox }: Account): Promise<readonly string[]> {
  const reader = mail.mailbox(mailbox);
  const range = { from: listStart, to: listEnd, limit: 100 };
  const places = await reader.list(defaultFolder(FolderType.Inbox), range);
  const bodies = await reader.inlineBodies(places.map(({ item }) => item as ItemId));
  return bodies.map((raw) => Buffer.from(raw ?? []).toString());
}

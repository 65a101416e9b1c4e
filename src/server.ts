/** The only place where the parts are wired together: storage below, the domain on it, the protocols on top. */
import { join } from 'node:path';
import { type Config, publicUrlOf } from '#config/config';
import type { ListenAddress } from '#config/units';
import type { Account } from '#directory/account';
import { Directory } from '#directory/directory';
import type { PublishedRecords } from '#directory/ports';
import { SignIn } from '#directory/sign-in';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { Delivery } from '#domain/delivery';
import { Devices } from '#domain/devices';
import { DkimSigner } from '#domain/dkim-signer';
import { mailboxOf } from '#domain/ids';
import { InboxRules } from '#domain/inbox-rules';
import { Journal } from '#domain/journal';
import { LocalTransport } from '#domain/local-transport';
import { toOwner } from '#domain/mail-envelope';
import { MailboxPreferences } from '#domain/mailbox-preferences';
import { OutboundQueue } from '#domain/outbound-queue';
import type { Outside } from '#domain/outside';
import { OwnMail } from '#domain/own-mail';
import { Policies } from '#domain/policy';
import { Provisioning } from '#domain/provisioning';
import { QueueRunner } from '#domain/queue-runner';
import { Routes } from '#domain/routes';
import { Routing } from '#domain/routing';
import { RuleMail } from '#domain/rule-mail';
import { ActiveSyncEndpoint } from '#protocols/activesync/endpoint';
import { createAdminEndpoint } from '#protocols/admin/endpoint';
import { deviceOperations } from '#protocols/admin/operations/devices/index';
import { dmarcOperations } from '#protocols/admin/operations/dmarc/index';
import { domainOperations } from '#protocols/admin/operations/domains/index';
import { groupOperations } from '#protocols/admin/operations/groups/index';
import { installationOperations } from '#protocols/admin/operations/installation/index';
import { journalingOperations } from '#protocols/admin/operations/journaling/index';
import { organizationOperations } from '#protocols/admin/operations/organizations/index';
import { policyOperations } from '#protocols/admin/operations/policies/index';
import { preferenceOperations } from '#protocols/admin/operations/preferences/index';
import { queueOperations } from '#protocols/admin/operations/queue/index';
import { routingOperations } from '#protocols/admin/operations/routing/index';
import { userOperations } from '#protocols/admin/operations/users/index';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import { autodiscoverRoutes } from '#protocols/autodiscover/endpoint';
import { type Certificate, loadOrCreateCertificate } from '#protocols/http/certificate';
import { healthHandler } from '#protocols/http/health';
import { createHttpListener, createHttpsListener, type HttpListener } from '#protocols/http/listener';
import { mtaStsRoute } from '#protocols/http/mta-sts';
import { createRouter, type Route } from '#protocols/http/router';
import { Authenticator } from '#protocols/smtp/authentication/authenticator';
import { ClientLimits } from '#protocols/smtp/client-limits';
import { CachingDns } from '#protocols/smtp/dns';
import { MtaSts } from '#protocols/smtp/mta-sts';
import { NextHops } from '#protocols/smtp/next-hop';
import { createPublishedRecords } from '#protocols/smtp/published-records';
import { createSmtpReceiver, type SmtpReceiver } from '#protocols/smtp/receive';
import { SmtpRelay } from '#protocols/smtp/relay';
import { Rspamd, scannerFields } from '#protocols/smtp/rspamd';
import { RelayRunner } from '#protocols/smtp/runner';
import { SenderLimits } from '#protocols/smtp/sender-limits';
import { SubmissionListener } from '#protocols/smtp/submit';
import { type Database, openDatabase } from '#storage/database';
import { StoredDirectory } from '#storage/directory-store';
import { Maintenance } from '#storage/maintenance';
import { StoredPolicies } from '#storage/policy-store';
import { StoredTransportPolicies } from '#storage/transport-policy-store';
import { createLogger, type Logger } from '#telemetry/log';
import { quickSetup } from './quick-setup.ts';

/** A server that is ready to start. */
export interface Server {
  /** Binds the listeners, does Quick Setup on an empty data directory, and accepts. */
  start(): Promise<void>;
  /** Ends waiting requests, lets running ones finish for at most ten seconds, closes the store. */
  stop(): Promise<void>;
  /** Every bound address by listener name, once it has started. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What a person should read at this start; undefined without Quick Setup. */
  readonly setupText: string | undefined;
}

/** The parts that protocols are built on. */
interface Core {
  readonly config: Config;
  readonly log: Logger;
  readonly database: Database;
  readonly directory: Directory;
  readonly signIn: SignIn;
  readonly delivery: Delivery;
  readonly queue: QueueRunner;
  readonly routing: Routing;
  readonly outbound: OutboundQueue;
  readonly relay: RelayRunner;
  readonly publishedRecords: PublishedRecords;
  readonly authenticator: Authenticator;
  readonly maintenance: Maintenance;
  readonly policies: Policies;
  readonly devices: Devices;
  readonly provisioning: Provisioning;
  readonly preferences: MailboxPreferences;
}

/**
 * Opens the data directory and builds the parts; nothing listens yet. Throws StoreOpenError and MasterKeyError when the
 * data directory cannot be used.
 */
export async function createServer(config: Config, outside: Outside): Promise<Server> {
  const log = createLogger(config.logLevel);
  const database = await openDatabase({
    folder: config.dataDir,
    inlineBodyBytes: config.storage.inlineBodyBytes,
    now: () => outside.clock.now(),
    acceptLostCommits: config.acceptLostCommits,
    onFatal: (error) => failStop(log, error),
  });
  try {
    const certificate = await loadOrCreateCertificate({
      files: config.tls,
      dir: join(config.dataDir, 'tls'),
      hostnames: [config.hostname, 'localhost', '127.0.0.1'],
      now: new Date(outside.clock.now()),
    });
    return new MailServer(buildCore(config, outside, database, log), outside, certificate);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A write has failed: nothing more is acknowledged, and whoever watches the process starts it anew. */
function failStop(log: Logger, error: unknown): void {
  log.error('server.failed', { err: error });
  process.exitCode = 1;
  setImmediate(() => process.exit(1));
}

function buildCore(config: Config, outside: Outside, database: Database, log: Logger): Core {
  const { clock, random } = outside;
  const { store, keys, sealer, mail } = database;
  const directory = new Directory({
    store: new StoredDirectory({ store, keys, sealer }),
    mailboxes: mail,
    outside,
    settings: {
      baseDomain: config.baseDomain,
      hostname: config.hostname,
      maxDomains: config.limits.maxDomains,
    },
  });
  const storedPolicies = new StoredPolicies({ store, keys, sealer });
  const policies = new Policies(storedPolicies, directory.groups);
  directory.groups.onMembershipChange((change) => {
    policies.membershipChanged(change).catch((err: unknown) => log.error('policy.announce.failed', { err }));
  });
  const preferences = new MailboxPreferences(mail, random);
  directory.onChange((entity) => preferences.forget(mailboxOf(entity)));
  const devices = new Devices(mail, storedPolicies, policies, clock);
  const { hostname } = config;
  const routes = new Routes(config.outbound);
  const routing = new Routing(directory, routes);
  const journal = new Journal({
    directory,
    routing,
    store: mail,
    outside,
    hostname,
    sign: (organization, text) => keys.nameKey(organization, text),
  });
  const ownMail = new OwnMail({ store: mail, routing, outside, journal });
  const rules = new InboxRules({
    store: mail,
    preferences,
    directory,
    ruleMail: new RuleMail({ store: mail, ownMail, outside }),
    clock,
    log,
    wakeRelay: (due) => relay.wake(due),
  });
  const queue = new QueueRunner(mail, clock, log, rules);
  const destinationOf = (address: string) => routes.destinationOf(address);
  const outbound = new OutboundQueue({
    store: mail,
    queue: mail.outbound,
    directory: routing,
    outside,
    log,
    hostname,
    schedule: config.outbound,
    journal,
    ownMail,
  });
  const scanner =
    config.scanner === undefined ? undefined : new Rspamd({ ...config.scanner, hostname, clock, log });
  const dns = new CachingDns({ servers: config.dnsServers, clock });
  const isDnsOurs = config.dnsServers.length > 0;
  const sts = new MtaSts({ dns, store: new StoredTransportPolicies({ store, keys, sealer }), clock, log });
  const hops = new NextHops({ dns, sts, log, isDnsOurs, hostname, port: config.outbound.port });
  const delivery = new Delivery({
    store: mail,
    outside,
    limits: config.limits,
    attachments: new AttachmentPolicy(config.attachments),
    hostname,
    scanner,
    isDmarcEnforced: (organization) => directory.isDmarcEnforced(organization),
    wakeQueue: () => queue.wake(),
    destinationOf,
    journal,
    wakeRelay: (due) => relay.wake(due),
    rules,
  });
  const relay = new RelayRunner({
    queue: outbound,
    relay: new SmtpRelay({ hostname, hops, clock, log }),
    local: new LocalTransport({ delivery, routing, store: mail, hostname, log }),
    signer: new DkimSigner({ domains: directory.domains, clock, log }),
    routing,
    routes,
    clock,
    log,
    concurrency: config.outbound.concurrencyPerDomain,
    retryMs: config.outbound.retryMs,
  });
  return {
    config,
    log,
    database,
    directory,
    signIn: new SignIn({ directory, clock }),
    delivery,
    queue,
    routing,
    outbound,
    relay,
    publishedRecords: createPublishedRecords(config.dnsServers),
    authenticator: new Authenticator({
      ...config.authentication,
      resolve: dns.resolver,
      clock,
      log,
      hostname,
      reserved: config.scanner === undefined ? new Set() : scannerFields,
    }),
    maintenance: new Maintenance({ ...database, clock, log }),
    policies,
    devices,
    provisioning: new Provisioning(devices, clock, random),
    preferences,
  };
}

class MailServer implements Server {
  readonly #core: Core;
  readonly #outside: Outside;
  readonly #certificate: Certificate;
  readonly #activeSync: ActiveSyncEndpoint;
  readonly #addresses: Record<string, string> = {};
  readonly #listeners: HttpListener[] = [];
  readonly #smtp: (SmtpReceiver | SubmissionListener)[] = [];
  #setupText: string | undefined;
  #isReady = false;

  constructor(core: Core, outside: Outside, certificate: Certificate) {
    this.#core = core;
    this.#outside = outside;
    this.#certificate = certificate;
    const { config, routing, delivery, devices, provisioning, policies, signIn, database } = core;
    const { directory } = core;
    this.#activeSync = new ActiveSyncEndpoint({
      signIn,
      accounts: directory,
      store: database.mail,
      policies,
      services: {
        ...outside,
        directory: routing,
        devices,
        provisioning,
        delivery,
        maxMessageBytes: config.limits.maxMessageBytes,
        maxRecipients: config.limits.maxRecipients,
      },
    });
  }

  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses;
  }

  get setupText(): string | undefined {
    return this.#setupText;
  }

  async start(): Promise<void> {
    try {
      await this.#listen();
      await this.#setUp();
      this.#core.queue.start();
      await this.#core.relay.start();
      this.#core.maintenance.start();
      this.#isReady = true;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#isReady = false;
    this.#activeSync.stop();
    await Promise.all([
      ...this.#smtp.map((listener) => listener.close()),
      ...this.#listeners.map((listener) => listener.stop()),
    ]);
    await Promise.all([this.#core.queue.stop(), this.#core.relay.stop()]);
    await this.#core.maintenance.stop();
    await this.#core.database.close();
  }

  async #listen(): Promise<void> {
    const { config, log, directory, devices, policies, database, outbound, relay, preferences } = this.#core;
    const { cert, key } = this.#certificate;
    const { https, http } = config.listen;
    await this.#listenForMail();
    if (https !== undefined) {
      const isOurs = async (domain: string) => (await directory.organizationOf(domain)) !== undefined;
      const mtaSts = mtaStsRoute({ mode: config.mtaStsMode, mx: config.hostname, isOurs });
      const handler = createRouter([...this.#activeSync.routes, ...this.#commonRoutes(), mtaSts]);
      const listener = createHttpsListener({ handler, log, cert, key });
      this.#listeners.push(listener);
      this.#addresses['https'] = await listener.listen(https);
    }
    if (http !== undefined) {
      const insecure = config.listen.insecureAuth ? this.#activeSync.routes : [];
      const handler = createRouter([...insecure, ...this.#commonRoutes()]);
      const listener = createHttpListener({ handler, log });
      this.#listeners.push(listener);
      this.#addresses['http'] = await listener.listen(http);
    }
    const admin = createAdminEndpoint({
      ...installationOperations(database),
      ...organizationOperations(directory),
      ...userOperations(directory),
      ...groupOperations(directory),
      ...routingOperations(directory),
      ...dmarcOperations(directory),
      ...journalingOperations(directory),
      ...domainOperations(directory.domains, this.#core.publishedRecords),
      ...policyOperations({ directory, policies }),
      ...deviceOperations({ directory, devices, policies }),
      ...preferenceOperations({ directory, preferences }),
      ...queueOperations({ directory, outbound, wakeRelay: (due) => relay.retry(due) }),
    });
    this.#listeners.push(await listenOnAdminSocket(join(config.dataDir, 'admin.sock'), admin, log));
  }

  async #listenForMail(): Promise<void> {
    const { config, log, delivery, routing, signIn, authenticator } = this.#core;
    const { cert, key } = this.#certificate;
    const { smtp, submission, submissions, insecureAuth } = config.listen;
    const { hostname, limits } = config;
    const { clock } = this.#outside;
    const clients = new ClientLimits({ ...limits, isLoopbackExempt: true }, clock);
    const options = { ...limits, hostname, cert, key, clients, clock };
    const bind = async (name: string, listener: SmtpReceiver | SubmissionListener, to: ListenAddress) => {
      this.#smtp.push(listener);
      this.#addresses[name] = await listener.listen(to.host, to.port);
    };
    if (smtp !== undefined) {
      await bind('smtp', createSmtpReceiver(options, delivery, routing, log, authenticator), smtp);
    }
    const senders = new SenderLimits(limits, clock);
    const parts = { ...this.#outside, signIn, delivery, routing, senders, log };
    const submissionListener = (isImplicitTls: boolean) =>
      new SubmissionListener({ ...options, ...config.submission, isImplicitTls, insecureAuth }, parts);
    if (submission !== undefined) await bind('submission', submissionListener(false), submission);
    if (submissions !== undefined) await bind('submissions', submissionListener(true), submissions);
  }

  #commonRoutes(): Route[] {
    const { config, signIn } = this.#core;
    const publicUrl = () => publicUrlOf(config, Number(this.#addresses['https']?.split(':').at(-1) ?? 443));
    return [
      ...autodiscoverRoutes({
        signIn,
        clock: this.#outside.clock,
        publicUrl,
        insecureAuth: config.listen.insecureAuth,
      }),
      { path: '/healthz', methods: { GET: healthHandler(() => this.#isReady) } },
    ];
  }

  async #setUp(): Promise<void> {
    const { config, directory, delivery } = this.#core;
    if (!config.quickSetup) {
      return;
    }
    this.#setupText = await quickSetup({
      directory,
      deliver: (account: Account, message: Uint8Array) => deliverOurs(delivery, account, message),
      outside: this.#outside,
      place: {
        addresses: this.#addresses,
        hostname: config.hostname,
        dataDir: config.dataDir,
        authorityFile: this.#certificate.ca === undefined ? undefined : join(config.dataDir, 'tls', 'ca.pem'),
      },
    });
  }
}

/** A notice of our own, straight into a mailbox. */
async function deliverOurs(delivery: Delivery, account: Account, message: Uint8Array): Promise<void> {
  const incoming = delivery.begin(toOwner(account), () => '');
  await incoming.write(message);
  await incoming.accept();
}

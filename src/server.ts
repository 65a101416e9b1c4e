/** A server's life: opens the store, wires the parts (core.ts) to the protocols on top, listens, and stops. */
import { join } from 'node:path';
import type { Config } from '#config/config';
import type { ListenAddress } from '#config/units';
import type { Account } from '#directory/account';
import { argon2id, type PasswordHasher } from '#directory/password';
import type { Delivery } from '#domain/delivery';
import { toOwner } from '#domain/mail-envelope';
import type { Outside } from '#domain/outside';
import type { ActiveSyncEndpoint } from '#protocols/activesync/endpoint';
import { Auditor } from '#protocols/admin/auditor';
import { type Authenticate, bySignature, onAdminSocket } from '#protocols/admin/caller';
import { createAdminEndpoint } from '#protocols/admin/endpoint';
import { accessControlOperations } from '#protocols/admin/operations/access-control/index';
import { accessKeyOperations } from '#protocols/admin/operations/access-keys/index';
import { auditOperations } from '#protocols/admin/operations/audit/index';
import { availabilityOperations } from '#protocols/admin/operations/availability/index';
import { deviceAccessOperations } from '#protocols/admin/operations/device-access/index';
import { deviceInsightOperations } from '#protocols/admin/operations/device-insight/index';
import { deviceOperations } from '#protocols/admin/operations/devices/index';
import { dmarcOperations } from '#protocols/admin/operations/dmarc/index';
import { domainOperations } from '#protocols/admin/operations/domains/index';
import { emailMonitoringOperations } from '#protocols/admin/operations/email-monitoring/index';
import { exportOperations } from '#protocols/admin/operations/exports/index';
import { groupOperations } from '#protocols/admin/operations/groups/index';
import { identityProviderOperations } from '#protocols/admin/operations/identity-providers/index';
import { impersonationOperations } from '#protocols/admin/operations/impersonation/index';
import { installationOperations } from '#protocols/admin/operations/installation/index';
import { journalingOperations } from '#protocols/admin/operations/journaling/index';
import { organizationOperations } from '#protocols/admin/operations/organizations/index';
import { peopleOperations } from '#protocols/admin/operations/people/index';
import { permissionOperations } from '#protocols/admin/operations/permissions/index';
import { personalTokenOperations } from '#protocols/admin/operations/personal-tokens/index';
import { policyOperations } from '#protocols/admin/operations/policies/index';
import { preferenceOperations } from '#protocols/admin/operations/preferences/index';
import { queueOperations } from '#protocols/admin/operations/queue/index';
import { quotaOperations } from '#protocols/admin/operations/quota/index';
import { resourceOperations } from '#protocols/admin/operations/resources/index';
import { retentionOperations } from '#protocols/admin/operations/retention/index';
import { routingOperations } from '#protocols/admin/operations/routing/index';
import { tagOperations } from '#protocols/admin/operations/tags/index';
import { userOperations } from '#protocols/admin/operations/users/index';
import { behindOrganizationGate } from '#protocols/admin/organization-gate';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import { autodiscoverRoutes } from '#protocols/autodiscover/endpoint';
import { createSigner } from '#protocols/autodiscover/signed-data';
import { loadAuthorities } from '#protocols/http/authorities';
import { type Certificate, loadOrCreateCertificate } from '#protocols/http/certificate';
import type { HttpHandler } from '#protocols/http/handler';
import { healthHandler } from '#protocols/http/health';
import { createHttpListener, createHttpsListener, type HttpListener } from '#protocols/http/listener';
import { mtaStsRoute } from '#protocols/http/mta-sts';
import { createRouter, type Route } from '#protocols/http/router';
import { ClientLimits } from '#protocols/smtp/client-limits';
import { createSmtpReceiver, type SmtpReceiver } from '#protocols/smtp/receive';
import { SenderLimits } from '#protocols/smtp/sender-limits';
import { SubmissionListener } from '#protocols/smtp/submit';
import { openDatabase } from '#storage/database';
import { createLogger, type Logger } from '#telemetry/log';
import { createActiveSync } from './active-sync.ts';
import { buildCore, type Core } from './core.ts';
import { endpointsOf } from './endpoints.ts';
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

/**
 * Opens the data directory and builds the parts; nothing listens yet. Throws StoreOpenError and MasterKeyError when the
 * data directory cannot be used.
 */
export async function createServer(
  config: Config,
  outside: Outside,
  passwords: PasswordHasher = argon2id,
): Promise<Server> {
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
    const authorities = await loadAuthorities(config.smime.trustedAuthorities);
    return new MailServer(
      buildCore({ config, outside, passwords, database, log, authorities, addresses: {} }),
      certificate,
    );
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

class MailServer implements Server {
  readonly #core: Core;
  readonly #certificate: Certificate;
  readonly #activeSync: ActiveSyncEndpoint;
  readonly #addresses: Record<string, string>;
  readonly #listeners: HttpListener[] = [];
  readonly #smtp: (SmtpReceiver | SubmissionListener)[] = [];
  #setupText: string | undefined;
  #isReady = false;

  constructor(core: Core, certificate: Certificate) {
    this.#core = core;
    this.#addresses = core.addresses;
    this.#certificate = certificate;
    this.#activeSync = createActiveSync(core);
  }

  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses;
  }

  get setupText(): string | undefined {
    return this.#setupText;
  }

  async start(): Promise<void> {
    try {
      await this.#core.traces.load();
      await this.#listen();
      await this.#setUp();
      this.#core.queue.start();
      await this.#core.relay.start();
      this.#core.maintenance.start();
      this.#core.domainWatch.start();
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
    await this.#core.quotaNotices.stop();
    await this.#core.domainWatch.stop();
    await this.#core.domainNotices.stop();
    await this.#core.maintenance.stop();
    await Promise.all([this.#core.diary.stop(), this.#core.traces.stop()]);
    await this.#core.database.close();
  }

  async #listen(): Promise<void> {
    const { config, log, directory, accessKeys, outside } = this.#core;
    const { cert, key } = this.#certificate;
    const { https, http } = config.listen;
    await this.#listenForMail();
    const adminRoutes = this.#adminRoutes(this.#adminEndpoint(bySignature(accessKeys, outside.clock)));
    if (https !== undefined) {
      const isOurs = async (domain: string) => (await directory.organizationOf(domain)) !== undefined;
      const mtaSts = mtaStsRoute({ mode: config.mtaStsMode, mx: config.hostname, isOurs });
      const ours = [...this.#activeSync.routes, ...adminRoutes];
      const handler = createRouter([...ours, ...this.#commonRoutes(), mtaSts]);
      const listener = createHttpsListener({ handler, log, cert, key });
      this.#listeners.push(listener);
      this.#addresses['https'] = await listener.listen(https);
    }
    if (http !== undefined) {
      const insecure = config.listen.insecureAuth ? [...this.#activeSync.routes, ...adminRoutes] : [];
      const handler = createRouter([...insecure, ...this.#commonRoutes()]);
      const listener = createHttpListener({ handler, log });
      this.#listeners.push(listener);
      this.#addresses['http'] = await listener.listen(http);
    }
    const socket = join(config.dataDir, 'admin.sock');
    this.#listeners.push(await listenOnAdminSocket(socket, this.#adminEndpoint(onAdminSocket), log));
  }

  /** The SDKs ask for the endpoint's path with a slash at its end. */
  #adminRoutes(admin: HttpHandler): Route[] {
    return ['/', '/api/aws', '/api/aws/'].map((path) => ({ path, methods: { POST: admin } }));
  }

  #adminEndpoint(authenticate: Authenticate): HttpHandler {
    const { directory, devices, policies, database, outbound, relay, preferences, outside } = this.#core;
    const { access, accessKeys, audit, config, diary, settings, traces } = this.#core;
    const operations = {
      ...installationOperations({
        facts: () => ({
          hostname: config.hostname,
          publicUrl: endpointsOf(config, this.#addresses).publicUrl,
          addresses: this.#addresses,
        }),
        operations: (): readonly string[] => Object.keys(operations),
        backup: (folder) => database.backup(folder),
      }),
      ...organizationOperations(directory),
      ...accessKeyOperations({ directory, accessKeys }),
      ...auditOperations({ directory, audit }),
      ...tagOperations(directory),
      ...userOperations(directory),
      ...quotaOperations({
        directory,
        usage: (ref) => database.mail.mailbox(ref).usage(),
        mailboxQuotaBytes: config.limits.mailboxQuotaBytes,
      }),
      ...peopleOperations(directory),
      ...groupOperations(directory),
      ...resourceOperations(directory),
      ...routingOperations(directory),
      ...permissionOperations(directory),
      ...accessControlOperations({
        directory,
        isImpersonationRole: async (organization, id) =>
          (await settings.impersonation.find(organization, id)) !== undefined,
      }),
      ...availabilityOperations(settings.availability),
      ...emailMonitoringOperations(settings.emailMonitoring),
      ...exportOperations(settings.exports),
      ...impersonationOperations(settings.impersonation),
      ...identityProviderOperations(settings.identityProviders),
      ...retentionOperations(settings.retention),
      ...personalTokenOperations(settings.personalTokens),
      ...dmarcOperations(directory),
      ...journalingOperations(directory),
      ...domainOperations(directory, this.#core.publishedRecords),
      ...policyOperations({ directory, policies }),
      ...deviceOperations({ directory, devices, policies, access, diary, traces }),
      ...deviceAccessOperations({ directory, access }),
      ...deviceInsightOperations({ directory, devices, traces }),
      ...preferenceOperations({ directory, preferences }),
      ...queueOperations({ directory, outbound, wakeRelay: (due) => relay.retry(due) }),
    };
    const auditor = new Auditor({
      store: audit,
      clock: outside.clock,
      isOrganization: async (id) => (await directory.findOrganization(id)) !== undefined,
    });
    const gated = behindOrganizationGate(operations, (id) => directory.findOrganization(id));
    return createAdminEndpoint(gated, { authenticate, auditor });
  }

  async #listenForMail(): Promise<void> {
    const { config, log, delivery, directory, routing, signIn, authenticator } = this.#core;
    const { cert, key } = this.#certificate;
    const { smtp, submission, submissions, insecureAuth } = config.listen;
    const { hostname, limits } = config;
    const { clock } = this.#core.outside;
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
    const parts = {
      ...this.#core.outside,
      signIn: directory.accessControl.guarding(signIn, 'SMTP'),
      accounts: directory,
      delivery,
      routing,
      senders,
      log,
    };
    const submissionListener = (isImplicitTls: boolean) =>
      new SubmissionListener({ ...options, ...config.submission, isImplicitTls, insecureAuth }, parts);
    if (submission !== undefined) await bind('submission', submissionListener(false), submission);
    if (submissions !== undefined) await bind('submissions', submissionListener(true), submissions);
  }

  #commonRoutes(): Route[] {
    const { config, signIn, directory, outside } = this.#core;
    const { clock } = outside;
    return [
      ...autodiscoverRoutes({
        signIn: directory.accessControl.guarding(signIn, 'AutoDiscover'),
        clock,
        endpoints: () => endpointsOf(config, this.#addresses),
        isOurs: (domain) => directory.receivesMail(domain),
        signProfile:
          config.tls === undefined ? undefined : createSigner(this.#certificate, () => clock.now()),
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
      outside: this.#core.outside,
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

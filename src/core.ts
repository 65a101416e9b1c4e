/** How the parts of the domain are wired together, with the store below them. */
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { Config } from '#config/config';
import { AccessKeys } from '#directory/access-keys';
import type { AuditStore } from '#directory/audit-log';
import { Directory } from '#directory/directory';
import { DomainWatch } from '#directory/domain-watch';
import { type OrganizationSettings, organizationSettings } from '#directory/organization-settings';
import type { PasswordHasher } from '#directory/password';
import type { PublishedRecords } from '#directory/ports';
import { SignIn } from '#directory/sign-in';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { Delivery } from '#domain/delivery';
import { DeviceAccess } from '#domain/device-access';
import { DeviceTraces } from '#domain/device-trace';
import { Devices } from '#domain/devices';
import { DkimSigner } from '#domain/dkim-signer';
import { DomainNotices } from '#domain/domain-notices';
import { mailboxOf } from '#domain/ids';
import { InboxRules } from '#domain/inbox-rules';
import { Journal } from '#domain/journal';
import { LocalTransport } from '#domain/local-transport';
import { MailboxPreferences } from '#domain/mailbox-preferences';
import { OutboundQueue } from '#domain/outbound-queue';
import type { Outside } from '#domain/outside';
import { OwnMail } from '#domain/own-mail';
import { Policies } from '#domain/policy';
import { Provisioning } from '#domain/provisioning';
import { Quarantine } from '#domain/quarantine';
import { QueueRunner } from '#domain/queue-runner';
import { QuotaNotices } from '#domain/quota-notices';
import { Routes } from '#domain/routes';
import { Routing } from '#domain/routing';
import { RuleMail } from '#domain/rule-mail';
import { Revocation } from '#domain/smime/revocation';
import { CertificateValidator } from '#domain/smime/validator';
import { SyncDiary } from '#domain/sync-diary';
import { RevocationFetch } from '#protocols/http/revocation-fetch';
import { Authenticator } from '#protocols/smtp/authentication/authenticator';
import { CachingDns } from '#protocols/smtp/dns';
import { MtaSts } from '#protocols/smtp/mta-sts';
import { NextHops } from '#protocols/smtp/next-hop';
import { createPublishedRecords } from '#protocols/smtp/published-records';
import { SmtpRelay } from '#protocols/smtp/relay';
import { Rspamd, scannerFields } from '#protocols/smtp/rspamd';
import { RelayRunner } from '#protocols/smtp/runner';
import { StoredAccessKeys } from '#storage/access-key-store';
import { StoredAudit } from '#storage/audit-store';
import type { Database } from '#storage/database';
import { StoredDeviceAccess } from '#storage/device-access-store';
import { StoredDiaries } from '#storage/diary-store';
import { StoredDirectory } from '#storage/directory-store';
import { Maintenance } from '#storage/maintenance';
import { StoredPolicies } from '#storage/policy-store';
import { StoredTraces } from '#storage/trace-store';
import { StoredTransportPolicies } from '#storage/transport-policy-store';
import type { Logger } from '#telemetry/log';
import { publicHostsOf } from './endpoints.ts';

/** What the parts are built from. */
interface Ground {
  readonly config: Config;
  readonly outside: Outside;
  readonly passwords: PasswordHasher;
  readonly database: Database;
  readonly log: Logger;
  /** Authorities of the configuration, trusted for S/MIME, in DER. */
  readonly authorities: readonly Uint8Array[];
  /** Every bound address by listener name; filled as listeners are bound. */
  readonly addresses: Record<string, string>;
}

/** Who there is, and what their devices must do. */
interface People {
  readonly directory: Directory;
  readonly settings: OrganizationSettings;
  readonly signIn: SignIn;
  readonly accessKeys: AccessKeys;
  readonly audit: AuditStore;
  readonly policies: Policies;
  readonly access: DeviceAccess;
  readonly devices: Devices;
  readonly provisioning: Provisioning;
  readonly preferences: MailboxPreferences;
  readonly diary: SyncDiary;
  readonly traces: DeviceTraces;
}

/** The ways of mail. */
interface MailFlow {
  readonly delivery: Delivery;
  readonly queue: QueueRunner;
  readonly routing: Routing;
  readonly outbound: OutboundQueue;
  readonly relay: RelayRunner;
  readonly authenticator: Authenticator;
  readonly quarantine: Quarantine;
  readonly quotaNotices: QuotaNotices;
  readonly domainNotices: DomainNotices;
}

/** The parts that protocols are built on. */
export interface Core extends Ground, People, MailFlow {
  readonly publishedRecords: PublishedRecords;
  readonly domainWatch: DomainWatch;
  readonly certificates: CertificateValidator;
  readonly maintenance: Maintenance;
}

/** Builds the parts; nothing runs yet. */
export function buildCore(ground: Ground): Core {
  const { config, outside, database, log } = ground;
  const people = buildPeople(ground);
  const { directory } = people;
  const publishedRecords = createPublishedRecords({ servers: config.dnsServers, port: config.dnsPort });
  return {
    ...ground,
    ...people,
    ...buildMailFlow(ground, people),
    publishedRecords,
    domainWatch: new DomainWatch({ directory, dns: publishedRecords, outside, log }),
    certificates: buildCertificateValidator(ground),
    maintenance: new Maintenance({ ...database, clock: outside.clock, log }),
  };
}

function buildCertificateValidator({ config, outside, authorities }: Ground): CertificateValidator {
  const { clock } = outside;
  const { allowsPrivateAddresses } = config.smime;
  const dns =
    config.dnsServers.length > 0 ? new CachingDns({ servers: config.dnsServers, clock }) : undefined;
  const source = new RevocationFetch({ clock, allowsPrivateAddresses, dns });
  return new CertificateValidator({
    revocation: new Revocation(source, clock),
    clock,
    trusted: () => [...authorities, ...rootCertificates.map((pem) => new X509Certificate(pem).raw)],
  });
}

function buildPeople({ config, outside, passwords, database, log, addresses }: Ground): People {
  const { clock, random } = outside;
  const { store, keys, sealer, mail } = database;
  const storedDirectory = new StoredDirectory({ store, keys, sealer });
  const directory = new Directory({
    store: storedDirectory,
    mailboxes: mail,
    outside,
    passwords,
    settings: {
      baseDomain: config.baseDomain,
      hostname: config.hostname,
      hosts: () => publicHostsOf(config, addresses),
      maxDomains: config.limits.maxDomains,
    },
  });
  const settings = organizationSettings(storedDirectory, outside, directory);
  const storedPolicies = new StoredPolicies({ store, keys, sealer });
  const policies = new Policies(storedPolicies, directory.groups);
  directory.groups.onMembershipChange((change) => {
    policies.membershipChanged(change).catch((err: unknown) => log.error('policy.announce.failed', { err }));
  });
  const preferences = new MailboxPreferences(mail, random);
  directory.onChange((entity) => preferences.forget(mailboxOf(entity)));
  const access = new DeviceAccess({
    store: new StoredDeviceAccess({ store, keys, sealer }),
    policies,
    describeOrganization: (id) => directory.describeOrganization(id),
    clock,
    random,
  });
  const devices = new Devices(mail, storedPolicies, policies, access, clock);
  const signIn = new SignIn({ directory, clock, passwords, tokens: settings.personalTokens });
  const provisioning = new Provisioning(devices, clock, random);
  const diary = new SyncDiary({ store: new StoredDiaries(database), clock, log });
  const traces = new DeviceTraces({ store: new StoredTraces(database), clock, log });
  const accessKeys = new AccessKeys(new StoredAccessKeys({ store, sealer }), outside);
  const audit = new StoredAudit({ store, sealer });
  return {
    directory,
    settings,
    signIn,
    accessKeys,
    audit,
    policies,
    access,
    devices,
    provisioning,
    preferences,
    diary,
    traces,
  };
}

function buildMailFlow(
  { config, outside, database, log }: Ground,
  { directory, preferences, access }: People,
): MailFlow {
  const { clock } = outside;
  const { store, keys, sealer, mail } = database;
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
    quotaOf: async (ref) => (await directory.account(ref))?.quotaBytes,
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
  const authenticator = new Authenticator({
    ...config.authentication,
    resolve: dns.resolver,
    clock,
    log,
    hostname,
    reserved: config.scanner === undefined ? new Set() : scannerFields,
  });
  const quarantine = new Quarantine({
    store: mail,
    access,
    removals: new StoredDeviceAccess({ store, keys, sealer }),
    directory,
    ownMail,
    outside,
    hostname,
    log,
    sign: (organization, text) => keys.nameKey(organization, text),
    wakeRelay: (due) => relay.wake(due),
  });
  const quotaNotices = new QuotaNotices({
    store: mail,
    directory,
    ownMail,
    mailboxQuotaBytes: config.limits.mailboxQuotaBytes,
    outside,
    hostname,
    log,
    wakeRelay: (due) => relay.wake(due),
  });
  mail.onGrowth((growths) => quotaNotices.grown(growths));
  const domainNotices = new DomainNotices({
    store: mail,
    directory,
    ownMail,
    outside,
    hostname,
    log,
    wakeRelay: (due) => relay.wake(due),
  });
  directory.domains.onEvent((event) => domainNotices.looked(event));
  return {
    delivery,
    queue,
    routing,
    outbound,
    relay,
    authenticator,
    quarantine,
    quotaNotices,
    domainNotices,
  };
}

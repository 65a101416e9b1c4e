import { resolve } from 'node:path';
import type { Settings } from './schema.ts';
import { type ListenAddress, parseDuration, parseListenAddress, parseSize } from './units.ts';

/** Config is what the server runs by: the settings in our own terms, sizes in bytes, durations in ms, paths absolute. */
export interface Config {
  readonly hostname: string;
  readonly baseDomain: string;
  readonly dataDir: string;
  /** Undefined: `https://<hostname>:<https port>`, which is known once the listener is bound (publicUrlOf). */
  readonly publicUrl: string | undefined;
  /** Where programs are told to hand in mail, if not at our own listeners. */
  readonly publicSubmission: ListenAddress | undefined;
  readonly publicSubmissions: ListenAddress | undefined;
  /** Whether a first start on an empty data directory makes an organisation to try things with. */
  readonly quickSetup: boolean;
  readonly logLevel: Settings['log_level'];
  /** Opens a store that has lost commits. */
  readonly acceptLostCommits: boolean;
  /** Undefined: the listener is off. */
  readonly listen: {
    readonly smtp: ListenAddress | undefined;
    readonly submission: ListenAddress | undefined;
    readonly submissions: ListenAddress | undefined;
    readonly https: ListenAddress | undefined;
    readonly http: ListenAddress | undefined;
    readonly metrics: ListenAddress | undefined;
    readonly insecureAuth: boolean;
  };
  /** Undefined: a self-signed certificate under `<data>/tls`. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxRecipients: number;
    readonly mailboxQuotaBytes: number;
    readonly maxDomains: number;
    readonly maxConnections: number;
    readonly maxConnectionsPerIp: number;
    readonly connectionsPerMinute: number;
    readonly messagesPerMinute: number;
    readonly maxRefusedRecipients: number;
    readonly userMessagesPerHour: number;
    readonly userRecipientsPerHour: number;
  };
  readonly submission: { readonly sentCopy: boolean };
  readonly attachments: {
    /** In lower case, each with its dot. */
    readonly blockedExtensions: readonly string[];
    readonly inspectArchives: boolean;
  };
  readonly outbound: {
    readonly relay: string | undefined;
    readonly retryMs: readonly number[];
    readonly expireMs: number;
    /** Where the mail servers of other domains listen. */
    readonly port: number;
    readonly concurrencyPerDomain: number;
    readonly routes: readonly {
      readonly domain: string;
      readonly relay: string;
      readonly onlyUnknown: boolean;
    }[];
  };
  readonly authentication: {
    readonly trustedNetworks: readonly string[];
    /** In lower case. */
    readonly trustedSealers: readonly string[];
    readonly timeoutMs: number;
  };
  readonly scanner:
    | {
        readonly url: string;
        readonly failOpen: boolean;
        readonly timeoutMs: number;
        readonly maxBytes: number;
      }
    | undefined;
  /** The mode of our own MTA-STS policy. */
  readonly mtaStsMode: Settings['mta_sts']['mode'];
  readonly smime: {
    /** PEM files. */
    readonly trustedAuthorities: readonly string[];
    /** Whether revocation is asked for on private networks too. */
    readonly allowsPrivateAddresses: boolean;
  };
  readonly dnsServers: readonly string[];
  readonly dnsPort: number;
  readonly storage: { readonly inlineBodyBytes: number };
}

/** toConfig turns settings the schema has passed into the Config; relative paths count from `cwd`. */
export function toConfig(settings: Settings, cwd: string): Config {
  const { listen, limits, attachments, outbound, authentication, scanner, tls } = settings;
  return {
    hostname: settings.hostname,
    baseDomain: settings.base_domain.toLowerCase(),
    dataDir: resolve(cwd, settings.data),
    publicUrl: settings.public_url === '' ? undefined : settings.public_url.replace(/\/+$/, ''),
    publicSubmission: parseListenAddress(settings.public_submission),
    publicSubmissions: parseListenAddress(settings.public_submissions),
    quickSetup: settings.quick_setup,
    logLevel: settings.log_level,
    acceptLostCommits: false,
    listen: {
      smtp: parseListenAddress(listen.smtp),
      submission: parseListenAddress(listen.submission),
      submissions: parseListenAddress(listen.submissions),
      https: parseListenAddress(listen.https),
      http: parseListenAddress(listen.http),
      metrics: parseListenAddress(listen.metrics),
      insecureAuth: listen.insecure_auth,
    },
    tls: tls.cert === '' ? undefined : { certFile: resolve(cwd, tls.cert), keyFile: resolve(cwd, tls.key) },
    limits: {
      maxMessageBytes: bytes(limits.message_size),
      maxRecipients: limits.recipients,
      mailboxQuotaBytes: bytes(limits.mailbox_quota),
      maxDomains: limits.domains,
      maxConnections: limits.connections,
      maxConnectionsPerIp: limits.connections_per_ip,
      connectionsPerMinute: limits.connections_per_minute,
      messagesPerMinute: limits.messages_per_minute,
      maxRefusedRecipients: limits.refused_recipients,
      userMessagesPerHour: limits.user_messages_per_hour,
      userRecipientsPerHour: limits.user_recipients_per_hour,
    },
    submission: { sentCopy: settings.submission.sent_copy },
    attachments: {
      blockedExtensions: attachments.blocked_extensions.map((extension) => extension.toLowerCase()),
      inspectArchives: attachments.inspect_archives,
    },
    outbound: {
      relay: outbound.relay === '' ? undefined : outbound.relay,
      retryMs: outbound.retry.map(milliseconds),
      expireMs: milliseconds(outbound.expire),
      port: outbound.port,
      concurrencyPerDomain: outbound.concurrency_per_domain,
      routes: outbound.route.map((route) => ({
        domain: route.domain.toLowerCase(),
        relay: route.relay,
        onlyUnknown: route.only_unknown,
      })),
    },
    authentication: {
      trustedNetworks: authentication.trusted_networks,
      trustedSealers: authentication.trusted_sealers.map((domain) => domain.toLowerCase()),
      timeoutMs: milliseconds(authentication.timeout),
    },
    scanner:
      scanner.url === ''
        ? undefined
        : {
            url: scanner.url,
            failOpen: scanner.fail === 'open',
            timeoutMs: milliseconds(scanner.timeout),
            maxBytes: bytes(scanner.max_size),
          },
    mtaStsMode: settings.mta_sts.mode,
    smime: {
      trustedAuthorities: settings.smime.trusted_authorities.map((file) => resolve(cwd, file)),
      allowsPrivateAddresses: settings.smime.private_addresses,
    },
    dnsServers: settings.dns.servers,
    dnsPort: settings.dns.port,
    storage: { inlineBodyBytes: bytes(settings.storage.inline_body) },
  };
}

/** publicUrlOf gives what clients are told, without a slash at its end; `httpsPort` is the bound port. */
export function publicUrlOf({ publicUrl, hostname }: Config, httpsPort: number): string {
  return publicUrl ?? `https://${hostname}${httpsPort === 443 ? '' : `:${httpsPort}`}`;
}

function bytes(size: string): number {
  return checked(parseSize(size), size);
}

function milliseconds(duration: string): number {
  return checked(parseDuration(duration), duration);
}

function checked(value: number | undefined, text: string): number {
  if (value === undefined) throw new TypeError(`the schema passed "${text}"`);
  return value;
}

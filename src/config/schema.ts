import { hostname } from 'node:os';
import { z } from 'zod';
import { blockedExtensions } from './blocked-extensions.ts';
import { parseDuration, parseListenAddress, parseSize } from './units.ts';

const hostPattern =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** This machine, and networks that nobody reaches from the Internet. RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
const ownNetworks = [
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;

const text = z.string();
const host = text.regex(hostPattern, 'Expected a host name such as "mail.example.com"');
const size = textThat((value) => (parseSize(value) ?? 0) > 0, 'Expected a size such as "25 MiB"');
const duration = textThat(
  (value) => (parseDuration(value) ?? 0) > 0,
  'Expected a duration such as "15m" or "2d"',
);
const listen = textThat(
  (value) => value === '' || parseListenAddress(value) !== undefined,
  'Expected host:port such as "127.0.0.1:2525", or "" for off',
);
const publicPort = textThat(
  (value) => value === '' || (parseListenAddress(value)?.port ?? 0) > 0,
  'Expected host:port such as "mail.example.com:587"',
).default('');
const publicUrl = urlOf(['http:', 'https:'], 'Expected a URL such as "https://mail.example.com"');
const scannerUrl = urlOf(['http:', 'https:'], 'Expected a URL such as "http://127.0.0.1:11333"');
const relayUrl = urlOf(['smtp:', 'smtps:'], 'Expected a relay such as "smtp://user:pass@host:587"');
const dnsServer = text.regex(
  /^(\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?|[0-9a-f:]*:[0-9a-f:]+)$/i,
  'Expected an address such as "127.0.0.1:5353"',
);
const addressKinds = [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()];
const network = textThat(
  (value) => addressKinds.some((kind) => kind.safeParse(value).success),
  'Expected a network such as "192.0.2.0/24", or an address',
);
const extension = text.regex(/^\.[^\s./\\]+$/, 'Expected an ending such as ".exe"');
const count = z.int('Expected a whole number such as 100').min(1).max(1_000_000_000);

/**
 * settingsSchema is every setting under its name in the file: type, default and a one-line description. The environment
 * names derive from the paths (`MAILSTEAD_LISTEN_SMTP`).
 */
export const settingsSchema = z.strictObject({
  hostname: host.default(machineName).describe("EHLO name, banner, Received; default: the machine's name"),
  base_domain: host
    .default('mailstead.test')
    .describe("An organisation's test mail domain is <alias>.<base_domain>"),
  data: text.min(1, 'Expected a directory').default('./data').describe('The data directory'),
  public_url: publicUrl
    .or(z.literal(''))
    .default('')
    .describe('What clients are told; default: https://<hostname>:<https port>'),
  public_submission: publicPort.describe(
    'What programs are told; default: <hostname>:<submission port>, nothing if that listener is off',
  ),
  public_submissions: publicPort.describe('The same for submissions, with TLS from the start'),
  quick_setup: z
    .boolean()
    .default(true)
    .describe('A first start on an empty data directory makes an organisation to try things with'),
  log_level: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The least severe level that is logged'),
  listen: section({
    smtp: listen.default('127.0.0.1:2525').describe('MX; STARTTLS offered'),
    submission: listen.default('127.0.0.1:2587').describe('AUTH required, STARTTLS required before AUTH'),
    submissions: listen.default('127.0.0.1:2465').describe('AUTH required, implicit TLS'),
    https: listen.default('127.0.0.1:8443').describe('ActiveSync, AutoDiscover, admin API, console, web app'),
    http: listen.default('127.0.0.1:8080').describe('AutoDiscover redirect, /healthz'),
    metrics: listen.default('127.0.0.1:9464').describe('Prometheus, /metrics'),
    insecure_auth: z
      .boolean()
      .default(false)
      .describe('Passwords are accepted without TLS on http and submission'),
  }),
  tls: z
    .strictObject({
      cert: text
        .default('')
        .describe('PEM file of the certificate and its chain; empty: made under <data>/tls'),
      key: text.default('').describe('PEM file of its private key'),
    })
    .superRefine(({ cert, key }, context) => {
      if ((cert === '') === (key === '')) return;
      const [missing, given] = cert === '' ? ['cert', 'key'] : ['key', 'cert'];
      context.addIssue({
        code: 'custom',
        path: [missing],
        message: `Expected a PEM file, as tls.${given} is set`,
      });
    })
    .prefault({}),
  limits: section({
    message_size: size.default('25 MiB').describe('As transferred; SIZE is announced from it'),
    recipients: count.default(500).describe('Recipients of one message'),
    mailbox_quota: size.default('50 GiB').describe('Of one mailbox'),
    domains: count.default(100).describe('Mail domains of one organisation'),
    connections: count.default(2_000).describe('On the SMTP listeners together'),
    connections_per_ip: count.default(50).describe('On the SMTP listeners; loopback is exempt'),
    connections_per_minute: count
      .default(300)
      .describe('From one IP to the SMTP listeners; loopback is exempt'),
    messages_per_minute: count.default(3_000).describe('From one IP by SMTP; loopback is exempt'),
    refused_recipients: count.default(20).describe('In one SMTP connection; one more ends it'),
    user_messages_per_hour: count.default(1_000).describe('Submitted by one user'),
    user_recipients_per_hour: count.default(10_000).describe('Of the messages that one user submits'),
  }),
  submission: section({
    sent_copy: z.boolean().default(false).describe('What a program submits stands in Sent Items too'),
  }),
  attachments: section({
    blocked_extensions: z
      .array(extension)
      .default([...blockedExtensions])
      .describe('Replaces the default when given'),
    inspect_archives: z.boolean().default(true).describe('Names inside archives count too'),
  }),
  outbound: section({
    relay: relayUrl.or(z.literal('')).default('').describe('Smarthost; empty: deliver by MX'),
    retry: z
      .array(duration)
      .min(1)
      .default(['1m', '5m', '15m', '30m', '1h', '2h', '4h'])
      .describe('Pauses between attempts; the last one repeats'),
    expire: duration
      .refine((value) => (parseDuration(value) ?? 0) <= 5 * 86_400e3, 'Expected at most 5d')
      .default('2d')
      .describe('Age at which a message bounces'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .default(25)
      .describe('Where the mail servers of other domains listen; another one is for tests'),
    concurrency_per_domain: count.default(10).describe('Connections to one domain at a time'),
    route: z
      .array(
        z.strictObject({
          domain: host.describe('The recipients’ domain'),
          relay: relayUrl.describe('The server their mail goes to'),
          only_unknown: z.boolean().default(false).describe('Only addresses that are not ours'),
        }),
      )
      .default([])
      .describe('Mail for a domain, or for its addresses that are not ours, goes to another server'),
  }),
  authentication: section({
    trusted_networks: z
      .array(network)
      .default([...ownNetworks])
      .describe(
        'Clients whose mail is taken without SPF, DKIM, DMARC and ARC; the default: this machine and private ones',
      ),
    trusted_sealers: z
      .array(host)
      .default([])
      .describe('Domains whose ARC seal makes good for a failure of DMARC, as those of forwarders one knows'),
    timeout: duration
      .default('10s')
      .describe('Longest wait for DNS at the end of a message; what is unknown then is a temporary error'),
  }),
  scanner: section({
    url: scannerUrl
      .or(z.literal(''))
      .default('')
      .describe("Content scanner with rspamd's HTTP interface; empty: none"),
    fail: z.enum(['open', 'closed']).default('open').describe('While it does not answer: let pass, or 451'),
    timeout: duration.default('30s').describe('How long it may take for one message'),
    max_size: size.default('10 MiB').describe('Larger messages pass without it'),
  }),
  mta_sts: section({
    mode: z
      .enum(['none', 'testing', 'enforce'])
      .default('testing')
      .describe('What other servers are told of TLS to ours, at https://mta-sts.<domain>'),
  }),
  smime: section({
    trusted_authorities: z
      .array(text.min(1, 'Expected a file'))
      .default([])
      .describe('PEM files of authorities trusted for S/MIME beside those that come with Node'),
    private_addresses: z
      .boolean()
      .default(false)
      .describe('Revocation lists and OCSP answers are fetched from private networks and this machine too'),
  }),
  dns: section({
    servers: z.array(dnsServer).default([]).describe("Empty: the system's"),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .default(53)
      .describe('Where name servers of domains listen; another one only for tests'),
  }),
  storage: section({
    engine: z.literal('leveldb').default('leveldb').describe('Where mail is kept'),
    inline_body: size.default('32 KiB').describe('Larger bodies become files'),
  }),
});

/** Settings are the effective settings in the file's own names and notation. */
export type Settings = z.output<typeof settingsSchema>;

function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as z.input<z.ZodObject<Shape, z.core.$strict>>);
}

function urlOf(protocols: readonly string[], message: string) {
  return textThat((value) => {
    const url = URL.parse(value);
    return url !== null && protocols.includes(url.protocol) && url.hostname !== '';
  }, message);
}

function textThat(isRight: (value: string) => boolean, message: string) {
  return z.string(message).refine(isRight, message);
}

function machineName(): string {
  return hostPattern.test(hostname()) ? hostname() : 'localhost';
}

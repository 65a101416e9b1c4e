import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ContentScanner, ScanDecision, ScannedMessage } from '#domain/content-scanner';
import type { Clock } from '#domain/outside';
import type { ScanVerdict } from '#domain/verdicts';
import type { Logger } from '#telemetry/log';

interface RspamdOptions {
  /** Of the server, such as `http://127.0.0.1:11333`; user and password of it become the Password header. */
  readonly url: string;
  /** Whether mail passes while it does not answer. */
  readonly failOpen: boolean;
  /** How long it may take for one message. */
  readonly timeoutMs: number;
  /** Larger messages pass without it. */
  readonly maxBytes: number;
  /** Our own name. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Fields that tell of a scanner's verdict, in lower case: where there is one, only ours counts. */
export const scannerFields: ReadonlySet<string> = new Set([
  'x-spam-status',
  'x-spam-flag',
  'x-spam-score',
  'x-spam-level',
]);

const maxConnections = 20;
const maxAnswerBytes = 1024 * 1024;
/** More recipients are not told of: nothing depends on the last of them. */
const maxRecipients = 50;

/** What rspamd's answer to /checkv2 may hold; what we do not use is left out. */
interface Answer {
  readonly action: string;
  readonly score: number | undefined;
  readonly required: number | undefined;
  readonly text: string | undefined;
}

/**
 * Rspamd is the ContentScanner that speaks rspamd's HTTP protocol: the message goes as it is stored, in pieces, and comes
 * to an action (https://docs.rspamd.com/developers/protocol). Redirects, answers of more than 1 MiB, and whatever is no
 * answer count as none.
 */
export class Rspamd implements ContentScanner {
  readonly #options: RspamdOptions;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(options: RspamdOptions) {
    this.#options = options;
    this.#url = new URL('checkv2', options.url.replace(/\/*$/, '/'));
    const pool = { maxSockets: maxConnections };
    this.#agent = this.#url.protocol === 'https:' ? new TlsAgent(pool) : new Agent(pool);
  }

  async scan(message: ScannedMessage): Promise<ScanDecision> {
    const { maxBytes, log, failOpen } = this.#options;
    if (message.size > maxBytes) return notScanned;
    try {
      return decisionOf(await this.#ask(message));
    } catch (err) {
      const reason = err instanceof Error ? err.message : String(err);
      log.warn('scanner.message.unscanned', { acceptId: message.acceptId, reason });
      return failOpen ? notScanned : { kind: 'unavailable' };
    }
  }

  async #ask(message: ScannedMessage): Promise<Answer> {
    const { clock, timeoutMs } = this.#options;
    const call = this.#request(message);
    const answered = Promise.withResolvers<IncomingMessage>();
    call.once('response', answered.resolve).on('error', answered.reject);
    const cancel = clock.after(timeoutMs, () => call.destroy(new Error('no answer in time')));
    // It may answer before it has read all; then the rest is of no use to it.
    const sent = pipeline(Readable.from(message.open()), call);
    sent.catch(answered.reject);
    try {
      return answerOf(await textOf(await answered.promise));
    } finally {
      cancel();
      call.destroy();
      await sent.catch(() => undefined);
    }
  }

  #request(message: ScannedMessage): ClientRequest {
    const { protocol, username, password } = this.#url;
    const secret = decodeURIComponent(password || username);
    const headers = {
      ...headersOf(message),
      Hostname: this.#options.hostname,
      ...(secret === '' ? {} : { Password: secret }),
    };
    const make = protocol === 'https:' ? tlsRequest : request;
    return make(this.#url, { method: 'POST', agent: this.#agent, auth: '', headers });
  }
}

const notScanned: ScanDecision = { kind: 'pass', verdict: { action: 'not-scanned' } };

function headersOf({ acceptId, client, reversePath, recipients, size }: ScannedMessage) {
  return {
    'Content-Length': size,
    'Content-Type': 'application/octet-stream',
    'Queue-Id': acceptId,
    From: headerText(reversePath),
    Rcpt: recipients.slice(0, maxRecipients).map(headerText),
    IP: client.address.replace(/^::ffff:/i, ''),
    Helo: headerText(client.name),
    ...(client.user === undefined ? {} : { User: headerText(client.user) }),
  };
}

/** UTF-8, one character per byte. */
function headerText(text: string): string {
  return Buffer.from(text.replace(/\p{Cc}/gu, '')).toString('latin1');
}

async function textOf(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error('its answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf(text: string): Answer {
  const json = tableOf(parsed(text));
  const action = json['action'];
  if (typeof action !== 'string') throw new Error('its answer has no action');
  return {
    action,
    score: numberOf(json['score']),
    required: numberOf(json['required_score']),
    text: lineOf(tableOf(json['messages'])['smtp_message']),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('its answer is no JSON', { cause });
  }
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Math.abs(value) < 1e6 ? value : undefined;
}

/** A line for a reply; undefined for what is none. */
function lineOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value) ? value : undefined;
}

/** Rspamd's actions. */
function decisionOf({ action, score, required, text }: Answer): ScanDecision {
  const pass = (kind: ScanVerdict['action']): ScanDecision => ({
    kind: 'pass',
    verdict: { action: kind, score, required },
  });
  switch (action) {
    case 'no action':
      return pass('accept');
    case 'add header':
    case 'rewrite subject':
    case 'quarantine':
      return pass('junk');
    case 'reject':
    case 'discard':
      return { kind: 'refuse', text };
    case 'greylist':
    case 'soft reject':
      return { kind: 'defer', text };
    default:
      throw new Error(`its action "${action.slice(0, 40)}" is none we know`);
  }
}

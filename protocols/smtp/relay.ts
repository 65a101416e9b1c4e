import type { OutboundRecipient } from '#domain/outbound';
import type { Clock, Outcome, Relay, RelayedMail, RelaySession, RemoteHop } from '#domain/outside';
import type { Logger } from '#telemetry/log';
import { ConnectError } from './connection-failure.ts';
import { type Host, type NextHops, NoHostError } from './next-hop.ts';
import { RelayThreads } from './relay-threads.ts';
import { SessionEnd } from './session-end.ts';
import type { ThreadConnection } from './thread-connection.ts';

interface SmtpRelayOptions {
  /** Our own name, said in EHLO. */
  readonly hostname: string;
  readonly hops: NextHops;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who signs the certificates of other servers, instead of the authorities of this machine; for tests. */
  readonly ca?: string | undefined;
}

/** An attempt that takes longer is broken off, and no further server tried. */
const attemptMs = 50 * 60_000;

/** SmtpRelay gives mail to other servers over SMTP, in a thread of its own. RFC 5321 §5. */
export class SmtpRelay implements Relay {
  readonly #options: SmtpRelayOptions;
  readonly #threads: RelayThreads;

  constructor(options: SmtpRelayOptions) {
    this.#options = options;
    this.#threads = new RelayThreads(options);
  }

  session(): RelaySession {
    return new SmtpRelaySession(this.#options, this.#threads);
  }

  stop(): Promise<void> {
    return this.#threads.stop();
  }
}

class SmtpRelaySession implements RelaySession {
  readonly #options: SmtpRelayOptions;
  readonly #threads: RelayThreads;
  #connection: ThreadConnection | undefined;
  readonly #closed = new SessionEnd();
  #isClosed = false;
  #isSending = false;
  /** The time for this attempt is up. */
  #isLate = false;

  constructor(options: SmtpRelayOptions, threads: RelayThreads) {
    this.#options = options;
    this.#threads = threads;
  }

  async send(hop: RemoteHop, mail: RelayedMail): Promise<readonly Outcome[]> {
    this.#isSending = true;
    this.#isLate = false;
    const cancel = this.#options.clock.after(attemptMs, () => {
      this.#isLate = true;
      this.#connection?.close();
    });
    try {
      return await this.#tryHosts(await this.#hosts(hop), mail);
    } catch (error) {
      const { message } = error instanceof Error ? error : new Error(String(error));
      const { isPermanent, status } =
        error instanceof NoHostError ? error : { isPermanent: false, status: '4.3.0' };
      const kind = isPermanent ? 'failed' : 'deferred';
      const isUnreachable = error instanceof NoHostError && !isPermanent;
      return mail.recipients.map(({ address }) => ({ address, kind, status, text: message, isUnreachable }));
    } finally {
      cancel();
      this.#isSending = false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#closed.come();
    // In the middle of a message QUIT would be content.
    if (this.#isSending) this.#connection?.close();
    else this.#connection?.quit();
  }

  async #hosts(hop: RemoteHop): Promise<readonly Host[]> {
    const finding = this.#options.hops.hosts(hop);
    const found = await this.#closed.orEnd(finding);
    if (found !== undefined) return found;
    void finding.catch(() => undefined);
    throw new NoHostError(false, '4.3.2', 'This server is stopping');
  }

  /** One host after the other, for the recipients that are worth another attempt. RFC 5321 §5.1. */
  async #tryHosts(hosts: readonly Host[], mail: RelayedMail): Promise<readonly Outcome[]> {
    const outcomes = new Map<string, Outcome>();
    let left = mail.recipients;
    let isUnreachable = true;
    for (const host of hosts) {
      if (left.length === 0 || this.#isClosed || this.#isLate) break;
      const tried = await this.#tryHost(host, mail, left);
      isUnreachable &&= tried.isUnreachable;
      for (const outcome of tried.outcomes) {
        // What a server said tells more than that the next one could not be reached.
        const known = outcomes.get(outcome.address);
        if (known?.remote === undefined || outcome.remote !== undefined || outcome.kind !== 'deferred')
          outcomes.set(outcome.address, outcome);
      }
      left = left.filter(({ address }) => outcomes.get(address)?.kind === 'deferred');
    }
    return [...outcomes.values()].map((outcome) => (isUnreachable ? { ...outcome, isUnreachable } : outcome));
  }

  async #tryHost(
    host: Host,
    mail: RelayedMail,
    recipients: readonly OutboundRecipient[],
  ): Promise<{ readonly outcomes: readonly Outcome[]; readonly isUnreachable: boolean }> {
    try {
      const connection = await this.#connected(host);
      if (!host.isConfigured && connection.greetedBy === this.#options.hostname.toLowerCase()) {
        connection.quit();
        const text = `${host.name} is this server: mail would loop back to it`;
        const loop = { kind: 'failed', status: '5.4.6', text } as const;
        return { outcomes: recipients.map(({ address }) => ({ address, ...loop })), isUnreachable: false };
      }
      return { outcomes: await connection.send(mail, recipients), isUnreachable: false };
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const text = `${host.name} [${host.address}]: ${error.message}`;
      const outcome = { kind: 'deferred', status: error.status, text } as const;
      return { outcomes: recipients.map(({ address }) => ({ address, ...outcome })), isUnreachable: true };
    }
  }

  async #connected(host: Host): Promise<ThreadConnection> {
    const open = this.#connection;
    if (open?.isUsable && isSameHost(open.host, host)) return open;
    open?.quit();
    const opening = this.#threads.open(host);
    const opened = await this.#closed.orEnd(opening);
    if (opened === undefined || this.#isClosed) {
      // It may come about yet.
      void opening.then((late) => late.quit()).catch(() => undefined);
      throw new ConnectError('This server is stopping');
    }
    this.#connection = opened;
    return opened;
  }
}

function isSameHost(one: Host, other: Host): boolean {
  return (
    one.address === other.address &&
    one.port === other.port &&
    one.name === other.name &&
    one.tls === other.tls &&
    one.login?.user === other.login?.user
  );
}

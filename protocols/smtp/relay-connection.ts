import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import SMTPConnection, { type SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import { dkimFields } from '#domain/dkim-fields';
import type { OutboundRecipient } from '#domain/outbound';
import type { Outcome } from '#domain/outside';
import { DowngradeError, type SendableContent, sendableContent } from '#mime/downgrade';
import { ConnectError, lostConnection } from './connection-failure.ts';
import { dataStream } from './dot-stuffing.ts';
import type { Host } from './next-hop.ts';
import type { SendableMail } from './relay-messages.ts';
import { SessionEnd } from './session-end.ts';

/** RFC 5321 §4.5.3.2, but for the connection itself. */
const timeouts = { connectionTimeout: 30_000, greetingTimeout: 300_000, socketTimeout: 600_000 } as const;

/** RFC 5321 §4.5.3.1.8. */
const maxRecipients = 100;
/** RFC 5321 §4.5.3.1.5 has 512 octets a line; of all lines of one reply. */
const maxReplyBytes = 64 * 1024;

/** Envelope and errors as the library leaves them. */
interface TriedEnvelope extends SMTPEnvelope {
  rejectedErrors?: RelayError[];
}

interface RelayError extends Error {
  readonly code?: string | undefined;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly recipient?: string | undefined;
  /** What it answered. */
  readonly command?: string | undefined;
}

/** What the library answered to a send. */
interface Answer {
  readonly error: RelayError | undefined;
  readonly response: string;
}

interface OpenOptions {
  /** Our own name, said in EHLO. */
  readonly hostname: string;
  /** Who signs certificates, instead of the authorities of this machine; for tests. */
  readonly ca?: string | undefined;
  /** TLS failed with a host that it is only tested with; the session goes on without the check. */
  onTlsFailure(fields: { readonly host: string; readonly mode: string; readonly reason: string }): void;
}

/** RelayConnection is one SMTP session as a client, made by `open`; after a failure it is not usable any more. */
export class RelayConnection {
  readonly host: Host;
  readonly #connection: SMTPConnection;
  readonly #extensions: ReadonlySet<string>;
  readonly #greetedBy: string;
  /** Resolves when the session is over: the library does not answer a send that is under way then. */
  readonly #ended = Promise.withResolvers<void>();
  readonly #end = new SessionEnd();
  #isUsable = true;

  constructor(host: Host, connection: SMTPConnection) {
    this.host = host;
    this.#connection = connection;
    const lines = String(connection.lastServerResponse || '').split(/\r?\n/);
    this.#greetedBy = lines[0]?.slice(4).split(' ')[0]?.toLowerCase() ?? '';
    this.#extensions = new Set(lines.map((line) => line.slice(4).split(' ')[0]?.toUpperCase() ?? ''));
    connection.on('end', () => {
      this.#isUsable = false;
      this.#ended.resolve();
    });
  }

  /** Connects, with TLS as the host asks for it or else where the server has it, and signs in if it has to. Throws ConnectError. */
  static async open(host: Host, options: OpenOptions): Promise<RelayConnection> {
    try {
      return await connect(host, options, host.tls === 'any' ? 'unchecked' : 'checked');
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // Who has to know whom they talk to does not go on without.
      if (error.status === '4.4.1' || host.tls === 'required') throw error;
      if (host.tls === 'tested') {
        const { message: reason } = error;
        options.onTlsFailure({ host: host.name, mode: 'testing', reason });
        return await RelayConnection.open({ ...host, tls: 'any' }, options);
      }
      if (host.isSecure || host.login !== undefined) throw error;
      // RFC 7435 §3: a failed handshake with a server we cannot check anyway is no reason to keep the mail.
      return await connect(host, options, 'none');
    }
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** What the server calls itself. */
  get greetedBy(): string {
    return this.#greetedBy;
  }

  /** Resolves when the session is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Sends a mail in as many transactions as its recipients' DSN parameters need. */
  async send(mail: SendableMail, recipients: readonly OutboundRecipient[]): Promise<readonly Outcome[]> {
    const isUtf8 = [mail.reversePath, ...recipients.map(({ address }) => address)].some(isInternational);
    const takesUtf8 = this.#extensions.has('SMTPUTF8');
    if (isUtf8 && !takesUtf8) return await this.#sendAscii(mail, recipients);
    const utf8 = takesUtf8 ? (isUtf8 ? 'used' : 'possible') : 'absent';
    const outcomes: Outcome[] = [];
    try {
      const open = () => mail.open();
      const is8bit = this.#extensions.has('8BITMIME');
      const { isVerbatim, facts, size } = mail;
      const known = facts && { ...facts, size };
      const unsigned = await sendableContent(open, { is8bit, utf8, isVerbatim }, known);
      const content = await this.#signed(mail, unsigned);
      if (content === undefined) return recipients.map(this.#isUsable ? unsignable : lostConnection);
      const isUtf8Said = isUtf8 || content.needsUtf8;
      const waiting = [...this.#transactions(recipients)];
      for (let some = waiting.shift(); some !== undefined; some = waiting.shift()) {
        const told = this.#isUsable
          ? await this.#send(mail, content, isUtf8Said, some)
          : { outcomes: some.map(lostConnection), left: [] };
        outcomes.push(...told.outcomes);
        if (told.left.length > 0) waiting.unshift(told.left);
      }
      return outcomes;
    } catch (error) {
      if (!(error instanceof DowngradeError)) throw error;
      const { status, message } = error;
      const refusal = failed(status, `${message}, and ${this.host.name} takes nothing else`);
      return recipients.map(({ address }) => ({ address, ...refusal }));
    }
  }

  /** With its signatures in front; undefined when it cannot be signed, or the session ends first. */
  async #signed(mail: SendableMail, content: SendableContent): Promise<SendableContent | undefined> {
    const bodyHash = content.isUnchanged ? mail.facts?.bodyHash : undefined;
    const signing = dkimFields(mail.signing, content.open(), bodyHash).catch(() => undefined);
    const fields = await this.#end.orEnd(signing);
    if (typeof fields !== 'string') return undefined;
    const bytes = Buffer.from(fields);
    return {
      ...content,
      size: content.size + bytes.length,
      async *open() {
        yield bytes;
        yield* content.open();
      },
    };
  }

  /** RFC 6531 §3.2: to a server without SMTPUTF8 goes what can be written without it. */
  async #sendAscii(
    mail: SendableMail,
    recipients: readonly OutboundRecipient[],
  ): Promise<readonly Outcome[]> {
    const isRefused = ({ address }: OutboundRecipient) =>
      isInternational(mail.reversePath) || isInternational(address);
    const refusal = failed('5.6.7', `${this.host.name} takes no internationalized addresses (SMTPUTF8)`);
    const refused = recipients.filter(isRefused).map(({ address }) => ({ address, ...refusal }));
    const rest = recipients.filter((one) => !isRefused(one));
    return rest.length === 0 ? refused : [...refused, ...(await this.send(mail, rest))];
  }

  close(): void {
    this.#isUsable = false;
    this.#connection.close();
    this.#over();
  }

  quit(): void {
    if (this.#isUsable) this.#connection.quit();
    this.#isUsable = false;
  }

  /** So many at a time as every server takes; and the library has one set of DSN parameters a transaction. */
  #transactions(recipients: readonly OutboundRecipient[]): readonly (readonly OutboundRecipient[])[] {
    const hasDsn = this.#extensions.has('DSN');
    const isPlain = ({ notify, orcpt }: OutboundRecipient) =>
      !hasDsn || (notify === undefined && orcpt === undefined);
    const plain = recipients.filter(isPlain);
    const transactions = recipients.filter((one) => !isPlain(one)).map((one) => [one]);
    for (let at = 0; at < plain.length; at += maxRecipients) {
      transactions.push(plain.slice(at, at + maxRecipients));
    }
    return transactions;
  }

  async #send(
    mail: SendableMail,
    content: SendableContent,
    isUtf8Said: boolean,
    recipients: readonly OutboundRecipient[],
  ): Promise<{ readonly outcomes: readonly Outcome[]; readonly left: readonly OutboundRecipient[] }> {
    const [{ notify, orcpt } = { notify: undefined, orcpt: undefined }] = recipients;
    const hasDsn = this.#extensions.has('DSN');
    const envelope: TriedEnvelope = {
      from: onTheWire(mail.reversePath),
      to: recipients.map(({ address }) => onTheWire(address)),
      size: content.size,
      use8BitMime: content.is8bit,
      ...(hasDsn ? { dsn: dsnOf(mail, notify, orcpt) } : {}),
    };
    const { facts } = mail;
    const isPlain = content.isUnchanged && facts?.hasBareLineEnd === false && facts.hasDotLine === false;
    const stream = dataStream(content.open(), isPlain);
    const sent = new Promise<Answer>((resolve) => {
      if (isUtf8Said) sayUtf8(this.#connection);
      this.#connection.send(envelope, stream, (error, info) =>
        resolve({ error: error ?? undefined, response: info?.response ?? '' }),
      );
    });
    const { error, response } = (await this.#end.orEnd(sent)) ?? (await brokenOff(sent));
    stream.destroy();
    if (error !== undefined) this.close();
    const rejected = new Map(envelope.rejectedErrors?.map((one) => [one.recipient, one]));
    // RFC 5321 §4.5.3.1.10: with some taken, the others go in the next transaction.
    const isLeft = ({ address }: OutboundRecipient) =>
      error === undefined && isTooMany(rejected.get(onTheWire(address))?.response);
    const outcomes = recipients
      .filter((one) => !isLeft(one))
      .map(({ address }): Outcome => {
        // RFC 2920 §3.1: after a refused MAIL the replies to the RCPTs that were sent along mean nothing.
        const reason = error?.command === 'MAIL FROM' ? error : (rejected.get(onTheWire(address)) ?? error);
        if (reason !== undefined) return { address, ...this.#failureOf(reason) };
        const text = response;
        const isNotifyPassed = hasDsn;
        return { address, kind: 'delivered', status: '2.0.0', text, remote: this.host.name, isNotifyPassed };
      });
    return { outcomes, left: recipients.filter(isLeft) };
  }

  #over(): void {
    this.#end.come();
    this.#ended.resolve();
  }

  #failureOf(error: RelayError): Omit<Outcome, 'address'> {
    const { response, responseCode } = error;
    if (responseCode === undefined || response === undefined) {
      if (error.message.startsWith('Message size larger')) return failed('5.3.4', error.message);
      return { kind: 'deferred', status: '4.4.2', text: error.message };
    }
    // A 421 ends the session whatever was asked: RFC 5321 §3.8.
    const isPermanent = responseCode >= 500;
    const given = /^\d{3}[ -]([45])(\.\d{1,3}\.\d{1,3})\b/.exec(response);
    // RFC 2034 §4: the class is that of the reply; another one would say the contrary of what happened.
    const isFitting = given?.[1] === (isPermanent ? '5' : '4');
    return {
      kind: isPermanent ? 'failed' : 'deferred',
      status: `${isPermanent ? '5' : '4'}${isFitting ? given?.[2] : '.0.0'}`,
      text: response.replace(/\s+/g, ' ').slice(0, 1_000),
      remote: this.host.name,
    };
  }
}

/** Of a session that is over: what the library has to say of the end comes first. */
async function brokenOff(sent: Promise<Answer>): Promise<Answer> {
  const silent = { error: new Error('The connection was broken off'), response: '' };
  return Promise.race([sent, new Promise<Answer>((resolve) => setImmediate(() => resolve(silent)))]);
}

/** A refusal of one recipient too many, not of this one: RFC 5321 has 452, and 552 of old. */
function isTooMany(response = ''): boolean {
  return /^(?:452|552)[ -](?:[45]\.5\.3\b|(?![245]\.\d))/.test(response);
}

/** A local part beyond ASCII cannot be written otherwise; a domain can. */
function isInternational(address: string): boolean {
  return /\P{ASCII}/u.test(address.slice(0, address.lastIndexOf('@') + 1));
}

/** With the A-labels of its domain. RFC 5890. */
function onTheWire(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return /\P{ASCII}/u.test(domain) ? address.slice(0, at) + domainToASCII(domain) : address;
}

/** RFC 6531 §3.4: a header of UTF-8 needs SMTPUTF8 too; the library says it for addresses alone. */
function sayUtf8(connection: SMTPConnection): void {
  const library = connection as unknown as { _sendCommand?: (command: string) => void };
  const { _sendCommand: send } = Object.getPrototypeOf(connection);
  library._sendCommand = (command) => {
    delete library._sendCommand;
    const isSaid = !command.startsWith('MAIL FROM:') || / SMTPUTF8\b/.test(command);
    send.call(connection, isSaid ? command : `${command} SMTPUTF8`);
  };
}

function dsnOf(mail: SendableMail, notify: OutboundRecipient['notify'], orcpt: string | undefined) {
  return {
    ret: mail.ret ?? null,
    envid: mail.envid ?? null,
    notify: notify === undefined ? null : [...notify],
    orcpt: orcpt ?? null,
  };
}

function failed(status: string, text: string): Omit<Outcome, 'address'> {
  return { kind: 'failed', status, text };
}

/** Why not is in our log: unsigned it is not sent. */
function unsignable({ address }: OutboundRecipient): Outcome {
  return { address, kind: 'deferred', status: '4.3.0', text: 'The message could not be signed' };
}

function connectError(error: unknown, { upgrading = false }: SMTPConnection): ConnectError {
  const {
    message,
    code = '',
    response,
  }: RelayError = error instanceof Error ? error : new Error(String(error));
  if (code === 'ETLS' && response !== undefined) {
    return new ConnectError(`TLS is required, and not offered: ${message}`, '4.7.4', { cause: error });
  }
  // The library calls a certificate that it refuses a fault of the socket.
  return upgrading || code === 'ETLS' || isCertificateFault(error)
    ? new ConnectError(`TLS failed: ${message}`, '4.7.5', { cause: error })
    : new ConnectError(message, '4.4.1', { cause: error });
}

function isCertificateFault(error: unknown): boolean {
  const code = error instanceof Error && 'originalCode' in error ? String(error.originalCode) : '';
  return /^(?:ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|EPROTO)/.test(code);
}

/** Checked TLS is that of the server that is meant; without a check it only hides the mail from listeners. RFC 7435. */
async function connect(
  host: Host,
  { hostname, ca }: OpenOptions,
  tls: 'checked' | 'unchecked' | 'none',
): Promise<RelayConnection> {
  const isChecked = tls === 'checked';
  const connection = new SMTPConnection({
    host: host.address,
    port: host.port,
    secure: host.isSecure,
    ...(isIP(host.name) === 0 && !host.name.startsWith('[')
      ? { servername: host.name.replace(/\.$/, '') }
      : {}),
    name: hostname,
    ignoreTLS: tls === 'none',
    requireTLS: isChecked && !host.isSecure,
    opportunisticTLS: !isChecked,
    tls: {
      rejectUnauthorized: isChecked,
      minVersion: isChecked ? 'TLSv1.2' : 'TLSv1',
      ...(ca === undefined ? {} : { ca }),
    },
    logger: false,
    maxResponseSize: maxReplyBytes,
    ...timeouts,
  });
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject);
    connection.on('end', () => reject(new Error('The server ended the connection')));
    connection.connect((error) => (error ? reject(error) : resolve()));
  }).catch((error: unknown) => {
    const failure = connectError(error, connection);
    connection.close();
    throw failure;
  });
  const opened = new RelayConnection(host, connection);
  if (host.login === undefined) return opened;
  const { user, password } = host.login;
  await new Promise<void>((resolve, reject) => {
    connection.login({ user, pass: password }, (error) => (error ? reject(error) : resolve()));
  }).catch((error: unknown) => {
    connection.close();
    throw connectError(error, connection);
  });
  return opened;
}

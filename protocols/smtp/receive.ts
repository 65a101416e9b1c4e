import type { AddressInfo } from 'node:net';
import type {
  SMTPServerAddress,
  SMTPServerDataStream,
  SMTPServerEnvelope,
  SMTPServerSession,
} from 'smtp-server';
import type { Delivery } from '#domain/delivery';
import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { IncomingMessage } from '#domain/incoming';
import type { LocalRecipient } from '#domain/mail-envelope';
import type { OutboundEnvelope } from '#domain/outbound';
import { checkNumber } from '#domain/recipients';
import type { Routing } from '#domain/routing';
import { receivedField, returnPathField, withAsciiDomain } from '#domain/trace';
import type { Logger } from '#telemetry/log';
import { Server } from './connection.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { ContentCheck } from './content-check.ts';
import { isUtf8 } from './envelope.ts';
import { hook, libraryError } from './hook.ts';
import { type Reply, ReplyError } from './reply.ts';

export interface SmtpReceiverOptions {
  /** Our name in the greeting and in Received. */
  readonly hostname: string;
  /** PEM: the certificate with its chain, and its private key. */
  readonly cert: string;
  readonly key: string;
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly maxConnectionsPerIp: number;
}

/** A listener for mail from other servers. */
export interface SmtpReceiver {
  /** Starts to accept; gives the bound address as `host:port`. Rejects with the system's error when it cannot. */
  listen(host: string, port: number): Promise<string>;
  /** Takes nothing new, lets messages that are coming in end for `graceMs`. Resolves when every connection is gone. */
  close(graceMs?: number): Promise<void>;
}

/** RFC 5321 §4.5.3.2.7. */
const idleMs = 5 * 60_000;
const maxCommandBytes = 4_096;
const maxAddressBytes = 254;
const defaultGraceMs = 10_000;

/** createSmtpReceiver makes the MX listener: no AUTH, mail for local mailboxes only. RFC 5321. */
export function createSmtpReceiver(
  options: SmtpReceiverOptions,
  delivery: Pick<Delivery, 'begin' | 'checkRoom'>,
  directory: Pick<Routing, 'resolveRecipient'>,
  log: Logger,
): SmtpReceiver {
  return new Receiver(options, delivery, directory, log);
}

/** By address, in lower case. */
type LocalRecipients = Map<string, LocalRecipient>;

interface Routed {
  readonly organization: OrganizationId;
  readonly addresses: Map<string, string>;
}

class Receiver implements SmtpReceiver {
  readonly #options: SmtpReceiverOptions;
  readonly #delivery: Pick<Delivery, 'begin' | 'checkRoom'>;
  readonly #directory: Pick<Routing, 'resolveRecipient'>;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #limit: ConnectionLimit;
  readonly #counted = new WeakSet<SMTPServerSession>();
  /** The recipients accepted for here; the library makes a new envelope for each transaction. */
  readonly #local = new WeakMap<SMTPServerEnvelope, LocalRecipients>();
  /** Recipients in domains of one organisation whose mail another server has. */
  readonly #routed = new WeakMap<SMTPServerEnvelope, Routed>();

  constructor(
    options: SmtpReceiverOptions,
    delivery: Pick<Delivery, 'begin' | 'checkRoom'>,
    directory: Pick<Routing, 'resolveRecipient'>,
    log: Logger,
  ) {
    this.#options = options;
    this.#delivery = delivery;
    this.#directory = directory;
    this.#log = log;
    this.#limit = new ConnectionLimit(options.maxConnectionsPerIp);
    this.#server = this.#createServer();
    this.#server.on('error', (error) => {
      log.info('smtp.connection.failed', { reason: error.message });
    });
  }

  async listen(host: string, port: number): Promise<string> {
    const { server } = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
    const { address, port: bound, family } = server.address() as AddressInfo;
    const text = `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    this.#log.info('smtp.listening', { address: text });
    return text;
  }

  close(graceMs = defaultGraceMs): Promise<void> {
    return this.#server.leave(graceMs);
  }

  #createServer(): Server {
    const { hostname, cert, key, maxMessageBytes, maxRecipients } = this.#options;
    return new Server({
      name: hostname,
      banner: 'Mailstead',
      heloResponse: '%s',
      cert,
      key,
      minVersion: 'TLSv1.2',
      size: maxMessageBytes,
      maxRecipients,
      maxCommandLength: maxCommandBytes,
      socketTimeout: idleMs,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      // Strictly, senders that exist are refused for good: "a..b."@docomo.ne.jp, root@my_host.example. Who receives here
      // is for the directory to tell.
      lenientAddressParsing: true,
      // No sign-in here; and the library's jests and proxy commands are not for us.
      disabledCommands: ['AUTH', 'WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'],
      onConnect: (session, done) => done(this.#enter(session)),
      onClose: (session) => this.#leave(session),
      onMailFrom: hook<SMTPServerAddress>(
        this.#log,
        (address) => checkSender(address),
        this.#refusal('mail'),
      ),
      onRcptTo: hook<SMTPServerAddress>(
        this.#log,
        (address, session) => this.#addRecipient(address, session),
        (reply, { address }, { id }, reason) =>
          this.#log.info('smtp.rcpt.refused', { connection: id, rcpt: address, code: reply.code, reason }),
      ),
      onData: hook<SMTPServerDataStream>(
        this.#log,
        (stream, session) => this.#receive(stream, session),
        this.#refusal('data'),
      ),
    });
  }

  #refusal(command: string) {
    return (reply: Reply, _given: unknown, { id, envelope }: SMTPServerSession, reason: string) => {
      const from = envelope.mailFrom ? envelope.mailFrom.address : '';
      this.#log.info('smtp.message.refused', { connection: id, command, from, code: reply.code, reason });
    };
  }

  #enter(session: SMTPServerSession): Error | null {
    const { id, remoteAddress } = session;
    if (this.#limit.enter(remoteAddress)) {
      this.#counted.add(session);
      return null;
    }
    this.#log.info('smtp.connection.refused', { connection: id, remoteAddress, code: 421 });
    return libraryError({ code: 421, enhanced: '4.7.0', text: 'Too many connections from your address' });
  }

  #leave(session: SMTPServerSession): void {
    if (this.#counted.has(session)) this.#limit.leave(session.remoteAddress);
  }

  async #addRecipient(
    { address, args }: SMTPServerAddress,
    { envelope }: SMTPServerSession,
  ): Promise<undefined> {
    if (args) throw new ReplyError(555, '5.5.4', 'RCPT parameter not recognized');
    if (isTooLong(address)) throw new ReplyError(501, '5.1.3', 'Bad recipient address syntax');
    if (!isUtf8(envelope)) checkAscii(address);
    const recipient = await this.#recipientAt(address, envelope);
    if (recipient === undefined) return;
    await this.#delivery.checkRoom(recipient.accounts, announcedBytes(envelope));
    const local: LocalRecipients = this.#local.get(envelope) ?? new Map();
    checkNumber([...local.values(), recipient].flatMap(({ accounts }) => accounts));
    local.set(address.toLowerCase(), recipient);
    this.#local.set(envelope, local);
  }

  /** Who is behind an address; undefined if its mail is given to another server. */
  async #recipientAt(address: string, envelope: SMTPServerEnvelope): Promise<LocalRecipient | undefined> {
    const recipient = await this.#directory.resolveRecipient(address);
    switch (recipient.kind) {
      case 'mailbox':
        return { address, accounts: [recipient.account], isGroup: false };
      case 'group':
        return { address, accounts: recipient.accounts, isGroup: true };
      case 'routed':
        this.#addRouted(address, recipient.organization, envelope);
        return undefined;
      case 'disabled':
        throw new DomainError('mailbox/disabled', 'The mailbox is disabled.');
      case 'unknown':
        throw new DomainError('recipient/unknown', 'Nobody here has this address.');
      case 'elsewhere':
        throw new DomainError('recipient/relay-denied', 'The domain is not served here.');
    }
  }

  #addRouted(address: string, organization: OrganizationId, envelope: SMTPServerEnvelope): void {
    const routed = this.#routed.get(envelope) ?? { organization, addresses: new Map() };
    // A queued message belongs to one organisation: the sender comes again for the others.
    if (routed.organization !== organization) throw new ReplyError(452, '4.5.3', 'Too many recipients');
    routed.addresses.set(address.toLowerCase(), withAsciiDomain(address));
    this.#routed.set(envelope, routed);
  }

  #outboundOf(envelope: SMTPServerEnvelope): OutboundEnvelope | undefined {
    const routed = this.#routed.get(envelope);
    if (routed === undefined) return undefined;
    const { organization } = routed;
    const reversePath = reversePathOf(envelope);
    const recipients = [...routed.addresses.values()].map((address) => ({ address }));
    return { organization, kind: 'mail', reversePath, recipients };
  }

  /** Reads the message up to its end, whatever becomes of it, and gives the text of the 250 once it is safe. */
  async #receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string | undefined> {
    const { envelope, id } = session;
    const message = this.#delivery.begin(
      {
        reversePath: reversePathOf(envelope),
        recipients: [...(this.#local.get(envelope)?.values() ?? [])],
        outbound: this.#outboundOf(envelope),
        isAuthenticated: false,
      },
      (acceptId, atMs) => this.#head(session, acceptId, atMs),
    );
    try {
      const fault = await writeAll(stream, message);
      if (fault !== undefined) throw fault;
    } catch (error) {
      await message.abort();
      throw isLostConnection(error) ? new ReplyError(421, '4.4.2', 'Connection lost') : error;
    }
    const { acceptId } = await message.accept();
    const from = envelope.mailFrom ? envelope.mailFrom.address : '';
    const sizeBytes = stream.byteLength;
    this.#log.info('smtp.message.accepted', {
      connection: id,
      acceptId,
      from,
      rcpts: envelope.rcptTo.length,
      sizeBytes,
    });
    return `2.0.0 Ok: queued as ${acceptId}`;
  }

  /** RFC 5321 §4.4. */
  #head(session: SMTPServerSession, acceptId: string, atMs: number): string {
    const { envelope, secure, tlsOptions, hostNameAppearsAs, remoteAddress, transmissionType } = session;
    const isInternational = isUtf8(envelope);
    const spell = (address: string) => (isInternational ? address : withAsciiDomain(address));
    const [first, ...others] = envelope.rcptTo;
    const received = receivedField({
      from: { name: hostNameAppearsAs, address: remoteAddress },
      by: this.#options.hostname,
      // RFC 6531 §4.3, RFC 3848.
      protocol: isInternational ? `UTF8SMTP${secure ? 'S' : ''}` : transmissionType,
      tls: tlsOptions ? `${tlsOptions.version} ${tlsOptions.name}` : undefined,
      id: acceptId,
      for: first && others.length === 0 ? spell(first.address) : undefined,
      atMs,
    });
    const reversePath = envelope.mailFrom ? spell(envelope.mailFrom.address) : '';
    return returnPathField(reversePath) + received;
  }
}

/** With its domain as an A-label; '' is the null one. */
function reversePathOf({ mailFrom }: SMTPServerEnvelope): string {
  return mailFrom ? withAsciiDomain(mailFrom.address) : '';
}

/** Writes the stream into the message; after a fault reads on to the end, and gives the fault. */
async function writeAll(stream: SMTPServerDataStream, message: IncomingMessage): Promise<unknown> {
  const check = new ContentCheck();
  let fault: unknown;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (fault !== undefined) continue;
    try {
      check.write(chunk);
      await message.write(chunk);
    } catch (error) {
      fault = error;
      await message.abort();
    }
  }
  return fault;
}

async function checkSender({ address, args }: SMTPServerAddress): Promise<undefined> {
  if (isTooLong(address)) throw new ReplyError(501, '5.1.7', 'Bad sender address syntax');
  if (!args || args['SMTPUTF8'] === undefined) checkAscii(address);
}

/** RFC 5321 §4.5.3.1.3, less the angle brackets. */
function isTooLong(address: string): boolean {
  return Buffer.byteLength(address) > maxAddressBytes;
}

/** The library shows A-labels decoded, so that only the local part tells whether an address is international. */
function checkAscii(address: string): void {
  const localPart = address.slice(0, address.lastIndexOf('@'));
  if (/[^\x20-\x7e]/.test(localPart)) throw new ReplyError(553, '5.6.7', 'Address needs SMTPUTF8');
}

/** SIZE of MAIL, RFC 1870; 0 if it was not told. */
function announcedBytes({ mailFrom }: SMTPServerEnvelope): number {
  const size = mailFrom !== false && mailFrom.args !== false ? mailFrom.args['SIZE'] : undefined;
  return typeof size === 'string' ? Number(size) : 0;
}

function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNECTION' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

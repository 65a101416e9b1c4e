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
import type { Authentication } from '#domain/verdicts';
import type { Logger } from '#telemetry/log';
import type { Authenticator } from './authentication/authenticator.ts';
import type { InboundHeader } from './authentication/inbound-header.ts';
import { announcedBytes, clientOf, isUtf8 } from './envelope.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import { readMessage } from './read-message.ts';
import { ReplyError } from './reply.ts';

export type SmtpReceiverOptions = ListenerOptions;

/** A listener for mail from other servers. */
export interface SmtpReceiver {
  /** Starts to accept; gives the bound address as `host:port`. Rejects with the system's error when it cannot. */
  listen(host: string, port: number): Promise<string>;
  /** Takes nothing new, lets messages that are coming in end for `graceMs`. Resolves when every connection is gone. */
  close(graceMs?: number): Promise<void>;
}

const maxCommandBytes = 4_096;
const maxAddressBytes = 254;

/** createSmtpReceiver makes the MX listener: no AUTH, mail for local mailboxes only. RFC 5321. */
export function createSmtpReceiver(
  options: SmtpReceiverOptions,
  delivery: Pick<Delivery, 'begin' | 'checkRoom'>,
  directory: Pick<Routing, 'resolveRecipient'>,
  log: Logger,
  authenticator: Pick<Authenticator, 'begin'>,
): SmtpReceiver {
  return new Receiver(options, delivery, directory, log, authenticator);
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
  readonly #authenticator: Pick<Authenticator, 'begin'>;
  readonly #listener: Listener;
  /** The recipients accepted for here; the library makes a new envelope for each transaction. */
  readonly #local = new WeakMap<SMTPServerEnvelope, LocalRecipients>();
  /** Recipients in domains of one organisation whose mail another server has. */
  readonly #routed = new WeakMap<SMTPServerEnvelope, Routed>();

  constructor(
    options: SmtpReceiverOptions,
    delivery: Pick<Delivery, 'begin' | 'checkRoom'>,
    directory: Pick<Routing, 'resolveRecipient'>,
    log: Logger,
    authenticator: Pick<Authenticator, 'begin'>,
  ) {
    this.#options = options;
    this.#delivery = delivery;
    this.#directory = directory;
    this.#log = log;
    this.#authenticator = authenticator;
    const own = {
      maxCommandLength: maxCommandBytes,
      // Strictly, senders that exist are refused for good: "a..b."@docomo.ne.jp, root@my_host.example. Who receives here
      // is for the directory to tell.
      lenientAddressParsing: true,
      // No sign-in here.
      disabledCommands: ['AUTH'],
    };
    const hooks = {
      mail: checkSender,
      rcpt: (address: SMTPServerAddress, session: SMTPServerSession) => this.#addRecipient(address, session),
      data: (stream: SMTPServerDataStream, session: SMTPServerSession) => this.#receive(stream, session),
    };
    this.#listener = new Listener(options, own, hooks, log);
  }

  listen(host: string, port: number): Promise<string> {
    return this.#listener.listen(host, port);
  }

  close(graceMs?: number): Promise<void> {
    return this.#listener.close(graceMs);
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
  async #receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const { envelope, id } = session;
    const client = clientOf(session);
    const reversePath = reversePathOf(envelope);
    const message = this.#delivery.begin(
      {
        reversePath,
        recipients: [...(this.#local.get(envelope)?.values() ?? [])],
        outbound: this.#outboundOf(envelope),
        isAuthenticated: false,
        client,
      },
      (acceptId, atMs) => this.#head(session, acceptId, atMs),
    );
    const header = this.#authenticator.begin({ ip: client.address, helo: client.name, reversePath });
    await readMessage(stream, message, header);
    const authentication = await authenticated(header, message);
    const { acceptId } = await message.accept(authentication);
    const from = envelope.mailFrom ? envelope.mailFrom.address : '';
    const sizeBytes = stream.byteLength;
    this.#log.info('smtp.message.accepted', {
      connection: id,
      acceptId,
      from,
      rcpts: envelope.rcptTo.length,
      sizeBytes,
      ...(authentication && {
        spf: authentication.verdicts.spf.result,
        dkim: authentication.verdicts.dkim.result,
        dmarc: authentication.verdicts.dmarc.result,
      }),
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

/** What the evaluation came to; a message of which it cannot be told is forgotten. */
async function authenticated(
  header: InboundHeader,
  message: IncomingMessage,
): Promise<Authentication | undefined> {
  try {
    return await header.verdicts();
  } catch (error) {
    await message.abort();
    throw error;
  }
}

/** With its domain as an A-label; '' is the null one. */
function reversePathOf({ mailFrom }: SMTPServerEnvelope): string {
  return mailFrom ? withAsciiDomain(mailFrom.address) : '';
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

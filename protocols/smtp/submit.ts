import type { AddressInfo } from 'node:net';
import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerDataStream,
  SMTPServerEnvelope,
  SMTPServerSession,
} from 'smtp-server';
import type { Account } from '#directory/account';
import type { SignIn } from '#directory/sign-in';
import type { Delivery } from '#domain/delivery';
import { DomainError } from '#domain/errors';
import type { IncomingMessage } from '#domain/incoming';
import type { LocalRecipient } from '#domain/mail-envelope';
import type { OutboundEnvelope, OutboundRecipient } from '#domain/outbound';
import type { Clock, Random } from '#domain/outside';
import { checkNumber } from '#domain/recipients';
import type { Routing } from '#domain/routing';
import { receivedField, returnPathField, withAsciiDomain } from '#domain/trace';
import type { Logger } from '#telemetry/log';
import { Server } from './connection.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { ContentCheck } from './content-check.ts';
import { hook, libraryError } from './hook.ts';
import { type Reply, ReplyError, replyTo } from './reply.ts';
import { SubmittedHeader } from './submitted-header.ts';
import { reportSuccess } from './success-report.ts';

interface SubmissionOptions {
  /** Our name in the greeting and in Received. */
  readonly hostname: string;
  /** PEM: the certificate with its chain, and its private key. */
  readonly cert: string;
  readonly key: string;
  /** TLS from the first byte on (port 465); else STARTTLS (port 587). RFC 8314. */
  readonly isImplicitTls: boolean;
  /** Passwords are taken without TLS. */
  readonly insecureAuth: boolean;
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly maxConnectionsPerIp: number;
}

interface SubmissionParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly delivery: Pick<Delivery, 'begin' | 'checkRoom'>;
  readonly routing: Pick<Routing, 'resolveRecipient'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Whom a message goes to: by address in lower case, so that who is named twice gets it once. */
interface Recipients {
  readonly local: Map<string, LocalRecipient>;
  readonly elsewhere: Map<string, OutboundRecipient>;
}

/** RFC 5321 §4.5.3.2.7. */
const idleMs = 5 * 60_000;
/** A password in an AUTH line is long. RFC 4954 §4. */
const maxCommandBytes = 12_288;
const defaultGraceMs = 10_000;

/** SubmissionListener takes mail from its users' programs: signed in, and by their own address only. RFC 6409, RFC 8314. */
export class SubmissionListener {
  readonly #options: SubmissionOptions;
  readonly #parts: SubmissionParts;
  readonly #server: Server;
  readonly #limit: ConnectionLimit;
  readonly #counted = new WeakSet<SMTPServerSession>();
  readonly #accounts = new WeakMap<SMTPServerSession, Account>();
  readonly #recipients = new WeakMap<SMTPServerEnvelope, Recipients>();

  constructor(options: SubmissionOptions, parts: SubmissionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#limit = new ConnectionLimit(options.maxConnectionsPerIp);
    this.#server = this.#createServer();
    this.#server.on('error', (error) => parts.log.info('smtp.connection.failed', { reason: error.message }));
  }

  /** Starts to accept; gives the bound address as `host:port`. Rejects with the system's error when it cannot. */
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
    this.#parts.log.info('smtp.listening', { address: text });
    return text;
  }

  /** Takes nothing new, lets messages that are coming in end for `graceMs`. Resolves when every connection is gone. */
  close(graceMs = defaultGraceMs): Promise<void> {
    return this.#server.leave(graceMs);
  }

  #createServer(): Server {
    const { hostname, cert, key, isImplicitTls, insecureAuth, ...limits } = this.#options;
    const { log } = this.#parts;
    const refusal =
      (command: string) =>
      (reply: Reply, _given: unknown, { id, envelope }: SMTPServerSession, reason: string) => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        log.info('smtp.message.refused', { connection: id, command, from, code: reply.code, reason });
      };
    return new Server({
      name: hostname,
      banner: 'Mailstead',
      heloResponse: '%s',
      cert,
      key,
      minVersion: 'TLSv1.2',
      secure: isImplicitTls,
      size: limits.maxMessageBytes,
      maxRecipients: limits.maxRecipients,
      maxCommandLength: maxCommandBytes,
      socketTimeout: idleMs,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      hideDSN: false,
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: insecureAuth,
      authRequiredMessage: '5.7.0 Authentication required',
      disabledCommands: ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'],
      onConnect: (session, done) => done(this.#enter(session)),
      onClose: (session) => this.#leave(session),
      onAuth: (auth, session, done) => {
        void this.#signIn(auth, session).then(
          (account) => done(null, { user: account.address }),
          (error: unknown) => done(this.#refuseSignIn(error, auth, session)),
        );
      },
      onMailFrom: hook<SMTPServerAddress>(
        log,
        async ({ address }, session) => this.#checkSender(address, session),
        refusal('mail'),
      ),
      onRcptTo: hook<SMTPServerAddress>(
        log,
        (address, session) => this.#addRecipient(address, session),
        (reply, { address }, { id }, reason) =>
          log.info('smtp.rcpt.refused', { connection: id, rcpt: address, code: reply.code, reason }),
      ),
      onData: hook<SMTPServerDataStream>(
        log,
        (stream, session) => this.#receive(stream, session),
        refusal('data'),
      ),
    });
  }

  #enter(session: SMTPServerSession): Error | null {
    const { id, remoteAddress } = session;
    if (this.#limit.enter(remoteAddress)) {
      this.#counted.add(session);
      return null;
    }
    this.#parts.log.info('smtp.connection.refused', { connection: id, remoteAddress, code: 421 });
    return libraryError({ code: 421, enhanced: '4.7.0', text: 'Too many connections from your address' });
  }

  #leave(session: SMTPServerSession): void {
    if (this.#counted.has(session)) this.#limit.leave(session.remoteAddress);
  }

  async #signIn(
    { username, password }: SMTPServerAuthentication,
    session: SMTPServerSession,
  ): Promise<Account> {
    const { remoteAddress } = session;
    const account = await this.#parts.signIn.signIn(username ?? '', [password ?? ''], remoteAddress);
    this.#accounts.set(session, account);
    return account;
  }

  #refuseSignIn(error: unknown, { username }: SMTPServerAuthentication, { id }: SMTPServerSession): Error {
    const reply = replyTo(error);
    if (!(error instanceof DomainError)) {
      this.#parts.log.error('smtp.hook.failed', { err: error }, { connection: id });
    }
    const reason = error instanceof DomainError ? error.code : reply.text;
    this.#parts.log.info('smtp.auth.refused', { connection: id, user: username, code: reply.code, reason });
    // RFC 4954 §6: at AUTH a fault of ours is 454.
    return libraryError(reply.code === 451 ? { ...reply, code: 454, enhanced: '4.7.0' } : reply);
  }

  #accountOf(session: SMTPServerSession): Account {
    const account = this.#accounts.get(session);
    if (account === undefined) throw new ReplyError(530, '5.7.0', 'Authentication required');
    return account;
  }

  /** Mail is sent by the primary address; aliases only receive. The null reverse-path belongs to read receipts (RFC 8098 §3). */
  #checkSender(address: string, session: SMTPServerSession): undefined {
    const account = this.#accountOf(session);
    if (address === '' || withAsciiDomain(address).toLowerCase() === account.address.toLowerCase()) return;
    throw new ReplyError(553, '5.7.1', `You may send as ${account.address} only`);
  }

  async #addRecipient(
    { address, args, dsn }: SMTPServerAddress,
    { envelope }: SMTPServerSession,
  ): Promise<undefined> {
    const unknown = Object.keys(args || {}).find((name) => name !== 'NOTIFY' && name !== 'ORCPT');
    if (unknown !== undefined) throw new ReplyError(555, '5.5.4', 'RCPT parameter not recognized');
    const recipients = this.#recipients.get(envelope) ?? { local: new Map(), elsewhere: new Map() };
    const recipient = await this.#parts.routing.resolveRecipient(address);
    switch (recipient.kind) {
      case 'mailbox':
      case 'group': {
        const isGroup = recipient.kind === 'group';
        const accounts = isGroup ? recipient.accounts : [recipient.account];
        await this.#parts.delivery.checkRoom(accounts, announcedBytes(envelope));
        checkNumber([...recipients.local.values(), { accounts }].flatMap((one) => one.accounts));
        recipients.local.set(address.toLowerCase(), { address, accounts, isGroup });
        break;
      }
      case 'disabled':
        throw new DomainError('mailbox/disabled', 'The mailbox is disabled.');
      case 'unknown':
        throw new DomainError('recipient/unknown', 'Nobody here has this address.');
      case 'routed':
      case 'elsewhere': {
        const notify = dsn?.notify === undefined ? {} : { notify: dsn.notify as OutboundRecipient['notify'] };
        const orcpt = dsn?.orcpt === undefined ? {} : { orcpt: dsn.orcpt };
        const to = withAsciiDomain(address);
        recipients.elsewhere.set(to.toLowerCase(), { address: to, ...notify, ...orcpt });
      }
    }
    this.#recipients.set(envelope, recipients);
  }

  /** Reads the message up to its end, whatever becomes of it, and gives the text of the 250 once it is safe. */
  async #receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const { envelope, id } = session;
    const account = this.#accountOf(session);
    const recipients = this.#recipients.get(envelope);
    const message = this.#parts.delivery.begin(
      {
        reversePath: reversePathOf(envelope, account),
        recipients: [...(recipients?.local.values() ?? [])],
        outbound: outboundOf(envelope, account, recipients),
        isAuthenticated: true,
      },
      (acceptId, atMs) => this.#head(session, acceptId, atMs),
    );
    const header = this.#headerFor(account);
    try {
      const fault = await writeAll(stream, message, header);
      if (fault !== undefined) throw fault;
    } catch (error) {
      await message.abort();
      throw isLostConnection(error) ? new ReplyError(421, '4.4.2', 'Connection lost') : error;
    }
    const { acceptId } = await message.accept();
    this.#parts.log.info('smtp.message.accepted', {
      connection: id,
      acceptId,
      from: envelope.mailFrom ? envelope.mailFrom.address : '',
      user: account.address,
      rcpts: envelope.rcptTo.length,
      sizeBytes: stream.byteLength,
    });
    await this.#tellSuccess(session, account, header.sent);
    return `2.0.0 Ok: queued as ${acceptId}`;
  }

  /** The message is accepted: a report that cannot be written is no reason to refuse it. */
  async #tellSuccess(
    { id, envelope }: SMTPServerSession,
    sender: Account,
    header: Uint8Array,
  ): Promise<void> {
    const local = this.#recipients.get(envelope)?.local;
    const recipients = envelope.rcptTo
      .filter(({ address, dsn }) => local?.has(address.toLowerCase()) && dsn?.notify?.includes('SUCCESS'))
      .map(({ address, dsn }) => ({ address: withAsciiDomain(address), orcpt: dsn?.orcpt }));
    if (recipients.length === 0 || !envelope.mailFrom || envelope.mailFrom.address === '') return;
    const { hostname } = this.#options;
    const envid = envelope.dsn?.envid ?? undefined;
    await reportSuccess(this.#parts, { sender, hostname, header, envid, recipients }).catch((err: unknown) =>
      this.#parts.log.error('smtp.hook.failed', { err }, { connection: id }),
    );
  }

  #headerFor(account: Account): SubmittedHeader {
    const { clock, random } = this.#parts;
    const domain = account.address.slice(account.address.lastIndexOf('@') + 1);
    const messageId = `<${Buffer.from(random.bytes(16)).toString('hex')}@${domain}>`;
    return new SubmittedHeader(account, { nowMs: clock.now(), messageId });
  }

  /** RFC 5321 §4.4, RFC 3848. */
  #head(session: SMTPServerSession, acceptId: string, atMs: number): string {
    const { envelope, secure, tlsOptions, hostNameAppearsAs, remoteAddress } = session;
    const [first, ...others] = envelope.rcptTo;
    const received = receivedField({
      from: { name: hostNameAppearsAs, address: remoteAddress },
      by: this.#options.hostname,
      protocol: secure ? 'ESMTPSA' : 'ESMTPA',
      tls: tlsOptions ? `${tlsOptions.version} ${tlsOptions.name}` : undefined,
      id: acceptId,
      for: first && others.length === 0 ? withAsciiDomain(first.address) : undefined,
      atMs,
    });
    return returnPathField(envelope.mailFrom ? withAsciiDomain(envelope.mailFrom.address) : '') + received;
  }
}

/** Writes the stream into the message; after a fault reads on to the end, and gives the fault. */
async function writeAll(
  stream: SMTPServerDataStream,
  message: IncomingMessage,
  header: SubmittedHeader,
): Promise<unknown> {
  const check = new ContentCheck();
  const write = async (bytes: Uint8Array) => {
    if (bytes.length > 0) await message.write(bytes);
  };
  let fault: unknown;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (fault !== undefined) continue;
    try {
      check.write(chunk);
      await write(header.write(chunk));
    } catch (error) {
      fault = error;
      await message.abort();
    }
  }
  if (fault === undefined) await write(header.end());
  return fault;
}

/** Null, or the sender's own address as we spell it. */
function reversePathOf({ mailFrom }: SMTPServerEnvelope, { address }: Account): string {
  return mailFrom === false || mailFrom.address === '' ? '' : address;
}

function outboundOf(
  envelope: SMTPServerEnvelope,
  account: Account,
  recipients: Recipients | undefined,
): OutboundEnvelope | undefined {
  if (recipients === undefined || recipients.elsewhere.size === 0) return undefined;
  const { ret, envid } = envelope.dsn ?? { ret: null, envid: null };
  return {
    organization: account.organization,
    kind: 'mail',
    reversePath: reversePathOf(envelope, account),
    ...(envid ? { envid } : {}),
    ...(ret === 'FULL' || ret === 'HDRS' ? { ret } : {}),
    recipients: [...recipients.elsewhere.values()],
  };
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

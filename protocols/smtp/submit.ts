import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerDataStream,
  SMTPServerEnvelope,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import type { SignIn } from '#directory/sign-in';
import { returnAddress } from '#domain/authorship';
import type { Delivery } from '#domain/delivery';
import { DomainError } from '#domain/errors';
import type { EntityId } from '#domain/ids';
import type { LocalRecipient } from '#domain/mail-envelope';
import type { OutboundEnvelope, OutboundRecipient } from '#domain/outbound';
import type { Clock, Random } from '#domain/outside';
import { checkNumber } from '#domain/recipients';
import type { Routing } from '#domain/routing';
import { receivedField, returnPathField, withAsciiDomain } from '#domain/trace';
import type { Logger } from '#telemetry/log';
import { announcedBytes, clientOf } from './envelope.ts';
import { libraryError } from './hook.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import { readMessage } from './read-message.ts';
import { ReplyError, replyTo } from './reply.ts';
import type { SenderLimits } from './sender-limits.ts';
import { SubmittedHeader } from './submitted-header.ts';
import { reportSuccess } from './success-report.ts';

interface SubmissionOptions extends ListenerOptions {
  /** TLS from the first byte on (port 465); else STARTTLS (port 587). RFC 8314. */
  readonly isImplicitTls: boolean;
  /** Passwords are taken without TLS. */
  readonly insecureAuth: boolean;
  /** What is sent stands in the sender's Sent Items too. */
  readonly sentCopy: boolean;
}

interface SubmissionParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly accounts: Pick<Directory, 'onChange' | 'permissions' | 'accessControl'>;
  readonly delivery: Pick<Delivery, 'begin' | 'checkRoom'>;
  readonly routing: Pick<Routing, 'resolveRecipient'>;
  readonly senders: SenderLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Whom a message goes to: by address in lower case, so that who is named twice gets it once. */
interface Recipients {
  readonly local: Map<string, LocalRecipient>;
  readonly elsewhere: Map<string, OutboundRecipient>;
}

/** Holds until a password, the state or an address of its user changes. */
interface Validity {
  holds: boolean;
}

/** Who signed in, and whether that still counts. */
interface SignedIn {
  readonly account: Account;
  readonly validity: Validity;
}

/** A password in an AUTH line is long. RFC 4954 §4. */
const maxCommandBytes = 12_288;

/** SubmissionListener takes mail from its users' programs: signed in, and by their own address only. RFC 6409, RFC 8314. */
export class SubmissionListener {
  readonly #options: SubmissionOptions;
  readonly #parts: SubmissionParts;
  readonly #listener: Listener;
  readonly #signedIn = new WeakMap<SMTPServerSession, SignedIn>();
  /** Of users who signed in since they were changed last. */
  readonly #validities = new Map<EntityId, Validity>();
  readonly #unwatch: () => void;
  /** How often anybody's password, state or address has changed. */
  #changes = 0;
  readonly #recipients = new WeakMap<SMTPServerEnvelope, Recipients>();
  /** Where what comes back goes, if not to who signed in. */
  readonly #reversePaths = new WeakMap<SMTPServerEnvelope, string>();

  constructor(options: SubmissionOptions, parts: SubmissionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#unwatch = parts.accounts.onChange((entity) => this.#changed(entity));
    const hooks = {
      mail: (address: SMTPServerAddress, session: SMTPServerSession) => this.#checkSender(address, session),
      rcpt: (address: SMTPServerAddress, session: SMTPServerSession) => this.#addRecipient(address, session),
      data: (stream: SMTPServerDataStream, session: SMTPServerSession) => this.#receive(stream, session),
    };
    this.#listener = new Listener(options, this.#ownOptions(), hooks, parts.log);
  }

  /** Starts to accept; gives the bound address as `host:port`. Rejects with the system's error when it cannot. */
  listen(host: string, port: number): Promise<string> {
    return this.#listener.listen(host, port);
  }

  /** Takes nothing new, lets messages that are coming in end for `graceMs`. Resolves when every connection is gone. */
  async close(graceMs?: number): Promise<void> {
    await this.#listener.close(graceMs);
    this.#unwatch();
  }

  #ownOptions(): SMTPServerOptions {
    const { isImplicitTls, insecureAuth } = this.#options;
    return {
      secure: isImplicitTls,
      maxCommandLength: maxCommandBytes,
      hideDSN: false,
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: insecureAuth,
      authRequiredMessage: '5.7.0 Authentication required',
      onAuth: (auth, session, done) => {
        void this.#signIn(auth, session).then(
          (account) => done(null, { user: account.address }),
          (error: unknown) => done(this.#refuseSignIn(error, auth, session)),
        );
      },
    };
  }

  async #signIn(
    { username, password }: SMTPServerAuthentication,
    session: SMTPServerSession,
  ): Promise<Account> {
    const { remoteAddress } = session;
    for (;;) {
      const began = this.#changes;
      const account = await this.#parts.signIn.signIn(username ?? '', [password ?? ''], remoteAddress);
      // Who was changed meanwhile has to be asked for again.
      if (began !== this.#changes) continue;
      const validity = this.#validities.get(account.entity) ?? { holds: true };
      this.#validities.set(account.entity, validity);
      this.#signedIn.set(session, { account, validity });
      return account;
    }
  }

  #changed(entity: EntityId): void {
    this.#changes++;
    const validity = this.#validities.get(entity);
    if (validity !== undefined) validity.holds = false;
    this.#validities.delete(entity);
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
    const signedIn = this.#signedIn.get(session);
    if (signedIn === undefined) throw new ReplyError(530, '5.7.0', 'Authentication required');
    return signedIn.account;
  }

  /** For commands before DATA: a message that is coming in is not cut off. */
  #currentAccountOf(session: SMTPServerSession): Account {
    const account = this.#accountOf(session);
    if (this.#signedIn.get(session)?.validity.holds) return account;
    throw new ReplyError(421, '4.7.0', 'Your account has changed, sign in again');
  }

  /**
   * Mail is sent by the primary address, the own one or that of somebody who granted SEND_AS; aliases only receive. The null
   * reverse-path belongs to read receipts (RFC 8098 §3).
   */
  async #checkSender(mailFrom: SMTPServerAddress, session: SMTPServerSession): Promise<undefined> {
    const { address } = mailFrom;
    const account = this.#currentAccountOf(session);
    const { permissions, accessControl } = this.#parts.accounts;
    // The rules may have changed since AUTH.
    if (!(await accessControl.isAllowed(account, session.remoteAddress, 'SMTP'))) {
      throw new DomainError('access/denied', 'Access denied');
    }
    if (address !== '' && withAsciiDomain(address).toLowerCase() !== account.address.toLowerCase()) {
      const right = await permissions.senderRight(account, address);
      if (right?.permission !== 'SEND_AS') {
        throw new ReplyError(553, '5.7.1', `You may send as ${account.address} only`);
      }
      this.#reversePaths.set(session.envelope, returnAddress(account, right));
    }
    this.#parts.senders.takeMessage(account);
    if (this.#options.sentCopy) await this.#parts.delivery.checkRoom([account], announcedBytes({ mailFrom }));
  }

  async #addRecipient(
    { address, args, dsn }: SMTPServerAddress,
    session: SMTPServerSession,
  ): Promise<undefined> {
    const { envelope } = session;
    this.#parts.senders.takeRecipient(this.#currentAccountOf(session));
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
        reversePath: this.#reversePathOf(envelope, account),
        recipients: [...(recipients?.local.values() ?? [])],
        outbound: this.#outboundOf(envelope, account, recipients),
        isAuthenticated: true,
        sentItemsOf: this.#options.sentCopy ? account : undefined,
        client: { ...clientOf(session), user: account.address },
        sender: account.organization,
      },
      (acceptId, atMs) => this.#head(session, account, acceptId, atMs),
    );
    const header = this.#headerFor(account);
    await readMessage(stream, message, header);
    const { acceptId } = await message.accept();
    this.#parts.log.info('smtp.message.accepted', {
      connection: id,
      acceptId,
      from: envelope.mailFrom ? envelope.mailFrom.address : '',
      user: account.address,
      rcpts: envelope.rcptTo.length,
      sizeBytes: stream.byteLength,
    });
    await this.#tellSuccess(session, account, header.header);
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
    const reversePath = this.#reversePathOf(envelope, sender);
    const mail = { sender, reversePath, hostname, header, envid, recipients };
    await reportSuccess(this.#parts, mail).catch((err: unknown) =>
      this.#parts.log.error('smtp.hook.failed', { err }, { connection: id }),
    );
  }

  #headerFor(account: Account): SubmittedHeader {
    const { clock, random } = this.#parts;
    const domain = account.address.slice(account.address.lastIndexOf('@') + 1);
    const messageId = `<${Buffer.from(random.bytes(16)).toString('hex')}@${domain}>`;
    const additions = { nowMs: clock.now(), messageId, hostname: this.#options.hostname };
    return new SubmittedHeader(account, additions, this.#parts.accounts.permissions);
  }

  /** RFC 5321 §4.4, RFC 3848. */
  #head(session: SMTPServerSession, account: Account, acceptId: string, atMs: number): string {
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
    return returnPathField(this.#reversePathOf(envelope, account)) + received;
  }
  /** Null, or the sender's own address as we spell it, or that of somebody who granted it. */
  #reversePathOf(envelope: SMTPServerEnvelope, { address }: Account): string {
    const { mailFrom } = envelope;
    if (mailFrom === false || mailFrom.address === '') return '';
    return this.#reversePaths.get(envelope) ?? address;
  }

  #outboundOf(
    envelope: SMTPServerEnvelope,
    account: Account,
    recipients: Recipients | undefined,
  ): OutboundEnvelope | undefined {
    if (recipients === undefined || recipients.elsewhere.size === 0) return undefined;
    const { ret, envid } = envelope.dsn ?? { ret: null, envid: null };
    return {
      organization: account.organization,
      kind: 'mail',
      reversePath: this.#reversePathOf(envelope, account),
      ...(envid ? { envid } : {}),
      ...(ret === 'FULL' || ret === 'HDRS' ? { ret } : {}),
      recipients: [...recipients.elsewhere.values()],
    };
  }
}

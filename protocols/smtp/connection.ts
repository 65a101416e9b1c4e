import type { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { Clock } from '#domain/outside';
import type { LineFault } from './command-lines.ts';
import { plainMailbox } from './mailbox.ts';
import { Parser } from './parser.ts';
import { withStatus } from './status.ts';

export type Socket = ConstructorParameters<typeof SMTPConnection>[1];
type MailParameters = Parameters<SMTPConnection['_validateMailParams']>[0];

/** What MAIL may carry: RFC 1870, RFC 6152, RFC 6531. */
const mailParameters: readonly string[] = ['SIZE', 'BODY', 'SMTPUTF8'];
/** RFC 3461; RFC 4954 §5. */
const submissionParameters: readonly string[] = ['RET', 'ENVID', 'AUTH'];

/** Commands that carry no mail. A client may give so many, with its errors, between two messages. */
const junkCommands: ReadonlySet<string> = new Set(['NOOP', 'RSET', 'VRFY', 'EXPN', 'HELP', 'HELO', 'EHLO']);
const maxJunk = 100;
/** What follows them depends on the reply: RFC 2920 §3.1, RFC 4954 §4. STARTTLS throws away what follows it (RFC 3207 §6). */
const lastCommands: ReadonlySet<string> = new Set(['HELO', 'EHLO', 'DATA', 'AUTH', 'BDAT']);
/** RFC 5321 §4.5.3.2.7. */
export const idleMs = 5 * 60_000;
/** From STARTTLS to the end of the handshake. */
export const handshakeMs = 60_000;
/** A message must come as fast as this, counted from its beginning, once the first minutes are over. */
const slowestBytesPerSecond = 1_024;
const slowAfterMs = 5 * 60_000;

const lineFaults: Readonly<Record<Exclude<LineFault, 'nul'>, string>> = {
  'line-end': 'Lines end with CR LF',
  'too-long': 'Line too long',
};

export interface Manners {
  readonly clock: Clock;
  /** Recipients that may be refused for good in one connection. */
  readonly maxRefusedRecipients: number;
}

/**
 * Connection is a connection of smtp-server whose replies are ours: each carries an enhanced status code exactly once
 * (RFC 2034 §4; not the greeting, and not the replies to HELO and EHLO), and a refusal ends with the connection's id.
 * And it has manners to teach: docs/smtp.md, Hygiene.
 */
export class Connection extends SMTPConnection {
  readonly #manners: Manners;
  #isLeaving = false;
  /** When the client was last answered. */
  #sinceMs: number;
  #command = '';
  #junk = 0;
  #refusedRecipients = 0;

  constructor(
    server: SMTPServer,
    socket: Socket,
    options: SMTPConnectionOptions | null | undefined,
    manners: Manners,
  ) {
    super(server, socket, options);
    this.#manners = manners;
    this.#sinceMs = manners.clock.now();
  }

  /** The library's own codes stay off: it would put them in front of those that our hooks write. */
  override _useEnhancedStatusCodes(): boolean {
    return false;
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    this.#sinceMs = this.#manners.clock.now();
    if (context === 'DATA_OK') this.#junk = 0;
    if (code >= 500 && this.#isTooMuch()) {
      this.#reply(421, 'Too many refused recipients', undefined);
      return;
    }
    // RFC 4954 §4: a server that wants TLS first says so by 530; and RFC 3207 offers no AUTH without it.
    if (code === 538) this.#reply(530, 'Must issue a STARTTLS command first', '');
    else if (typeof data === 'string') this.#reply(code, data, context);
    else super.send(code, Array.isArray(data) ? this.#offered(data) : data, false);
  }

  /** Counts a refusal. */
  #isTooMuch(): boolean {
    if (this.#command !== 'RCPT') {
      this.#junk++;
      return false;
    }
    this.#refusedRecipients++;
    return this.#refusedRecipients > this.#manners.maxRefusedRecipients;
  }

  #reply(code: number, text: string, context: string | false | undefined): void {
    const id = code >= 400 ? ` [${this.id}]` : '';
    super.send(code, `${withStatus(code, text, context)}${id}`, false);
  }

  /** Another one is made for the TLS session. */
  override _createParser(): Parser {
    const { maxCommandLength } = this._server.options;
    const parser = new Parser({ maxCommandLength: maxCommandLength ?? 0 });
    parser.oncommand = (command, done) => this._onCommand(command, done);
    parser.onfault = (fault, done) => this.#refuseLine(fault, done);
    parser.on('error', ({ message }) => this.send(421, message));
    return parser;
  }

  /** Half a command is talking too soon as well. */
  override _sendGreeting(): void {
    if (this.#parser?.hasBegun) this.send(421, 'You talk too soon');
    else super._sendGreeting();
  }

  override _onCommand(command: Buffer, callback: () => void = () => {}): void {
    const isExchange = this._nextHandler !== false;
    this.#command = isExchange ? 'AUTH' : nameOf(command);
    if (!this._ready || this._upgrading) {
      super._onCommand(command, callback);
      return;
    }
    if (!isExchange && junkCommands.has(this.#command)) this.#junk++;
    if (this.#isAhead()) {
      this.send(554, '5.5.0 Commands came before the replies they depend on');
      this.close();
    } else if (this.#junk > maxJunk && this.#command !== 'QUIT') {
      this.send(421, 'Too many commands without a message');
    } else if (!isExchange && this.#isNotServed()) {
      this.send(502, 'Command not implemented');
      setImmediate(callback);
    } else super._onCommand(command, callback);
  }

  /** What follows this command was sent without waiting for its reply. Who was not offered PIPELINING waits for each. */
  #isAhead(): boolean {
    const isLast = lastCommands.has(this.#command) || this.openingCommand !== 'EHLO';
    return (
      isLast && this.#command !== 'STARTTLS' && this.#command !== 'QUIT' && this.#parser?.hasMore === true
    );
  }

  /** Commands we know and do not have. RFC 5321 §4.2.4. */
  #isNotServed(): boolean {
    return this.#command === 'BDAT' || (this.#command === 'AUTH' && !this._isSupported('AUTH'));
  }

  get #parser(): Parser | undefined {
    return this._parser instanceof Parser ? this._parser : undefined;
  }

  #refuseLine(fault: LineFault, done: () => void): void {
    if (!this._ready) this.send(421, 'You talk too soon');
    else if (fault === 'nul') this.send(421, 'This is no SMTP');
    else {
      // An exchange of AUTH is over.
      this._nextHandler = false;
      this.#command = '';
      this.send(500, lineFaults[fault]);
      if (this.#junk > maxJunk) this.send(421, 'Too many commands without a message');
      else setImmediate(done);
    }
  }

  /** Ends the connection of a client that keeps us waiting; what it sends meanwhile is no excuse. */
  checkPace(): void {
    const waitedMs = this.#manners.clock.now() - this.#sinceMs;
    if (this._closing) return;
    if (this._upgrading) {
      if (waitedMs > handshakeMs) this._socket.destroy();
    } else if (this.#parser?._dataMode) {
      if (this.#isSlow(this.#parser, waitedMs)) this.send(421, 'Timeout, the message comes too slowly');
    } else if (!this._handlerPending && !this._dataStream && waitedMs > idleMs) {
      this.send(421, 'Timeout, no command came');
    }
  }

  /** While bytes wait for us it is not the client that is slow. */
  #isSlow({ dataBytes, writableLength }: Parser, waitedMs: number): boolean {
    const isOurs = writableLength > 0;
    return !isOurs && waitedMs > slowAfterMs && dataBytes < (waitedMs / 1_000) * slowestBytesPerSecond;
  }

  override _parseAddressCommand(
    ...given: Parameters<SMTPConnection['_parseAddressCommand']>
  ): ReturnType<SMTPConnection['_parseAddressCommand']> {
    const parsed = super._parseAddressCommand(...given);
    if (parsed === false) return false;
    if (!parsed.address.includes('@')) return parsed;
    const address = plainMailbox(parsed.address);
    return address === undefined ? false : { ...parsed, address };
  }

  /** RFC 5321 §4.1.1.11: parameters of extensions that were not offered are not recognised. */
  override _validateMailParams(parsed: MailParameters): ReturnType<SMTPConnection['_validateMailParams']> {
    const isSubmission = this._server.options.hideDSN === false;
    const known = isSubmission ? [...mailParameters, ...submissionParameters] : mailParameters;
    const unknown = Object.keys(parsed.args || {}).find((name) => !known.includes(name));
    if (unknown === undefined) return super._validateMailParams(parsed);
    return { code: 555, message: 'MAIL parameter not recognized', enhancedCode: null };
  }

  /** RFC 5321 §4.1.1.4: it has no parameters. */
  override handler_DATA(command: Buffer, done: () => void): void {
    if (command.length === 'DATA'.length) super.handler_DATA(command, done);
    else {
      this.send(501, 'Syntax: DATA');
      done();
    }
  }

  /** RFC 5321 §3.5.3: who is in a list is nobody's business. */
  handler_EXPN(_command: Buffer, done: () => void): void {
    this.send(502, 'Command not implemented');
    done();
  }

  /** Ends the connection: at once, or when the message that is coming in is answered. */
  leave(): void {
    this.#isLeaving = true;
    if (!this._dataStream) this.send(421, 'Server shutting down');
  }

  override _resetSession(): void {
    super._resetSession();
    if (this.#isLeaving) setImmediate(() => this.send(421, 'Server shutting down'));
  }

  #offered(lines: readonly string[]): string[] {
    const isAuthOpen = this.secure || this._server.options.allowInsecureAuth === true;
    return lines.filter((line) => isAuthOpen || !line.startsWith('AUTH '));
  }
}

function nameOf(command: Buffer): string {
  const end = command.indexOf(' ');
  return command.toString('latin1', 0, end < 0 ? command.length : end).toUpperCase();
}

import { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { Parser } from './parser.ts';

type Socket = ConstructorParameters<typeof SMTPConnection>[1];
type MailParameters = Parameters<SMTPConnection['_validateMailParams']>[0];

/** What MAIL may carry: RFC 1870, RFC 6152, RFC 6531. */
const mailParameters: readonly string[] = ['SIZE', 'BODY', 'SMTPUTF8'];
/** RFC 3461; RFC 4954 §5. */
const submissionParameters: readonly string[] = ['RET', 'ENVID', 'AUTH'];

/** Where the library names what a reply is about. */
const statusByContext: Readonly<Record<string, string>> = {
  MAIL_FROM_OK: '2.1.0',
  RCPT_TO_OK: '2.1.5',
  TOO_MANY_RECIPIENTS: '4.5.3',
  MESSAGE_TOO_BIG: '5.3.4',
  SENDER_SYNTAX_ERROR: '5.1.7',
  MAILBOX_SYNTAX_ERROR: '5.1.3',
};

/** The status of the library's other replies. RFC 3463. */
const statusByCode: Readonly<Record<number, string>> = {
  235: '2.7.0',
  252: '2.1.5',
  421: '4.7.0',
  451: '4.3.0',
  500: '5.5.2',
  501: '5.5.4',
  502: '5.5.1',
  503: '5.5.1',
  504: '5.5.4',
  530: '5.7.0',
  552: '5.3.4',
  555: '5.5.4',
};

/** Replies of one code that mean different things. */
const statusByText: readonly (readonly [RegExp, string])[] = [
  [/^Timeout/, '4.4.2'],
  [/^Server shutting down/, '4.3.2'],
  [/line too long/, '4.5.2'],
];

const hasStatus = /^[245]\.\d{1,3}\.\d{1,3} /;

/**
 * Connection is a connection of smtp-server whose replies are ours: each carries an enhanced status code exactly once
 * (RFC 2034 §4; not the greeting, and not the replies to HELO and EHLO), and a refusal ends with the connection's id.
 */
class Connection extends SMTPConnection {
  #isLeaving = false;

  /** The library's own codes stay off: it would put them in front of those that our hooks write. */
  override _useEnhancedStatusCodes(): boolean {
    return false;
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    // RFC 4954 §4: a server that wants TLS first says so by 530; and RFC 3207 offers no AUTH without it.
    if (code === 538) super.send(530, this.#complete(530, 'Must issue a STARTTLS command first', ''), false);
    else if (typeof data === 'string') super.send(code, this.#complete(code, data, context), false);
    else super.send(code, Array.isArray(data) ? this.#offered(data) : data, false);
  }

  /** Another one is made for the TLS session. */
  override _createParser(): Parser {
    const { maxCommandLength } = this._server.options;
    const parser = new Parser({ maxCommandLength });
    parser.oncommand = (command, done) => this._onCommand(command, done);
    parser.on('error', ({ message }) => this.send(421, message));
    return parser;
  }

  /** RFC 5321 §4.1.1.11: parameters of extensions that were not offered are not recognised. */
  override _validateMailParams(parsed: MailParameters): ReturnType<SMTPConnection['_validateMailParams']> {
    const isSubmission = this._server.options.hideDSN === false;
    const known = isSubmission ? [...mailParameters, ...submissionParameters] : mailParameters;
    const unknown = Object.keys(parsed.args || {}).find((name) => !known.includes(name));
    if (unknown === undefined) return super._validateMailParams(parsed);
    return { code: 555, message: 'MAIL parameter not recognized', enhancedCode: null };
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

  #complete(code: number, data: string, context: string | false | undefined): string {
    const text = data.replace(/^Error: /, '');
    const id = code >= 400 ? ` [${this.id}]` : '';
    if (hasStatus.test(text) || context === false || (code >= 300 && code < 400)) return `${text}${id}`;
    return `${statusOf(code, text, context)} ${text}${id}`;
  }
}

function statusOf(code: number, text: string, context: string | undefined): string {
  const byText = code === 421 ? statusByText.find(([pattern]) => pattern.test(text))?.[1] : undefined;
  return byText ?? statusByContext[context ?? ''] ?? statusByCode[code] ?? `${Math.trunc(code / 100)}.0.0`;
}

/** Server is smtp-server with our connections. */
export class Server extends SMTPServer {
  readonly #sockets = new Set<Socket>();

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const connection = new Connection(this, socket, options);
    this.connections.add(connection);
    connection.on('error', (error) => this.emit('error', error));
    connection.init();
  }

  /** Takes no new connections, lets messages that are coming in end for `graceMs`, and cuts off what is left then. */
  async leave(graceMs: number): Promise<void> {
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    // The library's own deadline comes after ours.
    this.options.closeTimeout = graceMs + 60_000;
    await new Promise<void>((resolve) => {
      this.close(resolve);
      for (const connection of this.connections) (connection as Connection).leave();
    });
    clearTimeout(cut);
  }
}

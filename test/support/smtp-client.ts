import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';

/** One reply, however many lines it had. */
interface SmtpReply {
  readonly code: number;
  /** What stands behind the codes, line by line. */
  readonly lines: readonly string[];
  /** The last line as it came: code, enhanced code, text. */
  readonly line: string;
}

/** SmtpClient speaks raw SMTP: it sends whatever a test wants, also what a good client never would. */
export class SmtpClient {
  readonly #replies: SmtpReply[] = [];
  readonly #waiting: ((reply: SmtpReply | undefined) => void)[] = [];
  #socket: Socket;
  #text = '';
  #lines: string[] = [];
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects; the greeting is the first reply. `address` is `host:port`. */
  static async connect(
    address: string,
    options: { readonly localAddress?: string } = {},
  ): Promise<SmtpClient> {
    const { hostname, port } = new URL(`smtp://${address}`);
    const socket = connect({ host: hostname, port: Number(port), ...options });
    const client = new SmtpClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Connects, and says EHLO. */
  static async greeted(address: string): Promise<SmtpClient> {
    const client = await SmtpClient.connect(address);
    await client.reply();
    await client.command('EHLO client.example');
    return client;
  }

  /** The next reply; rejects when the connection ends without one. */
  async reply(): Promise<SmtpReply> {
    const reply =
      this.#replies.shift() ??
      (this.#isClosed
        ? undefined
        : await new Promise<SmtpReply | undefined>((resolve) => this.#waiting.push(resolve)));
    if (!reply) throw new Error('the connection ended without a reply');
    return reply;
  }

  /** Sends bytes as they are; a string is sent as UTF-8. */
  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends bytes, waiting while the server does not take them. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.write(bytes)) await once(this.#socket, 'drain');
  }

  /** Sends a line and gives the reply to it. */
  command(line: string): Promise<SmtpReply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends a message to recipients and gives the last reply: to the content, or to the command that was refused. */
  async mail(from: string, to: readonly string[], content: string | Uint8Array): Promise<SmtpReply> {
    const commands = [`MAIL FROM:<${from}>`, ...to.map((address) => `RCPT TO:<${address}>`), 'DATA'];
    for (const command of commands) {
      const reply = await this.command(command);
      if (reply.code >= 400) return reply;
    }
    this.write(content);
    return this.command('\r\n.'.slice(endsWithLine(content) ? 2 : 0));
  }

  /** STARTTLS and the handshake, whatever the certificate; `together` goes out in one write with the command. */
  async startTls(together = '', options: ConnectionOptions = {}): Promise<SmtpReply> {
    const reply = await this.command(`STARTTLS${together && `\r\n${together}`}`);
    if (reply.code !== 220) return reply;
    this.#socket.removeAllListeners('data');
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...options });
    await once(secure, 'secureConnect');
    this.#socket = secure;
    this.#listen(secure);
    return reply;
  }

  /** Asks for another handshake of TLS 1.2; gives what went wrong. */
  renegotiate(): Promise<Error | undefined> {
    const socket = this.#socket;
    if (!(socket instanceof TLSSocket)) throw new TypeError('there is no TLS');
    return new Promise((resolve) => {
      socket.once('error', resolve);
      socket.renegotiate({}, (error) => resolve(error ?? undefined));
    });
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    if (!this.#isClosed) await new Promise((resolve) => this.#socket.once('close', resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('utf8')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isClosed = true;
      for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    });
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\r\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      this.#lines.push(line.slice(4));
      if (line[3] === '-') continue;
      const reply = { code: Number(line.slice(0, 3)), lines: this.#lines, line };
      this.#lines = [];
      const waiting = this.#waiting.shift();
      if (waiting) waiting(reply);
      else this.#replies.push(reply);
    }
  }
}

function endsWithLine(content: string | Uint8Array): boolean {
  return content.length === 0 || Buffer.from(content.slice(-2)).equals(Buffer.from('\r\n'));
}

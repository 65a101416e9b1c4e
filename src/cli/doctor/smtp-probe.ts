import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ListenAddress } from '#config/units';

const maxReplyBytes = 64 * 1024;

/** SmtpProbe speaks just enough SMTP to see whether a listener is well; the signal ends it. */
export class SmtpProbe {
  #socket: Socket | TLSSocket;
  readonly #signal: AbortSignal;
  #text = '';
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    this.#listen(socket);
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Connects, with TLS at once if the listener speaks it from the first byte on. */
  static open(
    { host, port }: ListenAddress,
    { isImplicitTls, hostname }: { readonly isImplicitTls: boolean; readonly hostname: string },
    signal: AbortSignal,
  ): SmtpProbe {
    const socket = isImplicitTls
      ? connectTls({ host, port, servername: hostname, rejectUnauthorized: false })
      : connect({ host, port });
    return new SmtpProbe(socket, signal);
  }

  /** Such as TLSv1.3; undefined without TLS. */
  get tlsVersion(): string | undefined {
    return 'getProtocol' in this.#socket ? (this.#socket.getProtocol() ?? undefined) : undefined;
  }

  close(): void {
    this.#socket.destroy();
    this.#fail(new Error('the connection was cut off'));
  }

  /** Sends a command, if one is given, and gives the lines of the reply (RFC 5321, 4.2). */
  async ask(command?: string): Promise<readonly string[]> {
    if (command !== undefined) this.#socket.write(`${command}\r\n`);
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(this.#text)?.[0];
      if (whole !== undefined) {
        this.#text = this.#text.slice(whole.length);
        return whole.trimEnd().split(/\r?\n/);
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The handshake that follows the reply to STARTTLS. */
  async upgrade(hostname: string): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secure = connectTls({ socket: plain, servername: hostname, rejectUnauthorized: false });
    this.#socket = secure;
    this.#listen(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve).once('error', reject);
      this.#signal.addEventListener('abort', () => reject(new Error('the handshake did not end')), {
        once: true,
      });
    });
  }

  #listen(socket: Socket | TLSSocket): void {
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#text += chunk;
      if (this.#text.length > maxReplyBytes) this.#fail(new Error('the reply does not end'));
      this.#wake();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#fail(new Error('the connection was cut off')));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}

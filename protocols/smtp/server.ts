import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { Logger } from '#telemetry/log';
import type { ClientLimits } from './client-limits.ts';
import { Connection, handshakeMs, type Manners, type Socket } from './connection.ts';
import type { Reply } from './reply.ts';

export interface ServerRules extends Manners {
  readonly clients: ClientLimits;
}

const sweepMs = 60_000;

/** Server is smtp-server with our connections, which are counted from the first packet to the last. */
export class Server extends SMTPServer {
  readonly #rules: ServerRules;
  readonly #log: Logger;
  readonly #sockets = new Set<Socket>();
  /** Sockets in the handshake of implicit TLS, and when they came. */
  readonly #handshakes = new Map<Socket, number>();
  #stopSweeping: (() => void) | undefined;

  constructor(options: SMTPServerOptions, rules: ServerRules, log: Logger) {
    super(options);
    this.#rules = rules;
    this.#log = log;
  }

  override _acceptSocket(socket: Socket, isHandshake: boolean): (() => void) | false {
    const { clients, clock } = this.#rules;
    const remoteAddress = socket.remoteAddress ?? '';
    const refusal = clients.enter(remoteAddress);
    if (refusal !== undefined) {
      this.#refuse(socket, remoteAddress, isHandshake ? undefined : refusal);
      return false;
    }
    socket.once('close', () => {
      clients.leave(remoteAddress);
      this.#handshakes.delete(socket);
    });
    if (isHandshake) this.#handshakes.set(socket, clock.now());
    this.#stopSweeping ??= clock.after(sweepMs, () => this.#sweep());
    const release = super._acceptSocket(socket, isHandshake);
    return (
      release &&
      (() => {
        this.#handshakes.delete(socket);
        release();
      })
    );
  }

  /** In place of a greeting; who waits for TLS could not read it. RFC 5321 §3.1. */
  #refuse(socket: Socket, remoteAddress: string, reply: Reply | undefined): void {
    this.#log.info('smtp.connection.refused', { remoteAddress, code: 421 });
    socket.on('error', () => socket.destroy());
    if (reply === undefined) socket.destroy();
    else socket.end(`${reply.code} ${reply.enhanced} ${reply.text}\r\n`, () => socket.destroy());
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const connection = new Connection(this, socket, options, this.#rules);
    this.connections.add(connection);
    connection.on('error', (error) => this.emit('error', error));
    connection.init();
  }

  #sweep(): void {
    const nowMs = this.#rules.clock.now();
    for (const [socket, sinceMs] of this.#handshakes) {
      if (nowMs - sinceMs > handshakeMs) (this._pendingSockets.get(socket) ?? socket).destroy();
    }
    for (const connection of this.connections) (connection as Connection).checkPace();
    const isIdle = this.connections.size === 0 && this.#handshakes.size === 0;
    this.#stopSweeping = isIdle ? undefined : this.#rules.clock.after(sweepMs, () => this.#sweep());
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
    this.#stopSweeping?.();
  }
}

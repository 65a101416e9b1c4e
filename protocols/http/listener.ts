import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from '#telemetry/log';
import type { HttpContext, HttpHandler } from './handler.ts';
import { HttpError } from './http-error.ts';
import { giveUpRest, send, sendAndClose } from './response.ts';

/** HttpListener is one bound (or soon bound) HTTP server. */
export interface HttpListener {
  /**
   * Starts to accept; gives the bound address as `host:port`, or the path of a socket file, which is made with mode 0600.
   * Rejects with the system's error when it cannot.
   */
  listen(address: HttpAddress): Promise<string>;
  /**
   * Stops: nothing new is accepted, idle connections close at once, running requests may end for `graceMs` and are cut
   * off then. Resolves when every connection is gone. Handlers that wait must be woken by whoever stops them.
   */
  stop(graceMs?: number): Promise<void>;
}

/** HttpAddress is a TCP address (port 0: any free one) or the path of a Unix-domain socket. */
export type HttpAddress = { readonly host: string; readonly port: number } | { readonly path: string };

interface HttpListenerOptions {
  readonly handler: HttpHandler;
  readonly log: Logger;
}

interface HttpsListenerOptions extends HttpListenerOptions {
  /** PEM: the certificate (with its chain) and its private key. */
  readonly cert: string;
  readonly key: string;
}

/** Time for the requests that run to end when the listener stops. */
const defaultGraceMs = 10_000;

/**
 * A request that has arrived whole may wait for its answer as long as its handler likes (a Ping: 59 minutes): none of
 * these limits runs then, and an idle long poll has no timer. They bound receiving, and the rest between requests.
 */
const serverOptions: ServerOptions = {
  headersTimeout: 60_000,
  // A message of 25 MiB over a slow radio link.
  requestTimeout: 600_000,
  keepAliveTimeout: 120_000,
  maxHeaderSize: 16_384,
  noDelay: true,
};

/** createHttpListener makes a listener without TLS. */
export function createHttpListener({ handler, log }: HttpListenerOptions): HttpListener {
  return new Listener(createServer(serverOptions), handler, log, false);
}

/** createHttpsListener makes a listener with TLS 1.2 or newer. */
export function createHttpsListener({ handler, log, cert, key }: HttpsListenerOptions): HttpListener {
  const tls = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 30_000,
    // Not ALPNProtocols: Node would copy the list for each connection into its pool of small buffers, 64 KiB of which
    // then stay in memory for as long as the connection does.
    ALPNCallback: ({ protocols }: { protocols: string[] }) => protocols.find((name) => name === 'http/1.1'),
  } as const;
  return new Listener(createTlsServer({ ...serverOptions, ...tls }), handler, log, true);
}

class Listener implements HttpListener {
  readonly #server: Server | TlsServer;
  readonly #handler: HttpHandler;
  readonly #log: Logger;
  readonly #secure: boolean;
  readonly #sockets = new Set<Socket>();
  readonly #running = new Set<ServerResponse>();
  readonly #connectionIds = new WeakMap<Socket, string>();
  #stopping = false;
  #whenDrained: (() => void) | undefined;

  constructor(server: Server | TlsServer, handler: HttpHandler, log: Logger, secure: boolean) {
    this.#server = server;
    this.#handler = handler;
    this.#log = log;
    this.#secure = secure;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('tlsClientError', (error) => {
      this.#log.debug('http.connection.failed', { reason: error.message });
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  async listen(address: HttpAddress): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const isListening = () => {
        this.#server.off('error', reject);
        resolve();
      };
      if ('path' in address) privately(() => this.#server.listen({ path: address.path }, isListening));
      else this.#server.listen({ host: address.host, port: address.port, backlog: 1024 }, isListening);
    });
    return printed(this.#server.address());
  }

  async stop(graceMs = defaultGraceMs): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // close() also ends the connections that idle between two requests.
    for (const response of this.#running) response.shouldKeepAlive = false;
    if (this.#running.size > 0) await this.#drained(graceMs);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#whenDrained = () => {
        clearTimeout(timer);
        // The last answer's bytes are with the system; its socket still has to say goodbye.
        setImmediate(resolve);
      };
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#running.add(response);
    response.once('close', () => this.#ended(response));
    if (this.#stopping) response.shouldKeepAlive = false;
    const context = new Context(this.#idOf(request.socket), request, this.#secure, this.#log);
    try {
      await this.#handler(request, response, context);
      if (response.writableEnded && !isCheapToSkip(request)) giveUpRest(request);
    } catch (error) {
      answerError(error, request, response, context.log);
    }
  }

  #ended(response: ServerResponse): void {
    this.#running.delete(response);
    if (this.#running.size === 0) this.#whenDrained?.();
  }

  #idOf(socket: Socket): string {
    const known = this.#connectionIds.get(socket);
    if (known !== undefined) return known;
    const id = randomBytes(6).toString('hex');
    this.#connectionIds.set(socket, id);
    return id;
  }
}

/** A socket file is bound within listen(): no moment passes in which others could open it. */
function privately(bind: () => void): void {
  const umask = process.umask(0o177);
  try {
    bind();
  } finally {
    process.umask(umask);
  }
}

/** A waiting request holds this for up to an hour, so the logger is only made when something is logged. */
class Context implements HttpContext {
  readonly connectionId: string;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly #parent: Logger;
  #log: Logger | undefined;

  constructor(connectionId: string, request: IncomingMessage, secure: boolean, log: Logger) {
    this.connectionId = connectionId;
    this.remoteAddress = (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    this.secure = secure;
    this.#parent = log;
  }

  get log(): Logger {
    this.#log ??= this.#parent.child({ connection: this.connectionId, remote: this.remoteAddress });
    return this.#log;
  }
}

const maxLoggedPath = 256;

function answerError(error: unknown, request: IncomingMessage, response: ServerResponse, log: Logger): void {
  const path = ((request.url ?? '').split('?', 1)[0] ?? '').slice(0, maxLoggedPath);
  const answer = error instanceof HttpError ? error : new HttpError(500, 'local error');
  if (answer === error)
    log.info('http.request.refused', { path, status: answer.status, reason: answer.message });
  else log.error('http.request.failed', { err: error }, { path, method: request.method });
  if (response.headersSent || response.destroyed) {
    // An answer that broke off must not look like a complete one.
    if (!response.writableFinished) response.destroy();
    return;
  }
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', ...answer.headers };
  const text = `${answer.message}\n`;
  if (isCheapToSkip(request)) send(response, answer.status, headers, text);
  else sendAndClose(request, response, answer.status, headers, text);
}

/** Whether the rest of the body is so little that reading it away is cheaper than another TLS handshake. */
function isCheapToSkip(request: IncomingMessage): boolean {
  return request.complete || Number(request.headers['content-length'] ?? Number.NaN) <= 65_536;
}

function printed(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return address ?? '';
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}

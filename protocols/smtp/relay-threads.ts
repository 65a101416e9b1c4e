import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from '#telemetry/log';
import { ConnectError } from './connection-failure.ts';
import type { Host } from './next-hop.ts';
import type { FromThread, ToThread } from './relay-messages.ts';
import { ThreadConnection } from './thread-connection.ts';

interface RelayThreadOptions {
  /** Our own name, said in EHLO. */
  readonly hostname: string;
  readonly log: Logger;
  /** Who signs the certificates of other servers, instead of the authorities of this machine; for tests. */
  readonly ca?: string | undefined;
}

/** As `--max-semi-space-size=12`, which decides where it is given: three of these. Pieces of messages are garbage at once. */
const resourceLimits = { maxYoungGenerationSizeMb: 36 };
/** A thread that does not end itself is ended. */
const endMs = 2_000;

/** RelayThreads holds the thread of outgoing sessions: from the first one on, and anew after one that failed. */
export class RelayThreads {
  readonly #options: RelayThreadOptions;
  #thread: RelayThread | undefined;

  constructor(options: RelayThreadOptions) {
    this.#options = options;
  }

  /** A session with a host. Throws ConnectError; anything else is a fault of ours. */
  async open(host: Host): Promise<ThreadConnection> {
    if (this.#thread === undefined || this.#thread.isOver) this.#thread = new RelayThread(this.#options);
    return await this.#thread.open(host);
  }

  /** Ends the thread, and with it whatever session is left. */
  async stop(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.stop();
  }
}

/** Who is told of a session. */
interface Listener {
  take(message: FromThread): void;
  fail(error: Error): void;
}

/** One life of the thread. */
class RelayThread {
  readonly #options: RelayThreadOptions;
  readonly #worker: Worker;
  readonly #sessions = new Map<number, Listener>();
  #last = 0;
  #isStopping = false;
  #isOver = false;
  #error: unknown;

  constructor(options: RelayThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(new URL('./relay-thread.ts', import.meta.url), {
      name: 'relay',
      resourceLimits,
    });
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on('messageerror', (error) => this.#kill(error));
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', (code) => this.#exited(code));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws ConnectError; anything else is a fault of ours. */
  open(host: Host): Promise<ThreadConnection> {
    const session = ++this.#last;
    const { hostname, ca } = this.#options;
    const opening = Promise.withResolvers<ThreadConnection>();
    this.#sessions.set(session, {
      take: (message) => {
        if (message.kind === 'opened') {
          opening.resolve(this.#opened(session, host, message.greetedBy));
          return;
        }
        this.#sessions.delete(session);
        opening.reject(
          message.kind === 'refused'
            ? new ConnectError(message.message, message.status)
            : message.kind === 'failed'
              ? message.error
              : new Error(`${message.kind} from a session that is not open`),
        );
      },
      fail: opening.reject,
    });
    this.#tell({ session, kind: 'open', host, hostname, ca });
    return opening.promise;
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isStopping = true;
    this.#tell({ kind: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), endMs);
    await once(this.#worker, 'exit');
    clearTimeout(timer);
  }

  #opened(session: number, host: Host, greetedBy: string): ThreadConnection {
    const connection = new ThreadConnection(
      {
        host,
        tell: (message, transfer) => this.#tell({ ...message, session }, transfer),
        onOver: () => this.#sessions.delete(session),
        onStuck: () => this.#kill(new Error('a session was not broken off')),
      },
      greetedBy,
    );
    this.#sessions.set(session, connection);
    return connection;
  }

  #take(message: FromThread): void {
    if (message.kind === 'warned') this.#options.log.warn('outbound.sts.failed', message.fields);
    else this.#sessions.get(message.session)?.take(message);
  }

  #tell(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  #kill(error: unknown): void {
    this.#error ??= error;
    void this.#worker.terminate();
  }

  #exited(code: number): void {
    this.#isOver = true;
    const err = this.#error ?? new Error(`the thread ended with ${code}`);
    if (!this.#isStopping) this.#options.log.error('outbound.thread.failed', { err });
    // What a thread did not come to tell is tried again.
    for (const listener of this.#sessions.values()) listener.fail(new Error('Local error in processing'));
    this.#sessions.clear();
  }
}

/** The thread of outgoing sessions: here they are held, and their messages are rewritten, signed and encrypted. */
import { parentPort } from 'node:worker_threads';
import { ArrivingMail } from './arriving-mail.ts';
import { ConnectError, lostConnection } from './connection-failure.ts';
import { RelayConnection } from './relay-connection.ts';
import {
  type FromThread,
  type Opening,
  plainError,
  type ToSession,
  type ToThread,
} from './relay-messages.ts';

if (parentPort === null) throw new Error('this is the main module of a thread');
const port = parentPort;

/** At a stop QUIT has so long to be answered. */
const quitMs = 500;

const sessions = new Map<number, ThreadSession>();
let isStopping = false;

port.on('message', (message: ToThread) => {
  if (message.kind === 'stop') stop();
  else if (message.kind === 'open') begin(message);
  else tell(message);
});

function begin(message: Opening): void {
  const begun = new ThreadSession(message.session);
  sessions.set(message.session, begun);
  void begun.open(message);
}

function tell(message: ToSession): void {
  const { session, kind } = message;
  const known = sessions.get(session);
  if (known !== undefined) known.take(message);
  else if (kind === 'send') {
    // The server has ended the session just now.
    post({ session, kind: 'sent', outcomes: message.recipients.map(lostConnection), isUsable: false });
  }
}

/** One SMTP session, from its opening to its end. */
class ThreadSession {
  readonly #session: number;
  #connection: RelayConnection | undefined;
  #mail: ArrivingMail | undefined;
  /** Nobody waits to be told of its end. */
  #isLeft = false;

  constructor(session: number) {
    this.#session = session;
  }

  async open({ host, hostname, ca }: Opening): Promise<void> {
    const session = this.#session;
    const warned = (fields: Extract<FromThread, { readonly kind: 'warned' }>['fields']) =>
      post({ session, kind: 'warned', fields });
    try {
      const connection = await RelayConnection.open(host, { hostname, ca, onTlsFailure: warned });
      this.#connection = connection;
      post({ session, kind: 'opened', greetedBy: connection.greetedBy });
      void connection.ended.then(() => this.#end());
    } catch (error) {
      this.#isLeft = true;
      if (error instanceof ConnectError) {
        post({ session, kind: 'refused', message: error.message, status: error.status });
      } else {
        post({ session, kind: 'failed', error: plainError(error) });
      }
      this.#end();
    }
  }

  take(message: ToSession): void {
    switch (message.kind) {
      case 'send':
        void this.#send(message);
        break;
      case 'keys':
        this.#mail?.takeKeys(message.keys);
        break;
      case 'content':
        this.#mail?.takeContent(message);
        break;
      case 'quit':
        this.#isLeft = true;
        this.#connection?.quit();
        break;
      case 'close':
        this.#isLeft = true;
        this.#connection?.close();
        break;
    }
  }

  async #send({ mail: sent, recipients }: Extract<ToSession, { readonly kind: 'send' }>): Promise<void> {
    const session = this.#session;
    const mail = new ArrivingMail(sent, (question) => post({ session, ...question }));
    this.#mail = mail;
    try {
      const outcomes = (await this.#connection?.send(mail, recipients)) ?? recipients.map(lostConnection);
      const isUsable = this.#connection?.isUsable === true;
      this.#isLeft ||= !isUsable;
      post({ session, kind: 'sent', outcomes, isUsable });
    } catch (error) {
      post({ session, kind: 'failed', error: plainError(error) });
    } finally {
      mail.end();
      this.#mail = undefined;
      if (!sessions.has(session)) this.#tellEnd();
    }
  }

  #end(): void {
    sessions.delete(this.#session);
    this.#tellEnd();
    if (isStopping && sessions.size === 0) process.exit();
  }

  #tellEnd(): void {
    if (this.#mail === undefined && !this.#isLeft) post({ session: this.#session, kind: 'ended' });
  }
}

function post(message: FromThread): void {
  port.postMessage(message);
}

function stop(): void {
  isStopping = true;
  if (sessions.size === 0) process.exit();
  setTimeout(() => process.exit(), quitMs);
}

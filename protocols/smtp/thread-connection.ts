import { domainOfAddress, type OutboundRecipient } from '#domain/outbound';
import type { Outcome } from '#domain/outside';
import { lostConnection } from './connection-failure.ts';
import { ContentFeed } from './content-feed.ts';
import type { Host } from './next-hop.ts';
import {
  type FromThread,
  type MailQuestion,
  plainError,
  type SendableMail,
  type ToSession,
} from './relay-messages.ts';
import { SessionEnd } from './session-end.ts';

/** A longer message is handed over in pieces. */
const maxWholeBytes = 64 * 1024;

/** What a session is told, without its number. */
type Told = ToSession extends infer T ? (T extends ToSession ? Omit<T, 'session'> : never) : never;

interface ThreadConnectionParts {
  readonly host: Host;
  tell(message: Told, transfer?: readonly ArrayBuffer[]): void;
  /** Nothing is said of the session any more. */
  onOver(): void;
  /** The thread does not answer. */
  onStuck(): void;
}

/** A broken off session is over at once; a thread that does not say so hangs. */
const stuckMs = 10_000;

/** ThreadConnection is an SMTP session as a client that another thread holds; after a failure it is not usable any more. */
export class ThreadConnection {
  readonly #parts: ThreadConnectionParts;
  readonly #greetedBy: string;
  #isUsable = true;
  /** Of the session, or of its thread, which is a fault. */
  readonly #over = new SessionEnd();
  #attempt: Attempt | undefined;

  constructor(parts: ThreadConnectionParts, greetedBy: string) {
    this.#parts = parts;
    this.#greetedBy = greetedBy;
  }

  get host(): Host {
    return this.#parts.host;
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** What the server calls itself. */
  get greetedBy(): string {
    return this.#greetedBy;
  }

  /** Sends a mail, one at a time. Rejects when it cannot be read, and for a fault of ours. */
  async send(mail: SendableMail, recipients: readonly OutboundRecipient[]): Promise<readonly Outcome[]> {
    const { reversePath, envid, ret, size, facts, isVerbatim } = mail;
    const preparing = Promise.all([size > maxWholeBytes ? undefined : wholeOf(mail), presumedKeys(mail)]);
    const prepared = await this.#over.orEnd(preparing);
    if (prepared === undefined || !this.#isUsable) {
      return recipients.map(lostConnection);
    }
    const [whole, presumed] = prepared;
    const sent = { reversePath, envid, ret, size, facts, isVerbatim, whole, presumed };
    const attempt = new Attempt(mail, (message, transfer) => this.#parts.tell(message, transfer));
    this.#attempt = attempt;
    try {
      this.#parts.tell({ kind: 'send', mail: sent, recipients });
      if (whole === undefined) attempt.read(0);
      return await attempt.outcomes;
    } finally {
      attempt.end();
      this.#attempt = undefined;
      if (!this.#isUsable) this.#parts.onOver();
    }
  }

  quit(): void {
    this.#leave('quit');
  }

  /** A send that is under way is broken off. */
  close(): void {
    this.#leave('close');
  }

  /** Takes what the thread says of the session. */
  take(message: FromThread): void {
    switch (message.kind) {
      case 'sent':
        if (!message.isUsable) this.#end();
        this.#attempt?.sent(message.outcomes);
        break;
      case 'failed':
        this.#attempt?.failed(message.error);
        break;
      case 'ended':
        this.#end();
        break;
      case 'keysFor':
      case 'unsigned':
      case 'read':
      case 'more':
        this.#attempt?.answer(message);
        break;
      case 'opened':
      case 'refused':
      case 'warned':
        break;
    }
  }

  /** The thread is gone. */
  fail(error: Error): void {
    this.#isUsable = false;
    this.#over.come(error);
    this.#attempt?.failed(error);
  }

  #end(): void {
    this.#isUsable = false;
    this.#over.come();
    if (this.#attempt === undefined) this.#parts.onOver();
  }

  #leave(kind: 'quit' | 'close'): void {
    this.#end();
    this.#parts.tell({ kind });
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    // By the time of the machine: that of the mail may be another.
    const timer = setTimeout(() => this.#parts.onStuck(), stuckMs);
    const stop = () => clearTimeout(timer);
    attempt.outcomes.then(stop, stop);
  }
}

/** A mail that the thread is sending. */
class Attempt {
  readonly #mail: SendableMail;
  readonly #tell: ThreadConnectionParts['tell'];
  readonly #outcomes = Promise.withResolvers<readonly Outcome[]>();
  #feed: ContentFeed | undefined;
  #isOver = false;

  constructor(mail: SendableMail, tell: ThreadConnectionParts['tell']) {
    this.#mail = mail;
    this.#tell = tell;
  }

  get outcomes(): Promise<readonly Outcome[]> {
    return this.#outcomes.promise;
  }

  sent(outcomes: readonly Outcome[]): void {
    this.#outcomes.resolve(outcomes);
  }

  failed(error: Error): void {
    this.#outcomes.reject(error);
  }

  answer(question: MailQuestion): void {
    switch (question.kind) {
      case 'keysFor':
        void this.#keysFor(question);
        break;
      case 'unsigned':
        this.#mail.signing.failed(question.error);
        break;
      case 'read':
        this.read(question.read);
        break;
      case 'more':
        if (this.#feed?.read === question.read) this.#feed.more(question.bytes);
        break;
    }
  }

  /** Hands the message over from its beginning, in place of what is read of it now. */
  read(number: number): void {
    this.#feed?.stop();
    this.#feed = new ContentFeed(number, this.#tell);
    void this.#feed.run(this.#mail.open());
  }

  end(): void {
    this.#isOver = true;
    this.#feed?.stop();
  }

  async #keysFor({ authors }: Extract<MailQuestion, { readonly kind: 'keysFor' }>): Promise<void> {
    const keys = await this.#mail.signing.keysFor(authors).catch(plainError);
    if (!this.#isOver) this.#tell({ kind: 'keys', keys });
  }
}

/** In memory of its own, which nothing else is copied with. */
async function wholeOf(mail: SendableMail): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of mail.open()) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? Uint8Array.from(only) : Buffer.concat(chunks);
}

/** The keys for an author in the domain of the reverse-path, which most mail has: nobody needs to ask for them then. */
async function presumedKeys({ reversePath, signing }: SendableMail) {
  const authors = reversePath === '' ? [] : [domainOfAddress(reversePath)];
  // Whoever needs keys asks once more, and is told why not.
  return signing.keysFor(authors).catch(() => undefined);
}

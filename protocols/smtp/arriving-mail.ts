import { type Authors, areFor, type MailSigning, type SigningKeys } from '#domain/dkim-fields';
import { ContentIntake } from './content-intake.ts';
import {
  type ContentMessage,
  type MailQuestion,
  plainError,
  type SendableMail,
  type SentMail,
} from './relay-messages.ts';

/** ArrivingMail is a mail in the thread that sends it; what is not here yet is asked for. */
export class ArrivingMail implements SendableMail {
  readonly reversePath: SendableMail['reversePath'];
  readonly envid: SendableMail['envid'];
  readonly ret: SendableMail['ret'];
  readonly size: number;
  readonly facts: SendableMail['facts'];
  readonly isVerbatim: SendableMail['isVerbatim'];
  readonly signing: MailSigning;
  readonly #whole: Uint8Array | undefined;
  readonly #presumed: SigningKeys | undefined;
  readonly #ask: (question: MailQuestion) => void;
  readonly #intake: ContentIntake;
  #answer = Promise.withResolvers<SigningKeys>();
  #isOver = false;

  constructor(sent: SentMail, ask: (question: MailQuestion) => void) {
    this.reversePath = sent.reversePath;
    this.envid = sent.envid;
    this.ret = sent.ret;
    this.size = sent.size;
    this.facts = sent.facts;
    this.isVerbatim = sent.isVerbatim;
    this.#whole = sent.whole;
    this.#presumed = sent.presumed;
    this.#ask = ask;
    this.#intake = new ContentIntake({
      read: (read) => ask({ kind: 'read', read }),
      more: (read, bytes) => ask({ kind: 'more', read, bytes }),
    });
    this.signing = {
      keysFor: (authors) => this.#keysFor(authors),
      failed: (err) => {
        // Of one that is over the outcome says why.
        if (!this.#isOver) ask({ kind: 'unsigned', error: plainError(err) });
      },
    };
  }

  open(): AsyncIterable<Uint8Array> {
    return this.#whole === undefined ? this.#intake.open() : only(this.#whole);
  }

  takeContent(message: ContentMessage): void {
    this.#intake.take(message);
  }

  takeKeys(keys: SigningKeys | Error): void {
    if (keys instanceof Error) this.#answer.reject(keys);
    else this.#answer.resolve(keys);
  }

  /** The attempt is over: who still reads is broken off. */
  end(): void {
    this.#isOver = true;
    this.#intake.end();
  }

  async #keysFor(authors: Authors): Promise<SigningKeys> {
    if (this.#presumed !== undefined && areFor(this.#presumed, authors)) return this.#presumed;
    this.#answer = Promise.withResolvers();
    this.#ask({ kind: 'keysFor', authors });
    return this.#answer.promise;
  }
}

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield chunk;
}

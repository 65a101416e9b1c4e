import type { Clock } from '#domain/outside';

/** Asks DNS, as mailauth does: any type, in the shapes of Node's dns.promises.resolve. */
export type Resolve = (name: string, type: string) => Promise<readonly unknown[]>;

/** Records of policies and keys are shorter; what reads them takes the square of the length of a longer one. */
const maxTextLength = 4_096;

interface LookupLimits {
  /** Of one question. */
  readonly questionMs: number;
  readonly maxQuestions: number;
}

/**
 * Lookups asks DNS on behalf of one message: each question once, each for a limited time, and none when there were too
 * many or the time is up. What is not answered fails as ETIMEOUT, which every check takes for a temporary error.
 */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #clock: Clock;
  readonly #limits: LookupLimits;
  readonly #answers = new Map<string, Promise<readonly unknown[]>>();
  #endMs = Number.POSITIVE_INFINITY;

  constructor(resolve: Resolve, clock: Clock, limits: LookupLimits) {
    this.#resolve = resolve;
    this.#clock = clock;
    this.#limits = limits;
  }

  readonly resolver = async (name: string, type: string): Promise<unknown[]> => {
    const key = `${type} ${name}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#answers.size < this.#limits.maxQuestions ? this.#ask(name, type) : timedOut(name, type);
      // Whoever asks hears of a failure; somebody who asked ahead of time does not.
      answer.catch(() => undefined);
      this.#answers.set(key, answer);
    }
    return (await answer).filter((record) => !isLongText(record));
  };

  /** No question waits for longer than this from now on. */
  endIn(ms: number): void {
    this.#endMs = this.#clock.now() + ms;
  }

  async #ask(name: string, type: string): Promise<readonly unknown[]> {
    const leftMs = Math.min(this.#limits.questionMs, this.#endMs - this.#clock.now());
    if (leftMs <= 0) return timedOut(name, type);
    const timeout = Promise.withResolvers<never>();
    const cancel = this.#clock.after(leftMs, () => timeout.reject(timeoutError(name, type)));
    try {
      return await Promise.race([this.#resolve(name, type), timeout.promise]);
    } finally {
      cancel();
    }
  }
}

/** Whether it is a TXT record, in its strings, that nobody needs here. */
function isLongText(record: unknown): boolean {
  return Array.isArray(record) && record.join('').length > maxTextLength;
}

function timedOut(name: string, type: string): Promise<never> {
  return Promise.reject(timeoutError(name, type));
}

function timeoutError(name: string, type: string): Error {
  return Object.assign(new Error(`${type} ${name}: ETIMEOUT`), { code: 'ETIMEOUT' });
}

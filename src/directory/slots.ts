import { DomainError } from '#domain/errors';

/** Slots lets a bounded number of costly things run at a time; the others wait their turn. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  readonly #maxWaiting: number;
  #free: number;

  constructor(slots: number, maxWaiting: number) {
    this.#free = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** Resolves when it is the caller's turn, to what gives the slot back. Throws DomainError server/busy. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#maxWaiting) {
      throw new DomainError('server/busy', 'The server is busy. Try again later.');
    } else await new Promise<void>((turn) => this.#waiting.push(turn));
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}

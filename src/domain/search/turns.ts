import { setImmediate as othersTurn } from 'node:timers/promises';

/** Turns lets so many work at a time, a step each, in the order they come, however many want to. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Does one step of work in its turn. */
  async take<Result>(step: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      // Requests of others that came in meanwhile go first.
      await othersTurn();
      return await step();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

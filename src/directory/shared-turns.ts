/**
 * SharedTurns runs one thing at a time by key. Whoever comes while one runs shares the next, which begins when that has ended:
 * it sees whatever was done before it was asked for, however many ask.
 */
export class SharedTurns<T> {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const before = this.#running.get(key);
    if (before === undefined) return this.#start(key, work);
    const next = before.then(() => {
      this.#next.delete(key);
      return this.#start(key, work);
    });
    this.#next.set(key, next);
    return next;
  }

  #start(key: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    const ended: Promise<void> = running.then(
      () => this.#end(key, ended),
      () => this.#end(key, ended),
    );
    this.#running.set(key, ended);
    return running;
  }

  #end(key: string, ended: Promise<void>): void {
    if (this.#running.get(key) === ended) this.#running.delete(key);
  }
}

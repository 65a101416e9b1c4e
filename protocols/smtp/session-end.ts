/** SessionEnd is the end of a session, which is long in coming: whoever waits for something else until then leaves nothing behind. */
export class SessionEnd {
  readonly #waiting = new Set<() => void>();
  #isOver = false;
  #fault: Error | undefined;

  /** The end; with a fault for those who wait, if it is one of ours. Only the first one counts. */
  come(fault?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#fault = fault;
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }

  /**
   * What it is asked to wait for, or undefined once the session is over; throws its fault then. Promise.race would keep each
   * result until the end.
   */
  orEnd<T>(awaited: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const tell = () => {
        if (this.#fault === undefined) resolve(undefined);
        else reject(this.#fault);
      };
      const done = () => void this.#waiting.delete(tell);
      awaited.then(resolve, reject).finally(done);
      if (this.#isOver) tell();
      else this.#waiting.add(tell);
    });
  }
}

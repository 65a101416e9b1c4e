import type { Mailbox } from '#domain/mailbox';
import type { Clock } from '#domain/outside';

/** What only a server in this process can be asked. */
export interface Inside {
  readonly clock: StationClock;
  readonly mailbox: Mailbox;
  /** Stops what serves the phones, and starts it anew on another port. */
  restart(): Promise<void>;
}

/** A mailbox on a server, as its owner reaches it. */
export interface Home {
  readonly user: string;
  readonly password: string;
  /** Somebody to write to. */
  readonly correspondent: string;
  /** Where the server is now; resolves when it is up. */
  address(): Promise<{ readonly baseUrl: string; readonly ca: string | undefined }>;
  /** Delivers a message; false when nobody knows whether it was taken. */
  deliver(raw: string): Promise<boolean>;
  readonly inside: Inside | undefined;
}

/** A clock that stands still until it is moved; what waits for a time is woken by `expire`. */
export class StationClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<() => void>();
  #onTimer = (): void => undefined;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(_delayMs: number, callback: () => void): () => void {
    this.#timers.add(callback);
    this.#onTimer();
    return () => this.#timers.delete(callback);
  }

  /** Resolves when something begins to wait. */
  waiter(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTimer = resolve;
    });
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Until this has come to its end, the time of everything that waits is over. */
  async expire(until: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = until.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      for (const timer of [...this.#timers]) {
        this.#timers.delete(timer);
        timer();
      }
      await Promise.race([over, this.waiter()]);
    }
  }
}

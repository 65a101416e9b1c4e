import { RecentMap } from '#directory/recent-map';
import type { Clock } from '#domain/outside';

/** So many are remembered; who is forgotten has a full allowance again. About 100 bytes each. */
const maxKeys = 20_000;

/**
 * RateLimit lets each key have `max` at once, and as many again in each window that passes, evenly. One number a key is
 * kept: when all that was taken will have come back.
 */
export class RateLimit {
  readonly #stepMs: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #fullAtMs = new RecentMap<string, number>(maxKeys);

  constructor(max: number, windowMs: number, clock: Clock) {
    this.#stepMs = windowMs / max;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** Takes one; false, and nothing taken, if there is none left. */
  take(key: string): boolean {
    const nowMs = this.#clock.now();
    const latestMs = nowMs + this.#windowMs;
    // A clock that was set back locks nobody out for longer than a window.
    const known = Math.min(this.#fullAtMs.get(key) ?? 0, latestMs);
    const fullAtMs = Math.max(known, nowMs) + this.#stepMs;
    // Half a step for what fractions lose.
    const isLeft = fullAtMs <= latestMs + this.#stepMs / 2;
    this.#fullAtMs.set(key, isLeft ? fullAtMs : known);
    return isLeft;
  }
}

import type { Clock } from '#domain/outside';

/** At least so many keys are remembered, at most twice as many; about 100 bytes each. */
const maxKeys = 20_000;

/**
 * RateLimit lets each key have `max` at once, and as many again in each window that passes, evenly. One number a key is
 * kept: when all that was taken will have come back. Who is forgotten has a full allowance again.
 */
export class RateLimit {
  readonly #stepMs: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** Keys seen lately, and those seen before: a Map that drops its oldest entry one by one has to look for it. */
  #recent = new Map<string, number>();
  #older = new Map<string, number>();

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
    const known = Math.min(this.#recent.get(key) ?? this.#older.get(key) ?? 0, latestMs);
    const fullAtMs = Math.max(known, nowMs) + this.#stepMs;
    // Half a step for what fractions lose.
    const isLeft = fullAtMs <= latestMs + this.#stepMs / 2;
    this.#remember(key, isLeft ? fullAtMs : known);
    return isLeft;
  }

  #remember(key: string, fullAtMs: number): void {
    this.#recent.set(key, fullAtMs);
    if (this.#recent.size < maxKeys) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}

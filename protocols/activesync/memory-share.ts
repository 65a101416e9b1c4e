/** What waits until it may hold so many bytes. */
interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/** What is not larger never waits, and is not counted. */
const smallBytes = 1024 * 1024;

/**
 * MemoryShare bounds what requests hold of large messages at a time: a request of a few bytes may ask for a message of 25 MiB to be
 * forwarded, and a phone may send as many of these as it likes.
 */
export class MemoryShare {
  readonly #maxBytes: number;
  #heldBytes = 0;
  readonly #waiting: Waiting[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Does what holds `bytes` in its turn, first come first served; more than there is takes all of it. */
  async hold<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    if (bytes <= smallBytes) return await work();
    const share = Math.min(bytes, this.#maxBytes);
    const isFree = this.#waiting.length === 0 && this.#heldBytes + share <= this.#maxBytes;
    if (isFree) this.#heldBytes += share;
    else await new Promise<void>((begin) => this.#waiting.push({ bytes: share, begin }));
    try {
      return await work();
    } finally {
      this.#heldBytes -= share;
      this.#beginNext();
    }
  }

  #beginNext(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#heldBytes + next.bytes > this.#maxBytes) return;
      this.#waiting.shift();
      this.#heldBytes += next.bytes;
      next.begin();
    }
  }
}

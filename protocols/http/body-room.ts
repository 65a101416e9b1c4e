import { HttpError } from './http-error.ts';

/** A body that is not larger is not counted: what phones ask for must not wait for what others upload. */
export const smallBytes = 64 * 1024;

const retryAfterSeconds = '30';

/** What one request holds of the room. */
export interface BodyHold {
  /** Whether it takes room from others: a body that does not come on then is given up. */
  readonly isCounted: boolean;
  /** How long a body that is counted may take for 64 KiB, in milliseconds. */
  readonly stallMs: number;
  /** Takes room for so many bytes in all. Throws HttpError 503 when there is none. */
  take(bytes: number): void;
  /** Gives back what it took; nothing happens the second time. */
  release(): void;
}

/**
 * BodyRoom bounds what large bodies of requests hold in memory, all requests together. There is no queue: whoever finds no
 * room is answered 503 with Retry-After before a byte is read, and comes again (MS-ASHTTP, Retry-After).
 */
export class BodyRoom {
  readonly #maxBytes: number;
  readonly #stallMs: number;
  #heldBytes = 0;

  constructor(maxBytes: number, stallMs = 30_000) {
    this.#maxBytes = maxBytes;
    this.#stallMs = stallMs;
  }

  /** For one request, which holds nothing yet. */
  hold(): BodyHold {
    let own = 0;
    return {
      get isCounted() {
        return own > 0;
      },
      stallMs: this.#stallMs,
      take: (bytes) => {
        const more = bytes - own;
        if (bytes <= smallBytes || more <= 0) return;
        if (this.#heldBytes + more > this.#maxBytes) {
          throw new HttpError(503, 'Busy with other uploads', { 'Retry-After': retryAfterSeconds });
        }
        this.#heldBytes += more;
        own = bytes;
      },
      release: () => {
        this.#heldBytes -= own;
        own = 0;
      },
    };
  }
}

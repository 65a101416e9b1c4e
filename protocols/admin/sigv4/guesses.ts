import { RecentMap } from '#directory/recent-map';
import { clientOf, Throttle } from '#directory/throttle';
import type { Clock } from '#domain/outside';
import type { Logger } from '#telemetry/log';
import { AdminError } from '../errors.ts';

const maxWaiting = 1_000;
const maxProven = 10_000;

/** Where a request came from. */
interface Origin {
  readonly remoteAddress: string;
  readonly log: Logger;
}

/**
 * Guesses slows down whoever signs wrong, as sign-in does whoever guesses passwords: refusals wait, and from a client that
 * goes on they are ThrottlingExceptions, of which the log has one line. A request that is signed right is served at once,
 * whatever others behind its address do: to compare a signature is cheap, and a secret of 240 bits is not guessed.
 */
export class Guesses {
  readonly #clock: Clock;
  readonly #throttle: Throttle;
  readonly #proven = new RecentMap<string, true>(maxProven);
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#throttle = new Throttle(clock);
  }

  /** Whether this key has signed a request from there before. */
  isProven({ remoteAddress }: Origin, accessKeyId: string): boolean {
    return this.#proven.get(pairOf(remoteAddress, accessKeyId)) === true;
  }

  /** A request was signed right. */
  succeeded({ remoteAddress }: Origin, accessKeyId: string): void {
    this.#proven.set(pairOf(remoteAddress, accessKeyId), true);
    this.#throttle.succeeded(clientOf(remoteAddress), accessKeyId);
  }

  /** A request was not; gives how to refuse it, when it is time to. `accessKeyId` is empty if it named none. */
  async failed(
    { remoteAddress, log }: Origin,
    accessKeyId: string,
    refusal: AdminError,
  ): Promise<AdminError> {
    const client = clientOf(remoteAddress);
    const refusedMs = this.#throttle.refusedMs(client);
    if (refusedMs > 0) return throttled(refusedMs);
    this.#throttle.failed(client, accessKeyId);
    const refusedNowMs = this.#throttle.refusedMs(client);
    if (refusedNowMs > 0) {
      log.warn('admin.signature.throttled', { client, seconds: Math.ceil(refusedNowMs / 1000) });
      return throttled(refusedNowMs);
    }
    const waitMs = this.#throttle.waitMs(client, accessKeyId);
    if (waitMs === 0) return refusal;
    if (this.#waiting >= maxWaiting) return throttled(waitMs);
    this.#waiting++;
    await new Promise<void>((done) => void this.#clock.after(waitMs, done));
    this.#waiting--;
    return refusal;
  }
}

function throttled(ms: number): AdminError {
  return new AdminError(
    'ThrottlingException',
    `Too many requests were not signed right. Try again in ${Math.ceil(ms / 1000)} seconds.`,
  );
}

function pairOf(remoteAddress: string, accessKeyId: string): string {
  return `${clientOf(remoteAddress)} ${accessKeyId}`;
}

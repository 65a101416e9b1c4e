import type { Account } from '#directory/account';
import type { Clock } from '#domain/outside';
import { RateLimit } from './rate-limit.ts';
import { ReplyError } from './reply.ts';

interface SenderLimitOptions {
  readonly userMessagesPerHour: number;
  readonly userRecipientsPerHour: number;
}

const hourMs = 3_600_000;

/** SenderLimits counts what each user submits, over all listeners it is given to: a stolen password sends no flood. */
export class SenderLimits {
  readonly #messages: RateLimit;
  readonly #recipients: RateLimit;

  constructor({ userMessagesPerHour, userRecipientsPerHour }: SenderLimitOptions, clock: Clock) {
    this.#messages = new RateLimit(userMessagesPerHour, hourMs, clock);
    this.#recipients = new RateLimit(userRecipientsPerHour, hourMs, clock);
  }

  /** Counts a message that begins. Throws ReplyError if it is one too many. */
  takeMessage({ entity }: Account): void {
    if (!this.#messages.take(entity)) throw tooMuch('messages');
  }

  /** Counts a recipient. Throws ReplyError if it is one too many. */
  takeRecipient({ entity }: Account): void {
    if (!this.#recipients.take(entity)) throw tooMuch('recipients');
  }
}

function tooMuch(what: string): ReplyError {
  return new ReplyError(450, '4.7.1', `Too many ${what} in an hour, try again later`);
}

import type { Account } from '#directory/account';
import { authorAddresses } from '#mime/authors';
import { prepareForSending } from '#mime/compose';
import { withoutForged } from './authentication/forged-fields.ts';
import { HeldHeader } from './held-header.ts';
import { ReplyError } from './reply.ts';

const nothing = new Uint8Array(0);

/** What recipients get, and what the sender keeps: the same with its Bcc. */
interface Passed {
  readonly outgoing: Uint8Array;
  readonly kept: Uint8Array;
}

/** What a message gets that its program left out. */
interface Additions {
  readonly nowMs: number;
  /** With angle brackets. */
  readonly messageId: string;
  /** Our own name: what a user writes in it is not ours. */
  readonly hostname: string;
}

/**
 * SubmittedHeader holds a submitted message back until its header is whole, and lets it go with what RFC 6409 §8 adds
 * (Date, Message-ID, From) and without Bcc; the body passes as it is. ContentCheck has bounded the header before.
 */
export class SubmittedHeader {
  readonly #account: Account;
  readonly #additions: Additions;
  #held: HeldHeader | undefined = new HeldHeader();
  #header: Uint8Array = nothing;

  constructor(account: Account, additions: Additions) {
    this.#account = account;
    this.#additions = additions;
  }

  /** The header as it went on. */
  get header(): Uint8Array {
    return this.#header;
  }

  /** What goes on by these bytes. Throws ReplyError for a sender who is not the account's. */
  write(chunk: Uint8Array): Passed {
    if (this.#held === undefined) return { outgoing: chunk, kept: chunk };
    const whole = this.#held.write(chunk);
    if (whole === undefined) return { outgoing: nothing, kept: nothing };
    this.#held = undefined;
    const { outgoing, kept } = this.#prepare(whole.header);
    return { outgoing: Buffer.concat([outgoing, whole.rest]), kept: Buffer.concat([kept, whole.rest]) };
  }

  /** What is left at the end of a message that is nothing but a header. */
  end(): Passed {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? { outgoing: nothing, kept: nothing } : this.#prepare(held.end());
  }

  #prepare(held: Buffer): Passed {
    const bytes = withoutForged(held, this.#additions.hostname, new Set());
    const { address, displayName } = this.#account;
    const own = address.toLowerCase();
    // Mail is sent by the primary address; aliases only receive.
    if (authorAddresses(bytes).some((author) => author !== own)) {
      throw new ReplyError(550, '5.7.1', `From and Sender must be ${address}`);
    }
    const { nowMs, messageId } = this.#additions;
    const { outgoing, sent } = prepareForSending(bytes, {
      from: { name: displayName, address },
      keepsReceived: true,
      now: nowMs,
      messageId,
    });
    this.#header = Buffer.concat(outgoing);
    return { outgoing: this.#header, kept: Buffer.concat(sent) };
  }
}

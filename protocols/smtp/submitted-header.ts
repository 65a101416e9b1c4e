import type { Account } from '#directory/account';
import { authorAddresses } from '#mime/authors';
import { prepareForSending } from '#mime/compose';
import { ReplyError } from './reply.ts';

const endOfHeader = Buffer.from('\r\n\r\n');

/** What a message gets that its program left out. */
interface Additions {
  readonly nowMs: number;
  /** With angle brackets. */
  readonly messageId: string;
}

/**
 * SubmittedHeader holds a submitted message back until its header is whole, and lets it go with what RFC 6409 §8 adds
 * (Date, Message-ID, From) and without Bcc; the body passes as it is. ContentCheck has bounded the header before.
 */
export class SubmittedHeader {
  readonly #account: Account;
  readonly #additions: Additions;
  #held: Buffer | undefined = Buffer.alloc(0);
  #sent: Uint8Array = new Uint8Array(0);

  constructor(account: Account, additions: Additions) {
    this.#account = account;
    this.#additions = additions;
  }

  /** The header as it went on. */
  get sent(): Uint8Array {
    return this.#sent;
  }

  /** What goes on by these bytes. Throws ReplyError for a sender who is not the account's. */
  write(chunk: Uint8Array): Uint8Array {
    if (this.#held === undefined) return chunk;
    const from = Math.max(0, this.#held.length - endOfHeader.length + 1);
    const held = Buffer.concat([this.#held, chunk]);
    const at = held.indexOf(endOfHeader, from);
    // A header without fields.
    const isEmpty = held[0] === 0x0d && held[1] === 0x0a;
    if (at < 0 && !isEmpty) {
      this.#held = held;
      return new Uint8Array(0);
    }
    this.#held = undefined;
    const end = isEmpty ? 2 : at + endOfHeader.length;
    return Buffer.concat([this.#header(held.subarray(0, end)), held.subarray(end)]);
  }

  /** What is left at the end of a message that is nothing but a header. */
  end(): Uint8Array {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? new Uint8Array(0) : this.#header(held);
  }

  #header(bytes: Buffer): Uint8Array {
    const { address, displayName } = this.#account;
    const own = address.toLowerCase();
    // Mail is sent by the primary address; aliases only receive.
    if (authorAddresses(bytes).some((author) => author !== own)) {
      throw new ReplyError(550, '5.7.1', `From and Sender must be ${address}`);
    }
    const { nowMs, messageId } = this.#additions;
    const { outgoing } = prepareForSending(bytes, {
      from: { name: displayName, address },
      now: nowMs,
      messageId,
    });
    this.#sent = Buffer.concat(outgoing);
    return this.#sent;
  }
}

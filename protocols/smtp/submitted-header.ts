import type { Account } from '#directory/account';
import type { MailboxPermissions } from '#directory/mailbox-permissions';
import { authorshipOf } from '#domain/authorship';
import { authorsIn } from '#mime/authors';
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
 * (Date, Message-ID, From, and Sender of what is sent on behalf of somebody) and without Bcc; the body passes as it is. ContentCheck has bounded the header before.
 */
export class SubmittedHeader {
  readonly #account: Account;
  readonly #additions: Additions;
  readonly #rights: Pick<MailboxPermissions, 'senderRight'>;
  #held: HeldHeader | undefined = new HeldHeader();
  #header: Uint8Array = nothing;

  constructor(account: Account, additions: Additions, rights: Pick<MailboxPermissions, 'senderRight'>) {
    this.#account = account;
    this.#additions = additions;
    this.#rights = rights;
  }

  /** The header as it went on. */
  get header(): Uint8Array {
    return this.#header;
  }

  /** What goes on by these bytes. Throws ReplyError for a sender whom the account may not send as. */
  write(chunk: Uint8Array): Passed | Promise<Passed> {
    if (this.#held === undefined) return { outgoing: chunk, kept: chunk };
    const whole = this.#held.write(chunk);
    if (whole === undefined) return { outgoing: nothing, kept: nothing };
    this.#held = undefined;
    return this.#pass(whole.header, whole.rest);
  }

  /** What is left at the end of a message that is nothing but a header. */
  end(): Passed | Promise<Passed> {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? { outgoing: nothing, kept: nothing } : this.#pass(held.end(), nothing);
  }

  async #pass(held: Buffer, rest: Uint8Array): Promise<Passed> {
    const { nowMs, messageId, hostname } = this.#additions;
    const bytes = withoutForged(held, hostname, new Set());
    const authors = authorsIn(bytes);
    const authorship = await authorshipOf(this.#account, authors, this.#rights);
    if (
      authorship === undefined ||
      !authors.sender.every((one) => one !== undefined && authorship.senders.includes(one))
    ) {
      throw new ReplyError(550, '5.7.1', `From and Sender must be ${this.#account.address}`);
    }
    const { outgoing, sent } = prepareForSending(bytes, {
      from: authorship.from,
      sender: authorship.sender,
      keepsReceived: true,
      now: nowMs,
      messageId,
    });
    this.#header = Buffer.concat(outgoing);
    return {
      outgoing: Buffer.concat([this.#header, rest]),
      kept: Buffer.concat([...sent, rest]),
    };
  }
}

import { MessageIndexer } from '#mime/index-message';
import type { LineEnds } from '#mime/line-ends';
import { BodySpool } from './body-spool.ts';
import { finishChecked } from './checked-body.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef } from './ids.ts';
import type { NewItem } from './item.ts';
import { newItem } from './new-item.ts';
import type { MailboxTx, MailStore, StoredBody } from './ports.ts';
import { rememberRecipients } from './recipient-cache.ts';

const sentItems = defaultFolder(FolderType.SentItems);

/** A copy that is whole, and waits for the transaction that names it. */
export interface FinishedSentCopy {
  readonly mailbox: MailboxRef;
  readonly item: NewItem;
  readonly stored: readonly StoredBody[];
  /** Puts it into Sent Items. */
  put(
    of: (ref: MailboxRef) => Pick<MailboxTx, 'addItem' | 'recipientCache' | 'putRecipientCache'>,
  ): Promise<void>;
}

/** SentCopy is what the sender of a message keeps of it, while it comes in: a body of its own, as its header differs. */
export class SentCopy {
  readonly #mailbox: MailboxRef;
  readonly #spool: BodySpool;
  readonly #indexer = new MessageIndexer();

  /** A copy of more than `inlineBytes` is written to the store while it comes in. */
  constructor(
    store: Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody'>,
    mailbox: MailboxRef,
    inlineBytes: number,
  ) {
    this.#mailbox = mailbox;
    this.#spool = new BodySpool(store, [mailbox.organization], inlineBytes);
  }

  /** Takes the next bytes, with what is known of them; resolves when there is room for more. */
  async write(chunk: Uint8Array, lineEnds?: LineEnds): Promise<void> {
    this.#indexer.write(chunk, lineEnds);
    await this.#spool.write(chunk);
  }

  async finish(receivedMs: number): Promise<FinishedSentCopy> {
    const mailbox = this.#mailbox;
    const { body, index } = await finishChecked(this.#spool, this.#indexer.end(receivedMs), undefined);
    const item = newItem(index, body.bodyFor(mailbox.organization), { receivedMs, read: true });
    const put: FinishedSentCopy['put'] = async (of) => {
      await of(mailbox).addItem(sentItems, item);
      await rememberRecipients(of(mailbox), item.envelope, receivedMs);
    };
    return { mailbox, item, stored: body.stored, put };
  }

  /** Forgets it. */
  abort(): Promise<void> {
    return this.#spool.abort();
  }
}

import type { Account } from '#directory/account';
import type { DeliveryParts } from './delivery-parts.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef, QueueId } from './ids.ts';
import { IncomingMessage, type WholeMessage } from './incoming.ts';
import type { MailEnvelope } from './mail-envelope.ts';
import { newItem } from './new-item.ts';
import { type NewOutboundMail, outboundMails } from './outbound.ts';
import {
  checkRoom,
  type ItemsByOrganization,
  itemFor,
  mailboxesOf,
  maxDirectMailboxes,
  organizationsOf,
  organizationsWith,
  queuedMessages,
} from './recipients.ts';
import { type SendRequest, send } from './send.ts';
import { returnPathBytes } from './trace.ts';

const inbox = defaultFolder(FolderType.Inbox);

/** A message that has begun: by what it is known, and who gets it. */
interface Accepted {
  readonly acceptId: string;
  readonly receivedMs: number;
  readonly envelope: MailEnvelope;
  readonly mailboxes: readonly MailboxRef[];
  readonly skip: number;
}

/** Delivery accepts messages for local mailboxes: each gets one copy, whatever happens on the way. */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Throws mailbox/over-quota when the mailboxes behind an address are all full, or would be with `sizeBytes` more: one
   * full mailbox in a group keeps nothing from the others.
   */
  async checkRoom(behind: readonly Account[], sizeBytes: number): Promise<void> {
    await checkRoom(mailboxesOf(behind), sizeBytes, this.#parts);
  }

  /**
   * Begins a message; somebody named twice gets it once, and nobody gets one to an empty group. `head` gives the fields
   * to put in front of it (Return-Path, and Received with the accept id); recipients elsewhere get it without the
   * Return-Path. The message streams into the store as it is written.
   */
  begin(envelope: MailEnvelope, head: (acceptId: string, atMs: number) => string): IncomingMessage {
    const { store, outside, limits, attachments } = this.#parts;
    const { outbound } = envelope;
    const mailboxes = mailboxesOf(envelope.recipients.flatMap(({ accounts }) => accounts));
    const acceptId = Buffer.from(outside.random.bytes(16)).toString('hex');
    const receivedMs = outside.clock.now();
    const fields = head(acceptId, receivedMs);
    const accepted = { acceptId, receivedMs, envelope, mailboxes, skip: returnPathBytes(fields) };
    return new IncomingMessage({
      acceptId,
      store,
      attachments,
      organizations: organizationsWith(mailboxes, outbound),
      inlineBytes: store.inlineBodyBytes(mailboxes.length + (outbound?.recipients.length ?? 0)),
      maxBytes: limits.maxMessageBytes,
      head: Buffer.from(fields),
      receivedMs,
      deliver: (message) => this.#deliver(accepted, message),
    });
  }

  /**
   * Sends a message that a device wrote to local mailboxes, with a copy in Sent Items: together, or not at all. A request
   * that was done before (same device and ClientId, or one of the same keys) does nothing and is called a duplicate.
   * Throws message/too-large, message/no-recipient, message/blocked-attachment, mailbox/over-quota, server/busy.
   */
  send(request: SendRequest): Promise<{ readonly duplicate: boolean }> {
    return send(request, this.#parts);
  }

  async #deliver(accepted: Accepted, message: WholeMessage): Promise<void> {
    const { store } = this.#parts;
    const { receivedMs, mailboxes } = accepted;
    const { index, body } = message;
    if (mailboxes.length === 0 && accepted.envelope.outbound === undefined) return;
    const items: ItemsByOrganization = new Map(
      organizationsOf(mailboxes).map((organization) => [
        organization,
        newItem(index, body.bodyFor(organization), { receivedMs, read: false }),
      ]),
    );
    const mails = this.#mailsOf(accepted, message);
    const copies = mailboxes.length + mails.length;
    const fits = [...items.values()].every((item) => store.fitsOneTransaction(item, copies));
    if (copies > maxDirectMailboxes || !fits) {
      await this.#enqueue(accepted, items, mails);
    } else {
      await store.transact(
        mailboxes,
        async (of, outbound) => {
          // One that filled up after its RCPT was accepted gets this message all the same: its sender was told that it would.
          if (mails.length === 0) await checkRoom(mailboxes, body.size, this.#parts, { of });
          for (const ref of mailboxes) await of(ref).addItem(inbox, itemFor(items, ref.organization));
          for (const mail of mails) await outbound.put(mail);
        },
        body.stored,
        mails,
      );
    }
    this.#parts.wakeRelay?.(mails);
  }

  #mailsOf({ acceptId, receivedMs, envelope: { outbound }, skip }: Accepted, { body, is8bit }: WholeMessage) {
    if (outbound === undefined) return [];
    const content = {
      acceptId,
      acceptedMs: receivedMs,
      size: body.size,
      skip,
      is8bit,
      body: body.bodyFor(outbound.organization),
    };
    return outboundMails(outbound, content, this.#parts.destinationOf);
  }

  async #enqueue(
    { acceptId, receivedMs, mailboxes }: Accepted,
    items: ItemsByOrganization,
    mails: readonly NewOutboundMail[],
  ): Promise<void> {
    const { store, outside } = this.#parts;
    if (mails.length === 0) await checkRoom(mailboxes, [...items.values()][0]?.size ?? 0, this.#parts);
    let isFirst = true;
    const idFor = (): QueueId => {
      const id = isFirst ? acceptId : Buffer.from(outside.random.bytes(16)).toString('hex');
      isFirst = false;
      return id as QueueId;
    };
    await store.enqueue(queuedMessages(mailboxes, items, receivedMs, idFor), mails);
    this.#parts.wakeQueue();
  }
}

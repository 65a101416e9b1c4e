import type { Account } from '#directory/account';
import type { DeliveryParts } from './delivery-parts.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef, QueueId } from './ids.ts';
import { IncomingMessage, type WholeMessage } from './incoming.ts';
import { newItem } from './new-item.ts';
import {
  checkRoom,
  type ItemsByOrganization,
  itemFor,
  mailboxesOf,
  maxDirectMailboxes,
  organizationsOf,
  queuedMessages,
} from './recipients.ts';
import { type SendRequest, send } from './send.ts';

const inbox = defaultFolder(FolderType.Inbox);

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
   * Begins a message to `recipients`; somebody named twice gets it once, and nobody gets one to an empty group. `head` gives the fields to put in front of it
   * (Return-Path, and Received with the accept id). The message streams into the store as it is written.
   */
  begin(recipients: readonly Account[], head: (acceptId: string, atMs: number) => string): IncomingMessage {
    const { store, outside, limits, attachments } = this.#parts;
    const mailboxes = mailboxesOf(recipients);
    const acceptId = Buffer.from(outside.random.bytes(16)).toString('hex');
    const receivedMs = outside.clock.now();
    return new IncomingMessage({
      acceptId,
      store,
      attachments,
      organizations: organizationsOf(mailboxes),
      inlineBytes: store.inlineBodyBytes(mailboxes.length),
      maxBytes: limits.maxMessageBytes,
      head: Buffer.from(head(acceptId, receivedMs)),
      receivedMs,
      deliver: (message) => this.#deliver(acceptId, receivedMs, mailboxes, message),
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

  async #deliver(
    acceptId: string,
    receivedMs: number,
    mailboxes: readonly MailboxRef[],
    { index, body }: WholeMessage,
  ): Promise<void> {
    const { store } = this.#parts;
    if (mailboxes.length === 0) return;
    const items: ItemsByOrganization = new Map(
      organizationsOf(mailboxes).map((organization) => [
        organization,
        newItem(index, body.bodyFor(organization), { receivedMs, read: false }),
      ]),
    );
    const fits = [...items.values()].every((item) => store.fitsOneTransaction(item, mailboxes.length));
    if (mailboxes.length > maxDirectMailboxes || !fits) {
      await this.#enqueue(acceptId, receivedMs, mailboxes, items);
      return;
    }
    await store.transact(
      mailboxes,
      async (of) => {
        // One that filled up after its RCPT was accepted gets this message all the same: its sender was told that it would.
        await checkRoom(mailboxes, body.size, this.#parts, { of });
        for (const ref of mailboxes) await of(ref).addItem(inbox, itemFor(items, ref.organization));
      },
      body.stored,
    );
  }

  async #enqueue(
    acceptId: string,
    receivedMs: number,
    mailboxes: readonly MailboxRef[],
    items: ItemsByOrganization,
  ): Promise<void> {
    const { store, outside } = this.#parts;
    await checkRoom(mailboxes, [...items.values()][0]?.size ?? 0, this.#parts);
    let isFirst = true;
    const idFor = (): QueueId => {
      const id = isFirst ? acceptId : Buffer.from(outside.random.bytes(16)).toString('hex');
      isFirst = false;
      return id as QueueId;
    };
    await store.enqueue(queuedMessages(mailboxes, items, receivedMs, idFor));
    this.#parts.wakeQueue();
  }
}

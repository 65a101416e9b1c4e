import type { Account } from '#directory/account';
import type { DeliveryParts } from './delivery-parts.ts';
import { type PreparedDraft, prepareDraft } from './draft.ts';
import { DomainError } from './errors.ts';
import type { MailboxRef, OrganizationId, QueueId } from './ids.ts';
import { deliverItem, fitBeside, mailsOf, noPlans, type Plans } from './inbox-rules.ts';
import { IncomingMessage, type WholeMessage } from './incoming.ts';
import type { JournaledContent } from './journal.ts';
import { judge } from './judge.ts';
import { type MailArrival, mailArrival } from './mail-arrival.ts';
import { acceptIdOfQueued, type MailEnvelope, markerOfQueued } from './mail-envelope.ts';
import { newItem } from './new-item.ts';
import { type NewOutboundMail, outboundMails } from './outbound.ts';
import type { StoredBody } from './ports.ts';
import { asReceivedBy, type InBcc, mailboxesInBcc, nobodyInBcc } from './received-as-bcc.ts';
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
import { type SendOutcome, type SendRequest, send } from './send.ts';
import { SentCopy } from './sent-copy.ts';
import { returnPathBytes } from './trace.ts';

/** A message that has begun: by what it is known, and who gets it. */
interface Accepted {
  readonly acceptId: string;
  readonly receivedMs: number;
  readonly envelope: MailEnvelope;
  readonly mailboxes: readonly MailboxRef[];
  readonly skip: number;
  /** What keeps a second copy out of a mailbox. */
  readonly marker: string | undefined;
}

/** How a message goes into the queue. */
interface Enqueued {
  readonly mails: readonly NewOutboundMail[];
  readonly isRoomAsked: boolean;
  readonly inBcc: InBcc;
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
   * to put in front of it (Return-Path, and Received with the accept id), what is found out about it comes between them;
   * recipients elsewhere get it without the Return-Path. The message streams into the store as it is written.
   */
  begin(envelope: MailEnvelope, head: (acceptId: string, atMs: number) => string): IncomingMessage {
    const { store, outside, limits, attachments } = this.#parts;
    const { outbound } = envelope;
    const mailboxes = mailboxesOf(envelope.recipients.flatMap(({ accounts }) => accounts));
    const { queued, sentItemsOf } = envelope;
    const marker = queued && markerOfQueued(queued);
    const acceptId = queued
      ? acceptIdOfQueued(
          queued,
          envelope.recipients.map(({ address }) => address),
        )
      : this.#randomHex();
    const receivedMs = outside.clock.now();
    const fields = head(acceptId, receivedMs);
    const accepted = { acceptId, receivedMs, envelope, mailboxes, skip: returnPathBytes(fields), marker };
    const organizations = organizationsWith(mailboxes, outbound);
    const copies = mailboxes.length + (outbound?.recipients.length ?? 0) + (sentItemsOf ? 1 : 0);
    const inlineBytes = store.inlineBodyBytes(copies);
    return new IncomingMessage({
      acceptId,
      store,
      // What was queued here was looked through when it came.
      attachments: queued ? undefined : attachments,
      organizations,
      inlineBytes,
      maxBytes: queued ? Number.POSITIVE_INFINITY : limits.maxMessageBytes,
      head: fields,
      receivedMs,
      isRelayed: outbound !== undefined,
      sentCopy: sentItemsOf && new SentCopy(store, sentItemsOf.mailbox, inlineBytes),
      judge: (body, authentication) =>
        judge({ acceptId, envelope, organizations, body, authentication }, this.#parts),
      deliver: (message) => this.#deliver(accepted, message),
    });
  }

  /**
   * Sends a message that a device wrote to local mailboxes, with a copy in Sent Items: together, or not at all; a mailbox
   * that has no room is tried from the queue. A request that was done before (same device and ClientId, or one of the same
   * keys) does nothing; nor does one with another message by the same ClientId. Throws message/too-large,
   * message/no-recipient, message/blocked-attachment, mailbox/over-quota when there is no room for the copy, server/busy.
   */
  send(request: SendRequest): Promise<SendOutcome> {
    return send(request, this.#parts);
  }

  /** Makes a draft ready for its mailbox; see prepareDraft. */
  prepareDraft(request: Parameters<typeof prepareDraft>[0]): Promise<PreparedDraft> {
    return prepareDraft(request, this.#parts);
  }

  async #deliver(accepted: Accepted, message: WholeMessage): Promise<void> {
    try {
      await this.#store(accepted, message);
    } catch (error) {
      // It was decided so, and nothing is written; after a fault nobody knows.
      if (error instanceof DomainError)
        await this.#discard([...message.body.stored, ...(message.sent?.stored ?? [])]);
      throw error;
    }
  }

  async #store(accepted: Accepted, message: WholeMessage): Promise<void> {
    const { store } = this.#parts;
    const { receivedMs, mailboxes, marker } = accepted;
    const { index, body, sent, verdictsFor } = message;
    const leaving = this.#mailsOf(accepted, message);
    const records = await this.#records(accepted, message);
    const mails = [...leaving, ...records];
    if (mailboxes.length + mails.length === 0 && sent === undefined) return;
    const items: ItemsByOrganization = new Map(
      organizationsOf(mailboxes).map((organization) => [
        organization,
        newItem(index, body.bodyFor(organization), {
          receivedMs,
          read: false,
          verdicts: verdictsFor(organization),
        }),
      ]),
    );
    const isRoomAsked = leaving.length === 0 && marker === undefined;
    const inBcc = inBccOf(accepted, message);
    const all = [...items.values(), ...(sent ? [sent.item] : [])];
    const copies = mailboxes.length + mails.length + (sent ? 1 : 0);
    const mayBeDirect =
      copies <= maxDirectMailboxes && all.every((item) => store.fitsOneTransaction(item, copies));
    const plans = mayBeDirect ? await this.#plans(accepted, message, items) : noPlans;
    const planned = mailsOf(plans.values());
    const isDirect =
      mayBeDirect && copies + planned.length <= maxDirectMailboxes && fitBeside([...planned, ...records]);
    if (!isDirect) {
      await this.#enqueue(accepted, message, items, { mails, isRoomAsked, inBcc });
      if (sent) await store.transact([sent.mailbox], (of) => sent.put(of), sent.stored);
    } else {
      const reached = await store.transact(
        withSender(mailboxes, sent?.mailbox),
        async (of, outbound) => {
          const organizations = new Set<OrganizationId>();
          // One that filled up after its RCPT was accepted gets this message all the same: its sender was told that it would.
          if (isRoomAsked) await checkRoom(mailboxes, body.size, this.#parts, { of });
          for (const ref of mailboxes) {
            const mailbox = of(ref);
            if (marker !== undefined && (await mailbox.marker(marker)) !== undefined) continue;
            const item = asReceivedBy(itemFor(items, ref.organization), ref.mailbox, inBcc);
            await deliverItem(mailbox, outbound, item, plans.get(ref.mailbox));
            organizations.add(ref.organization);
            if (marker !== undefined) mailbox.putMarker(marker, '');
          }
          for (const mail of mails) await outbound.put(mail);
          await sent?.put(of);
          return organizations;
        },
        [...body.stored, ...(sent?.stored ?? [])],
        [...mails, ...planned],
      );
      // Where every mailbox had it already, by another attempt, nobody needs it.
      if (mails.length === 0) {
        await this.#discard(body.stored.filter(({ organization }) => !reached.has(organization)));
      }
    }
    this.#parts.wakeRelay?.([...mails, ...planned]);
  }

  async #discard(bodies: readonly StoredBody[]): Promise<void> {
    for (const body of bodies) await this.#parts.store.discardBody(body);
  }

  async #plans(accepted: Accepted, message: WholeMessage, items: ItemsByOrganization): Promise<Plans> {
    const { rules } = this.#parts;
    const { acceptId, mailboxes } = accepted;
    const arrival = arrivalOf(accepted, message);
    if (rules === undefined || arrival === undefined) return noPlans;
    return rules.plans(mailboxes, (organization) => ({
      acceptId,
      item: itemFor(items, organization),
      arrival,
    }));
  }

  /** One for each organisation that wants it, to be stored with the message. */
  async #records({ envelope, mailboxes, receivedMs }: Accepted, { index, body, is8bit }: WholeMessage) {
    const { journal } = this.#parts;
    if (journal === undefined) return [];
    const stored = organizationsWith(mailboxes, envelope.outbound);
    const content: JournaledContent = {
      size: body.size,
      is8bit,
      headers: () => index.headers,
      bodyFor: (organization) => (stored.includes(organization) ? body.bodyFor(organization) : undefined),
      read: () => body.read(0, body.size),
    };
    return journal.records(envelope, content, { atMs: receivedMs });
  }

  #mailsOf({ acceptId, receivedMs, envelope, skip }: Accepted, { body, is8bit, facts }: WholeMessage) {
    const { outbound, isAuthenticated } = envelope;
    if (outbound === undefined) return [];
    const content = {
      acceptId,
      acceptedMs: receivedMs,
      size: body.size,
      skip,
      is8bit,
      facts,
      isAuthenticated,
      body: body.bodyFor(outbound.organization),
    };
    return outboundMails(outbound, content, this.#parts.destinationOf);
  }

  async #enqueue(
    accepted: Accepted,
    message: WholeMessage,
    items: ItemsByOrganization,
    { mails, isRoomAsked, inBcc }: Enqueued,
  ): Promise<void> {
    const { acceptId, receivedMs, mailboxes, marker } = accepted;
    const { store } = this.#parts;
    if (isRoomAsked) await checkRoom(mailboxes, [...items.values()][0]?.size ?? 0, this.#parts);
    // What comes again for others may still be queued: with a marker no id follows from the message's.
    let isFirst = marker === undefined;
    const idFor = (): QueueId => {
      const id = isFirst ? acceptId : this.#randomHex();
      isFirst = false;
      return id as QueueId;
    };
    const messages = queuedMessages(mailboxes, items, receivedMs, idFor, {
      arrival: arrivalOf(accepted, message),
      inBcc,
    });
    await store.enqueue(
      messages.map((one) => ({ ...one, marker })),
      mails,
    );
    this.#parts.wakeQueue();
  }

  #randomHex(): string {
    return Buffer.from(this.#parts.outside.random.bytes(16)).toString('hex');
  }
}

function withSender(mailboxes: readonly MailboxRef[], sender: MailboxRef | undefined): readonly MailboxRef[] {
  if (sender === undefined) return mailboxes;
  return [...mailboxes.filter(({ mailbox }) => mailbox !== sender.mailbox), sender];
}

/** Only of who signed in here is it certain that nobody passed the message on. */
function inBccOf({ envelope: { client, recipients } }: Accepted, { index }: WholeMessage): InBcc {
  return client?.user === undefined ? nobodyInBcc : mailboxesInBcc(recipients, index.headers);
}

/** What rules go by; undefined for what belongs to journaling: what a rule made of a record would have a record, and so on. */
function arrivalOf({ envelope, skip }: Accepted, { index, is8bit }: WholeMessage): MailArrival | undefined {
  const kind = envelope.queued?.kind;
  if (kind === 'journal' || kind === 'journal-report') return undefined;
  return mailArrival({ ...envelope, skip, is8bit }, index.headers);
}

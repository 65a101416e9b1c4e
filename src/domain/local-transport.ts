import { splitMessage } from '#mime/header-edit';
import type { Logger } from '#telemetry/log';
import type { Delivery } from './delivery.ts';
import { DomainError, type DomainErrorCode } from './errors.ts';
import { type LocalRecipient, markerOfQueued } from './mail-envelope.ts';
import type { OutboundMail, OutboundRecipient } from './outbound.ts';
import type { Outcome } from './outside.ts';
import type { MailStore } from './ports.ts';
import { checkNumber, mailboxesOf, maxDirectMailboxes } from './recipients.ts';
import type { Routing } from './routing.ts';
import { receivedField, returnPathField } from './trace.ts';

interface LocalTransportParts {
  readonly delivery: Pick<Delivery, 'begin' | 'checkRoom'>;
  readonly routing: Pick<Routing, 'resolveRecipient'>;
  readonly store: Pick<MailStore, 'mailbox'>;
  readonly hostname: string;
  readonly log: Logger;
}

type Finding = Pick<Outcome, 'kind' | 'status'>;

/** RFC 3463; what is not here is a fault of ours, and tried again. */
const findings: Partial<Record<DomainErrorCode, Finding>> = {
  'recipient/unknown': { kind: 'failed', status: '5.1.1' },
  'mailbox/disabled': { kind: 'failed', status: '5.2.1' },
  'mailbox/over-quota': { kind: 'deferred', status: '4.2.2' },
  'group/too-large': { kind: 'failed', status: '5.2.4' },
  'limit/exceeded': { kind: 'deferred', status: '4.5.3' },
  'server/busy': { kind: 'deferred', status: '4.3.2' },
};
const fault: Finding = { kind: 'deferred', status: '4.3.0' };

/** More Received fields than this are a loop. RFC 5321 §6.3. */
const maxReceivedFields = 50;
/** A header is looked at so far. */
const maxHeaderBytes = 256 * 1024;
const endOfHeader = Buffer.from('\r\n\r\n');

/**
 * LocalTransport takes mail of the outbound queue whose recipients are here, as a server of their domain would: by
 * Delivery. A mailbox that has the mail already (we were killed before its delivery was written down in the queue) does
 * not get it again.
 */
export class LocalTransport {
  readonly #parts: LocalTransportParts;

  constructor(parts: LocalTransportParts) {
    this.#parts = parts;
  }

  /** Makes one attempt, and gives one outcome for each recipient; `open` gives the message as it is sent. */
  async send(
    mail: OutboundMail,
    recipients: readonly OutboundRecipient[],
    open: () => AsyncIterable<Uint8Array>,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const accepted: LocalRecipient[] = [];
    for (const { address } of recipients) {
      try {
        const recipient = await this.#recipientAt(address);
        if (await this.#isDelivered(mail, recipient)) {
          outcomes.push({ address, kind: 'delivered', status: '2.1.5', text: 'Delivered before' });
          continue;
        }
        await this.#parts.delivery.checkRoom(recipient.accounts, mail.size);
        checkNumber([...accepted, recipient].flatMap(({ accounts }) => accounts));
        accepted.push(recipient);
      } catch (error) {
        outcomes.push({ address, ...this.#findingOf(error, mail) });
      }
    }
    if (accepted.length === 0) return outcomes;
    const finding = await this.#deliver(mail, accepted, open).catch((error: unknown) =>
      this.#findingOf(error, mail),
    );
    return [...outcomes, ...accepted.map(({ address }) => ({ address, ...finding }))];
  }

  async #recipientAt(address: string): Promise<LocalRecipient> {
    const recipient = await this.#parts.routing.resolveRecipient(address);
    switch (recipient.kind) {
      case 'mailbox':
        return { address, accounts: [recipient.account], isGroup: false };
      case 'group':
        return { address, accounts: recipient.accounts, isGroup: true };
      case 'disabled':
        throw new DomainError('mailbox/disabled', 'Mailbox disabled, not accepting messages');
      case 'unknown':
        throw new DomainError('recipient/unknown', 'No such user here');
      case 'routed':
      case 'elsewhere':
        // It was here a moment ago: the next attempt goes to its server.
        throw new DomainError('server/busy', 'The address has moved');
    }
  }

  /** Of a large group every mailbox looks for itself. */
  async #isDelivered(mail: OutboundMail, { accounts }: LocalRecipient): Promise<boolean> {
    const mailboxes = mailboxesOf(accounts);
    if (mailboxes.length === 0 || mailboxes.length > maxDirectMailboxes) return false;
    for (const ref of mailboxes) {
      if ((await this.#parts.store.mailbox(ref).marker(markerOfQueued(mail))) === undefined) return false;
    }
    return true;
  }

  async #deliver(
    mail: OutboundMail,
    recipients: readonly LocalRecipient[],
    open: () => AsyncIterable<Uint8Array>,
  ): Promise<Omit<Outcome, 'address'>> {
    const { reversePath } = mail;
    const message = this.#parts.delivery.begin(
      { reversePath, recipients, isAuthenticated: mail.isAuthenticated, queued: mail },
      (id, atMs) => returnPathField(reversePath) + this.#received(id, recipients, atMs),
    );
    try {
      let header: Buffer | undefined = Buffer.alloc(0);
      for await (const chunk of open()) {
        if (header !== undefined) {
          header = Buffer.concat([header, chunk]);
          if (!header.includes(endOfHeader) && header.length < maxHeaderBytes) continue;
          if (isLoop(header)) return await loop(message);
        }
        await message.write(header ?? chunk);
        header = undefined;
      }
      if (header !== undefined) {
        if (isLoop(header)) return await loop(message);
        if (header.length > 0) await message.write(header);
      }
      const { acceptId } = await message.accept();
      return { kind: 'delivered', status: '2.1.5', text: `Delivered here as ${acceptId}` };
    } catch (error) {
      await message.abort();
      throw error;
    }
  }

  /** RFC 5321 §4.4. */
  #received(id: string, [first, ...others]: readonly LocalRecipient[], atMs: number): string {
    const recipient = first !== undefined && others.length === 0 ? first.address : undefined;
    return receivedField({ by: this.#parts.hostname, protocol: 'local', id, for: recipient, atMs });
  }

  #findingOf(error: unknown, { id, acceptId }: OutboundMail): Omit<Outcome, 'address'> {
    const finding = error instanceof DomainError ? findings[error.code] : undefined;
    if (finding !== undefined && error instanceof Error) return { ...finding, text: error.message };
    this.#parts.log.error('outbound.queue.failed', { err: error }, { queueId: id, acceptId });
    return { ...fault, text: 'Local error in processing' };
  }
}

async function loop(message: { abort(): Promise<void> }): Promise<Omit<Outcome, 'address'>> {
  await message.abort();
  return { kind: 'failed', status: '5.4.6', text: 'Routing loop detected' };
}

function isLoop(beginning: Uint8Array): boolean {
  const { fields } = splitMessage(beginning);
  return fields.filter(({ name }) => name === 'received').length > maxReceivedFields;
}

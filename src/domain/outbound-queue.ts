import { isAscii } from 'node:buffer';
import { deliveryStatusNotification } from '#mime/dsn';
import type { Logger } from '#telemetry/log';
import { DomainError } from './errors.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef, OrganizationId, QueueId } from './ids.ts';
import type { Journal, JournaledContent } from './journal.ts';
import { afterJournalAttempt } from './journal-attempt.ts';
import { toOwner } from './mail-envelope.ts';
import {
  afterAttempt,
  type NewOutboundMail,
  type OutboundMail,
  type RetrySchedule,
  type StatusNotice,
} from './outbound.ts';
import type { Outcome, Outside } from './outside.ts';
import type { OwnMail } from './own-mail.ts';
import type { DueDestination, MailStore, OutboundStore, PageOf, StoredBody } from './ports.ts';
import { prepare } from './prepare.ts';
import { type ItemsByOrganization, itemFor } from './recipients.ts';
import type { Routing } from './routing.ts';
import { returnPathField } from './trace.ts';

interface OutboundQueueParts {
  readonly store: MailStore;
  readonly queue: OutboundStore;
  readonly directory: Pick<Routing, 'resolveRecipient'>;
  readonly outside: Outside;
  readonly log: Logger;
  readonly hostname: string;
  readonly schedule: RetrySchedule;
  readonly ownMail: Pick<OwnMail, 'make'>;
  readonly journal: Pick<Journal, 'records' | 'reportTo' | 'messageId'>;
}

/** A report, ready to be stored: in the sender's mailbox, or queued to the sender. */
interface PreparedReport {
  readonly mailbox: MailboxRef | undefined;
  readonly items: ItemsByOrganization;
  readonly bodies: readonly StoredBody[];
  readonly mails: readonly NewOutboundMail[];
}

/** So much of a message is read for its report. */
const maxReturnedBytes = 256 * 1024;

const recordWords = {
  subject: 'Undelivered journal record',
  introduction:
    'A journal record could not be delivered. It is kept in the queue and tried again until it can be, or until an administrator deletes it there.',
} as const;

const inbox = defaultFolder(FolderType.Inbox);

/** A mail to attempt, if one is due, and when the next one is. */
interface Claimed {
  readonly mail: OutboundMail | undefined;
  readonly nextDueMs: number | undefined;
}

/** What was claimed for a destination at once. */
interface Hand {
  mails: OutboundMail[];
  nextDueMs: number | undefined;
  asking: Promise<void> | undefined;
}

/** OutboundQueue decides what becomes of mail for other servers: attempts, retries, reports to the sender. */
export class OutboundQueue {
  readonly #parts: OutboundQueueParts;
  /** Of what is held: another one with each start. */
  #owner = '';
  /** By destination, what is claimed and waits for a session. */
  readonly #claimed = new Map<string, Hand>();

  constructor(parts: OutboundQueueParts) {
    this.#parts = parts;
  }

  /** Begins: frees what was held before, and gives every destination that has mail. */
  recover(): Promise<readonly DueDestination[]> {
    this.#owner = Buffer.from(this.#parts.outside.random.bytes(8)).toString('hex');
    this.#claimed.clear();
    return this.#parts.queue.recover(this.#owner, this.#parts.outside.clock.now());
  }

  /** The next mail of a destination that is due, held until it is settled or postponed; and when another one is. */
  async claim(destination: string): Promise<Claimed> {
    // Whoever asks already may have looked before the mail came that this session is to send.
    const before = this.#claimed.get(destination);
    if (before?.mails.length === 0) await before.asking;
    const known = this.#claimed.get(destination);
    const claimed = known ?? { mails: [], nextDueMs: undefined, asking: undefined };
    if (known === undefined) this.#claimed.set(destination, claimed);
    const isFresh = claimed.mails.length === 0;
    if (isFresh) {
      // Sessions that ask at once share what one of them is given.
      claimed.asking ??= this.#claimMore(destination, claimed).finally(() => {
        claimed.asking = undefined;
      });
      await claimed.asking;
    }
    const mail = claimed.mails.shift();
    const isEmpty = claimed.mails.length === 0;
    if (isEmpty && claimed.asking === undefined && this.#claimed.get(destination) === claimed)
      this.#claimed.delete(destination);
    // What was asked before this call may be out of date: another one was tried since, and is due earlier.
    return { mail, nextDueMs: isFresh && isEmpty ? claimed.nextDueMs : this.#parts.outside.clock.now() };
  }

  async #claimMore(destination: string, claimed: Hand): Promise<void> {
    const { queue, outside } = this.#parts;
    const held = { nowMs: outside.clock.now(), owner: this.#owner };
    const { mails, nextDueMs } = await queue.claim(destination, held);
    claimed.mails.push(...mails);
    claimed.nextDueMs = nextDueMs;
  }

  /**
   * What an attempt did cannot be settled: the mail is due again after a pause (milliseconds), for those who have not got it.
   * Gives when.
   */
  async postpone(
    mail: OutboundMail,
    outcomes: readonly Outcome[],
    pauseMs: number,
  ): Promise<readonly DueDestination[]> {
    const delivered = new Set(
      outcomes.filter(({ kind }) => kind === 'delivered').map(({ address }) => address),
    );
    const recipients = mail.recipients.map((recipient) =>
      delivered.has(recipient.address) ? ({ ...recipient, state: 'delivered' } as const) : recipient,
    );
    const next = { ...mail, recipients, dueMs: this.#parts.outside.clock.now() + pauseMs };
    return (await this.#parts.queue.replace(mail, next)) ? [next] : [];
  }

  /** The message as it is sent. */
  open(mail: OutboundMail): AsyncIterable<Uint8Array> {
    return this.#parts.queue.open(mail);
  }

  /**
   * Writes down what an attempt did, and tells the sender what it is to know: together, or not at all. Gives the
   * destinations that have something due by it.
   */
  async settle(mail: OutboundMail, outcomes: readonly Outcome[]): Promise<readonly DueDestination[]> {
    const { store, queue, outside, schedule } = this.#parts;
    const after = mail.kind === 'journal' ? afterJournalAttempt : afterAttempt;
    const { next, notices } = after(mail, outcomes, outside.clock.now(), schedule);
    this.#logOutcomes(mail, outcomes);
    if (notices.length === 0) return (await queue.replace(mail, next)) && next !== undefined ? [next] : [];
    const reports: PreparedReport[] = [];
    for (const notice of notices) reports.push(await this.#report(mail, notice));
    const mails = reports.flatMap((report) => report.mails);
    const mailboxes = reports.flatMap(({ mailbox }) => (mailbox === undefined ? [] : [mailbox]));
    const isDone = await store.transact(
      [...new Map(mailboxes.map((ref) => [ref.mailbox, ref])).values()],
      async (of, outbound) => {
        if (!(await outbound.replace(mail, next))) return false;
        for (const { mailbox, items } of reports) {
          if (mailbox === undefined || (await of(mailbox).folder(inbox)) === undefined) continue;
          await of(mailbox).addItem(inbox, itemFor(items, mailbox.organization));
        }
        for (const report of mails) await outbound.put(report);
        return true;
      },
      reports.flatMap(({ bodies }) => bodies),
      [mail, ...mails],
    );
    if (!isDone) return [];
    return next === undefined ? mails : [next, ...mails];
  }

  /** Of one organisation, in order of id. */
  list(
    organization: OrganizationId,
    after: QueueId | undefined,
    limit: number,
  ): Promise<PageOf<OutboundMail, QueueId>> {
    return this.#parts.queue.list(organization, after, limit);
  }

  /** Throws queue/not-found. */
  async get(organization: OrganizationId, id: QueueId): Promise<OutboundMail> {
    const mail = await this.#parts.queue.get(id);
    if (mail?.organization === organization) return mail;
    throw notQueued();
  }

  /** Makes a mail due at once; one that is being sent stays as it is. Throws queue/not-found. */
  async retry(organization: OrganizationId, id: QueueId): Promise<OutboundMail> {
    const { store, outside } = this.#parts;
    const mail = await this.get(organization, id);
    const nowMs = outside.clock.now();
    const due = await store.transact([], (_of, outbound) => outbound.hasten(mail, nowMs), [], [mail]);
    if (due === undefined) throw notQueued();
    return due;
  }

  /** Takes a mail out of the queue; its sender is told nothing, and an attempt under way goes on. Throws queue/not-found. */
  async delete(organization: OrganizationId, id: QueueId): Promise<void> {
    const mail = await this.get(organization, id);
    await this.#parts.store.transact([], (_of, outbound) => outbound.replace(mail, undefined), [], [mail]);
    this.#forget(mail);
    this.#parts.log.info('outbound.mail.deleted', { queueId: id, acceptId: mail.acceptId });
  }

  /** One that was claimed and waits for a session is not attempted any more. */
  #forget({ id, destination }: OutboundMail): void {
    const hand = this.#claimed.get(destination);
    const at = hand?.mails.findIndex((mail) => mail.id === id) ?? -1;
    if (at >= 0) hand?.mails.splice(at, 1);
  }

  async #report(mail: OutboundMail, notice: StatusNotice): Promise<PreparedReport> {
    if (mail.kind === 'journal') return this.#reportRecord(mail, notice);
    const { store, directory, outside, log, ownMail, journal } = this.#parts;
    const { reversePath, organization } = mail;
    const sender = await directory.resolveRecipient(reversePath);
    const atMs = outside.clock.now();
    log.info('outbound.sender.told', { queueId: mail.id, action: notice.action, to: reversePath });
    // Nobody is there to be told; a group sends nothing.
    if (sender.kind === 'disabled' || sender.kind === 'unknown' || sender.kind === 'group') {
      return { mailbox: undefined, items: new Map(), bodies: [], mails: [] };
    }
    const raw = await this.#compose(mail, notice, reversePath, atMs);
    if (sender.kind !== 'mailbox') {
      const recipients = [{ address: reversePath }];
      const letter = { organization, kind: 'bounce', reversePath: '', recipients, content: { raw } } as const;
      return { mailbox: undefined, items: new Map(), bodies: [], mails: await ownMail.make(letter) };
    }
    const { mailbox } = sender.account;
    const chunks = [Buffer.from(returnPathField('')), raw];
    const { index, items, body } = await prepare(
      store,
      { mailboxes: [mailbox], outbound: undefined, chunks },
      { receivedMs: atMs, read: false },
    );
    const content: JournaledContent = {
      size: body.size,
      is8bit: !isAscii(raw),
      headers: () => index.headers,
      bodyFor: (owner) => (owner === mailbox.organization ? body.bodyFor(owner) : undefined),
      read: () => body.read(0, body.size),
    };
    const mails = await journal.records(toOwner(sender.account), content, { atMs });
    return { mailbox, items, bodies: body.stored, mails };
  }

  /** A journal record stays where it is; whoever looks after the archive is told. */
  async #reportRecord(mail: OutboundMail, notice: StatusNotice): Promise<PreparedReport> {
    const { outside, log, ownMail, journal } = this.#parts;
    const { organization } = mail;
    const to = await journal.reportTo(organization);
    log.warn('outbound.journal.failed', { queueId: mail.id, to });
    if (to === undefined) return { mailbox: undefined, items: new Map(), bodies: [], mails: [] };
    const raw = await this.#compose(mail, notice, to, outside.clock.now());
    const recipients = [{ address: to }];
    const letter = { organization, kind: 'journal-report', reversePath: '', recipients } as const;
    const mails = await ownMail.make({ ...letter, content: { raw } });
    return { mailbox: undefined, items: new Map(), bodies: [], mails };
  }

  async #compose(
    mail: OutboundMail,
    { action, recipients }: StatusNotice,
    to: string,
    atMs: number,
  ): Promise<Buffer> {
    const { hostname, schedule, journal } = this.#parts;
    const isRecord = mail.kind === 'journal';
    const original = await this.#beginning(mail);
    // RFC 3461 §5.2 (h): in full only if asked for, and only what failed.
    const isWhole = original.length === mail.size - mail.skip;
    return deliveryStatusNotification({
      action,
      hostname,
      to,
      ...(isRecord ? recordWords : {}),
      messageId: isRecord ? journal.messageId(mail.organization) : `<${this.#randomHex()}@${hostname}>`,
      boundary: `=_${this.#randomHex()}`,
      dateMs: atMs,
      arrivalMs: mail.acceptedMs,
      expiresMs: mail.acceptedMs + schedule.expireMs,
      envid: mail.envid,
      recipients: recipients.map(({ address, orcpt, last }) => ({
        address,
        orcpt,
        status: last?.status ?? '4.0.0',
        text: last?.text ?? 'No attempt was made yet',
        remote: last?.remote,
      })),
      original,
      isFull: action === 'failed' && (mail.ret === 'FULL' || isRecord) && isWhole,
    });
  }

  async #beginning(mail: OutboundMail): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.open(mail)) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxReturnedBytes) break;
      }
    } catch (err) {
      // Without its report the mail would be tried for ever.
      this.#parts.log.error('outbound.queue.failed', { err }, { queueId: mail.id });
    }
    return Buffer.concat(chunks);
  }

  #randomHex(): string {
    return Buffer.from(this.#parts.outside.random.bytes(16)).toString('hex');
  }

  #logOutcomes({ id, acceptId, attempts }: OutboundMail, outcomes: readonly Outcome[]): void {
    for (const { address, kind, status, text, remote } of outcomes) {
      this.#parts.log.info('outbound.recipient.tried', {
        queueId: id,
        acceptId,
        rcpt: address,
        outcome: kind,
        status,
        reply: text,
        remote,
        attempt: attempts + 1,
      });
    }
  }
}

function notQueued(): DomainError {
  return new DomainError('queue/not-found', 'No queued message has this id.');
}

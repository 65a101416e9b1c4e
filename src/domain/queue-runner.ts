import type { Logger } from '#telemetry/log';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef } from './ids.ts';
import { deliverItem, type InboxRules, mailsOf } from './inbox-rules.ts';
import type { Clock } from './outside.ts';
import type { MailStore, QueuedMessage } from './ports.ts';
import { asReceivedBy, type InBcc } from './received-as-bcc.ts';

/** A claim that was not finished is due again after this. */
const leaseMs = 60_000;
const claimedAtOnce = 16;
const mailboxesAtOnce = 32;

const inbox = defaultFolder(FolderType.Inbox);

/**
 * QueueRunner takes accepted messages from the queue and gives each mailbox its copy. The marker that is written with the
 * copy keeps a second one out, so that it may be stopped anywhere and begin again. It sleeps until it is woken; a timer
 * runs only while a delivery has failed and waits to be tried again.
 */
export class QueueRunner {
  readonly #store: MailStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rules: Pick<InboxRules, 'plan' | 'wake'> | undefined;
  #running: Promise<void> | undefined;
  #isAsked = false;
  #hasOldClaims = false;
  #isStopped = false;
  #cancelRetry: (() => void) | undefined;

  /** `rules` says what the owners of mailboxes want done with mail; absent: it stays in the Inbox. */
  constructor(store: MailStore, clock: Clock, log: Logger, rules?: Pick<InboxRules, 'plan' | 'wake'>) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#rules = rules;
  }

  /** Goes on with what an earlier life of this server left. */
  start(): void {
    this.#hasOldClaims = true;
    this.wake();
  }

  /** Something came into the queue. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      // Somebody may have asked after the last look.
      if (this.#isAsked) this.wake();
    });
  }

  /** Resolves when everything that is due has been tried. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Resolves when the messages in hand are delivered; what is left waits for the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry?.();
    await this.settled();
  }

  async #work(): Promise<void> {
    try {
      while (this.#isAsked && !this.#isStopped) {
        this.#isAsked = false;
        // Nobody lives who could hold an older claim: all of them are void, and due again just behind this look.
        if (this.#hasOldClaims) await this.#drain(leaseMs, 1);
        this.#hasOldClaims = false;
        await this.#drain(0, leaseMs);
      }
    } catch (err) {
      this.#log.error('delivery.queue.failed', { err });
      this.#retryLater();
    }
  }

  /** Delivers what is due `aheadMs` from now; what fails is due again `againMs` after that. */
  async #drain(aheadMs: number, againMs: number): Promise<void> {
    const dueMs = this.#clock.now() + aheadMs;
    let count = claimedAtOnce;
    while (count === claimedAtOnce && !this.#isStopped) {
      const messages = await this.#store.claimQueued(dueMs, againMs, claimedAtOnce);
      count = messages.length;
      await Promise.all(messages.map((message) => this.#deliver(message)));
    }
  }

  async #deliver(message: QueuedMessage): Promise<void> {
    try {
      const { organization, recipients, named = recipients.length } = message;
      const inBcc = new Set(recipients.slice(named));
      for (let at = 0; at < recipients.length; at += mailboxesAtOnce) {
        const some = recipients.slice(at, at + mailboxesAtOnce);
        await Promise.all(some.map((mailbox) => this.#put(message, { organization, mailbox }, inBcc)));
      }
      await this.#store.dequeue(message);
      this.#log.info('delivery.queue.delivered', { acceptId: message.id, mailboxes: recipients.length });
    } catch (err) {
      this.#log.error('delivery.queue.failed', { err }, { acceptId: message.id });
      this.#retryLater();
    }
  }

  async #put(message: QueuedMessage, ref: MailboxRef, inBcc: InBcc): Promise<void> {
    const { id, organization, marker = id, arrival } = message;
    const item = asReceivedBy(message.item, ref.mailbox, inBcc);
    const plan = arrival && (await this.#rules?.plan({ acceptId: id, item, arrival }, ref));
    const mails = plan === undefined ? [] : mailsOf([plan]);
    const bodies = item.body.kind === 'blob' ? [{ organization, id: item.body.id, size: item.size }] : [];
    const isThere = await this.#store.transact(
      [ref],
      async (of, outbound) => {
        const mailbox = of(ref);
        if ((await mailbox.marker(marker)) !== undefined) return true;
        if ((await mailbox.folder(inbox)) === undefined) return false;
        await deliverItem(mailbox, outbound, item, plan);
        mailbox.putMarker(marker, '');
        return true;
      },
      bodies,
      mails,
    );
    this.#rules?.wake(mails);
    if (!isThere) this.#log.warn('delivery.mailbox.gone', { acceptId: id, mailbox: ref.mailbox });
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#clock.after(leaseMs + 1, () => this.wake());
  }
}

import type { Logger } from '#telemetry/log';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef } from './ids.ts';
import type { Clock } from './outside.ts';
import type { MailStore, QueuedMessage } from './ports.ts';

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
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isStopped = false;
  #cancelRetry: (() => void) | undefined;

  constructor(store: MailStore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Goes on with what an earlier life of this server left: nobody else holds a claim now. */
  start(): void {
    this.#run(leaseMs);
  }

  /** Something came into the queue. */
  wake(): void {
    this.#run(0);
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

  #run(aheadMs: number): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    this.#running ??= this.#work(aheadMs).finally(() => {
      this.#running = undefined;
      // Somebody may have asked after the last look.
      if (this.#isAsked) this.#run(0);
    });
  }

  async #work(aheadMs: number): Promise<void> {
    let ahead = aheadMs;
    try {
      while (this.#isAsked && !this.#isStopped) {
        this.#isAsked = false;
        const messages = await this.#store.claimQueued(this.#clock.now() + ahead, leaseMs, claimedAtOnce);
        if (messages.length === claimedAtOnce) this.#isAsked = true;
        else ahead = 0;
        await Promise.all(messages.map((message) => this.#deliver(message)));
      }
    } catch (err) {
      this.#log.error('delivery.queue.failed', { err });
      this.#retryLater();
    }
  }

  async #deliver(message: QueuedMessage): Promise<void> {
    try {
      const { organization, recipients } = message;
      for (let at = 0; at < recipients.length; at += mailboxesAtOnce) {
        const some = recipients.slice(at, at + mailboxesAtOnce);
        await Promise.all(some.map((mailbox) => this.#put(message, { organization, mailbox })));
      }
      await this.#store.dequeue(message);
      this.#log.info('delivery.queue.delivered', { acceptId: message.id, mailboxes: recipients.length });
    } catch (err) {
      this.#log.error('delivery.queue.failed', { err }, { acceptId: message.id });
      this.#retryLater();
    }
  }

  async #put({ id, organization, item }: QueuedMessage, ref: MailboxRef): Promise<void> {
    const bodies = item.body.kind === 'blob' ? [{ organization, id: item.body.id, size: item.size }] : [];
    const isThere = await this.#store.transact(
      [ref],
      async (of) => {
        const mailbox = of(ref);
        if ((await mailbox.marker(id)) !== undefined) return true;
        if ((await mailbox.folder(inbox)) === undefined) return false;
        await mailbox.addItem(inbox, item);
        mailbox.putMarker(id, '');
        return true;
      },
      bodies,
    );
    if (!isThere) this.#log.warn('delivery.mailbox.gone', { acceptId: id, mailbox: ref.mailbox });
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    this.#cancelRetry?.();
    // A claim made at the start runs out a lease later than others.
    this.#cancelRetry = this.#clock.after(2 * leaseMs + 1, () => this.wake());
  }
}

import type { Account } from '#directory/account';
import type { Organization } from '#directory/organization';
import { composeNotice } from '#mime/notice';
import type { Logger } from '#telemetry/log';
import type { MailboxId, MailboxRef, OrganizationId } from './ids.ts';
import type { NewOutboundMail } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { OwnMail } from './own-mail.ts';
import type { MailStore } from './ports.ts';

/** A mailbox that has grown. */
export interface MailboxGrowth {
  readonly ref: MailboxRef;
  readonly bytes: number;
  /** See MailboxReader.usage. */
  readonly warnedAtBytes?: number | undefined;
}

interface QuotaNoticesParts {
  readonly store: Pick<MailStore, 'transact'>;
  readonly directory: {
    account(ref: MailboxRef): Promise<Account | undefined>;
    describeOrganization(id: OrganizationId): Promise<Pick<Organization, 'defaultDomain'>>;
  };
  readonly ownMail: Pick<OwnMail, 'make'>;
  readonly mailboxQuotaBytes: number;
  readonly outside: Outside;
  readonly hostname: string;
  readonly log: Logger;
  readonly wakeRelay: (mails: readonly NewOutboundMail[]) => void;
}

/** The part of its quota from which on a mailbox is almost full. */
const almostFull = 0.9;
const bytesPerMebibyte = 1024 * 1024;
/** Of the smallest quota there is. */
const leastBytes = almostFull * bytesPerMebibyte;

/**
 * QuotaNotices tells the owners of mailboxes that these are almost full: once, until they are no longer. Nobody waits for it: it
 * looks on as mailboxes grow, without reading anything of those that are not full.
 */
export class QuotaNotices {
  readonly #parts: QuotaNoticesParts;
  readonly #running = new Map<MailboxId, Promise<void>>();
  /** What is known last of the mailboxes that are looked at. */
  readonly #latest = new Map<MailboxId, MailboxGrowth>();
  #isStopped = false;

  constructor(parts: QuotaNoticesParts) {
    this.#parts = parts;
  }

  /** Call when mailboxes have grown. */
  grown(growths: readonly MailboxGrowth[]): void {
    for (const growth of growths) {
      const { mailbox } = growth.ref;
      if (growth.bytes < leastBytes || this.#isStopped) continue;
      const isRunning = this.#latest.has(mailbox);
      this.#latest.set(mailbox, growth);
      if (!isRunning) this.#running.set(mailbox, this.#lookAt(mailbox));
    }
  }

  /** Resolves when the notices in hand are queued; there are no more after that. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running.values());
  }

  /** Looks until nothing newer is known. */
  async #lookAt(mailbox: MailboxId): Promise<void> {
    for (let seen: MailboxGrowth | undefined; ; ) {
      const growth = this.#latest.get(mailbox);
      if (growth === undefined || growth === seen) break;
      seen = growth;
      try {
        await this.#look(growth);
      } catch (err) {
        this.#parts.log.error('mailbox.quota.notice.failed', { err }, { mailbox });
      }
    }
    this.#latest.delete(mailbox);
    this.#running.delete(mailbox);
  }

  async #look({ ref, bytes, warnedAtBytes }: MailboxGrowth): Promise<void> {
    const { directory, store, wakeRelay, log, mailboxQuotaBytes } = this.#parts;
    const account = await directory.account(ref);
    if (account === undefined) return;
    const quotaBytes = account.quotaBytes ?? mailboxQuotaBytes;
    const fullAt = Math.floor(quotaBytes * almostFull);
    if (bytes < fullAt || warnedAtBytes === fullAt) return;
    const mails = await this.#letter(account, quotaBytes);
    const isFirst = await store.transact(
      [ref],
      async (of, outbound) => {
        const mailbox = of(ref);
        const usage = await mailbox.usage();
        if (usage.bytes < fullAt || usage.warnedAtBytes === fullAt) return false;
        await mailbox.putQuotaWarning(fullAt);
        for (const mail of mails) await outbound.put(mail);
        return true;
      },
      [],
      mails,
    );
    if (!isFirst) return;
    log.info('mailbox.quota.noticed', { user: account.address });
    wakeRelay(mails);
  }

  async #letter(account: Account, quotaBytes: number): Promise<readonly NewOutboundMail[]> {
    const { directory, ownMail, outside, hostname } = this.#parts;
    const { organization, address, displayName } = account;
    const { defaultDomain } = await directory.describeOrganization(organization);
    const id = Buffer.from(outside.random.bytes(16)).toString('hex');
    const raw = await composeNotice({
      from: { name: 'Mailstead', address: `postmaster@${defaultDomain}` },
      to: [{ name: displayName, address }],
      subject: 'Your mailbox is almost full',
      text: textFor(address, quotaBytes),
      date: outside.clock.now(),
      messageId: `<${id}@${hostname}>`,
    });
    const letter = { organization, kind: 'mail', reversePath: '' } as const;
    return ownMail.make({ ...letter, recipients: [{ address }], content: { raw } });
  }
}

function textFor(address: string, quotaBytes: number): string {
  return `The mailbox ${address} is almost full.
It may hold ${Math.floor(quotaBytes / bytesPerMebibyte)} MB, of which more than 90 % are used.

When it is full, new mail is refused. Delete what you do not need any more
and empty the folder Deleted Items, or ask your administrator for more room.
`;
}

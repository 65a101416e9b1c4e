import type { LookOutcome } from '#directory/decide-domain';
import { mailRefusedFromMs } from '#directory/domain-look';
import type { Recipient } from '#directory/lookups';
import type { DomainEvent } from '#directory/mail-domains';
import type { Organization } from '#directory/organization';
import { composeNotice } from '#mime/notice';
import type { Logger } from '#telemetry/log';
import type { OrganizationId } from './ids.ts';
import type { NewOutboundMail } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { OwnMail } from './own-mail.ts';
import type { MailStore } from './ports.ts';

interface DomainNoticesParts {
  readonly store: Pick<MailStore, 'enqueue'>;
  readonly directory: {
    resolveRecipient(address: string): Promise<Recipient>;
    describeOrganization(id: OrganizationId): Promise<Pick<Organization, 'testDomain'>>;
  };
  readonly ownMail: Pick<OwnMail, 'make'>;
  readonly outside: Outside;
  readonly hostname: string;
  readonly log: Logger;
  readonly wakeRelay: (mails: readonly NewOutboundMail[]) => void;
}

/**
 * DomainNotices writes to whoever reads postmaster@ of an organisation that the ownership record of a mail domain of it is
 * gone, and that its mail is refused therefore. Nobody waits for it.
 */
export class DomainNotices {
  readonly #parts: DomainNoticesParts;
  readonly #running = new Set<Promise<void>>();

  constructor(parts: DomainNoticesParts) {
    this.#parts = parts;
  }

  /** Call when the records of a domain were looked at. */
  looked({ organization, outcome }: DomainEvent): void {
    if (outcome?.warning === undefined) return;
    const running = this.#tell(organization, outcome)
      .catch((err: unknown) => {
        this.#parts.log.error('domain.notice.failed', { err }, { organization, domain: outcome.domain.name });
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when the notices in hand are queued. */
  async stop(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #tell(organization: OrganizationId, outcome: LookOutcome): Promise<void> {
    const { directory, ownMail, store, outside, hostname, log, wakeRelay } = this.#parts;
    // The test domain has its mail whatever becomes of the others.
    const { testDomain } = await directory.describeOrganization(organization);
    const address = `postmaster@${testDomain}`;
    const { kind } = await directory.resolveRecipient(address);
    if (kind !== 'mailbox' && kind !== 'group') return;
    const id = Buffer.from(outside.random.bytes(16)).toString('hex');
    const raw = await composeNotice({
      from: { name: 'Mailstead', address },
      to: [{ name: '', address }],
      ...noticeOf(outcome),
      date: outside.clock.now(),
      messageId: `<${id}@${hostname}>`,
    });
    const letter = { organization, kind: 'mail', reversePath: '' } as const;
    const mails = await ownMail.make({ ...letter, recipients: [{ address }], content: { raw } });
    await store.enqueue([], mails);
    log.info('domain.administrator.told', { organization, domain: outcome.domain.name });
    wakeRelay(mails);
  }
}

function noticeOf({ domain, look, warning }: LookOutcome): {
  readonly subject: string;
  readonly text: string;
} {
  const { name, ownershipToken } = domain;
  const record = `  _mailstead.${name}.  TXT  "${ownershipToken}"`;
  const after = `Then run "mailstead domain verify ${name}", or wait for an hour: domains are
looked at by themselves. If the domain is no longer yours, remove it:
"mailstead domain remove ${name}".
`;
  if (warning === 'refused') {
    return {
      subject: `Mail for ${name} is refused`,
      text: `The DNS record that proves that ${name} is yours was gone for 14 days. Mail for
addresses in it is refused now. Nothing was deleted: as soon as the record is
back, mail is accepted again.

${record}

${after}`,
    };
  }
  const refusedFrom = new Date(mailRefusedFromMs(look) ?? look.lookedMs).toUTCString();
  return {
    subject: `The DNS record of ${name} is gone`,
    text: `The DNS record that proves that ${name} is yours is gone. Mail for addresses in
it is accepted until ${refusedFrom}, and refused from then on.
Put the record back:

${record}

${after}`,
  };
}

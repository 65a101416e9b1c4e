import { createHash } from 'node:crypto';
import type { Account } from '#directory/account';
import type { OrganizationId } from './ids.ts';
import type { OutboundEnvelope, OutboundMail } from './outbound.ts';

/** An address of the envelope that is delivered here, and who is behind it. */
export interface LocalRecipient {
  /** As the envelope names it. */
  readonly address: string;
  /** Whose mailboxes get it: the owner's, or those of a group's members; nobody's where the owner is disabled. */
  readonly accounts: readonly Account[];
  readonly isGroup: boolean;
}

/** Who handed a message in by SMTP. */
export interface Client {
  /** Its IP address. */
  readonly address: string;
  /** What it said in HELO or EHLO. */
  readonly name: string;
  /** The address it signed in as. */
  readonly user?: string | undefined;
}

/** The envelope of a message that is accepted here. RFC 5321 §2.3.1. */
export interface MailEnvelope {
  /** '' is the null one. */
  readonly reversePath: string;
  readonly recipients: readonly LocalRecipient[];
  /** Recipients elsewhere. */
  readonly outbound?: OutboundEnvelope | undefined;
  /** Its sender signed in here, or it was made here. */
  readonly isAuthenticated: boolean;
  /** The sender: a copy goes into the Sent Items. */
  readonly sentItemsOf?: Account | undefined;
  /** The organisation of the sender, if it is one of ours. */
  readonly sender?: OrganizationId | undefined;
  /** It comes out of our own outbound queue, where it is known by this. */
  readonly queued?: Pick<OutboundMail, 'id' | 'kind'> | undefined;
  /** Absent: it was made here. */
  readonly client?: Client | undefined;
}

/** The envelope of a message of our own to one mailbox. */
export function toOwner(account: Account): MailEnvelope {
  const recipients = [{ address: account.address, accounts: [account], isGroup: false }];
  return { reversePath: '', recipients, isAuthenticated: true, sender: account.organization };
}

/** Under this name a mailbox remembers a mail of the outbound queue. */
export function markerOfQueued(mail: Pick<OutboundMail, 'id'>): string {
  return `queue ${mail.id}`;
}

/** The accept id of a queued mail that is delivered to these addresses: the same when that is done again. */
export function acceptIdOfQueued(mail: Pick<OutboundMail, 'id'>, addresses: readonly string[]): string {
  const name = [mail.id, ...addresses.toSorted()].join('\n');
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

import type { Account } from '#directory/account';
import type { OutboundEnvelope } from './outbound.ts';

/** An address of the envelope that is delivered here, and who is behind it. */
export interface LocalRecipient {
  /** As the envelope names it. */
  readonly address: string;
  /** Whose mailboxes get it: the owner's, or those of a group's members. */
  readonly accounts: readonly Account[];
  readonly isGroup: boolean;
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
}

/** The envelope of a message of our own to one mailbox. */
export function toOwner(account: Account): MailEnvelope {
  const recipients = [{ address: account.address, accounts: [account], isGroup: false }];
  return { reversePath: '', recipients, isAuthenticated: true };
}

import type { EntityId, MailboxRef, OrganizationId } from '#domain/ids';

/** Account is an enabled user or resource as mail and devices see it. */
export interface Account {
  readonly organization: OrganizationId;
  readonly entity: EntityId;
  readonly mailbox: MailboxRef;
  /** The primary address: the sender of all mail. */
  readonly address: string;
  /** The primary address first, then the aliases. */
  readonly addresses: readonly string[];
  readonly displayName: string;
  /** Of its mailbox; the one of the configuration if it has none of its own. */
  readonly quotaBytes?: number | undefined;
}

import type { EntityId } from '#domain/ids';

/** What somebody may do with the mailbox or the address of another, in the words of the WorkMail API. */
export const mailboxPermissions = ['FULL_ACCESS', 'SEND_AS', 'SEND_ON_BEHALF'] as const;
export type MailboxPermission = (typeof mailboxPermissions)[number];

/** MailboxGrant is what an entity lets a user, or everybody in a group, do. */
export interface MailboxGrant {
  readonly grantee: EntityId;
  /** At least one, each once, in the order of `mailboxPermissions`. */
  readonly permissions: readonly MailboxPermission[];
}

import { type EntityId, type MailboxId, mailboxOf, type OrganizationId } from '#domain/ids';

/** A directory without groups, for tests of policies. */
export const noGroups = {
  groupsOf: async (): Promise<readonly EntityId[]> => [],
  mailboxesOf: async (_organization: OrganizationId, entity: EntityId): Promise<readonly MailboxId[]> => [
    mailboxOf(entity),
  ],
  isGroup: async (): Promise<boolean> => false,
};

import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { canonicalName } from './canonical-name.ts';
import type { Group } from './group.ts';
import type { Resource } from './resource.ts';

/**
 * ENABLED: has an address and a mailbox in use. DISABLED: never registered, or deregistered. DELETED: gone for good, and
 * listed for 30 days more.
 */
export type EntityState = 'ENABLED' | 'DISABLED' | 'DELETED';

/** What has a name, and an address once it is registered; `kind` tells users from what joins them, and from what they book. */
export type EntityKind = 'user' | 'group' | 'resource';

/** What else is known of a person: shown in the address book, or kept for those who ask the directory. */
export interface PersonalDetails {
  readonly initials?: string | undefined;
  readonly telephone?: string | undefined;
  readonly street?: string | undefined;
  readonly jobTitle?: string | undefined;
  readonly city?: string | undefined;
  readonly company?: string | undefined;
  readonly zipCode?: string | undefined;
  readonly department?: string | undefined;
  readonly country?: string | undefined;
  readonly office?: string | undefined;
}

/** User is a person of the directory; disabled until registered. */
export interface User {
  readonly kind: 'user';
  readonly id: EntityId;
  readonly organization: OrganizationId;
  readonly name: string;
  readonly displayName: string;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly details?: PersonalDetails | undefined;
  readonly hiddenFromGlobalAddressList: boolean;
  readonly state: EntityState;
  /**
   * The primary address first, then the aliases. A disabled user keeps the list, but each address only until somebody
   * else takes it; enabling brings back what is left.
   */
  readonly addresses: readonly string[];
  /** The stored form of the password; without one nobody signs in. */
  readonly passwordHash?: string | undefined;
  readonly createdMs: number;
  readonly enabledMs?: number | undefined;
  readonly disabledMs?: number | undefined;
  /** Taken away when the mailbox of a disabled user begins to be removed, and `purgeMs` when that is done. */
  readonly mailboxProvisionedMs?: number | undefined;
  /** When the mailbox of a user who is still disabled was removed. */
  readonly mailboxDeprovisionedMs?: number | undefined;
  /** When the mailbox of a disabled user is removed for good, and a deleted user with it. */
  readonly purgeMs?: number | undefined;
  /** Role REMOTE_USER: another system's, who has no password here. */
  readonly isRemote?: boolean | undefined;
  /** Who it is to an identity provider. */
  readonly identityProviderUserId?: string | undefined;
  /** In MiB; the one of the configuration if there is none. */
  readonly quotaMebibytes?: number | undefined;
}

export type Entity = User | Group | Resource;

/** Who has a mailbox once registered. */
export type MailboxOwner = User | Resource;

/** hasMailbox tells users and resources from groups. */
export function hasMailbox(entity: Entity): entity is MailboxOwner {
  return entity.kind !== 'group';
}

const nameForm = /^[\w.-]{1,64}$|^(?=.{1,64}$)[\w.-]+@[a-z0-9.-]+\.[a-z0-9-]{2,}$/;

/** Names a directory has for itself, and the senders of our own mail. */
const reserved: ReadonlySet<string> = new Set([
  'administrator',
  'guest',
  'journaling',
  'krbtgt',
  'mailer-daemon',
  'system',
]);

/** userName gives the canonical form of a new user's name. Throws DomainError request/invalid or name/reserved. */
export function userName(text: string): string {
  const name = canonicalName(text);
  if (!nameForm.test(name)) {
    throw new DomainError(
      'request/invalid',
      'The name must be 1 to 64 letters, digits, dots, hyphens or underscores.',
    );
  }
  return unreserved(name);
}

/** unreserved throws DomainError name/reserved for a canonical name that nobody may have. */
export function unreserved(name: string): string {
  if (reserved.has(name)) throw new DomainError('name/reserved', 'The name is reserved.');
  return name;
}

import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { canonicalName } from './canonical-name.ts';
import { type EntityState, unreserved } from './user.ts';

/** Group is a distribution list, and whom policies and permissions are given to; no mail goes to it until registered. */
export interface Group {
  readonly kind: 'group';
  readonly id: EntityId;
  readonly organization: OrganizationId;
  readonly name: string;
  readonly hiddenFromGlobalAddressList: boolean;
  readonly state: EntityState;
  /** As a user's. */
  readonly addresses: readonly string[];
  readonly createdMs: number;
  readonly enabledMs?: number | undefined;
  readonly disabledMs?: number | undefined;
}

/** A message to a group goes to at most so many mailboxes. */
export const maxGroupMailboxes = 10_000;

const maxName = 256;

/** groupName gives the canonical form of a new group's name. Throws DomainError request/invalid or name/reserved. */
export function groupName(text: string): string {
  const name = canonicalName(text.trim());
  if (name === '' || name.length > maxName || /\p{Cc}/u.test(name)) {
    throw new DomainError('request/invalid', `The name must be 1 to ${maxName} characters.`);
  }
  return unreserved(name);
}

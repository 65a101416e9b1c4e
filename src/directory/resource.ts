import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { canonicalName } from './canonical-name.ts';
import { type EntityState, unreserved } from './user.ts';

export type ResourceType = 'ROOM' | 'EQUIPMENT';

/** What becomes of requests for a resource. */
export interface BookingOptions {
  readonly acceptsRequests: boolean;
  readonly declinesRecurring: boolean;
  readonly declinesConflicting: boolean;
}

/** Resource is a room or a piece of equipment; it has a mailbox once registered, and nobody signs in as it. */
export interface Resource {
  readonly kind: 'resource';
  readonly id: EntityId;
  readonly organization: OrganizationId;
  readonly name: string;
  readonly type: ResourceType;
  readonly description?: string | undefined;
  readonly hiddenFromGlobalAddressList: boolean;
  readonly booking: BookingOptions;
  readonly state: EntityState;
  /** As a user's, like all that follows. */
  readonly addresses: readonly string[];
  readonly createdMs: number;
  readonly enabledMs?: number | undefined;
  readonly disabledMs?: number | undefined;
  readonly mailboxProvisionedMs?: number | undefined;
  readonly purgeMs?: number | undefined;
}

/** What a new resource does with requests, as WorkMail has it. */
export const defaultBooking: BookingOptions = {
  acceptsRequests: true,
  declinesRecurring: false,
  declinesConflicting: true,
};

const maxName = 20;
const nameForm = /^[\w.-]+(?:@[a-z0-9.-]+\.[a-z0-9-]{2,})?$/;

/** resourceName gives the canonical form of a resource's name. Throws DomainError request/invalid or name/reserved. */
export function resourceName(text: string): string {
  const name = canonicalName(text);
  if (name.length > maxName || !nameForm.test(name)) {
    throw new DomainError(
      'request/invalid',
      `The name must be 1 to ${maxName} letters, digits, dots, hyphens or underscores.`,
    );
  }
  return unreserved(name);
}

const resourceId = /^r-[0-9a-f]{32}$/;

/**
 * isResourceId tells whether an id has the form of a resource's. Its 16 bytes have the variant that no UUID has (RFC
 * 9562 §4.1: 111), so that they alone tell what they are the id of.
 */
export function isResourceId(id: string): boolean {
  return resourceId.test(id) && /[ef]/.test(id.charAt(18));
}

/** newResourceId makes an id of 16 random bytes. */
export function newResourceId(random: Uint8Array): EntityId {
  const bytes = Buffer.from(random);
  bytes[8] = (bytes[8] ?? 0) | 0xe0;
  return `r-${bytes.toString('hex')}` as EntityId;
}

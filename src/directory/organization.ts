import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';

/**
 * The states of the administrator guide, spelled as the API spells them; scripts wait for exactly `Active`. Deleted: kept
 * for 30 days, and nothing is served.
 */
export type OrganizationState =
  | 'Active'
  | 'Creating'
  | 'Deleted'
  | 'Failed'
  | 'Impaired'
  | 'Inactive'
  | 'Requested'
  | 'Validating';

/** Organization is a tenant: its users, domains and mailboxes are invisible to every other one. */
export interface Organization {
  readonly id: OrganizationId;
  readonly alias: string;
  readonly state: OrganizationState;
  readonly testDomain: string;
  /** The domain of new addresses. */
  readonly defaultDomain: string;
  readonly createdMs: number;
  /** Of a Deleted one. */
  readonly deletedMs?: number | undefined;
}

/** How long a deleted organisation can be restored. */
const keepDeletedMs = 30 * 24 * 60 * 60 * 1000;

/** removalMs is when a deleted organisation goes for good (ms since the epoch); undefined for one that is not deleted. */
export function removalMs({ deletedMs }: Organization): number | undefined {
  return deletedMs === undefined ? undefined : deletedMs + keepDeletedMs;
}

const aliasForm = /^(?!d-)[\da-z]+(?:-[\da-z]+)*$/;
const maxAlias = 62;

/** organizationAlias gives the canonical form of an alias. Throws DomainError request/invalid. */
export function organizationAlias(text: string): string {
  const alias = text.toLowerCase();
  if (aliasForm.test(alias) && alias.length <= maxAlias) return alias;
  throw new DomainError(
    'request/invalid',
    'The alias must be 1 to 62 letters, digits and single hyphens, and not begin with "d-".',
  );
}

/** testDomainOf is the mail domain every organisation has from the start. */
export function testDomainOf(alias: string, baseDomain: string): string {
  return `${alias}.${baseDomain}`;
}

/** journalingAddress is the sender of journal records: an address nobody can own. */
export function journalingAddress(organization: Pick<Organization, 'testDomain'>): string {
  return `journaling@${organization.testDomain}`;
}

/** Decisions on what is known of users, each inside one transaction of the directory. */
import type { EntityId, OrganizationId } from '#domain/ids';
import { notDeleted, userOf } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';
import type { PersonalDetails, User } from './user.ts';

/** What of a user can be changed; what is not there stays, and an empty text is none. */
export interface UserChanges
  extends Partial<Pick<User, 'displayName' | 'hiddenFromGlobalAddressList' | 'isRemote'>> {
  readonly identityProviderUserId?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly details?: PersonalDetails;
}

/** Changes what is given. Throws DomainError entity/not-found, entity/state. */
export async function updateUser(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  { firstName, lastName, details, identityProviderUserId, ...changes }: UserChanges,
): Promise<User> {
  const before = await presentUser(tx, organization, id);
  const given = definedOf({ ...before.details, ...definedOf(details ?? {}) }, (text) => text !== '');
  const changed: User = {
    ...before,
    ...changes,
    firstName: (firstName ?? before.firstName) || undefined,
    lastName: (lastName ?? before.lastName) || undefined,
    details: Object.keys(given).length === 0 ? undefined : given,
    identityProviderUserId: (identityProviderUserId ?? before.identityProviderUserId) || undefined,
    // Another system's user has none here.
    passwordHash: changes.isRemote === true ? undefined : before.passwordHash,
  };
  tx.putEntity(changed);
  return changed;
}

/** presentUser finds a user that is not deleted. Throws DomainError entity/not-found, entity/state, and of the organisation. */
export async function presentUser(
  reader: DirectoryReader,
  organization: OrganizationId,
  idOrAddressOrName: string,
): Promise<User> {
  await activeOrganization(reader, organization);
  return notDeleted(await userOf(reader, organization, idOrAddressOrName));
}

/** Replaces a user's photo, or takes it away. Throws as presentUser does. */
export async function putPhoto(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  photo: Uint8Array | undefined,
): Promise<EntityId> {
  const user = await presentUser(tx, organization, id);
  tx.putPhoto(organization, user.id, photo);
  return user.id;
}

/**
 * Replaces a user's certificates by what `decide` makes of the user and those there are. Throws as presentUser and
 * `decide` do.
 */
export async function putCertificates(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
  decide: (user: User, before: readonly Uint8Array[]) => readonly Uint8Array[],
): Promise<readonly Uint8Array[]> {
  const user = await presentUser(tx, organization, id);
  const certificates = decide(user, await tx.certificates(organization, user.id));
  tx.putCertificates(organization, user.id, certificates);
  return certificates;
}

function definedOf(
  details: PersonalDetails,
  isKept: (text: string) => boolean = () => true,
): PersonalDetails {
  const kept = Object.entries(details).filter(([, text]) => typeof text === 'string' && isKept(text));
  return Object.fromEntries(kept);
}

import type { EntityId } from '#domain/ids';
import type { Entity, EntityKind, EntityState } from './user.ts';

/** Which entities a list holds: those whose field begins so, whatever the case. */
export interface EntityFilter {
  readonly namePrefix?: string | undefined;
  readonly addressPrefix?: string | undefined;
  readonly state?: EntityState | undefined;
}

/** Which users a list holds: what others do not have besides. */
export interface UserFilter extends EntityFilter {
  readonly displayNamePrefix?: string | undefined;
  readonly identityProviderPrefix?: string | undefined;
}

/** What lists are filtered by, of one entity; texts in lower case. */
export interface ListedEntity {
  readonly id: EntityId;
  readonly kind: EntityKind;
  readonly name: string;
  readonly state: EntityState;
  readonly displayName: string | undefined;
  /** The primary one, while it is enabled. */
  readonly address: string | undefined;
  readonly identityProviderUserId: string | undefined;
}

/** listed gives what lists are filtered by. */
export function listed(entity: Entity): ListedEntity {
  const { id, kind, state } = entity;
  const user = entity.kind === 'user' ? entity : undefined;
  return {
    id,
    kind,
    state,
    name: entity.name.toLowerCase(),
    displayName: user?.displayName.toLowerCase(),
    address: state === 'ENABLED' ? entity.addresses[0]?.toLowerCase() : undefined,
    identityProviderUserId: user?.identityProviderUserId?.toLowerCase(),
  };
}

/** matching gives the question whether an entity belongs into a list. */
export function matching(filter: UserFilter): (entity: ListedEntity) => boolean {
  const begins = (prefix: string | undefined) => {
    const lower = prefix?.toLowerCase();
    return (text: string | undefined) => lower === undefined || text?.startsWith(lower) === true;
  };
  const [isName, isDisplayName, isAddress, isIdentity] = [
    begins(filter.namePrefix),
    begins(filter.displayNamePrefix),
    begins(filter.addressPrefix),
    begins(filter.identityProviderPrefix),
  ] as const;
  return (entity) =>
    (filter.state === undefined || entity.state === filter.state) &&
    isName(entity.name) &&
    isDisplayName(entity.displayName) &&
    isAddress(entity.address) &&
    isIdentity(entity.identityProviderUserId);
}

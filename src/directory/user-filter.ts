import type { EntityState, User } from './user.ts';

/** Which users a list holds: those whose field begins so, whatever the case. */
export interface UserFilter {
  readonly namePrefix?: string | undefined;
  readonly displayNamePrefix?: string | undefined;
  readonly addressPrefix?: string | undefined;
  readonly identityProviderPrefix?: string | undefined;
  readonly state?: EntityState | undefined;
}

/** isMatchingUser tells whether a user belongs into a list. */
export function isMatchingUser(user: User, filter: UserFilter): boolean {
  const begins = (text: string | undefined, prefix: string | undefined) =>
    prefix === undefined || (text?.toLowerCase().startsWith(prefix.toLowerCase()) ?? false);
  return (
    begins(user.name, filter.namePrefix) &&
    begins(user.displayName, filter.displayNamePrefix) &&
    begins(user.state === 'ENABLED' ? user.addresses[0] : undefined, filter.addressPrefix) &&
    begins(user.identityProviderUserId, filter.identityProviderPrefix) &&
    (filter.state === undefined || user.state === filter.state)
  );
}

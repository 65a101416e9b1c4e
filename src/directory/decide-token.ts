/** Decisions on personal access tokens, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import type { PersonalToken } from './kept.ts';
import type { DirectoryTx } from './ports.ts';

const maxTokensOfUser = 100;

/** Adds a token to those of its user. Throws DomainError limit/exceeded beyond 100. */
export async function addToken(
  tx: DirectoryTx,
  organization: OrganizationId,
  token: PersonalToken,
): Promise<void> {
  const ids = (await tx.kept(organization, 'tokensOf', token.user))?.ids ?? [];
  if (ids.length >= maxTokensOfUser) {
    throw new DomainError('limit/exceeded', `A user may have ${maxTokensOfUser} personal access tokens.`);
  }
  tx.putKept(organization, 'tokensOf', token.user, { ids: [...ids, token.id] });
  tx.putKept(organization, 'personalToken', token.id, token);
}

/** Takes a token away; gives whose it was, undefined if there is none. */
export async function deleteToken(
  tx: DirectoryTx,
  organization: OrganizationId,
  id: string,
): Promise<EntityId | undefined> {
  const token = await tx.kept(organization, 'personalToken', id);
  if (token === undefined) return undefined;
  const ids = (await tx.kept(organization, 'tokensOf', token.user))?.ids ?? [];
  tx.putKept(organization, 'tokensOf', token.user, { ids: ids.filter((one) => one !== id) });
  tx.deleteKept(organization, 'personalToken', id);
  return token.user;
}

/** Takes all tokens of a user away. */
export async function forgetTokens(
  tx: DirectoryTx,
  organization: OrganizationId,
  user: EntityId,
): Promise<void> {
  const known = await tx.kept(organization, 'tokensOf', user);
  for (const id of known?.ids ?? []) tx.deleteKept(organization, 'personalToken', id);
  tx.deleteKept(organization, 'tokensOf', user);
}

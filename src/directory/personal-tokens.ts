import { createHash, timingSafeEqual } from 'node:crypto';
import type { EntityId, OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import { enabledOnly, notDeleted, userOf } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import { addToken, deleteToken } from './decide-token.ts';
import type { PersonalToken } from './kept.ts';
import type { DirectoryStore } from './ports.ts';
import type { User } from './user.ts';

interface PersonalTokensParts {
  readonly store: DirectoryStore;
  readonly outside: Outside;
  /** Ends sessions of a user whose token is gone. */
  readonly signOut: (user: EntityId) => void;
}

/** A token to be made. */
interface WantedToken {
  /** By id, address or name. */
  readonly user: string;
  readonly name: string;
  readonly lifetimeDays: number | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;
const usualLifetimeDays = 365;
const lastUsedStepMs = 60 * 60 * 1000;
/** 160 random bits, in letters that can be typed. */
const form = /^pat-[a-z2-7]{32}$/;
const letters = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * PersonalTokens are what users sign in with in place of passwords, unless their organisation has made tokens INACTIVE. Every refusal is a
 * DomainError; an operation throws organization/not-found and organization/state.
 */
export class PersonalTokens {
  readonly #parts: PersonalTokensParts;

  constructor(parts: PersonalTokensParts) {
    this.#parts = parts;
  }

  /**
   * Makes a token of an enabled user; `secret` is nowhere else. Without a lifetime it has that of the organisation's configuration,
   * or 365 days. Throws entity/not-found, entity/state, limit/exceeded beyond 100.
   */
  create(
    organization: OrganizationId,
    { user, name, lifetimeDays }: WantedToken,
  ): Promise<PersonalToken & { readonly secret: string }> {
    const { store, outside } = this.#parts;
    const secret = `pat-${[...outside.random.bytes(32)].map((byte) => letters[byte % 32]).join('')}`;
    const createdMs = outside.clock.now();
    return store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const found = await userOf(tx, organization, user);
      enabledOnly(found);
      const usual = (await tx.kept(organization, 'identityProvider', ''))?.lifetimeDays ?? usualLifetimeDays;
      const token: PersonalToken = {
        id: idOf(secret),
        user: found.id,
        name,
        hash: hashOf(secret),
        createdMs,
        lastUsedMs: undefined,
        expiresMs: createdMs + (lifetimeDays ?? usual) * dayMs,
      };
      await addToken(tx, organization, token);
      return { ...token, secret };
    });
  }

  /** Undefined if there is none. */
  async find(organization: OrganizationId, id: string): Promise<PersonalToken | undefined> {
    await activeOrganization(this.#parts.store, organization);
    return this.#parts.store.kept(organization, 'personalToken', id);
  }

  /** Those of the organisation, in no order that means anything. */
  async list(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<PersonalToken, string>> {
    await activeOrganization(this.#parts.store, organization);
    return this.#parts.store.keptPage(organization, 'personalToken', after, limit);
  }

  /** Those of a user by id, address or name, the oldest first. Throws entity/not-found, entity/state for a deleted one. */
  async listOf(organization: OrganizationId, user: string): Promise<readonly PersonalToken[]> {
    const { store } = this.#parts;
    await activeOrganization(store, organization);
    const { id: owner } = notDeleted(await userOf(store, organization, user));
    const ids = (await store.kept(organization, 'tokensOf', owner))?.ids ?? [];
    const tokens = await Promise.all(ids.map((id) => store.kept(organization, 'personalToken', id)));
    return tokens.filter((token) => token !== undefined);
  }

  /** Nobody signs in with it once this resolves; nothing happens if there is none. */
  async delete(organization: OrganizationId, id: string): Promise<void> {
    const { store, signOut } = this.#parts;
    const user = await store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      return deleteToken(tx, organization, id);
    });
    if (user !== undefined) signOut(user);
  }

  /** Until when a user may sign in with this in place of the password (ms since the epoch); undefined if not. */
  async goodUntil({ organization, id: user }: User, secret: string): Promise<number | undefined> {
    if (!form.test(secret)) return undefined;
    const { store, outside } = this.#parts;
    if ((await store.kept(organization, 'identityProvider', ''))?.tokens === 'INACTIVE') return undefined;
    const token = await store.kept(organization, 'personalToken', idOf(secret));
    const isRight = token?.user === user && timingSafeEqual(token.hash, hashOf(secret));
    return isRight && token.expiresMs > outside.clock.now() ? token.expiresMs : undefined;
  }

  /** Remembers that a token was used, to within an hour. */
  async used({ organization }: Pick<User, 'organization'>, secret: string): Promise<void> {
    const { store, outside } = this.#parts;
    const nowMs = outside.clock.now();
    const isNew = (token: PersonalToken | undefined) => nowMs - (token?.lastUsedMs ?? 0) >= lastUsedStepMs;
    if (!isNew(await store.kept(organization, 'personalToken', idOf(secret)))) return;
    await store.transact(organization, async (tx) => {
      const token = await tx.kept(organization, 'personalToken', idOf(secret));
      if (token === undefined || !isNew(token)) return;
      tx.putKept(organization, 'personalToken', token.id, { ...token, lastUsedMs: nowMs });
    });
  }

  /** Whether passwords of the directory are taken from users of an organisation. */
  async isPasswordTaken(organization: OrganizationId): Promise<boolean> {
    const provider = await this.#parts.store.kept(organization, 'identityProvider', '');
    return provider?.mode !== 'IDENTITY_PROVIDER_ONLY';
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** It is found by half of its hash; the other half nobody is told. */
function idOf(secret: string): string {
  return hashOf(secret).toString('hex').slice(0, 32);
}

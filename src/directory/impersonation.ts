import { createHash } from 'node:crypto';
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import { notDeleted, userOf } from './decide-entity.ts';
import { activeOrganization, madeBefore, rememberToken } from './decide-organization.ts';
import type { ImpersonationRole, ImpersonationRoleContent, ImpersonationRule } from './kept.ts';
import type { DirectoryStore, DirectoryTx } from './ports.ts';

/** A role as it is wanted: users by id, address or name. */
export interface WantedRole extends Omit<ImpersonationRoleContent, 'rules'> {
  readonly rules: readonly (Omit<ImpersonationRule, 'users'> & {
    readonly users: Readonly<Record<'any' | 'none', readonly string[]>>;
  })[];
}

interface ImpersonationParts {
  readonly store: DirectoryStore;
  readonly outside: Outside;
  /** A new random UUID. */
  readonly newId: () => string;
}

const maxRoles = 20;
const tokenLifeMs = 15 * 60 * 1000;
/** Of one role: more are assumed by programs that forget theirs, and the oldest make room. */
const maxTokens = 500;

/**
 * Impersonation keeps the roles by which programs may be users of an organisation, and hands out their tokens. Every refusal is a
 * DomainError; an operation throws organization/not-found and organization/state.
 */
export class Impersonation {
  readonly #parts: ImpersonationParts;

  constructor(parts: ImpersonationParts) {
    this.#parts = parts;
  }

  /**
   * Makes a role and gives its id; a client token that was used for the same gives the one it made. Throws entity/not-found,
   * entity/state for a deleted user, limit/exceeded beyond 20, request/invalid for two rules of one id.
   */
  create(organization: OrganizationId, wanted: WantedRole, clientToken?: string): Promise<string> {
    const { store, outside, newId } = this.#parts;
    const nowMs = outside.clock.now();
    const newOne = newId();
    return store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      // Two hundred long addresses are more than a row holds.
      const request = `CreateImpersonationRole ${hashOf(JSON.stringify(wanted)).toString('hex')}`;
      const made = await madeBefore(tx, organization, clientToken, request, nowMs);
      if (made !== undefined) return made;
      const { rows } = await tx.keptPage(organization, 'impersonationRole', undefined, maxRoles);
      if (rows.length >= maxRoles) {
        throw new DomainError('limit/exceeded', `An organization may have ${maxRoles} impersonation roles.`);
      }
      const content = { ...wanted, rules: await rulesOf(tx, organization, wanted) };
      const role = { id: newOne, ...content, createdMs: nowMs, modifiedMs: nowMs };
      tx.putKept(organization, 'impersonationRole', newOne, role);
      rememberToken(tx, organization, clientToken, { request, result: newOne, usedMs: nowMs });
      return newOne;
    });
  }

  /** Replaces a role; false if there is none. Throws as `create` does. */
  update(organization: OrganizationId, id: string, wanted: WantedRole): Promise<boolean> {
    const { store, outside } = this.#parts;
    return store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const known = await tx.kept(organization, 'impersonationRole', id);
      if (known === undefined) return false;
      const content = { ...wanted, rules: await rulesOf(tx, organization, wanted) };
      const { createdMs } = known;
      const role = { id, ...content, createdMs, modifiedMs: outside.clock.now() };
      tx.putKept(organization, 'impersonationRole', id, role);
      return true;
    });
  }

  /** Takes a role away with its tokens; nothing happens if there is none. */
  async delete(organization: OrganizationId, id: string): Promise<void> {
    await this.#parts.store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      tx.deleteKept(organization, 'impersonationRole', id);
      tx.deleteKept(organization, 'impersonationTokens', id);
    });
  }

  /** Undefined if there is none. */
  async find(organization: OrganizationId, id: string): Promise<ImpersonationRole | undefined> {
    await activeOrganization(this.#parts.store, organization);
    return this.#parts.store.kept(organization, 'impersonationRole', id);
  }

  /** In no order that means anything. */
  async list(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<ImpersonationRole, string>> {
    await activeOrganization(this.#parts.store, organization);
    return this.#parts.store.keptPage(organization, 'impersonationRole', after, limit);
  }

  /** A new token of a role, and how long it is good for; undefined if there is no such role. */
  assume(
    organization: OrganizationId,
    id: string,
  ): Promise<{ readonly token: string; readonly lifeSeconds: number } | undefined> {
    const { store, outside } = this.#parts;
    const nowMs = outside.clock.now();
    // Whoever is given it finds the role by it.
    const secret = Buffer.from(outside.random.bytes(32)).toString('base64url');
    const token = `${organization}.${id}.${secret}`;
    const hash = hashOf(token);
    return store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      if ((await tx.kept(organization, 'impersonationRole', id)) === undefined) return undefined;
      const known = (await tx.kept(organization, 'impersonationTokens', id))?.tokens ?? [];
      const live = known.filter(([, expiresMs]) => expiresMs > nowMs).slice(1 - maxTokens);
      const tokens = [...live, [hash, nowMs + tokenLifeMs] as const];
      tx.putKept(organization, 'impersonationTokens', id, { tokens });
      return { token, lifeSeconds: tokenLifeMs / 1000 };
    });
  }

  /**
   * What a role may do with a user, by id, address or name, and the rules that say so: DENY comes before ALLOW, and what no rule is about
   * is denied. Undefined if there is no such role. Throws entity/not-found, entity/state for a deleted user.
   */
  async effect(
    organization: OrganizationId,
    id: string,
    user: string,
  ): Promise<
    | {
        readonly role: ImpersonationRole;
        readonly effect: 'ALLOW' | 'DENY';
        readonly rules: readonly ImpersonationRule[];
      }
    | undefined
  > {
    const role = await this.find(organization, id);
    if (role === undefined) return undefined;
    const { id: target } = notDeleted(await userOf(this.#parts.store, organization, user));
    const matched = role.rules.filter(({ users }) => isAbout(users, target));
    const denying = matched.filter(({ effect }) => effect === 'DENY');
    const rules = denying.length > 0 ? denying : matched;
    return { role, effect: denying.length > 0 || matched.length === 0 ? 'DENY' : 'ALLOW', rules };
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isAbout({ any, none }: ImpersonationRule['users'], user: EntityId): boolean {
  return (any.length === 0 || any.includes(user)) && !none.includes(user);
}

async function rulesOf(
  tx: DirectoryTx,
  organization: OrganizationId,
  { rules }: WantedRole,
): Promise<readonly ImpersonationRule[]> {
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    throw new DomainError('request/invalid', 'Two rules have the same ImpersonationRuleId.');
  }
  const idsOf = (users: readonly string[]) =>
    Promise.all(users.map(async (user) => notDeleted(await userOf(tx, organization, user)).id));
  return Promise.all(
    rules.map(async ({ users, ...rule }) => ({
      ...rule,
      users: { any: await idsOf(users.any), none: await idsOf(users.none) },
    })),
  );
}

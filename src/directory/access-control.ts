import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import {
  type AccessAction,
  type AccessControlContent,
  type AccessControlRule,
  AccessControlRules,
  type AccessEffect,
  type AccessRequest,
  defaultRule,
} from './access-control-rule.ts';
import type { Account } from './account.ts';
import { userOf } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import type { DirectoryReader, DirectoryStore, DirectoryTx } from './ports.ts';
import { RecentMap } from './recent-map.ts';
import type { SignIn } from './sign-in.ts';

const maxRules = 10;
const maxRemembered = 10_000;

/**
 * AccessControl keeps the access control rules of organisations, and judges by them; they are remembered until they are changed.
 * Every refusal is a DomainError; an operation on an organisation throws organization/not-found and organization/state.
 */
export class AccessControl {
  readonly #store: DirectoryStore;
  readonly #nowMs: () => number;
  /** Promises, so that a thousand requests at once read them once. */
  readonly #remembered = new RecentMap<OrganizationId, Promise<AccessControlRules>>(maxRemembered);
  readonly #listeners = new Set<(organization: OrganizationId) => void>();

  constructor(store: DirectoryStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** Calls back when the rules of an organisation have changed; the result takes it back. */
  onChange(listener: (organization: OrganizationId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes a rule, or replaces the one of its name; its users by id, address or name. Throws entity/not-found, limit/exceeded
   * for more than ten.
   */
  async put(
    organization: OrganizationId,
    wanted: Omit<AccessControlContent, 'users'> & {
      readonly users: Readonly<Record<'any' | 'none', readonly string[]>>;
    },
  ): Promise<void> {
    const nowMs = this.#nowMs();
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const before = await changedRules(tx, organization);
      const known = before.find(({ name }) => name === wanted.name);
      if (known === undefined && before.length >= maxRules) {
        throw new DomainError('limit/exceeded', `An organization may have ${maxRules} access control rules.`);
      }
      const { any, none } = wanted.users;
      const users = {
        any: await userIds(tx, organization, any),
        none: await userIds(tx, organization, none),
      };
      const times = { createdMs: known?.createdMs ?? nowMs, modifiedMs: nowMs };
      tx.putAccessControlRule(organization, { ...wanted, users, ...times });
    });
    this.#forget(organization);
  }

  /** Takes a rule away; nothing happens if there is none of this name. Where none is left, nobody is let in. */
  async delete(organization: OrganizationId, name: string): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      await changedRules(tx, organization);
      tx.deleteAccessControlRule(organization, name);
    });
    this.#forget(organization);
  }

  /** The oldest first. */
  async list(organization: OrganizationId): Promise<readonly AccessControlRule[]> {
    await activeOrganization(this.#store, organization);
    return (await this.#rulesOf(organization)).rules;
  }

  /** What the rules make of a request, and which of them. */
  async effect(
    organization: OrganizationId,
    request: AccessRequest,
  ): Promise<{ readonly effect: AccessEffect; readonly matched: readonly string[] }> {
    await activeOrganization(this.#store, organization);
    return (await this.#rulesOf(organization)).effect(request);
  }

  /** Whether a user who has signed in may do this from this address. */
  async isAllowed(
    { organization, entity }: Account,
    address: string,
    action: AccessAction,
  ): Promise<boolean> {
    const rules = await this.#rulesOf(organization);
    return rules.effect({ action, address, user: entity }).effect === 'ALLOW';
  }

  /** The sign-in of a protocol: once the password is right it asks the rules, and throws access/denied. */
  guarding(signIn: Pick<SignIn, 'signIn'>, action: AccessAction): Pick<SignIn, 'signIn'> {
    return {
      signIn: async (user, passwords, client) => {
        const account = await signIn.signIn(user, passwords, client);
        if (await this.isAllowed(account, client, action)) return account;
        throw new DomainError('access/denied', 'Access denied');
      },
    };
  }

  #rulesOf(organization: OrganizationId): Promise<AccessControlRules> {
    const known = this.#remembered.get(organization);
    if (known !== undefined) return known;
    // A change that comes while they are read takes this out again.
    const reading = rulesIn(this.#store, organization).then((rules) => new AccessControlRules(rules));
    void this.#remembered.set(organization, reading);
    reading.catch(() => {
      if (this.#remembered.get(organization) === reading) this.#remembered.delete(organization);
    });
    return reading;
  }

  #forget(organization: OrganizationId): void {
    this.#remembered.delete(organization);
    for (const listener of this.#listeners) listener(organization);
  }
}

/** The rules that are about to be changed: from now on those that are stored count. */
async function changedRules(
  tx: DirectoryTx,
  organization: OrganizationId,
): Promise<readonly AccessControlRule[]> {
  const stored = await tx.accessControlRules(organization);
  if (stored !== undefined) return stored;
  tx.putAccessControlRule(organization, defaultRule);
  return [defaultRule];
}

async function rulesIn(
  reader: DirectoryReader,
  organization: OrganizationId,
): Promise<readonly AccessControlRule[]> {
  const stored = (await reader.accessControlRules(organization)) ?? [defaultRule];
  return stored.toSorted((a, b) => a.createdMs - b.createdMs || (a.name < b.name ? -1 : 1));
}

async function userIds(tx: DirectoryTx, organization: OrganizationId, users: readonly string[]) {
  const found = await Promise.all(users.map((user) => userOf(tx, organization, user)));
  if (found.some(({ state }) => state === 'DELETED')) {
    throw new DomainError('entity/not-found', 'The user does not exist.');
  }
  return found.map(({ id }) => id);
}

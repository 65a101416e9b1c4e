import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import * as entities from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import * as removal from './decide-user-removal.ts';
import type { Lookups } from './lookups.ts';
import type { DirectoryStore, DirectoryTx } from './ports.ts';
import { type Entity, type User, userName } from './user.ts';

interface UsersParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  newId(): EntityId;
  nowMs(): number;
  /** The stored form of a password. Throws password/invalid. */
  hash(password: string): Promise<string>;
  /** Decides on an entity, and tells whoever remembers it. */
  change(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<Entity>): Promise<void>;
}

/** What a user is made with. */
export interface UserToCreate extends Omit<entities.NewUser, 'hiddenFromGlobalAddressList'> {
  readonly password?: string | undefined;
  readonly hiddenFromGlobalAddressList?: boolean | undefined;
}

/** The largest mailbox there may be, in MiB: 50 GiB. */
const maxQuotaMebibytes = 51_200;

/**
 * What becomes of users and what they may have. Every refusal is a DomainError; an operation on an organisation throws
 * organization/not-found and organization/state.
 */
export class Users {
  readonly #parts: UsersParts;

  constructor(parts: UsersParts) {
    this.#parts = parts;
  }

  /** Makes a disabled user. Throws name/in-use, name/reserved, password/invalid, request/invalid. */
  async create(
    organization: OrganizationId,
    { password, hiddenFromGlobalAddressList = false, ...wanted }: UserToCreate,
  ): Promise<EntityId> {
    const { store, newId, nowMs, hash } = this.#parts;
    await activeOrganization(store, organization);
    userName(wanted.name);
    const passwordHash = password === undefined ? undefined : await hash(password);
    const id = newId();
    await store.transact(organization, (tx) =>
      entities.createUser(tx, organization, {
        ...wanted,
        id,
        hiddenFromGlobalAddressList,
        passwordHash,
        createdMs: nowMs(),
      }),
    );
    return id;
  }

  /**
   * Takes a disabled user away with all that leads to it; it is listed as DELETED, and its mailbox kept, for 30 days. Nothing
   * happens if there is none. Throws entity/state, request/invalid for what is no user.
   */
  async delete(organization: OrganizationId, idOrAddressOrName: string): Promise<void> {
    const { store, change, nowMs } = this.#parts;
    const user = await removal.userToDelete(store, organization, idOrAddressOrName);
    if (user === undefined) return;
    let isGone = false;
    // A transaction is bounded, what leads to a user is not: what is cut off is gone on with by the next request.
    while (!isGone) {
      await change(organization, async (tx) => {
        isGone = await removal.deleteUser(tx, organization, user.id, nowMs());
        return user;
      });
    }
  }

  /** Gives an enabled user's mailbox a quota of its own. Throws entity/not-found, entity/state, request/invalid. */
  async updateQuota(
    organization: OrganizationId,
    idOrAddressOrName: string,
    quotaMebibytes: number,
  ): Promise<void> {
    if (quotaMebibytes < 1 || quotaMebibytes > maxQuotaMebibytes) {
      throw new DomainError('request/invalid', `The quota must be 1 to ${maxQuotaMebibytes} MB.`);
    }
    const { store, lookups } = this.#parts;
    // Nobody is signed out by it.
    const user = await store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const before = await entities.userOf(tx, organization, idOrAddressOrName);
      entities.enabledOnly(before);
      const changed: User = { ...before, quotaMebibytes };
      tx.putEntity(changed);
      return changed;
    });
    lookups.forget(user);
  }
}

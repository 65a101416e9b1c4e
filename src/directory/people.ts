import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import * as decide from './decide-user.ts';
import type { Lookups } from './lookups.ts';
import { expandGroup } from './membership.ts';
import { checkPhoto } from './photo.ts';
import type { DirectoryStore, DirectoryTx } from './ports.ts';
import type { Entity } from './user.ts';
import {
  describeCertificate,
  isInForce,
  type UserCertificate,
  userCertificates,
} from './user-certificate.ts';

interface PeopleParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  nowMs(): number;
  /** Decides on an entity, and tells whoever remembers it. */
  change(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<Entity>): Promise<void>;
}

/** The certificates of a user, or of everybody in a group. */
export interface CertificatesOf {
  /** In DER, those in force. */
  readonly certificates: readonly Uint8Array[];
  /** Of how many people; 1 for a user. */
  readonly members: number;
}

/**
 * What is known of users beside their names and addresses: details, photos, S/MIME certificates. Every refusal is a
 * DomainError; an operation on an organisation throws organization/not-found and organization/state, one on a user
 * entity/not-found and, if it is deleted, entity/state. A user is given by id, address or name.
 */
export class People {
  readonly #parts: PeopleParts;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  /** Changes what is given; another system's user has no password any more. */
  async update(organization: OrganizationId, user: string, changes: decide.UserChanges): Promise<void> {
    if (changes.isRemote === true) {
      // Remembered sign-ins end.
      return this.#parts.change(organization, (tx) => decide.updateUser(tx, organization, user, changes));
    }
    const changed = await this.#parts.store.transact(organization, (tx) =>
      decide.updateUser(tx, organization, user, changes),
    );
    this.#parts.lookups.forget(changed);
  }

  /** Undefined if there is none. */
  async photo(organization: OrganizationId, user: string): Promise<Uint8Array | undefined> {
    const { id } = await decide.presentUser(this.#parts.store, organization, user);
    return this.#parts.store.photo(organization, id);
  }

  /** The photo of an entry of the address book; undefined if there is none. */
  photoOf(organization: OrganizationId, entity: EntityId): Promise<Uint8Array | undefined> {
    return this.#parts.store.photo(organization, entity);
  }

  /** Throws request/invalid for what is no JPEG or PNG of at most 100 KiB. */
  async putPhoto(organization: OrganizationId, user: string, photo: Uint8Array): Promise<void> {
    checkPhoto(photo);
    await this.#parts.store.transact(organization, (tx) => decide.putPhoto(tx, organization, user, photo));
  }

  /** Nothing happens if there is none. */
  async deletePhoto(organization: OrganizationId, user: string): Promise<void> {
    await this.#parts.store.transact(organization, (tx) =>
      decide.putPhoto(tx, organization, user, undefined),
    );
  }

  async certificates(organization: OrganizationId, user: string): Promise<readonly UserCertificate[]> {
    const { id } = await decide.presentUser(this.#parts.store, organization, user);
    return (await this.#parts.store.certificates(organization, id)).map(describeCertificate);
  }

  /** Replaces all there are. Throws request/invalid for what is no certificate for the user's mail, and limit/exceeded. */
  async putCertificates(
    organization: OrganizationId,
    user: string,
    given: readonly Uint8Array[],
  ): Promise<readonly UserCertificate[]> {
    const stored = await this.#parts.store.transact(organization, (tx) =>
      decide.putCertificates(tx, organization, user, (owner) =>
        userCertificates(owner, given, this.#parts.nowMs()).map(({ der }) => der),
      ),
    );
    return stored.map(describeCertificate);
  }

  /** By the fingerprint. Throws request/invalid if there is none such. */
  async deleteCertificate(organization: OrganizationId, user: string, fingerprint: string): Promise<void> {
    await this.#parts.store.transact(organization, (tx) =>
      decide.putCertificates(tx, organization, user, (_owner, before) => {
        const others = before.filter((der) => describeCertificate(der).fingerprint !== fingerprint);
        if (others.length < before.length) return others;
        throw new DomainError('request/invalid', 'The user has no certificate with this fingerprint.');
      }),
    );
  }

  /**
   * Those in force of a user, or of all users a message to a group goes to. Throws group/too-large for a group of more
   * than `maxMembers`.
   */
  async certificatesOf(
    organization: OrganizationId,
    entity: { readonly id: EntityId; readonly kind: string },
    maxMembers: number,
  ): Promise<CertificatesOf> {
    const { store } = this.#parts;
    const members =
      entity.kind === 'group' ? await this.membersOf(organization, entity.id, maxMembers) : [entity.id];
    const nowMs = this.#parts.nowMs();
    const certificates: Uint8Array[] = [];
    for (const member of members) {
      const all = await store.certificates(organization, member);
      certificates.push(...all.filter((der) => isInForce(der, nowMs)));
    }
    return { certificates, members: members.length };
  }

  /** The enabled users that a message to a group goes to. Throws group/too-large beyond `max`. */
  async membersOf(organization: OrganizationId, group: EntityId, max: number): Promise<readonly EntityId[]> {
    return (await expandGroup(this.#parts.store, organization, group, max)).map(({ id }) => id);
  }
}

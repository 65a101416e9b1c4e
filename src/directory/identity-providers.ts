import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import { activeOrganization, madeBefore, rememberToken } from './decide-organization.ts';
import type { IdentityProvider } from './kept.ts';
import type { DirectoryStore } from './ports.ts';

interface IdentityProvidersParts {
  readonly store: DirectoryStore;
  readonly outside: Outside;
  /** Ends sessions of everybody in an organisation. */
  readonly signOutAll: (organization: OrganizationId) => Promise<void>;
}

const arnForm = /^arn:(aws[a-z-]*):sso:::instance\/((?:sso)?ins-[a-zA-Z0-9.-]{16})$/;

/**
 * IdentityProviders keeps which organisations have users sign in by an identity provider, and what stands for this server there. Every
 * refusal is a DomainError; an operation on an organisation throws organization/not-found and organization/state.
 */
export class IdentityProviders {
  readonly #parts: IdentityProvidersParts;

  constructor(parts: IdentityProvidersParts) {
    this.#parts = parts;
  }

  /** Makes an application and gives its ARN; a client token that was used for the same gives the one it made. Throws request/invalid. */
  createApplication(name: string, instanceArn: string, clientToken?: string): Promise<string> {
    const { store, outside } = this.#parts;
    const [, partition, instance] = arnForm.exec(instanceArn) ?? [];
    if (partition === undefined) {
      throw new DomainError('request/invalid', 'The InstanceArn is not one of an Identity Center instance.');
    }
    const id = Buffer.from(outside.random.bytes(8)).toString('hex');
    const arn = `arn:${partition}:sso::000000000000:application/${instance}/apl-${id}`;
    const nowMs = outside.clock.now();
    return store.transactInstallation(async (tx) => {
      const request = JSON.stringify(['CreateIdentityCenterApplication', name, instanceArn]);
      const made = await madeBefore(tx, undefined, clientToken, request, nowMs);
      if (made !== undefined) return made;
      const application = { arn, name, instanceArn, organization: undefined };
      tx.putKept(undefined, 'identityCenterApplication', arn, application);
      rememberToken(tx, undefined, clientToken, { request, result: arn, usedMs: nowMs });
      return arn;
    });
  }

  /** Nothing happens if there is none. Throws organization/state for one that an organisation uses. */
  async deleteApplication(arn: string): Promise<void> {
    await this.#parts.store.transactInstallation(async (tx) => {
      const known = await tx.kept(undefined, 'identityCenterApplication', arn);
      if (known?.organization !== undefined && (await tx.organization(known.organization)) !== undefined) {
        throw new DomainError('organization/state', `The organization ${known.organization} uses it.`);
      }
      tx.deleteKept(undefined, 'identityCenterApplication', arn);
    });
  }

  /**
   * Has users of an organisation sign in by an application, and with personal access tokens, or not; everybody signs in anew. False if
   * there is no such application, or another organisation uses it. Throws request/invalid for one of another instance.
   */
  async put(organization: OrganizationId, wanted: IdentityProvider): Promise<boolean> {
    const isPut = await this.#parts.store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const arn = wanted.applicationArn;
      const application = await tx.kept(undefined, 'identityCenterApplication', arn);
      if (application === undefined) return false;
      const user = application.organization;
      // What another organization uses is nobody else's business.
      const isAnothers = user !== undefined && user !== organization;
      if (isAnothers && (await tx.organization(user)) !== undefined) return false;
      if (application.instanceArn !== wanted.instanceArn) {
        throw new DomainError('request/invalid', 'The application belongs to another InstanceArn.');
      }
      const before = await tx.kept(organization, 'identityProvider', '');
      if (before !== undefined && before.applicationArn !== arn) {
        const old = await tx.kept(undefined, 'identityCenterApplication', before.applicationArn);
        if (old !== undefined) {
          tx.putKept(undefined, 'identityCenterApplication', old.arn, { ...old, organization: undefined });
        }
      }
      tx.putKept(undefined, 'identityCenterApplication', arn, { ...application, organization });
      tx.putKept(organization, 'identityProvider', '', wanted);
      return true;
    });
    if (isPut) await this.#parts.signOutAll(organization);
    return isPut;
  }

  /** Undefined if there is none. */
  async find(organization: OrganizationId): Promise<IdentityProvider | undefined> {
    await activeOrganization(this.#parts.store, organization);
    return this.#parts.store.kept(organization, 'identityProvider', '');
  }

  /** Back to passwords alone; nothing happens if there was no provider. */
  async delete(organization: OrganizationId): Promise<void> {
    const isChanged = await this.#parts.store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const before = await tx.kept(organization, 'identityProvider', '');
      if (before === undefined) return false;
      const arn = before.applicationArn;
      const application = await tx.kept(undefined, 'identityCenterApplication', arn);
      if (application !== undefined) {
        tx.putKept(undefined, 'identityCenterApplication', arn, { ...application, organization: undefined });
      }
      tx.deleteKept(organization, 'identityProvider', '');
      return true;
    });
    if (isChanged) await this.#parts.signOutAll(organization);
  }
}

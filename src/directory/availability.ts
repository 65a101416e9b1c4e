import { createHash } from 'node:crypto';
import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { canonicalDomain } from './canonical-name.ts';
import { activeOrganization, madeBefore, rememberToken } from './decide-organization.ts';
import { domainName } from './domain.ts';
import type { AvailabilityConfiguration, AvailabilityProvider } from './kept.ts';
import type { DirectoryStore } from './ports.ts';

const maxConfigurations = 100;

/**
 * Availability keeps whom to ask when people of other domains are free. Every refusal is a DomainError; an operation throws
 * organization/not-found and organization/state.
 */
export class Availability {
  readonly #store: DirectoryStore;
  readonly #nowMs: () => number;

  constructor(store: DirectoryStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** Throws name/in-use for a domain that has one, limit/exceeded beyond 100, request/invalid for what is no domain. */
  async create(
    organization: OrganizationId,
    given: string,
    provider: AvailabilityProvider,
    clientToken?: string,
  ): Promise<void> {
    const domain = domainName(given);
    const nowMs = this.#nowMs();
    // The password is in it.
    const request = createHash('sha256')
      .update(JSON.stringify(['CreateAvailabilityConfiguration', domain, provider]))
      .digest('hex');
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      if ((await madeBefore(tx, organization, clientToken, request, nowMs)) !== undefined) return;
      if ((await tx.kept(organization, 'availability', domain)) !== undefined) {
        throw new DomainError('name/in-use', `The domain ${domain} has an availability configuration.`);
      }
      const { rows } = await tx.keptPage(organization, 'availability', undefined, maxConfigurations);
      if (rows.length >= maxConfigurations) {
        throw new DomainError(
          'limit/exceeded',
          `There are ${maxConfigurations} availability configurations.`,
        );
      }
      const made = { domain, provider, createdMs: nowMs, modifiedMs: nowMs };
      tx.putKept(organization, 'availability', domain, made);
      rememberToken(tx, organization, clientToken, { request, result: domain, usedMs: nowMs });
    });
  }

  /** Replaces the provider of a domain; false if it has none. */
  update(organization: OrganizationId, given: string, provider: AvailabilityProvider): Promise<boolean> {
    const domain = canonicalDomain(given);
    return this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const known = await tx.kept(organization, 'availability', domain);
      if (known === undefined) return false;
      tx.putKept(organization, 'availability', domain, { ...known, provider, modifiedMs: this.#nowMs() });
      return true;
    });
  }

  /** Nothing happens if the domain has none. */
  async delete(organization: OrganizationId, domain: string): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      tx.deleteKept(organization, 'availability', canonicalDomain(domain));
    });
  }

  /** Undefined if the domain has none; without a domain it says no more than that there is the organisation. */
  async find(
    organization: OrganizationId,
    domain: string | undefined,
  ): Promise<AvailabilityConfiguration | undefined> {
    await activeOrganization(this.#store, organization);
    if (domain === undefined) return undefined;
    return this.#store.kept(organization, 'availability', canonicalDomain(domain));
  }

  /** In no order that means anything. */
  async list(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AvailabilityConfiguration, string>> {
    await activeOrganization(this.#store, organization);
    return this.#store.keptPage(organization, 'availability', after, limit);
  }
}

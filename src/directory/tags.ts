import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import { activeOrganization } from './decide-organization.ts';
import type { DirectoryStore } from './ports.ts';

const maxTags = 50;
/** Of the keys and values of an organisation together, as UTF-8: a row holds 60 KiB. 50 of them in any living script fit. */
const maxBytes = 58 * 1024;

/**
 * The tags of organisations: keys and values that mean nothing to this server. Every refusal is a DomainError; an operation throws
 * organization/not-found and organization/state.
 */
export class OrganizationTags {
  readonly #store: DirectoryStore;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /** By key, in the order they were put in. */
  async list(organization: OrganizationId): Promise<ReadonlyMap<string, string>> {
    await activeOrganization(this.#store, organization);
    return this.#store.tags(organization);
  }

  /** Adds tags, or gives those there are new values. Throws limit/exceeded beyond 50, request/invalid for a key of AWS's own, and for too many bytes. */
  async put(organization: OrganizationId, tags: ReadonlyMap<string, string>): Promise<void> {
    if ([...tags.keys()].some((key) => /^aws:/i.test(key))) {
      throw new DomainError('request/invalid', 'A key must not begin with "aws:".');
    }
    await this.#change(organization, (before) => new Map([...before, ...tags]));
  }

  /** Keys that there are not are passed over. */
  async delete(organization: OrganizationId, keys: readonly string[]): Promise<void> {
    await this.#change(organization, (before) => new Map([...before].filter(([key]) => !keys.includes(key))));
  }

  async #change(
    organization: OrganizationId,
    decide: (before: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
  ): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const tags = decide(await tx.tags(organization));
      if (tags.size > maxTags) {
        throw new DomainError('limit/exceeded', `An organization may have ${maxTags} tags.`);
      }
      if (Buffer.byteLength([...tags].flat().join('')) > maxBytes) {
        throw new DomainError('request/invalid', `The tags take more than ${maxBytes} bytes in UTF-8.`);
      }
      tx.putTags(organization, tags);
    });
  }
}

import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import { type AccessPolicy, type ManagedPolicy, managedPolicy, readAccessPolicy } from './access-policy.ts';

/** What a key may do: a managed policy by name, or a document of its own as it was given. */
export type AccessGrant = { readonly managed: ManagedPolicy } | { readonly document: string };

/** AccessKey is a pair of id and secret that signs requests to the admin API. */
export interface AccessKey {
  /** `AKIA` and 16 letters and digits. */
  readonly id: string;
  /** Undefined: it is for the whole installation. */
  readonly organization: OrganizationId | undefined;
  readonly name: string;
  readonly secretAccessKey: string;
  readonly grant: AccessGrant;
  /** Grants of the key that made it, and of those that made that one: what they do not all allow it may not do. */
  readonly within: readonly AccessGrant[];
  readonly createdMs: number;
  /** Within the last hour of its use. */
  readonly lastUsedMs: number | undefined;
}

/** What access keys need remembered. */
export interface AccessKeyStore {
  accessKey(id: string): Promise<AccessKey | undefined>;
  /** An organisation's, or those of the installation, in order of id, after `after`. */
  accessKeys(
    organization: OrganizationId | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessKey, string>>;
  /** False, and nothing is done, if there are `most` of its organisation already, or of the installation. */
  addAccessKey(key: AccessKey, most: number): Promise<boolean>;
  deleteAccessKey(key: AccessKey): Promise<void>;
  /** Nothing happens if it is gone. */
  setLastUsed(key: AccessKey, ms: number): Promise<void>;
}

/** Of an organisation, and of the installation. */
const maxKeys = 100;
const lastUsedStepMs = 3_600_000;
/** Of all grants of a key, as UTF-8: a row holds 60 KiB. */
const maxGrantBytes = 56 * 1024;
const idLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** AccessKeys are who may call the admin API over the network. */
export class AccessKeys {
  readonly #store: AccessKeyStore;
  readonly #outside: Outside;

  constructor(store: AccessKeyStore, outside: Outside) {
    this.#store = store;
    this.#outside = outside;
  }

  /**
   * Makes a key of an organisation, or of the installation; with a maker it never may do what that key may not. Throws
   * DomainError request/invalid for its policy, limit/exceeded.
   */
  async create(
    organization: OrganizationId | undefined,
    name: string,
    grant: AccessGrant,
    maker?: Pick<AccessKey, 'grant' | 'within'>,
  ): Promise<AccessKey> {
    policyOf(grant);
    const within = maker === undefined ? [] : boundsOf(grant, [maker.grant, ...maker.within]);
    const { clock, random } = this.#outside;
    const letters = [...random.bytes(16)].map((byte) => idLetters[byte % idLetters.length]);
    const key: AccessKey = {
      id: `AKIA${letters.join('')}`,
      organization,
      name,
      secretAccessKey: Buffer.from(random.bytes(30)).toString('base64'),
      grant,
      within,
      createdMs: clock.now(),
      lastUsedMs: undefined,
    };
    if (await this.#store.addAccessKey(key, maxKeys)) return key;
    throw new DomainError('limit/exceeded', `There are ${maxKeys} access keys: delete one that is not used.`);
  }

  list(
    organization: OrganizationId | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessKey, string>> {
    return this.#store.accessKeys(organization, after, limit);
  }

  /** Whether there was such a key of this organisation, or of the installation. */
  async delete(organization: OrganizationId | undefined, id: string): Promise<boolean> {
    const key = await this.#store.accessKey(id);
    if (key === undefined || key.organization !== organization) return false;
    await this.#store.deleteAccessKey(key);
    return true;
  }

  /** The key of this id; undefined if there is none. */
  find(id: string): Promise<AccessKey | undefined> {
    return this.#store.accessKey(id);
  }

  /** Remembers that a key was used, to within an hour. */
  async used(key: AccessKey): Promise<void> {
    const nowMs = this.#outside.clock.now();
    if (nowMs - (key.lastUsedMs ?? 0) < lastUsedStepMs) return;
    await this.#store.setLastUsed(key, nowMs);
  }
}

/** Those that can take something away. Throws DomainError limit/exceeded. */
function boundsOf(own: AccessGrant, grants: readonly AccessGrant[]): readonly AccessGrant[] {
  const bounds = new Map(grants.map((grant) => [JSON.stringify(grant), grant]));
  bounds.delete(JSON.stringify(own));
  bounds.delete(JSON.stringify({ managed: 'AmazonWorkMailFullAccess' } satisfies AccessGrant));
  if (Buffer.byteLength([JSON.stringify(own), ...bounds.keys()].join('')) <= maxGrantBytes) {
    return [...bounds.values()];
  }
  throw new DomainError(
    'limit/exceeded',
    'The policies of the keys that it is made by are too long together.',
  );
}

/** What a grant allows. Throws DomainError request/invalid for a document that is malformed. */
export function policyOf(grant: AccessGrant): AccessPolicy {
  return 'managed' in grant ? managedPolicy(grant.managed) : readAccessPolicy(grant.document);
}

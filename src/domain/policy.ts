import { createHash } from 'node:crypto';
import type { DeviceId, EntityId, MailboxId, MailboxRef, OrganizationId } from './ids.ts';
import { strictestSettings } from './policy-combine.ts';
import { type PolicySettingName, type PolicySettings, readPolicySettings } from './policy-settings.ts';

/** Whose policy: the organisation's own, or that of one of its users or groups. */
export type PolicyTarget = 'organization' | EntityId;

/** A policy as an administrator puts it. */
export interface Policy {
  readonly settings: PolicySettings;
  /** A device that never provisions is served, and nothing is asked of it. */
  readonly allowNonProvisionableDevices: boolean;
}

/** What is kept of a target's policy. */
export interface StoredPolicy {
  /** Grows with each put and each deletion, so that a number never stands for two policies. */
  readonly revision: number;
  /** Undefined after a deletion. */
  readonly policy: Policy | undefined;
  /**
   * Every setting it ever had: a device may hold a value of it (MS-ASPROV, EASProvisionDoc). The organisation's are those
   * of its groups too, for a user leaves a group and a device keeps what it had of it.
   */
  readonly everSet: readonly PolicySettingName[];
}

/** What is remembered of policies. */
export interface PolicyStore {
  policy(organization: OrganizationId, target: PolicyTarget): Promise<StoredPolicy | undefined>;
  /** One decision on a target's policy, durable when it resolves; `decide` may run again. */
  updatePolicy(
    organization: OrganizationId,
    target: PolicyTarget,
    decide: (stored: StoredPolicy | undefined) => StoredPolicy | undefined,
  ): Promise<StoredPolicy | undefined>;
}

/** The policy that is in force for a user. */
export interface EffectivePolicy extends Policy {
  /** `<target>:<revision>`: differs whenever a device has to take the policy again. */
  readonly revision: string;
  /** The number of the target's policy. */
  readonly number: number;
  /** Settings that are not enforced now but may be held by a device: sent with what is assumed without them. */
  readonly everSet: readonly PolicySettingName[];
}

/** What policies need to know of groups: the directory's. */
interface PolicyGroups {
  /** Every group the owner of a mailbox is in, by way of other groups too, always in the same order. */
  groupsOf(ref: MailboxRef): Promise<readonly EntityId[]>;
  /** The mailboxes of an entity: a user's own, or those of all users in a group. */
  mailboxesOf(organization: OrganizationId, entity: EntityId): Promise<readonly MailboxId[]>;
  isGroup(organization: OrganizationId, entity: EntityId): Promise<boolean>;
}

/** Users have come into groups, or left them. */
interface GroupsChange {
  readonly organization: OrganizationId;
  readonly groups: readonly EntityId[];
  readonly mailboxes: readonly MailboxId[];
}

/** Whom a change of rules concerns: everybody, one mailbox, or one device of it. */
export interface PolicyChange {
  readonly organization: OrganizationId;
  readonly mailbox?: MailboxRef['mailbox'] | undefined;
  readonly device?: DeviceId | undefined;
}

const nothingEnforced: Policy = { settings: {}, allowNonProvisionableDevices: false };
const MAX_CACHED = 10_000;
/** Beyond so many mailboxes everybody is told: it costs less than to look for each. */
const MAX_ANNOUNCED = 100;

/** The mobile policies of all organisations: puts them, finds the one in force, and tells who has to obey. */
export class Policies {
  readonly #store: PolicyStore;
  readonly #groups: PolicyGroups;
  /** By `organisation/target`; promises, so that a thousand devices at once read one row once. */
  readonly #cached = new Map<string, Promise<StoredPolicy | undefined>>();
  readonly #watchers = new Set<(change: PolicyChange) => void>();

  constructor(store: PolicyStore, groups: PolicyGroups) {
    this.#store = store;
    this.#groups = groups;
  }

  /** The target's own policy; one that has none has revision 0, and nothing is enforced. */
  async get(
    organization: OrganizationId,
    target: PolicyTarget,
  ): Promise<Policy & { readonly revision: number }> {
    const stored = await this.#stored(organization, target);
    if (stored?.policy !== undefined) return { ...stored.policy, revision: stored.revision };
    return { ...nothingEnforced, revision: target === 'organization' ? (stored?.revision ?? 0) : 0 };
  }

  /** Replaces the target's policy. Throws `request/invalid` for a setting that is none or out of its range. */
  async put(
    organization: OrganizationId,
    target: PolicyTarget,
    given: {
      readonly settings: Readonly<Record<string, unknown>>;
      readonly allowNonProvisionableDevices: boolean;
    },
  ): Promise<Policy & { readonly revision: number }> {
    const settings = readPolicySettings(given.settings);
    const policy = { settings, allowNonProvisionableDevices: given.allowNonProvisionableDevices };
    const names = Object.keys(settings) as PolicySettingName[];
    if (target !== 'organization' && (await this.#groups.isGroup(organization, target))) {
      await this.#noteEverSet(organization, names);
    }
    const stored = await this.#update(organization, target, (before) => ({
      revision: (before?.revision ?? 0) + 1,
      policy,
      everSet: [...new Set([...(before?.everSet ?? []), ...names])],
    }));
    return { ...policy, revision: stored?.revision ?? 0 };
  }

  /** Takes the target's policy back; nothing happens if it has none. */
  async delete(organization: OrganizationId, target: PolicyTarget): Promise<void> {
    await this.#update(organization, target, (before) =>
      before?.policy === undefined ? before : { ...before, revision: before.revision + 1, policy: undefined },
    );
  }

  /** The policy in force for a mailbox: its user's own, else the strictest of its groups', else the organisation's. */
  async effective(ref: MailboxRef): Promise<EffectivePolicy> {
    const { organization } = ref;
    const user = ref.mailbox as string as EntityId;
    const [own, general] = await Promise.all([
      this.#stored(organization, user),
      this.#stored(organization, 'organization'),
    ]);
    const everSet = [...new Set([...(own?.everSet ?? []), ...(general?.everSet ?? [])])];
    if (own?.policy !== undefined) {
      return { ...own.policy, revision: `${user}:${own.revision}`, number: own.revision, everSet };
    }
    const ofGroups = await this.#ofGroups(ref);
    if (ofGroups !== undefined) return { ...ofGroups, everSet };
    const number = general?.revision ?? 0;
    return { ...(general?.policy ?? nothingEnforced), revision: `organization:${number}`, number, everSet };
  }

  /** Tells those who have come into groups with a policy, or left them, to ask again. */
  async membershipChanged(change: GroupsChange): Promise<void> {
    const { organization, groups, mailboxes } = change;
    const stored = await Promise.all(groups.map((group) => this.#stored(organization, group)));
    if (stored.every((one) => one?.policy === undefined)) return;
    this.#announceAll(organization, mailboxes);
  }

  /** Calls back after each change of rules; the returned function takes it back. */
  watch(watcher: (change: PolicyChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells that devices have to ask again: a put, a wipe, a removal. */
  announce(change: PolicyChange): void {
    for (const watcher of this.#watchers) watcher(change);
  }

  async #update(
    organization: OrganizationId,
    target: PolicyTarget,
    decide: (before: StoredPolicy | undefined) => StoredPolicy | undefined,
  ): Promise<StoredPolicy | undefined> {
    try {
      return await this.#store.updatePolicy(organization, target, decide);
    } finally {
      this.#cached.delete(`${organization}/${target}`);
      this.#announceAll(organization, await this.#concerned(organization, target));
    }
  }

  /** Devices will have these settings, whoever has left which group by then. */
  async #noteEverSet(organization: OrganizationId, names: readonly PolicySettingName[]): Promise<void> {
    try {
      await this.#store.updatePolicy(organization, 'organization', (before) => ({
        revision: before?.revision ?? 0,
        policy: before?.policy,
        everSet: [...new Set([...(before?.everSet ?? []), ...names])],
      }));
    } finally {
      this.#cached.delete(`${organization}/organization`);
    }
  }

  /** Whom a target's policy is for; undefined: everybody, also when it cannot be told. */
  async #concerned(
    organization: OrganizationId,
    target: PolicyTarget,
  ): Promise<readonly MailboxId[] | undefined> {
    if (target === 'organization') return undefined;
    try {
      return await this.#groups.mailboxesOf(organization, target);
    } catch {
      return undefined;
    }
  }

  #announceAll(organization: OrganizationId, mailboxes: readonly MailboxId[] | undefined): void {
    if (mailboxes === undefined || mailboxes.length > MAX_ANNOUNCED) this.announce({ organization });
    else for (const mailbox of mailboxes) this.announce({ organization, mailbox });
  }

  /** The strictest of the policies of a mailbox's groups; undefined if none of them has one. */
  async #ofGroups(ref: MailboxRef): Promise<Omit<EffectivePolicy, 'everSet'> | undefined> {
    const names: string[] = [];
    const policies: Policy[] = [];
    let number = 0;
    for (const group of await this.#groups.groupsOf(ref)) {
      const stored = await this.#stored(ref.organization, group);
      if (stored?.policy === undefined) continue;
      names.push(`${group}:${stored.revision}`);
      policies.push(stored.policy);
      number = Math.max(number, stored.revision);
    }
    const [only, ...others] = names;
    if (only === undefined) return undefined;
    const hash = createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 32);
    const revision = others.length === 0 ? only : `groups:${hash}`;
    return { ...strictest(policies), revision, number };
  }

  #stored(organization: OrganizationId, target: PolicyTarget): Promise<StoredPolicy | undefined> {
    const key = `${organization}/${target}`;
    const cached = this.#cached.get(key);
    if (cached !== undefined) return cached;
    const [oldest] = this.#cached.keys();
    if (this.#cached.size >= MAX_CACHED && oldest !== undefined) this.#cached.delete(oldest);
    const read = this.#store.policy(organization, target);
    this.#cached.set(key, read);
    read.catch(() => this.#cached.delete(key));
    return read;
  }
}

function strictest(policies: readonly Policy[]): Policy {
  return {
    settings: strictestSettings(policies.map(({ settings }) => settings)),
    allowNonProvisionableDevices: policies.every((policy) => policy.allowNonProvisionableDevices),
  };
}

import { createHash } from 'node:crypto';
import type { Organization } from '#directory/organization';
import { envelopeAddress } from '#mime/address';
import {
  type AccessRule,
  type AccessRuleContent,
  type AccessRuleEffect,
  type DeviceTraits,
  effectOf,
  mightBeAllowed,
  traitsOf,
} from './access-rule.ts';
import type { Device } from './device.ts';
import type {
  AccessOverride,
  DeviceAccessSettings,
  DeviceAccessStore,
  DeviceAccessTx,
} from './device-access-store.ts';
import { DomainError } from './errors.ts';
import type { DeviceId, MailboxRef, OrganizationId } from './ids.ts';
import type { Clock, Random } from './outside.ts';
import type { Policies } from './policy.ts';
import type { PageOf } from './ports.ts';
import { type RememberedReads, rememberedReads } from './remembered-reads.ts';

/** Whether a device is served, and what says so. */
export interface DeviceAccessJudgement {
  readonly state: 'ALLOWED' | 'BLOCKED' | 'QUARANTINED';
  readonly reason: 'OVERRIDE' | 'RULE' | 'NO_RULE' | 'NEW_DEVICE';
  /** The names of the rules that say so. */
  readonly rules: readonly string[];
  /** It is blocked for what it told of itself, or did not tell: it may tell that. */
  readonly mayTell: boolean;
}

interface DeviceAccessParts {
  readonly store: DeviceAccessStore;
  readonly policies: Pick<Policies, 'announce'>;
  /** Throws organization/not-found. */
  readonly describeOrganization: (id: OrganizationId) => Promise<Organization>;
  readonly clock: Clock;
  readonly random: Random;
}

const maxRules = 10;
const maxRemembered = 50_000;
/** How long the same client token names the same request. */
const clientTokenMs = 24 * 60 * 60 * 1000;
/** The id of the rule that every organisation begins with. */
const defaultRuleId = 'default';
const defaultRule: AccessRuleContent = {
  name: 'Default',
  description: 'All devices are allowed.',
  effect: 'ALLOW',
  conditions: {},
};

const defaultSettings: DeviceAccessSettings = {
  newDevices: 'ALLOW',
  maxDevicesPerUser: 100,
  notifyAddresses: [],
  isDeviceInformationRequired: false,
};

/**
 * Which devices are served: an override of one device comes first, then the rules of its organisation, then what the
 * organisation does with devices that are new. A change counts at once, for waiting devices too.
 */
export class DeviceAccess {
  readonly #parts: DeviceAccessParts;
  readonly #rules: RememberedReads<readonly AccessRule[]>;
  readonly #settings: RememberedReads<DeviceAccessSettings>;
  readonly #overrides: RememberedReads<AccessOverride | undefined>;

  constructor(parts: DeviceAccessParts) {
    this.#parts = parts;
    this.#rules = rememberedReads(maxRemembered);
    this.#settings = rememberedReads(maxRemembered);
    this.#overrides = rememberedReads(maxRemembered);
  }

  /** The rules in the order they were made. Throws organization/not-found, organization/state. */
  async rules(organization: OrganizationId): Promise<readonly AccessRule[]> {
    await this.#active(organization);
    return this.#rulesOf(organization);
  }

  /**
   * Makes a rule and gives its id; the same client token with the same request gives the one it made. Throws
   * limit/exceeded, request/invalid for a token that was used for another request.
   */
  async createRule(
    organization: OrganizationId,
    content: AccessRuleContent,
    clientToken?: string,
  ): Promise<string> {
    const { clock, random } = this.#parts;
    const id = Buffer.from(random.bytes(16)).toString('hex');
    const request = `CreateMobileDeviceAccessRule ${hashOf(content)}`;
    return this.#changeRules(organization, async (rules, tx) => {
      const nowMs = clock.now();
      const use = clientToken === undefined ? undefined : await tx.ruleToken(organization, clientToken);
      if (use !== undefined && nowMs - use.usedMs < clientTokenMs) {
        if (use.request === request) return { rules, result: use.result };
        throw new DomainError('request/invalid', 'The client token was used for another request.');
      }
      if (rules.length >= maxRules) {
        throw new DomainError(
          'limit/exceeded',
          `An organization may have ${maxRules} mobile device access rules.`,
        );
      }
      if (clientToken !== undefined) {
        tx.putRuleToken(organization, clientToken, { request, result: id, usedMs: nowMs });
      }
      return { rules: [...rules, { ...content, id, createdMs: nowMs, modifiedMs: nowMs }], result: id };
    });
  }

  /** Replaces a rule. Throws entity/not-found. */
  async updateRule(organization: OrganizationId, id: string, content: AccessRuleContent): Promise<void> {
    await this.#changeRules(organization, async (rules) => {
      const before = rules.find((rule) => rule.id === id);
      if (before === undefined) {
        throw new DomainError('entity/not-found', `There is no mobile device access rule ${id}.`);
      }
      const after = { ...content, id, createdMs: before.createdMs, modifiedMs: this.#parts.clock.now() };
      return { rules: rules.map((rule) => (rule.id === id ? after : rule)), result: undefined };
    });
  }

  /** Takes a rule away; nothing happens if there is none. Without any rule every device is blocked. */
  async deleteRule(organization: OrganizationId, id: string): Promise<void> {
    await this.#changeRules(organization, async (rules) => {
      const others = rules.filter((rule) => rule.id !== id);
      return { rules: others.length < rules.length ? others : rules, result: undefined };
    });
  }

  /** What the rules say of a device with these traits. */
  async effect(organization: OrganizationId, traits: DeviceTraits): Promise<AccessRuleEffect> {
    return effectOf(await this.rules(organization), traits);
  }

  override(ref: MailboxRef, device: DeviceId): Promise<AccessOverride | undefined> {
    return this.#overrides.get(overrideKey(ref, device), () => this.#parts.store.accessOverride(ref, device));
  }

  async putOverride(
    ref: MailboxRef,
    device: DeviceId,
    given: Pick<AccessOverride, 'effect' | 'description'>,
  ): Promise<void> {
    await this.#changeOverride(ref, device, async (tx) => {
      const nowMs = this.#parts.clock.now();
      const createdMs = (await tx.accessOverride(ref, device))?.createdMs ?? nowMs;
      tx.putAccessOverride({ ref, device, ...given, createdMs, modifiedMs: nowMs });
    });
  }

  /** Nothing happens if there is none. */
  async deleteOverride(ref: MailboxRef, device: DeviceId): Promise<void> {
    await this.#changeOverride(ref, device, async (tx) => tx.deleteAccessOverride(ref, device));
  }

  /** Page by page; a page may be short or empty before the end. */
  async listOverrides(
    organization: OrganizationId,
    of: Parameters<DeviceAccessStore['accessOverrides']>[1],
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessOverride, string>> {
    await this.#active(organization);
    return this.#parts.store.accessOverrides(organization, of, after, limit);
  }

  settings(organization: OrganizationId): Promise<DeviceAccessSettings> {
    return this.#settings.get(organization, async () => ({
      ...defaultSettings,
      ...(await this.#parts.store.accessSettings(organization)),
    }));
  }

  /**
   * Replaces them; what is not given is as in the beginning. They say nothing of devices that are known already. Throws
   * address/invalid.
   */
  async putSettings(
    organization: OrganizationId,
    given: Partial<DeviceAccessSettings>,
  ): Promise<DeviceAccessSettings> {
    await this.#active(organization);
    const notifyAddresses = (given.notifyAddresses ?? []).map(checkedAddress);
    const settings = { ...defaultSettings, ...given, notifyAddresses };
    try {
      await this.#parts.store.putAccessSettings(organization, settings);
    } finally {
      this.#settings.forget(organization);
    }
    return settings;
  }

  /** Whether a device is served, as far as it has told what it is. */
  async judge(ref: MailboxRef, device: Device): Promise<DeviceAccessJudgement> {
    const override = await this.override(ref, device.id);
    if (override !== undefined) {
      const state = override.effect === 'ALLOW' ? 'ALLOWED' : 'BLOCKED';
      return { state, reason: 'OVERRIDE', rules: [], mayTell: false };
    }
    const rules = await this.#rulesOf(ref.organization);
    const traits = traitsOf(device);
    const { effect, matched } = effectOf(rules, traits);
    const names = matched.map(({ name }) => name);
    if (effect === 'DENY') {
      const reason = matched.length > 0 ? 'RULE' : 'NO_RULE';
      return { state: 'BLOCKED', reason, rules: names, mayTell: mightBeAllowed(rules, traits) };
    }
    switch (device.cameAs) {
      case 'BLOCK':
        return { state: 'BLOCKED', reason: 'NEW_DEVICE', rules: [], mayTell: false };
      case 'QUARANTINE':
        return { state: 'QUARANTINED', reason: 'NEW_DEVICE', rules: [], mayTell: false };
      case undefined:
        return { state: 'ALLOWED', reason: 'RULE', rules: names, mayTell: false };
    }
  }

  /** What a device is marked with that comes for the first time: one that was allowed before is expected. */
  async welcome(ref: MailboxRef, device: DeviceId): Promise<Device['cameAs']> {
    const { newDevices } = await this.settings(ref.organization);
    if (newDevices === 'ALLOW' || (await this.override(ref, device))?.effect === 'ALLOW') return undefined;
    return newDevices;
  }

  #rulesOf(organization: OrganizationId): Promise<readonly AccessRule[]> {
    return this.#rules.get(organization, async () => {
      const stored = await this.#parts.store.accessRules(organization);
      return stored ?? this.#firstRules(organization);
    });
  }

  async #firstRules(organization: OrganizationId): Promise<readonly AccessRule[]> {
    const { createdMs } = await this.#parts.describeOrganization(organization);
    return [{ ...defaultRule, id: defaultRuleId, createdMs, modifiedMs: createdMs }];
  }

  async #changeRules<T>(
    organization: OrganizationId,
    decide: (
      rules: readonly AccessRule[],
      tx: DeviceAccessTx,
    ) => Promise<{ readonly rules: readonly AccessRule[]; readonly result: T }>,
  ): Promise<T> {
    await this.#active(organization);
    const first = await this.#firstRules(organization);
    try {
      return await this.#parts.store.transactAccess(organization, async (tx) => {
        const before = (await tx.accessRules(organization)) ?? first;
        const { rules, result } = await decide(before, tx);
        if (rules !== before) await tx.putAccessRules(organization, rules);
        return result;
      });
    } finally {
      this.#rules.forget(organization);
      this.#parts.policies.announce({ organization });
    }
  }

  async #changeOverride(
    ref: MailboxRef,
    device: DeviceId,
    decide: (tx: DeviceAccessTx) => Promise<void>,
  ): Promise<void> {
    try {
      await this.#parts.store.transactAccess(ref.organization, decide);
    } finally {
      this.#overrides.forget(overrideKey(ref, device));
      this.#parts.policies.announce({ ...ref, device });
    }
  }

  async #active(organization: OrganizationId): Promise<void> {
    const { state } = await this.#parts.describeOrganization(organization);
    if (state !== 'Active') throw new DomainError('organization/state', `The organization is ${state}.`);
  }
}

function checkedAddress(text: string): string {
  const address = envelopeAddress(text.trim());
  if (address !== undefined) return address;
  throw new DomainError('address/invalid', `NotifyAddresses: ${text} is not a valid email address.`);
}

function hashOf(content: AccessRuleContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function overrideKey({ mailbox }: MailboxRef, device: DeviceId): string {
  return `${mailbox}/${device}`;
}

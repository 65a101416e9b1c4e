import type { AccessEffect, AccessRule } from './access-rule.ts';
import type { DeviceId, MailboxRef, OrganizationId } from './ids.ts';
import type { PageOf } from './ports.ts';

/** What an administrator says of one device of one user, whether it is known yet or not. */
export interface AccessOverride {
  readonly ref: MailboxRef;
  readonly device: DeviceId;
  readonly effect: AccessEffect;
  readonly description?: string | undefined;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** What becomes of a device that comes for the first time. */
export type NewDevices = 'ALLOW' | 'BLOCK' | 'QUARANTINE';

/** How an organisation takes devices, beside its rules. */
export interface DeviceAccessSettings {
  readonly newDevices: NewDevices;
  readonly maxDevicesPerUser: number;
  /** Who is told of devices in quarantine; nobody named: the administrator of the organisation. */
  readonly notifyAddresses: readonly string[];
  /** MS-ASPROV, DeviceInformation: whether Provision is refused without it, from 14.1 on (165). */
  readonly isDeviceInformationRequired: boolean;
}

/** A request with a client token, and what it made. */
export interface RuleTokenUse {
  readonly request: string;
  readonly result: string;
  readonly usedMs: number;
}

interface DeviceAccessReader {
  /** Undefined: they were never changed, and the one that every organisation begins with counts. */
  accessRules(organization: OrganizationId): Promise<readonly AccessRule[] | undefined>;
  accessOverride(ref: MailboxRef, device: DeviceId): Promise<AccessOverride | undefined>;
}

/** One decision on the rules and overrides of an organisation. */
export interface DeviceAccessTx extends DeviceAccessReader {
  /** Replaces all of them. */
  putAccessRules(organization: OrganizationId, rules: readonly AccessRule[]): Promise<void>;
  putAccessOverride(override: AccessOverride): void;
  deleteAccessOverride(ref: MailboxRef, device: DeviceId): void;
  ruleToken(organization: OrganizationId, token: string): Promise<RuleTokenUse | undefined>;
  putRuleToken(organization: OrganizationId, token: string, use: RuleTokenUse): void;
}

/** What is remembered of who may come. Its reads see what is durable. */
export interface DeviceAccessStore extends DeviceAccessReader {
  /** In a stable order; `after` is the `next` of the page before. */
  accessOverrides(
    organization: OrganizationId,
    of: { readonly mailbox?: MailboxRef['mailbox'] | undefined; readonly device?: DeviceId | undefined },
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AccessOverride, string>>;
  accessSettings(organization: OrganizationId): Promise<DeviceAccessSettings | undefined>;
  putAccessSettings(organization: OrganizationId, settings: DeviceAccessSettings): Promise<void>;
  /** Has a mailbox that is nobody's removed at about a time (ms since the epoch). */
  removeMailboxAt(ref: MailboxRef, dueMs: number): Promise<void>;
  /** Lands together, durable when it resolves, or not at all. `decide` may run again. */
  transactAccess<T>(organization: OrganizationId, decide: (tx: DeviceAccessTx) => Promise<T>): Promise<T>;
}

/** How the rows about who may come are written. */
import type { AccessRule } from '#domain/access-rule';
import type { AccessOverride, DeviceAccessSettings } from '#domain/device-access-store';
import type { DeviceId, MailboxId } from '#domain/ids';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

/** A rule, and where it stands among the others. */
export interface AccessRuleRecord {
  readonly position: number;
  readonly rule: AccessRule;
}

type RuleTuple = [
  number,
  string,
  string,
  string | null,
  AccessRule['effect'],
  AccessRule['conditions'],
  number,
  number,
];
export const accessRuleCodec: Codec<AccessRuleRecord> = packedCodec(
  ({ position, rule }): RuleTuple => [
    position,
    rule.id,
    rule.name,
    rule.description ?? null,
    rule.effect,
    rule.conditions,
    rule.createdMs,
    rule.modifiedMs,
  ],
  ([position, id, name, description, effect, conditions, createdMs, modifiedMs]) => ({
    position,
    rule: { id, name, description: description ?? undefined, effect, conditions, createdMs, modifiedMs },
  }),
);

/** An override without what its organisation's key says. */
export type AccessOverrideRecord = Omit<AccessOverride, 'ref'> & { readonly mailbox: MailboxId };

type OverrideTuple = [string, string, AccessOverride['effect'], string | null, number, number];
export const accessOverrideCodec: Codec<AccessOverrideRecord> = packedCodec(
  ({ mailbox, device, effect, description, createdMs, modifiedMs }): OverrideTuple => [
    mailbox,
    device,
    effect,
    description ?? null,
    createdMs,
    modifiedMs,
  ],
  ([mailbox, device, effect, description, createdMs, modifiedMs]) => ({
    mailbox: mailbox as MailboxId,
    device: device as DeviceId,
    effect,
    description: description ?? undefined,
    createdMs,
    modifiedMs,
  }),
);

type SettingsTuple = [DeviceAccessSettings['newDevices'], number, readonly string[], boolean];
export const accessSettingsCodec: Codec<DeviceAccessSettings> = packedCodec(
  ({ newDevices, maxDevicesPerUser, notifyAddresses, isDeviceInformationRequired }): SettingsTuple => [
    newDevices,
    maxDevicesPerUser,
    notifyAddresses,
    isDeviceInformationRequired,
  ],
  ([newDevices, maxDevicesPerUser, notifyAddresses, isDeviceInformationRequired]) => ({
    newDevices,
    maxDevicesPerUser,
    notifyAddresses,
    isDeviceInformationRequired,
  }),
);

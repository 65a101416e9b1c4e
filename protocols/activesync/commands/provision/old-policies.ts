/** Policies for versions that know less: the first elements of the document in 12.0, Windows Mobile's own in 2.5. */
import type { EffectivePolicy } from '#domain/policy';
import {
  type PolicySettingName,
  type PolicySettings,
  policySettingNames,
  policySettings,
} from '#domain/policy-settings';
import type { ProtocolVersion } from '../../protocol-version.ts';

/** The form of policies in a version (MS-ASPROV, PolicyType): below 12.0 nobody can read an EASProvisionDoc. */
export function policyTypeOf(version: ProtocolVersion): string {
  return version === '2.5' ? 'MS-WAP-Provisioning-XML' : 'MS-EAS-Provisioning-WBXML';
}

const settingsOf25: readonly PolicySettingName[] = [
  'DevicePasswordEnabled',
  'AlphanumericDevicePasswordRequired',
  'MinDevicePasswordLength',
  'MaxInactivityTimeDeviceLock',
  'MaxDevicePasswordFailedAttempts',
];

const settingsOf120: readonly PolicySettingName[] = [
  ...settingsOf25,
  'PasswordRecoveryEnabled',
  // Its token was DeviceEncryptionEnabled then.
  'RequireStorageCardEncryption',
  'AttachmentsEnabled',
  'MaxAttachmentSize',
  'AllowSimpleDevicePassword',
  'DevicePasswordExpiration',
  'DevicePasswordHistory',
];

/** What this server sees to by itself, or what asks nothing of a device. */
const notForDevices: readonly PolicySettingName[] = [
  'PasswordRecoveryEnabled',
  'AttachmentsEnabled',
  'MaxAttachmentSize',
  'MaxCalendarAgeFilter',
  'AllowHTMLEmail',
  'MaxEmailAgeFilter',
  'MaxEmailBodyTruncationSize',
  'MaxEmailHTMLBodyTruncationSize',
];

/** Ignored while no password is required (MS-ASPROV, DevicePasswordEnabled). */
const ofPasswords: readonly PolicySettingName[] = [
  'AlphanumericDevicePasswordRequired',
  'MinDevicePasswordLength',
  'MaxInactivityTimeDeviceLock',
  'MaxDevicePasswordFailedAttempts',
  'AllowSimpleDevicePassword',
  'DevicePasswordExpiration',
  'DevicePasswordHistory',
  'MinDevicePasswordComplexCharacters',
];

/** Whether a policy asks something of devices that a document of this version cannot say. */
export function asksMoreThan(version: ProtocolVersion, settings: PolicySettings): boolean {
  if (version !== '2.5' && version !== '12.0') return false;
  const said = version === '2.5' ? settingsOf25 : [...settingsOf120, 'RequireDeviceEncryption'];
  return policySettingNames.some(
    (name) => !said.includes(name) && !notForDevices.includes(name) && isAsked(name, settings),
  );
}

function isAsked(name: PolicySettingName, settings: PolicySettings): boolean {
  const value = settings[name];
  if (value === undefined) return false;
  if (ofPasswords.includes(name) && settings.DevicePasswordEnabled !== true) return false;
  const { type } = policySettings[name];
  return type.kind === 'list' || value !== type.assumed;
}

/** A policy with the settings that 12.0 knows; one word stands for the encryption of device and card. */
export function policyFor120({
  settings,
  everSet,
}: EffectivePolicy): Pick<EffectivePolicy, 'settings' | 'everSet'> {
  const known = policySettingNames.filter((name) => settingsOf120.includes(name));
  const { RequireDeviceEncryption: device, RequireStorageCardEncryption: card } = settings;
  const encryption =
    device === undefined && card === undefined ? undefined : device === true || card === true;
  const kept = known.map((name) => [
    name,
    name === 'RequireStorageCardEncryption' ? encryption : settings[name],
  ]);
  const isEverEncrypted = everSet.includes('RequireDeviceEncryption');
  return {
    settings: Object.fromEntries(kept.filter(([, value]) => value !== undefined)),
    everSet: [...everSet, ...(isEverEncrypted ? (['RequireStorageCardEncryption'] as const) : [])].filter(
      (name) => settingsOf120.includes(name),
    ),
  };
}

/** From here on it is no bound (MS-ASPROV, MaxInactivityTimeDeviceLock), in seconds. */
const unlimitedSeconds = 9999;

const lassd = 'HKLM\\Comm\\Security\\Policy\\LASSD';

/**
 * A policy for 2.5: Windows Mobile's provisioning document, a text (MS-ASPROV, Data as a string). Every value is written,
 * because a device keeps what it was told before: no lock is type 0, no wipe is threshold 0, any password is complexity 2.
 */
export function wapDocument({ settings }: EffectivePolicy): string {
  const isRequired = settings.DevicePasswordEnabled === true;
  const rule = (name: PolicySettingName): number | undefined => {
    const value = settings[name];
    return isRequired && typeof value === 'number' ? value : undefined;
  };
  const seconds = rule('MaxInactivityTimeDeviceLock') ?? unlimitedSeconds;
  const locks = seconds < unlimitedSeconds;
  const isAlphanumeric = isRequired && settings.AlphanumericDevicePasswordRequired === true;
  const lock = [
    parm('AEFrequencyType', locks ? 1 : 0),
    // Whole minutes: rather too early than too late.
    ...(locks ? [parm('AEFrequencyValue', Math.max(1, Math.floor(seconds / 60)))] : []),
  ];
  const password = [
    parm('MinimumPasswordLength', rule('MinDevicePasswordLength') ?? 1),
    parm('PasswordComplexity', isAlphanumeric ? 0 : 2),
  ];
  const content = [
    characteristic('SecurityPolicy', [parm('4131', isRequired ? 0 : 1)]),
    characteristic('Registry', [
      characteristic(`${lassd}\\AE\\{50C13377-C66D-400C-889E-C316FC4AB374}`, lock),
      characteristic(lassd, [parm('DeviceWipeThreshold', rule('MaxDevicePasswordFailedAttempts') ?? 0)]),
      characteristic(`${lassd}\\LAP\\lap_pw`, password),
    ]),
  ];
  return `<wap-provisioningdoc>${content.join('')}</wap-provisioningdoc>`;
}

function characteristic(type: string, content: readonly string[]): string {
  return `<characteristic type="${type}">${content.join('')}</characteristic>`;
}

function parm(name: string, value: number): string {
  return `<parm name="${name}" value="${value}"/>`;
}

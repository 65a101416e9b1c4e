import {
  type PolicySettingName,
  type PolicySettings,
  policySettingNames,
  type SettingValue,
} from './policy-settings.ts';

/** Which of several values binds most. */
type Rule =
  | 'on'
  | 'off'
  | 'least'
  | 'most'
  /** Zero is no bound. */
  | 'least-but-zero'
  /** A negative value is no bound. */
  | 'least-from-zero'
  /** What any list names. */
  | 'all'
  /** What every list names. */
  | 'common';

/** Total over the settings. MS-ASPROV, EASProvisionDoc, has the meaning of each value. */
const rules: Readonly<Record<PolicySettingName, Rule>> = {
  DevicePasswordEnabled: 'on',
  AlphanumericDevicePasswordRequired: 'on',
  // A recovery password leaves the device.
  PasswordRecoveryEnabled: 'off',
  RequireStorageCardEncryption: 'on',
  AttachmentsEnabled: 'off',
  MinDevicePasswordLength: 'most',
  MaxInactivityTimeDeviceLock: 'least',
  MaxDevicePasswordFailedAttempts: 'least',
  MaxAttachmentSize: 'least',
  AllowSimpleDevicePassword: 'off',
  DevicePasswordExpiration: 'least-but-zero',
  DevicePasswordHistory: 'most',
  AllowStorageCard: 'off',
  AllowCamera: 'off',
  RequireDeviceEncryption: 'on',
  AllowUnsignedApplications: 'off',
  AllowUnsignedInstallationPackages: 'off',
  MinDevicePasswordComplexCharacters: 'most',
  AllowWiFi: 'off',
  AllowTextMessaging: 'off',
  AllowPOPIMAPEmail: 'off',
  // 0 none, 1 hands-free only, 2 any.
  AllowBluetooth: 'least',
  AllowIrDA: 'off',
  RequireManualSyncWhenRoaming: 'on',
  AllowDesktopSync: 'off',
  MaxCalendarAgeFilter: 'least-but-zero',
  AllowHTMLEmail: 'off',
  MaxEmailAgeFilter: 'least-but-zero',
  MaxEmailBodyTruncationSize: 'least-from-zero',
  MaxEmailHTMLBodyTruncationSize: 'least-from-zero',
  RequireSignedSMIMEMessages: 'on',
  RequireEncryptedSMIMEMessages: 'on',
  // 0 SHA-1, 1 MD5.
  RequireSignedSMIMEAlgorithm: 'least',
  // 0 Triple DES, then ever weaker ones.
  RequireEncryptionSMIMEAlgorithm: 'least',
  // 0 none, 1 strong ones only, 2 any.
  AllowSMIMEEncryptionAlgorithmNegotiation: 'least',
  AllowSMIMESoftCerts: 'off',
  AllowBrowser: 'off',
  AllowConsumerEmail: 'off',
  AllowRemoteDesktop: 'off',
  AllowInternetSharing: 'off',
  UnapprovedInROMApplicationList: 'all',
  ApprovedApplicationList: 'common',
};

/** A hash that no application has: of lists that share none nothing may run, and an empty one would let everything run. */
const noApplication = Buffer.alloc(20).toString('base64');

/** The strictest value of each setting that any of the policies has; what none of them has is not enforced. */
export function strictestSettings(policies: readonly PolicySettings[]): PolicySettings {
  const combined: Partial<Record<PolicySettingName, SettingValue>> = {};
  for (const name of policySettingNames) {
    const [first, ...others] = policies.map((policy) => policy[name]).filter((value) => value !== undefined);
    if (first !== undefined) combined[name] = others.reduce((a, b) => stricter(rules[name], a, b), first);
  }
  return combined;
}

function stricter(rule: Rule, a: SettingValue, b: SettingValue): SettingValue {
  if (typeof a === 'boolean' && typeof b === 'boolean') return rule === 'on' ? a || b : a && b;
  if (typeof a === 'number' && typeof b === 'number') return stricterNumber(rule, a, b);
  if (typeof a === 'object' && typeof b === 'object') {
    if (rule === 'all') return [...new Set([...a, ...b])];
    const common = a.filter((entry) => b.includes(entry));
    return common.length > 0 ? common : [noApplication];
  }
  throw new TypeError('a setting has values of two types');
}

function stricterNumber(rule: Rule, a: number, b: number): number {
  if (rule === 'most') return Math.max(a, b);
  const isBound = (value: number) =>
    rule === 'least-but-zero' ? value !== 0 : rule === 'least-from-zero' ? value >= 0 : true;
  if (!isBound(a)) return b;
  return isBound(b) ? Math.min(a, b) : a;
}

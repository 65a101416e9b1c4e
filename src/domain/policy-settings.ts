import { DomainError } from './errors.ts';

/** A value of a setting: a switch, a number, or a list of names. */
export type SettingValue = boolean | number | readonly string[];

/** What a setting takes, and what a device assumes without it (MS-ASPROV, EASProvisionDoc). */
type SettingType =
  | { readonly kind: 'switch'; readonly assumed: boolean }
  /** `assumed` undefined: no bound, sent as an empty element. `only`: the values there are. */
  | {
      readonly kind: 'number';
      readonly min: number;
      readonly max: number;
      readonly assumed: number | undefined;
      readonly only?: readonly number[];
    }
  /** `entry` is the name of the elements in it. */
  | { readonly kind: 'list'; readonly entry: 'ApplicationName' | 'Hash' };

interface SettingDefinition {
  /** Our API's name; without one it is known by its MS-ASPROV name only. */
  readonly apiName?: string;
  readonly type: SettingType;
}

const off: SettingType = { kind: 'switch', assumed: false };
const on: SettingType = { kind: 'switch', assumed: true };
const UNSIGNED = 0xffffffff;
const number = (
  min: number,
  max: number,
  assumed: number | undefined,
  only?: readonly number[],
): SettingType => ({ kind: 'number', min, max, assumed, ...(only && { only }) });

const definitions = {
  DevicePasswordEnabled: { apiName: 'PasswordRequired', type: off },
  AlphanumericDevicePasswordRequired: { apiName: 'RequireAlphanumericPassword', type: off },
  PasswordRecoveryEnabled: { type: off },
  RequireStorageCardEncryption: { type: off },
  AttachmentsEnabled: { type: on },
  MinDevicePasswordLength: { apiName: 'MinimumPasswordLength', type: number(1, 16, undefined) },
  MaxInactivityTimeDeviceLock: { apiName: 'ScreenLockSeconds', type: number(1, UNSIGNED, undefined) },
  MaxDevicePasswordFailedAttempts: { apiName: 'FailedAttemptsAllowed', type: number(4, 16, undefined) },
  MaxAttachmentSize: { type: number(0, UNSIGNED, undefined) },
  AllowSimpleDevicePassword: { apiName: 'AllowSimplePassword', type: on },
  DevicePasswordExpiration: { apiName: 'PasswordExpirationDays', type: number(0, UNSIGNED, 0) },
  DevicePasswordHistory: { apiName: 'PasswordHistory', type: number(0, UNSIGNED, 0) },
  AllowStorageCard: { type: on },
  AllowCamera: { type: on },
  RequireDeviceEncryption: { type: off },
  AllowUnsignedApplications: { type: on },
  AllowUnsignedInstallationPackages: { type: on },
  MinDevicePasswordComplexCharacters: { apiName: 'MinimumCharacterSets', type: number(1, 4, 1) },
  AllowWiFi: { type: on },
  AllowTextMessaging: { type: on },
  AllowPOPIMAPEmail: { type: on },
  AllowBluetooth: { type: number(0, 2, 2) },
  AllowIrDA: { type: on },
  RequireManualSyncWhenRoaming: { type: off },
  AllowDesktopSync: { type: on },
  MaxCalendarAgeFilter: { type: number(0, 7, 0, [0, 4, 5, 6, 7]) },
  AllowHTMLEmail: { type: on },
  MaxEmailAgeFilter: { type: number(0, 5, 0) },
  MaxEmailBodyTruncationSize: { type: number(-1, 0x7fffffff, -1) },
  MaxEmailHTMLBodyTruncationSize: { type: number(-1, 0x7fffffff, -1) },
  RequireSignedSMIMEMessages: { type: off },
  RequireEncryptedSMIMEMessages: { type: off },
  RequireSignedSMIMEAlgorithm: { type: number(0, 1, 0) },
  RequireEncryptionSMIMEAlgorithm: { type: number(0, 4, 0) },
  AllowSMIMEEncryptionAlgorithmNegotiation: { type: number(0, 2, 2) },
  AllowSMIMESoftCerts: { type: on },
  AllowBrowser: { type: on },
  AllowConsumerEmail: { type: on },
  AllowRemoteDesktop: { type: on },
  AllowInternetSharing: { type: on },
  UnapprovedInROMApplicationList: { type: { kind: 'list', entry: 'ApplicationName' } },
  ApprovedApplicationList: { type: { kind: 'list', entry: 'Hash' } },
} as const satisfies Readonly<Record<string, SettingDefinition>>;

/** A setting by its element's name. */
export type PolicySettingName = keyof typeof definitions;

/** Every setting in the order in which a document holds them (MS-ASPROV, EASProvisionDoc). */
export const policySettings: Readonly<Record<PolicySettingName, SettingDefinition>> = definitions;
export const policySettingNames = Object.keys(definitions) as readonly PolicySettingName[];

/** The settings of a policy; what is absent is not enforced. */
export type PolicySettings = Readonly<Partial<Record<PolicySettingName, SettingValue>>>;

/** The API's name of a setting. */
export function apiNameOf(name: PolicySettingName): string {
  return policySettings[name].apiName ?? name;
}

const nameByApiName: ReadonlyMap<string, PolicySettingName> = new Map([
  ...policySettingNames.map((name) => [name, name] as const),
  ...policySettingNames.map((name) => [apiNameOf(name), name] as const),
]);

const MAX_LIST = 500;
const MAX_LIST_ENTRY = 1024;
/** 20 bytes in base64. */
const sha1 = /^[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=$/;

/** Reads settings by the API's or the elements' names; null is absent. Throws `request/invalid` with the name in it. */
export function readPolicySettings(given: Readonly<Record<string, unknown>>): PolicySettings {
  const settings: Partial<Record<PolicySettingName, SettingValue>> = {};
  for (const [givenName, value] of Object.entries(given)) {
    const name = nameByApiName.get(givenName);
    if (name === undefined) throw invalid(givenName, 'is not a setting of a mobile policy');
    if (value === undefined || value === null) continue;
    if (name in settings) throw invalid(givenName, 'is given twice, by both of its names');
    settings[name] = readValue(givenName, policySettings[name].type, value);
  }
  return settings;
}

function readValue(name: string, type: SettingType, value: unknown): SettingValue {
  switch (type.kind) {
    case 'switch':
      if (typeof value !== 'boolean') throw invalid(name, 'must be true or false');
      return value;
    case 'number':
      return readNumber(name, type, value);
    case 'list':
      return type.entry === 'Hash' ? readHashes(name, value) : readList(name, value);
  }
}

function readNumber(name: string, type: SettingType & { kind: 'number' }, value: unknown): number {
  const { min, max, only } = type;
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  if (fits && (only === undefined || only.includes(value))) return value;
  throw invalid(
    name,
    only ? `must be one of ${only.join(', ')}` : `must be a whole number from ${min} to ${max}`,
  );
}

function readList(name: string, value: unknown): readonly string[] {
  const isEntry = (entry: unknown): entry is string =>
    typeof entry === 'string' && entry !== '' && entry.length <= MAX_LIST_ENTRY;
  if (Array.isArray(value) && value.length <= MAX_LIST && value.every(isEntry)) return value;
  throw invalid(name, `must be a list of at most ${MAX_LIST} names`);
}

/** An empty list is sent when there is none any more: it lets everything run. */
function readHashes(name: string, value: unknown): readonly string[] {
  const hashes = readList(name, value);
  if (hashes.length > 0 && hashes.every((hash) => sha1.test(hash))) return hashes;
  throw invalid(name, 'must be a list of SHA-1 hashes in base64, 28 characters each, and at least one');
}

function invalid(name: string, fault: string): DomainError {
  return new DomainError('request/invalid', `${name} ${fault}.`);
}

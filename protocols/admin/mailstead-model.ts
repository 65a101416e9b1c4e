import type { Model, Shape } from './shape.ts';

/** MS-ASPROV, EASProvisionDoc: the settings our policy knows by their own names, beside those that have one of ours. */
const provisionDocSettings: Readonly<Record<string, string>> = {
  PasswordRecoveryEnabled: 'Boolean',
  AttachmentsEnabled: 'Boolean',
  MaxAttachmentSize: 'Count',
  AllowStorageCard: 'Boolean',
  AllowCamera: 'Boolean',
  AllowUnsignedApplications: 'Boolean',
  AllowUnsignedInstallationPackages: 'Boolean',
  AllowWiFi: 'Boolean',
  AllowTextMessaging: 'Boolean',
  AllowPOPIMAPEmail: 'Boolean',
  AllowBluetooth: 'AllowBluetooth',
  AllowIrDA: 'Boolean',
  RequireManualSyncWhenRoaming: 'Boolean',
  AllowDesktopSync: 'Boolean',
  MaxCalendarAgeFilter: 'MaxCalendarAgeFilter',
  AllowHTMLEmail: 'Boolean',
  MaxEmailAgeFilter: 'MaxEmailAgeFilter',
  MaxEmailBodyTruncationSize: 'TruncationSize',
  MaxEmailHTMLBodyTruncationSize: 'TruncationSize',
  RequireSignedSMIMEMessages: 'Boolean',
  RequireEncryptedSMIMEMessages: 'Boolean',
  RequireSignedSMIMEAlgorithm: 'RequireSignedSMIMEAlgorithm',
  RequireEncryptionSMIMEAlgorithm: 'RequireEncryptionSMIMEAlgorithm',
  AllowSMIMEEncryptionAlgorithmNegotiation: 'AllowSMIMEEncryptionAlgorithmNegotiation',
  AllowSMIMESoftCerts: 'Boolean',
  AllowBrowser: 'Boolean',
  AllowConsumerEmail: 'Boolean',
  AllowRemoteDesktop: 'Boolean',
  AllowInternetSharing: 'Boolean',
  UnapprovedInROMApplicationList: 'ApplicationNames',
  ApprovedApplicationList: 'ApplicationHashes',
};

const shapes: Readonly<Record<string, Shape>> = {
  Boolean: { type: 'boolean' },
  Count: { type: 'integer', min: 0, max: 2_147_483_647 },
  OrganizationId: { type: 'string', min: 34, max: 34, pattern: '^m-[0-9a-f]{32}$' },
  EntityIdentifier: { type: 'string', min: 1, max: 256, pattern: '[a-zA-Z0-9._%+@-]+' },
  MobileDeviceId: { type: 'string', min: 1, max: 256 },
  MaxResults: { type: 'integer', min: 1, max: 100 },
  NextToken: { type: 'string', min: 1, max: 1024 },
  // MS-ASPROV gives the ranges: MinDevicePasswordLength, MinDevicePasswordComplexCharacters,
  // MaxDevicePasswordFailedAttempts, and the enumerations below.
  PasswordLength: { type: 'integer', min: 1, max: 16 },
  CharacterSets: { type: 'integer', min: 1, max: 4 },
  FailedAttempts: { type: 'integer', min: 4, max: 16 },
  Days: { type: 'integer', min: 0, max: 730 },
  ScreenLockSeconds: { type: 'integer', min: 1, max: 9998 },
  PasswordHistory: { type: 'integer', min: 0, max: 50 },
  AllowBluetooth: { type: 'integer', values: [0, 1, 2] },
  MaxCalendarAgeFilter: { type: 'integer', values: [0, 4, 5, 6, 7] },
  MaxEmailAgeFilter: { type: 'integer', values: [0, 1, 2, 3, 4, 5] },
  TruncationSize: { type: 'integer', min: -1, max: 2_147_483_647 },
  RequireSignedSMIMEAlgorithm: { type: 'integer', values: [0, 1] },
  RequireEncryptionSMIMEAlgorithm: { type: 'integer', values: [0, 1, 2, 3, 4] },
  AllowSMIMEEncryptionAlgorithmNegotiation: { type: 'integer', values: [0, 1, 2] },
  ApplicationName: { type: 'string', min: 1, max: 256 },
  ApplicationNames: { type: 'list', member: { shape: 'ApplicationName' }, max: 100 },
  ApplicationHash: { type: 'string', pattern: '[A-Za-z0-9+/]{27}=' },
  ApplicationHashes: { type: 'list', member: { shape: 'ApplicationHash' }, max: 100 },
  MobilePolicy: structure({
    PasswordRequired: 'Boolean',
    AllowSimplePassword: 'Boolean',
    MinimumPasswordLength: 'PasswordLength',
    RequireAlphanumericPassword: 'Boolean',
    MinimumCharacterSets: 'CharacterSets',
    FailedAttemptsAllowed: 'FailedAttempts',
    PasswordExpirationDays: 'Days',
    ScreenLockSeconds: 'ScreenLockSeconds',
    PasswordHistory: 'PasswordHistory',
    RequireDeviceEncryption: 'Boolean',
    RequireStorageCardEncryption: 'Boolean',
    ...provisionDocSettings,
    AllowNonProvisionableDevices: 'Boolean',
  }),
  PolicyOwner: structure({ OrganizationId: 'OrganizationId', EntityId: 'EntityIdentifier' }, [
    'OrganizationId',
  ]),
  PutMobilePolicyRequest: structure(
    { OrganizationId: 'OrganizationId', EntityId: 'EntityIdentifier', Policy: 'MobilePolicy' },
    ['OrganizationId', 'Policy'],
  ),
  ListMobileDevicesRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      UserId: 'EntityIdentifier',
      NextToken: 'NextToken',
      MaxResults: 'MaxResults',
    },
    ['OrganizationId'],
  ),
  MobileDeviceRequest: structure(
    { OrganizationId: 'OrganizationId', UserId: 'EntityIdentifier', DeviceId: 'MobileDeviceId' },
    ['OrganizationId', 'UserId', 'DeviceId'],
  ),
  WipeMobileDeviceRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      UserId: 'EntityIdentifier',
      DeviceId: 'MobileDeviceId',
      AccountOnly: 'Boolean',
    },
    ['OrganizationId', 'UserId', 'DeviceId'],
  ),
};

/** mailsteadModel describes the inputs of the operations the WorkMail API lacks, in that API's shape language. */
export const mailsteadModel: Model = {
  operations: {
    GetMobilePolicy: { input: { shape: 'PolicyOwner' } },
    PutMobilePolicy: { input: { shape: 'PutMobilePolicyRequest' } },
    DeleteMobilePolicy: { input: { shape: 'PolicyOwner' } },
    ListMobileDevices: { input: { shape: 'ListMobileDevicesRequest' } },
    DescribeMobileDevice: { input: { shape: 'MobileDeviceRequest' } },
    DeleteMobileDevice: { input: { shape: 'MobileDeviceRequest' } },
    WipeMobileDevice: { input: { shape: 'WipeMobileDeviceRequest' } },
    CancelWipeMobileDevice: { input: { shape: 'MobileDeviceRequest' } },
  },
  shapes,
};

/** A misspelt policy setting must not pass for one that is enforced: our structures are closed. */
function structure(members: Readonly<Record<string, string>>, required: readonly string[] = []): Shape {
  const refs = Object.entries(members).map(([member, shape]) => [member, { shape }]);
  return { type: 'structure', required, members: Object.fromEntries(refs), closed: true };
}

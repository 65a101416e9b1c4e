import {
  apiNameOf,
  type PolicySettingName,
  policySettingNames,
  policySettings,
} from '#domain/policy-settings';
import { accessOperations, accessShapes } from './access-shapes.ts';
import { closedStructure as structure } from './closed-structure.ts';
import { deviceInsightOperations, deviceInsightShapes } from './device-insight-shapes.ts';
import { peopleOperations, peopleShapes } from './people-shapes.ts';
import { preferenceOperations, preferenceShapes } from './preference-shapes.ts';
import type { Model, Shape } from './shape.ts';

const settings = policySettingNames.map((name) => ({ name, shapeName: `Setting.${name}` }));

/** A setting goes by the API's name and by its element's (MS-ASPROV, EASProvisionDoc). */
const settingMembers = Object.fromEntries(
  settings.flatMap(({ name, shapeName }) => [
    [apiNameOf(name), shapeName],
    [name, shapeName],
  ]),
);

const settingShapes = Object.fromEntries(settings.map(({ name, shapeName }) => [shapeName, shapeOf(name)]));

const shapes: Readonly<Record<string, Shape>> = {
  Boolean: { type: 'boolean' },
  OrganizationId: { type: 'string', min: 34, max: 34, pattern: '^m-[0-9a-f]{32}$' },
  EntityIdentifier: { type: 'string', min: 1, max: 256, pattern: '[a-zA-Z0-9._%+@-]+' },
  FolderPath: { type: 'string', min: 1, max: 4096 },
  MobileDeviceId: { type: 'string', min: 1, max: 256 },
  /** As devices say it: what is decided of another one would never count. */
  DeviceIdOnTheWire: { type: 'string', min: 1, max: 64, pattern: '[A-Za-z0-9._{}-]+' },
  MaxResults: { type: 'integer', min: 1, max: 100 },
  NextToken: { type: 'string', min: 1, max: 1024 },
  SettingEntry: { type: 'string', min: 1, max: 1024 },
  ...settingShapes,
  ...preferenceShapes,
  ...peopleShapes,
  ...deviceInsightShapes,
  ...accessShapes,
  MobilePolicy: structure({ ...settingMembers, AllowNonProvisionableDevices: 'Boolean' }),
  PolicyOwner: structure({ OrganizationId: 'OrganizationId', EntityId: 'EntityIdentifier' }, [
    'OrganizationId',
  ]),
  MailDomainName: { type: 'string', min: 3, max: 209 },
  CatchAll: structure({ DomainName: 'MailDomainName', EntityId: 'EntityIdentifier' }, [
    'DomainName',
    'EntityId',
  ]),
  CatchAlls: { type: 'list', member: { shape: 'CatchAll' }, max: 1000 },
  MailDomainRequest: structure({ OrganizationId: 'OrganizationId', DomainName: 'MailDomainName' }, [
    'OrganizationId',
    'DomainName',
  ]),
  OrganizationRequest: structure({ OrganizationId: 'OrganizationId' }, ['OrganizationId']),
  PutMailRoutingRequest: structure(
    { OrganizationId: 'OrganizationId', Administrator: 'EntityIdentifier', CatchAlls: 'CatchAlls' },
    ['OrganizationId'],
  ),
  JournalAddress: { type: 'string', min: 1, max: 320 },
  PutJournalingRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      Enabled: 'Boolean',
      JournalingAddress: 'JournalAddress',
      ReportAddress: 'JournalAddress',
    },
    ['OrganizationId', 'Enabled'],
  ),
  CreateBackupRequest: structure({ Folder: 'FolderPath' }, ['Folder']),
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
  ListQueueRequest: structure(
    { OrganizationId: 'OrganizationId', NextToken: 'NextToken', MaxResults: 'MaxResults' },
    ['OrganizationId'],
  ),
  QueueId: { type: 'string', min: 32, max: 32, pattern: '^[0-9a-f]{32}$' },
  QueuedMessageRequest: structure({ OrganizationId: 'OrganizationId', QueueId: 'QueueId' }, [
    'OrganizationId',
    'QueueId',
  ]),
  AccessEffect: { type: 'string', enum: ['ALLOW', 'DENY'] },
  AccessDescription: { type: 'string', min: 1, max: 256 },
  PutMobileDeviceAccessOverrideRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      UserId: 'EntityIdentifier',
      DeviceId: 'DeviceIdOnTheWire',
      Effect: 'AccessEffect',
      Description: 'AccessDescription',
    },
    ['OrganizationId', 'UserId', 'DeviceId', 'Effect'],
  ),
  MaxDevicesPerUser: { type: 'integer', min: 1, max: 1000 },
  NewDevices: { type: 'string', enum: ['ALLOW', 'BLOCK', 'QUARANTINE'] },
  NotifyAddress: { type: 'string', min: 3, max: 320 },
  NotifyAddresses: { type: 'list', member: { shape: 'NotifyAddress' }, max: 20 },
  PutMobileDeviceAccessSettingsRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      NewDevices: 'NewDevices',
      MaxDevicesPerUser: 'MaxDevicesPerUser',
      NotifyAddresses: 'NotifyAddresses',
      RequireDeviceInformation: 'Boolean',
    },
    ['OrganizationId'],
  ),
  MobileDeviceRequest: structure(
    { OrganizationId: 'OrganizationId', UserId: 'EntityIdentifier', DeviceId: 'MobileDeviceId' },
    ['OrganizationId', 'UserId', 'DeviceId'],
  ),
  DeleteMobileDeviceRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      UserId: 'EntityIdentifier',
      DeviceId: 'MobileDeviceId',
      Force: 'Boolean',
    },
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
    RestoreOrganization: { input: { shape: 'OrganizationRequest' } },
    CreateBackup: { input: { shape: 'CreateBackupRequest' } },
    DescribeInstallation: {},
    ListOperations: {},
    GetMailRouting: { input: { shape: 'OrganizationRequest' } },
    RotateDkimKeys: { input: { shape: 'MailDomainRequest' } },
    VerifyMailDomain: { input: { shape: 'MailDomainRequest' } },
    PutMailRouting: { input: { shape: 'PutMailRoutingRequest' } },
    GetJournaling: { input: { shape: 'OrganizationRequest' } },
    PutJournaling: { input: { shape: 'PutJournalingRequest' } },
    GetMobilePolicy: { input: { shape: 'PolicyOwner' } },
    PutMobilePolicy: { input: { shape: 'PutMobilePolicyRequest' } },
    DeleteMobilePolicy: { input: { shape: 'PolicyOwner' } },
    ListMobileDevices: { input: { shape: 'ListMobileDevicesRequest' } },
    DescribeMobileDevice: { input: { shape: 'MobileDeviceRequest' } },
    DeleteMobileDevice: { input: { shape: 'DeleteMobileDeviceRequest' } },
    WipeMobileDevice: { input: { shape: 'WipeMobileDeviceRequest' } },
    PutMobileDeviceAccessOverride: { input: { shape: 'PutMobileDeviceAccessOverrideRequest' } },
    DeleteMobileDeviceAccessOverride: { input: { shape: 'MobileDeviceRequest' } },
    GetMobileDeviceAccessSettings: { input: { shape: 'OrganizationRequest' } },
    PutMobileDeviceAccessSettings: { input: { shape: 'PutMobileDeviceAccessSettingsRequest' } },
    ListMobilePolicySettings: {},
    ListQueue: { input: { shape: 'ListQueueRequest' } },
    DescribeQueuedMessage: { input: { shape: 'QueuedMessageRequest' } },
    RetryQueuedMessage: { input: { shape: 'QueuedMessageRequest' } },
    DeleteQueuedMessage: { input: { shape: 'QueuedMessageRequest' } },
    ...preferenceOperations,
    ...peopleOperations,
    ...deviceInsightOperations,
    ...accessOperations,
    CancelWipeMobileDevice: { input: { shape: 'MobileDeviceRequest' } },
  },
  shapes,
};

function shapeOf(name: PolicySettingName): Shape {
  const { type } = policySettings[name];
  switch (type.kind) {
    case 'switch':
      return { type: 'boolean' };
    case 'number':
      return type.only === undefined
        ? { type: 'integer', min: type.min, max: type.max }
        : { type: 'integer', values: type.only };
    case 'list':
      return { type: 'list', member: { shape: 'SettingEntry' }, max: 500 };
  }
}

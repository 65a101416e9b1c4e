import { closedStructure } from './closed-structure.ts';
import type { Model, Shape } from './shape.ts';

const device = { OrganizationId: 'OrganizationId', UserId: 'EntityIdentifier', DeviceId: 'MobileDeviceId' };
const isRequired = ['OrganizationId', 'UserId', 'DeviceId'];

/** deviceInsightShapes are the inputs of the operations that show what a device does and holds. */
export const deviceInsightShapes: Readonly<Record<string, Shape>> = {
  TraceMinutes: { type: 'integer', min: 1, max: 1440 },
  RequesterName: { type: 'string', min: 1, max: 128 },
  PutDeviceTraceRequest: closedStructure(
    { ...device, Enabled: 'Boolean', Minutes: 'TraceMinutes', RequestedBy: 'RequesterName' },
    [...isRequired, 'Enabled'],
  ),
  GetDeviceTraceRequest: closedStructure(
    { ...device, NextToken: 'NextToken', MaxResults: 'MaxResults' },
    isRequired,
  ),
  GetDeviceRecoveryPasswordRequest: closedStructure({ ...device, RequestedBy: 'RequesterName' }, isRequired),
};

/** deviceInsightOperations are those operations. */
export const deviceInsightOperations: Model['operations'] = {
  PutDeviceTrace: { input: { shape: 'PutDeviceTraceRequest' } },
  GetDeviceTrace: { input: { shape: 'GetDeviceTraceRequest' } },
  GetDeviceRecoveryPassword: { input: { shape: 'GetDeviceRecoveryPasswordRequest' } },
};

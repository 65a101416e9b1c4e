import { managedPolicies } from '#directory/access-policy';
import { closedStructure as structure } from './closed-structure.ts';
import type { Shape } from './shape.ts';

const paging = { NextToken: 'NextToken', MaxResults: 'MaxResults' } as const;

/** accessShapes describe access keys, personal access tokens and the audit log. Without OrganizationId it is the whole installation that is meant. */
export const accessShapes: Readonly<Record<string, Shape>> = {
  AccessKeyName: { type: 'string', min: 1, max: 64, pattern: '[\\u0020-\\u00FF]+' },
  AccessKeyId: { type: 'string', min: 16, max: 128, pattern: '\\w+' },
  PolicyDocument: { type: 'string', min: 1, max: 10_240 },
  ManagedPolicy: { type: 'string', enum: Object.keys(managedPolicies) },
  AuditTime: { type: 'timestamp' },
  AuditOperation: { type: 'string', min: 1, max: 100, pattern: '[\\w.]+' },
  AuditOutcome: { type: 'string', enum: ['Success', 'Failure'] },
  CreateAccessKeyRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      Name: 'AccessKeyName',
      PolicyDocument: 'PolicyDocument',
      ManagedPolicy: 'ManagedPolicy',
    },
    ['Name'],
  ),
  ListAccessKeysRequest: structure({ OrganizationId: 'OrganizationId', ...paging }),
  DeleteAccessKeyRequest: structure({ OrganizationId: 'OrganizationId', AccessKeyId: 'AccessKeyId' }, [
    'AccessKeyId',
  ]),
  PersonalAccessTokenName: {
    type: 'string',
    min: 1,
    max: 64,
    pattern: '[^\\x00-\\x1F\\x7F\\x3C\\x3E\\x5C]+',
  },
  LifetimeInDays: { type: 'integer', min: 1, max: 3653 },
  CreatePersonalAccessTokenRequest: structure(
    {
      OrganizationId: 'OrganizationId',
      UserId: 'EntityIdentifier',
      Name: 'PersonalAccessTokenName',
      LifetimeInDays: 'LifetimeInDays',
    },
    ['OrganizationId', 'UserId', 'Name'],
  ),
  ListAuditEventsRequest: structure({
    OrganizationId: 'OrganizationId',
    StartTime: 'AuditTime',
    EndTime: 'AuditTime',
    Operation: 'AuditOperation',
    AccessKeyId: 'AccessKeyId',
    Outcome: 'AuditOutcome',
    ...paging,
  }),
};

/** accessOperations are the operations on them. */
export const accessOperations = {
  CreateAccessKey: { input: { shape: 'CreateAccessKeyRequest' } },
  ListAccessKeys: { input: { shape: 'ListAccessKeysRequest' } },
  DeleteAccessKey: { input: { shape: 'DeleteAccessKeyRequest' } },
  CreatePersonalAccessToken: { input: { shape: 'CreatePersonalAccessTokenRequest' } },
  ListAuditEvents: { input: { shape: 'ListAuditEventsRequest' } },
} as const;

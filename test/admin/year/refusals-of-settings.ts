/** What makes operations on organisations, domains, rules, and settings of all kinds refuse. */
import { type Refusal, refused } from './refusal.ts';
import {
  exported,
  instanceArn,
  lambda,
  nobody,
  nowhere,
  otherInstanceArn,
  type Scene,
  unknownApplication,
} from './scene.ts';

/** The rows for a scene. */
export function refusalsOfSettings(s: Scene): readonly Refusal[] {
  return [
    ...ofOrganizations(s),
    ...ofDomains(s),
    ...ofAccess(s),
    ...ofDevices(s),
    ...ofOtherSystems(s),
    ...ofKeeping(s),
    ...ofImpersonation(s),
    ...ofIdentity(s),
  ];
}

function ofOrganizations(s: Scene): readonly Refusal[] {
  const none = s.arnOf(nowhere);
  const gone = s.arnOf(s.closed);
  const domains = (...names: readonly string[]) => names.map((DomainName) => ({ DomainName }));
  return [
    refused('ListOrganizations', 'InvalidParameterException', 'MaxResults 0', { MaxResults: 0 }),
    refused('CreateOrganization', 'InvalidParameterException', 'an alias with a space', { Alias: 'a b' }),
    refused('CreateOrganization', 'InvalidParameterException', 'a directory', {
      DirectoryId: 'd-0123456789',
    }),
    refused('CreateOrganization', 'InvalidParameterException', 'interoperability', {
      EnableInteroperability: true,
    }),
    refused('CreateOrganization', 'InvalidParameterException', 'a key there is not', {
      KmsKeyArn: exported.KmsKeyArn,
    }),
    refused('CreateOrganization', 'InvalidParameterException', 'another organisation’s domain', {
      Domains: domains('used.example'),
    }),
    refused('CreateOrganization', 'NameAvailabilityException', 'an alias that is taken', { Alias: 'TEST' }),
    refused('CreateOrganization', 'NameAvailabilityException', 'a deleted organisation’s alias', {
      Alias: 'closed',
    }),
    refused('CreateOrganization', 'LimitExceededException', 'too many domains', {
      Domains: domains('a.example', 'b.example', 'c.example'),
    }),
    refused('DeleteOrganization', 'OrganizationStateException', 'enabled users', { ForceDelete: false }),
    refused('TagResource', 'InvalidParameterException', 'a key of AWS', {
      Tags: [{ Key: 'aws:x', Value: '' }],
    }),
    refused('TagResource', 'InvalidParameterException', 'a key twice', {
      Tags: [
        { Key: 'x', Value: '1' },
        { Key: 'x', Value: '2' },
      ],
    }),
    refused('TagResource', 'ResourceNotFoundException', 'no organisation', { ResourceARN: none }),
    refused('TagResource', 'OrganizationStateException', 'a deleted organisation', { ResourceARN: gone }),
    refused('TagResource', 'TooManyTagsException', 'the 51st', {
      ResourceARN: s.arnOf(s.full.OrganizationId),
    }),
    refused('UntagResource', 'ResourceNotFoundException', 'no organisation', { ResourceARN: none }),
    refused('UntagResource', 'ResourceNotFoundException', 'a deleted organisation', { ResourceARN: gone }),
    refused('ListTagsForResource', 'ResourceNotFoundException', 'no organisation', { ResourceARN: none }),
    refused('ListTagsForResource', 'ResourceNotFoundException', 'a deleted organisation', {
      ResourceARN: gone,
    }),
    refused('ListTagsForResource', 'ResourceNotFoundException', 'an ARN of something else', {
      ResourceARN: 'arn:aws:workmail:local:000000000000:user/anna',
    }),
  ];
}

function ofDomains(s: Scene): readonly Refusal[] {
  const { OrganizationId } = s;
  return [
    refused('RegisterMailDomain', 'MailDomainInUseException', 'another organisation’s', {
      DomainName: 'used.example',
    }),
    refused('RegisterMailDomain', 'MailDomainInUseException', 'below the base domain', {
      DomainName: 'later.mailstead.test',
    }),
    refused('RegisterMailDomain', 'LimitExceededException', 'one too many', { OrganizationId }),
    refused('RegisterMailDomain', 'InvalidParameterException', 'no domain name', { DomainName: '-.-' }),
    refused('DeregisterMailDomain', 'MailDomainInUseException', 'an address in it', {
      DomainName: 'used.example',
    }),
    refused('DeregisterMailDomain', 'InvalidParameterException', 'the test domain', {
      DomainName: 'test.mailstead.test',
    }),
    refused('GetMailDomain', 'MailDomainNotFoundException', 'another organisation’s', {
      DomainName: 'one.full.example',
    }),
    refused('GetMailDomain', 'InvalidParameterException', 'no domain name', { DomainName: '-.-' }),
    refused('UpdateDefaultMailDomain', 'MailDomainNotFoundException', 'another organisation’s', {
      DomainName: 'one.full.example',
    }),
    refused('UpdateDefaultMailDomain', 'MailDomainStateException', 'an unverified domain', {
      DomainName: 'pending.example',
    }),
    refused('UpdateDefaultMailDomain', 'InvalidParameterException', 'no domain name', { DomainName: '-.-' }),
  ];
}

function ofAccess(s: Scene): readonly Refusal[] {
  return [
    refused('PutAccessControlRule', 'LimitExceededException', 'the 11th', {
      OrganizationId: s.full.OrganizationId,
    }),
    refused('PutAccessControlRule', 'InvalidParameterException', 'an action there is not', {
      Actions: ['POP'],
    }),
    refused('PutAccessControlRule', 'InvalidParameterException', 'no network', { IpRanges: ['10.0.0.0/33'] }),
    refused('PutAccessControlRule', 'EntityNotFoundException', 'nobody', { UserIds: [nobody] }),
    refused('PutAccessControlRule', 'EntityNotFoundException', 'a deleted user', { NotUserIds: [s.gone] }),
    refused('PutAccessControlRule', 'ResourceNotFoundException', 'no role', {
      ImpersonationRoleIds: ['none'],
    }),
    refused('GetAccessControlEffect', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('GetAccessControlEffect', 'EntityNotFoundException', 'a deleted user', { UserId: s.gone }),
    refused('GetAccessControlEffect', 'ResourceNotFoundException', 'no role', {
      Action: 'EWS',
      UserId: undefined,
      ImpersonationRoleId: 'none',
    }),
    refused('GetAccessControlEffect', 'InvalidParameterException', 'a user and a role', {
      Action: 'EWS',
      ImpersonationRoleId: s.role,
    }),
    refused('GetAccessControlEffect', 'InvalidParameterException', 'neither', { UserId: undefined }),
    refused('GetAccessControlEffect', 'InvalidParameterException', 'a role without EWS', {
      UserId: undefined,
      ImpersonationRoleId: s.role,
    }),
  ];
}

function ofDevices(s: Scene): readonly Refusal[] {
  return [
    refused('CreateMobileDeviceAccessRule', 'LimitExceededException', 'the 11th', {
      OrganizationId: s.full.OrganizationId,
    }),
    refused('CreateMobileDeviceAccessRule', 'InvalidParameterException', 'an empty list', {
      DeviceTypes: [],
    }),
    refused('UpdateMobileDeviceAccessRule', 'EntityNotFoundException', 'no rule', {
      MobileDeviceAccessRuleId: 'none',
    }),
    refused('UpdateMobileDeviceAccessRule', 'InvalidParameterException', 'no name', { Name: '' }),
    refused('DeleteMobileDeviceAccessRule', 'InvalidParameterException', 'no identifier', {
      MobileDeviceAccessRuleId: 'a b',
    }),
    refused('GetMobileDeviceAccessEffect', 'InvalidParameterException', 'an empty type', { DeviceType: '' }),
    refused('PutMobileDeviceAccessOverride', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('PutMobileDeviceAccessOverride', 'EntityStateException', 'a disabled user', { UserId: s.idle }),
    refused('PutMobileDeviceAccessOverride', 'InvalidParameterException', 'a long DeviceId', {
      DeviceId: 'a'.repeat(33),
    }),
    refused('GetMobileDeviceAccessOverride', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('GetMobileDeviceAccessOverride', 'ResourceNotFoundException', 'none', { DeviceId: 'none' }),
    refused('DeleteMobileDeviceAccessOverride', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('ListMobileDeviceAccessOverrides', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
  ];
}

function ofOtherSystems({ full }: Scene): readonly Refusal[] {
  const EwsProvider = { EwsEndpoint: 'https://ews.example/', EwsUsername: 'reader', EwsPassword: 'Secret' };
  const both = { EwsProvider, LambdaProvider: lambda };
  const neither = { LambdaProvider: undefined };
  const DomainName = 'none.example';
  return [
    refused('CreateAvailabilityConfiguration', 'NameAvailabilityException', 'it has one', {
      DomainName: 'BUSY.example',
    }),
    refused('CreateAvailabilityConfiguration', 'LimitExceededException', 'the 101st', {
      OrganizationId: full.OrganizationId,
    }),
    refused('CreateAvailabilityConfiguration', 'InvalidParameterException', 'two providers', both),
    refused('CreateAvailabilityConfiguration', 'InvalidParameterException', 'none', neither),
    refused('UpdateAvailabilityConfiguration', 'ResourceNotFoundException', 'it has none', { DomainName }),
    refused('UpdateAvailabilityConfiguration', 'InvalidParameterException', 'two providers', both),
    refused('TestAvailabilityConfiguration', 'ResourceNotFoundException', 'it has none', { DomainName }),
    refused('TestAvailabilityConfiguration', 'InvalidParameterException', 'a domain and a provider', {
      EwsProvider,
    }),
    refused('TestAvailabilityConfiguration', 'InvalidParameterException', 'neither', {
      DomainName: undefined,
    }),
  ];
}

function ofKeeping(s: Scene): readonly Refusal[] {
  const inbox = { Name: 'INBOX', Action: 'DELETE', Period: 1 } as const;
  const OrganizationId = s.bare;
  return [
    refused('PutRetentionPolicy', 'LimitExceededException', 'a second one', { Id: undefined }),
    refused('PutRetentionPolicy', 'InvalidParameterException', 'an Id there is not', { Id: 'none' }),
    refused('PutRetentionPolicy', 'InvalidParameterException', 'a folder twice', {
      FolderConfigurations: [inbox, inbox],
    }),
    refused('PutRetentionPolicy', 'InvalidParameterException', 'no period', {
      FolderConfigurations: [{ Name: 'INBOX', Action: 'DELETE' }],
    }),
    refused('GetDefaultRetentionPolicy', 'EntityNotFoundException', 'none', { OrganizationId }),
    refused('DeleteRetentionPolicy', 'InvalidParameterException', 'no identifier', { Id: 'a b' }),
    refused('PutEmailMonitoringConfiguration', 'InvalidParameterException', 'no log group', {
      LogGroupArn: 'arn:aws:logs:eu-west-1:123456789012:log-group:mail',
    }),
    refused('DescribeEmailMonitoringConfiguration', 'ResourceNotFoundException', 'none', { OrganizationId }),
    refused('StartMailboxExportJob', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('StartMailboxExportJob', 'EntityNotFoundException', 'a group', { EntityId: s.team.id }),
    refused('StartMailboxExportJob', 'InvalidParameterException', 'no bucket', { S3BucketName: 'a/b' }),
    refused('StartMailboxExportJob', 'LimitExceededException', 'twice in 24 hours', { EntityId: s.anna.id }),
    refused('CancelMailboxExportJob', 'EntityNotFoundException', 'no job', { JobId: 'none' }),
    refused('DescribeMailboxExportJob', 'EntityNotFoundException', 'no job', { JobId: 'none' }),
  ];
}

function ofImpersonation(s: Scene): readonly Refusal[] {
  const ImpersonationRoleId = 'none';
  const rule = { ImpersonationRuleId: 'one', Effect: 'ALLOW' } as const;
  const of = (user: string) => ({ Rules: [{ ...rule, TargetUsers: [user] }] });
  const twice = { Rules: [rule, rule] };
  return [
    refused('CreateImpersonationRole', 'LimitExceededException', 'the 21st', {
      OrganizationId: s.full.OrganizationId,
    }),
    refused('CreateImpersonationRole', 'EntityNotFoundException', 'nobody', of(nobody)),
    refused('CreateImpersonationRole', 'EntityStateException', 'a deleted user', of(s.gone)),
    refused('CreateImpersonationRole', 'InvalidParameterException', 'a rule twice', twice),
    refused('UpdateImpersonationRole', 'ResourceNotFoundException', 'no role', { ImpersonationRoleId }),
    refused('UpdateImpersonationRole', 'EntityNotFoundException', 'a group', of(s.team.id)),
    refused('UpdateImpersonationRole', 'EntityStateException', 'a deleted user', of(s.gone)),
    refused('UpdateImpersonationRole', 'InvalidParameterException', 'a rule twice', twice),
    refused('GetImpersonationRole', 'ResourceNotFoundException', 'no role', { ImpersonationRoleId }),
    refused('AssumeImpersonationRole', 'ResourceNotFoundException', 'no role', { ImpersonationRoleId }),
    refused('GetImpersonationRoleEffect', 'ResourceNotFoundException', 'no role', { ImpersonationRoleId }),
    refused('GetImpersonationRoleEffect', 'EntityNotFoundException', 'nobody', { TargetUser: nobody }),
    refused('GetImpersonationRoleEffect', 'EntityStateException', 'a deleted user', { TargetUser: s.gone }),
  ];
}

function ofIdentity(s: Scene): readonly Refusal[] {
  const of = (InstanceArn: string, ApplicationArn: string) => ({
    IdentityCenterConfiguration: { InstanceArn, ApplicationArn },
  });
  const OrganizationId = s.bare;
  return [
    refused('CreateIdentityCenterApplication', 'InvalidParameterException', 'a space', { Name: 'a b' }),
    refused('DeleteIdentityCenterApplication', 'InvalidParameterException', 'no ARN', {
      ApplicationArn: 'apl-0000000000000000',
    }),
    refused('DeleteIdentityCenterApplication', 'OrganizationStateException', 'in use', {
      ApplicationArn: s.application,
    }),
    refused('PutIdentityProviderConfiguration', 'ResourceNotFoundException', 'no application', {
      ...of(instanceArn, unknownApplication),
    }),
    refused('PutIdentityProviderConfiguration', 'InvalidParameterException', 'another instance', {
      ...of(otherInstanceArn, s.application),
    }),
    refused('PutIdentityProviderConfiguration', 'ResourceNotFoundException', 'another’s application', {
      OrganizationId,
    }),
    refused('DescribeIdentityProviderConfiguration', 'ResourceNotFoundException', 'none', { OrganizationId }),
    refused('ListPersonalAccessTokens', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('ListPersonalAccessTokens', 'EntityStateException', 'a deleted user', { UserId: s.gone }),
    refused('GetPersonalAccessTokenMetadata', 'ResourceNotFoundException', 'none', {
      PersonalAccessTokenId: 'none',
    }),
    refused('DeletePersonalAccessToken', 'InvalidParameterException', 'no identifier', {
      PersonalAccessTokenId: 'a b',
    }),
  ];
}

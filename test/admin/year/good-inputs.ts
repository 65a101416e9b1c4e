/** An input of each operation that is good in the scene, in an order in which they can all be called. */
import type { InputOf, Operation } from '#test/support/workmail-operations';
import { exported, instanceArn, lambda, logGroupArn, type Scene } from './scene.ts';

/** Every operation, the deletion of the organisation last. */
export type GoodInputs = { readonly [O in Operation]: InputOf<O> };

/** goodInputs gives them: those that look, those that change, those that take away. */
export function goodInputs(s: Scene): GoodInputs {
  return { ...looking(s), ...changing(s), ...removing(s) };
}

function looking({ OrganizationId, ...s }: Scene) {
  const ResourceARN = s.arnOf(OrganizationId);
  return {
    ListOrganizations: {},
    DescribeOrganization: { OrganizationId },
    ListTagsForResource: { ResourceARN },
    ListMailDomains: { OrganizationId },
    GetMailDomain: { OrganizationId, DomainName: 'used.example' },
    ListUsers: { OrganizationId },
    DescribeUser: { OrganizationId, UserId: s.anna.id },
    DescribeEntity: { OrganizationId, Email: s.anna.address },
    ListAliases: { OrganizationId, EntityId: s.anna.id },
    GetMailboxDetails: { OrganizationId, UserId: s.anna.id },
    ListMailboxPermissions: { OrganizationId, EntityId: s.anna.id },
    ListGroups: { OrganizationId },
    DescribeGroup: { OrganizationId, GroupId: s.team.id },
    ListGroupMembers: { OrganizationId, GroupId: s.team.id },
    ListGroupsForEntity: { OrganizationId, EntityId: s.anna.id },
    ListResources: { OrganizationId },
    DescribeResource: { OrganizationId, ResourceId: s.room.id },
    ListResourceDelegates: { OrganizationId, ResourceId: s.room.id },
    ListAccessControlRules: { OrganizationId },
    GetAccessControlEffect: {
      OrganizationId,
      IpAddress: '192.0.2.7',
      Action: 'ActiveSync',
      UserId: s.anna.id,
    },
    ListMobileDeviceAccessRules: { OrganizationId },
    GetMobileDeviceAccessEffect: { OrganizationId, DeviceType: 'iPhone' },
    ListMobileDeviceAccessOverrides: { OrganizationId, UserId: s.anna.id },
    GetMobileDeviceAccessOverride: { OrganizationId, UserId: s.anna.id, DeviceId: 'phone' },
    ListAvailabilityConfigurations: { OrganizationId },
    TestAvailabilityConfiguration: { OrganizationId, DomainName: 'busy.example' },
    ListImpersonationRoles: { OrganizationId },
    GetImpersonationRole: { OrganizationId, ImpersonationRoleId: s.role },
    GetImpersonationRoleEffect: { OrganizationId, ImpersonationRoleId: s.role, TargetUser: s.anna.id },
    GetDefaultRetentionPolicy: { OrganizationId },
    DescribeEmailMonitoringConfiguration: { OrganizationId },
    DescribeInboundDmarcSettings: { OrganizationId },
    ListMailboxExportJobs: { OrganizationId },
    DescribeMailboxExportJob: { OrganizationId, JobId: s.job },
    DescribeIdentityProviderConfiguration: { OrganizationId },
    ListPersonalAccessTokens: { OrganizationId, UserId: s.anna.id },
    GetPersonalAccessTokenMetadata: { OrganizationId, PersonalAccessTokenId: s.token },
  } satisfies Partial<GoodInputs>;
}

function changing({ OrganizationId, ...s }: Scene) {
  const role = { Name: 'archive', Type: 'FULL_ACCESS' as const, Rules: [] };
  const rule = { Name: 'tablets', Effect: 'ALLOW' } as const;
  return {
    CreateOrganization: { Alias: 'next' },
    TagResource: { ResourceARN: s.arnOf(OrganizationId), Tags: [{ Key: 'year', Value: '1' }] },
    RegisterMailDomain: { OrganizationId: s.bare, DomainName: 'new.example' },
    UpdateDefaultMailDomain: { OrganizationId, DomainName: 'used.example' },
    CreateUser: { OrganizationId, Name: 'newcomer', DisplayName: 'Newcomer', Password: 'Secret-of-1' },
    UpdateUser: { OrganizationId, UserId: s.anna.id, City: 'Bern' },
    ResetPassword: { OrganizationId, UserId: s.anna.id, Password: 'Other-secret-2' },
    RegisterToWorkMail: { OrganizationId, EntityId: s.idle, Email: 'idle@test.mailstead.test' },
    CreateAlias: { OrganizationId, EntityId: s.anna.id, Alias: 'ann@test.mailstead.test' },
    UpdatePrimaryEmailAddress: { OrganizationId, EntityId: s.anna.id, Email: 'anne@test.mailstead.test' },
    UpdateMailboxQuota: { OrganizationId, UserId: s.anna.id, MailboxQuota: 100 },
    PutMailboxPermissions: {
      OrganizationId,
      EntityId: s.anna.id,
      GranteeId: s.bert.id,
      PermissionValues: ['FULL_ACCESS'],
    },
    CreateGroup: { OrganizationId, Name: 'newcomers' },
    UpdateGroup: { OrganizationId, GroupId: s.team.id, HiddenFromGlobalAddressList: true },
    AssociateMemberToGroup: { OrganizationId, GroupId: s.team.id, MemberId: s.bert.id },
    CreateResource: { OrganizationId, Name: 'projector', Type: 'EQUIPMENT' },
    UpdateResource: { OrganizationId, ResourceId: s.room.id, Description: 'Under the roof' },
    AssociateDelegateToResource: { OrganizationId, ResourceId: s.room.id, EntityId: s.bert.id },
    PutAccessControlRule: { OrganizationId, Name: 'all', Effect: 'ALLOW', Description: 'Everybody' },
    CreateMobileDeviceAccessRule: { OrganizationId, ...rule },
    UpdateMobileDeviceAccessRule: { OrganizationId, ...rule, MobileDeviceAccessRuleId: s.deviceRule },
    PutMobileDeviceAccessOverride: {
      OrganizationId,
      UserId: s.anna.id,
      DeviceId: 'tablet',
      Effect: 'DENY',
    },
    CreateAvailabilityConfiguration: { OrganizationId, DomainName: 'free.example', LambdaProvider: lambda },
    UpdateAvailabilityConfiguration: { OrganizationId, DomainName: 'busy.example', LambdaProvider: lambda },
    CreateImpersonationRole: { OrganizationId, ...role },
    UpdateImpersonationRole: { OrganizationId, ...role, ImpersonationRoleId: s.role },
    AssumeImpersonationRole: { OrganizationId, ImpersonationRoleId: s.role },
    PutRetentionPolicy: { OrganizationId, Id: s.policy, Name: 'year', FolderConfigurations: [] },
    PutEmailMonitoringConfiguration: { OrganizationId, LogGroupArn: logGroupArn },
    PutInboundDmarcSettings: { OrganizationId, Enforced: false },
    StartMailboxExportJob: { OrganizationId, ...exported, EntityId: s.bert.id, ClientToken: 'second' },
    CancelMailboxExportJob: { OrganizationId, JobId: s.job, ClientToken: 'cancel' },
    CreateIdentityCenterApplication: { Name: 'mail', InstanceArn: instanceArn },
    PutIdentityProviderConfiguration: {
      OrganizationId,
      AuthenticationMode: 'IDENTITY_PROVIDER_AND_DIRECTORY',
      IdentityCenterConfiguration: { InstanceArn: instanceArn, ApplicationArn: s.application },
      PersonalAccessTokenConfiguration: { Status: 'ACTIVE' },
    },
  } satisfies Partial<GoodInputs>;
}

function removing({ OrganizationId, ...s }: Scene) {
  return {
    UntagResource: { ResourceARN: s.arnOf(OrganizationId), TagKeys: ['year'] },
    DeregisterMailDomain: { OrganizationId, DomainName: 'pending.example' },
    DeleteAlias: { OrganizationId, EntityId: s.anna.id, Alias: s.alias },
    DeleteMailboxPermissions: { OrganizationId, EntityId: s.anna.id, GranteeId: s.bert.id },
    DisassociateMemberFromGroup: { OrganizationId, GroupId: s.team.id, MemberId: s.anna.id },
    DisassociateDelegateFromResource: { OrganizationId, ResourceId: s.room.id, EntityId: s.anna.id },
    DeleteAccessControlRule: { OrganizationId, Name: 'all' },
    DeleteMobileDeviceAccessRule: { OrganizationId, MobileDeviceAccessRuleId: s.deviceRule },
    DeleteMobileDeviceAccessOverride: { OrganizationId, UserId: s.anna.id, DeviceId: 'phone' },
    DeleteAvailabilityConfiguration: { OrganizationId, DomainName: 'busy.example' },
    DeleteImpersonationRole: { OrganizationId, ImpersonationRoleId: s.role },
    DeleteRetentionPolicy: { OrganizationId, Id: s.policy },
    DeleteEmailMonitoringConfiguration: { OrganizationId },
    DeletePersonalAccessToken: { OrganizationId, PersonalAccessTokenId: s.token },
    DeleteIdentityProviderConfiguration: { OrganizationId },
    DeleteIdentityCenterApplication: { ApplicationArn: s.free },
    DeregisterFromWorkMail: { OrganizationId, EntityId: s.bert.id },
    DeleteUser: { OrganizationId, UserId: s.leaver },
    DeleteGroup: { OrganizationId, GroupId: s.empty },
    DeleteResource: { OrganizationId, ResourceId: s.spare },
    DeleteOrganization: { OrganizationId, DeleteDirectory: true, ForceDelete: true },
  } satisfies Partial<GoodInputs>;
}

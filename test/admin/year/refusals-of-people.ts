/** What makes operations on users, addresses, groups, resources and mailbox permissions refuse. */
import { type Refusal, refused } from './refusal.ts';
import { nobody, type Scene } from './scene.ts';

/** The rows for a scene. */
export function refusalsOfPeople(s: Scene): readonly Refusal[] {
  return [
    ...ofUsers(s),
    ...ofAddresses(s),
    ...ofGroups(s),
    ...ofMembers(s),
    ...ofResources(s),
    ...ofDelegates(s),
    ...ofPermissions(s),
  ];
}

function ofUsers(s: Scene): readonly Refusal[] {
  return [
    refused('CreateUser', 'InvalidParameterException', 'a space in the name', { Name: 'two words' }),
    refused('CreateUser', 'InvalidParameterException', 'the role SYSTEM_USER', { Role: 'SYSTEM_USER' }),
    refused('CreateUser', 'InvalidParameterException', 'the role RESOURCE', { Role: 'RESOURCE' }),
    refused('CreateUser', 'InvalidParameterException', 'a REMOTE_USER with a password', {
      Role: 'REMOTE_USER',
    }),
    refused('CreateUser', 'InvalidPasswordException', 'a short password', { Password: 'Short-1' }),
    refused('CreateUser', 'InvalidPasswordException', 'two classes of characters', { Password: 'secretof1' }),
    refused('CreateUser', 'NameAvailabilityException', 'a user’s name in another case', { Name: 'ANNA' }),
    refused('CreateUser', 'NameAvailabilityException', 'a group’s name', { Name: 'team' }),
    refused('CreateUser', 'NameAvailabilityException', 'a resource’s name', { Name: 'room' }),
    refused('CreateUser', 'ReservedNameException', 'a name of the directory', { Name: 'Administrator' }),
    refused('DescribeUser', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('DescribeUser', 'EntityNotFoundException', 'a group', { UserId: s.team.id }),
    refused('DescribeUser', 'InvalidParameterException', 'no identifier', { UserId: 'two words' }),
    refused('ListUsers', 'InvalidParameterException', 'two filters', {
      Filters: { State: 'ENABLED', UsernamePrefix: 'a' },
    }),
    refused('UpdateUser', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('UpdateUser', 'EntityStateException', 'a deleted user', { UserId: s.gone }),
    refused('UpdateUser', 'InvalidParameterException', 'the role RESOURCE', { Role: 'RESOURCE' }),
    refused('DeleteUser', 'EntityStateException', 'an enabled user', { UserId: s.anna.id }),
    refused('DeleteUser', 'InvalidParameterException', 'a group', { UserId: s.team.id }),
    refused('ResetPassword', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('ResetPassword', 'EntityStateException', 'a deleted user', { UserId: s.gone }),
    refused('ResetPassword', 'InvalidPasswordException', 'a short password', { Password: 'Short-1' }),
    refused('ResetPassword', 'InvalidParameterException', 'a short UserId', { UserId: 'anna' }),
    refused('ResetPassword', 'UnsupportedOperationException', 'a REMOTE_USER', { UserId: s.remote }),
    refused('GetMailboxDetails', 'EntityNotFoundException', 'a group', { UserId: s.team.id }),
    refused('UpdateMailboxQuota', 'EntityNotFoundException', 'nobody', { UserId: nobody }),
    refused('UpdateMailboxQuota', 'EntityStateException', 'a disabled user', { UserId: s.idle }),
    refused('UpdateMailboxQuota', 'InvalidParameterException', 'nothing', { MailboxQuota: 0 }),
    refused('UpdateMailboxQuota', 'InvalidParameterException', 'over 50 GiB', { MailboxQuota: 51_201 }),
  ];
}

function ofAddresses(s: Scene): readonly Refusal[] {
  const { OrganizationId, many } = s.full;
  const elsewhere = 'anna@elsewhere.example';
  const pending = 'anna@pending.example';
  return [
    refused('RegisterToWorkMail', 'EmailAddressInUseException', 'a primary address', {
      Email: s.anna.address.toUpperCase(),
    }),
    refused('RegisterToWorkMail', 'EmailAddressInUseException', 'an alias', { Email: s.alias }),
    refused('RegisterToWorkMail', 'EmailAddressInUseException', 'the sender of journal records', {
      Email: 'journaling@test.mailstead.test',
    }),
    refused('RegisterToWorkMail', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('RegisterToWorkMail', 'EntityStateException', 'a deleted user', { EntityId: s.gone }),
    refused('RegisterToWorkMail', 'EntityAlreadyRegisteredException', 'another address', {
      EntityId: s.anna.id,
    }),
    refused('RegisterToWorkMail', 'InvalidParameterException', 'no address', { Email: 'anna' }),
    refused('RegisterToWorkMail', 'InvalidParameterException', 'postmaster@ for a resource', {
      EntityId: s.spare,
      Email: 'postmaster@test.mailstead.test',
    }),
    refused('RegisterToWorkMail', 'MailDomainNotFoundException', 'another domain', { Email: elsewhere }),
    refused('RegisterToWorkMail', 'MailDomainStateException', 'an unverified domain', { Email: pending }),
    refused('DeregisterFromWorkMail', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('DeregisterFromWorkMail', 'EntityStateException', 'never registered', { EntityId: s.idle }),
    refused('DeregisterFromWorkMail', 'EntityStateException', 'a deleted user', { EntityId: s.gone }),
    refused('UpdatePrimaryEmailAddress', 'EmailAddressInUseException', 'somebody else’s', {
      Email: s.bert.address,
    }),
    refused('UpdatePrimaryEmailAddress', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('UpdatePrimaryEmailAddress', 'EntityStateException', 'a disabled user', { EntityId: s.idle }),
    refused('UpdatePrimaryEmailAddress', 'InvalidParameterException', 'no address', { Email: 'anna@test' }),
    refused('UpdatePrimaryEmailAddress', 'InvalidParameterException', 'the 101st alias', {
      OrganizationId,
      EntityId: many.id,
      Email: 'one-more@full.mailstead.test',
    }),
    refused('UpdatePrimaryEmailAddress', 'MailDomainNotFoundException', 'another domain', {
      Email: elsewhere,
    }),
    refused('UpdatePrimaryEmailAddress', 'MailDomainStateException', 'an unverified domain', {
      Email: pending,
    }),
    refused('DescribeEntity', 'EntityNotFoundException', 'nobody’s', { Email: 'x@test.mailstead.test' }),
    refused('DescribeEntity', 'InvalidParameterException', 'no address', { Email: 'anna' }),
    refused('CreateAlias', 'EmailAddressInUseException', 'a group’s', { Alias: s.team.address }),
    refused('CreateAlias', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('CreateAlias', 'EntityStateException', 'a disabled user', { EntityId: s.idle }),
    refused('CreateAlias', 'InvalidParameterException', 'a short EntityId', { EntityId: 'anna' }),
    refused('CreateAlias', 'LimitExceededException', 'the 101st', {
      OrganizationId,
      EntityId: many.id,
      Alias: 'one-more@full.mailstead.test',
    }),
    refused('CreateAlias', 'MailDomainNotFoundException', 'another domain', { Alias: elsewhere }),
    refused('CreateAlias', 'MailDomainStateException', 'an unverified domain', { Alias: pending }),
    refused('DeleteAlias', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('DeleteAlias', 'EntityStateException', 'a disabled user', { EntityId: s.idle }),
    refused('DeleteAlias', 'InvalidParameterException', 'the primary address', { Alias: s.anna.address }),
    refused('ListAliases', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('ListAliases', 'EntityStateException', 'a deleted user', { EntityId: s.gone }),
    refused('ListAliases', 'InvalidParameterException', 'a short EntityId', { EntityId: 'anna' }),
  ];
}

function ofGroups(s: Scene): readonly Refusal[] {
  return [
    refused('CreateGroup', 'InvalidParameterException', 'a name beyond Latin-1', { Name: 'Группа' }),
    refused('CreateGroup', 'NameAvailabilityException', 'a user’s name', { Name: 'Anna' }),
    refused('CreateGroup', 'ReservedNameException', 'a name of the directory', { Name: 'Guest' }),
    refused('DescribeGroup', 'EntityNotFoundException', 'nobody', { GroupId: nobody }),
    refused('DescribeGroup', 'EntityNotFoundException', 'a user', { GroupId: s.anna.id }),
    refused('ListGroups', 'InvalidParameterException', 'two filters', {
      Filters: { State: 'ENABLED', NamePrefix: 't' },
    }),
    refused('UpdateGroup', 'EntityNotFoundException', 'a resource', { GroupId: s.room.id }),
    refused('DeleteGroup', 'EntityStateException', 'an enabled group', { GroupId: s.team.id }),
    refused('DeleteGroup', 'InvalidParameterException', 'a user', { GroupId: s.idle }),
  ];
}

function ofMembers(s: Scene): readonly Refusal[] {
  return [
    refused('AssociateMemberToGroup', 'EntityNotFoundException', 'no group', { GroupId: nobody }),
    refused('AssociateMemberToGroup', 'EntityNotFoundException', 'nobody', { MemberId: nobody }),
    refused('AssociateMemberToGroup', 'EntityStateException', 'a deleted user', { MemberId: s.gone }),
    refused('AssociateMemberToGroup', 'InvalidParameterException', 'itself', { MemberId: s.team.id }),
    refused('AssociateMemberToGroup', 'InvalidParameterException', 'a cycle', {
      GroupId: s.inner,
      MemberId: s.team.id,
    }),
    refused('AssociateMemberToGroup', 'InvalidParameterException', 'a resource', { MemberId: s.room.id }),
    refused('DisassociateMemberFromGroup', 'EntityNotFoundException', 'no group', { GroupId: nobody }),
    refused('DisassociateMemberFromGroup', 'EntityNotFoundException', 'no member', { MemberId: s.idle }),
    refused('DisassociateMemberFromGroup', 'EntityStateException', 'a deleted user', { MemberId: s.gone }),
    refused('ListGroupMembers', 'EntityNotFoundException', 'a user', { GroupId: s.anna.id }),
    refused('ListGroupsForEntity', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('ListGroupsForEntity', 'EntityStateException', 'a deleted user', { EntityId: s.gone }),
  ];
}

function ofResources(s: Scene): readonly Refusal[] {
  return [
    refused('CreateResource', 'InvalidParameterException', 'a long name', { Name: 'a'.repeat(21) }),
    refused('CreateResource', 'NameAvailabilityException', 'a group’s name', { Name: 'Team' }),
    refused('CreateResource', 'ReservedNameException', 'a name of the directory', { Name: 'System' }),
    refused('DescribeResource', 'EntityNotFoundException', 'a user', { ResourceId: s.anna.id }),
    refused('ListResources', 'InvalidParameterException', 'two filters', {
      Filters: { State: 'ENABLED', NamePrefix: 'r' },
    }),
    refused('UpdateResource', 'EntityNotFoundException', 'a group', { ResourceId: s.team.id }),
    refused('UpdateResource', 'InvalidConfigurationException', 'nobody accepts', {
      ResourceId: s.spare,
      BookingOptions: { AutoAcceptRequests: false },
    }),
    refused('UpdateResource', 'InvalidParameterException', 'a long description', {
      Description: 'a'.repeat(65),
    }),
    refused('UpdateResource', 'NameAvailabilityException', 'a user’s name', { Name: 'anna' }),
    refused('UpdateResource', 'NameAvailabilityException', 'a name of the directory', { Name: 'Guest' }),
    refused('DeleteResource', 'EntityStateException', 'an enabled resource', { ResourceId: s.room.id }),
    refused('DeleteResource', 'InvalidParameterException', 'a user', { ResourceId: s.idle }),
  ];
}

function ofDelegates(s: Scene): readonly Refusal[] {
  return [
    refused('AssociateDelegateToResource', 'EntityNotFoundException', 'no resource', {
      ResourceId: s.team.id,
    }),
    refused('AssociateDelegateToResource', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('AssociateDelegateToResource', 'EntityStateException', 'a deleted user', { EntityId: s.gone }),
    refused('AssociateDelegateToResource', 'InvalidParameterException', 'a resource', { EntityId: s.spare }),
    refused('DisassociateDelegateFromResource', 'EntityNotFoundException', 'no delegate', {
      EntityId: s.idle,
    }),
    refused('DisassociateDelegateFromResource', 'EntityStateException', 'the last who accepts', {
      ResourceId: s.attended,
    }),
    refused('DisassociateDelegateFromResource', 'EntityStateException', 'a deleted user', {
      EntityId: s.gone,
    }),
    refused('DisassociateDelegateFromResource', 'InvalidParameterException', 'a resource', {
      EntityId: s.spare,
    }),
    refused('ListResourceDelegates', 'EntityNotFoundException', 'a user', { ResourceId: s.anna.id }),
  ];
}

function ofPermissions(s: Scene): readonly Refusal[] {
  return [
    refused('PutMailboxPermissions', 'EntityNotFoundException', 'nobody’s mailbox', { EntityId: nobody }),
    refused('PutMailboxPermissions', 'EntityNotFoundException', 'nobody', { GranteeId: nobody }),
    refused('PutMailboxPermissions', 'EntityStateException', 'a disabled user', { GranteeId: s.idle }),
    refused('PutMailboxPermissions', 'InvalidParameterException', 'no permission', { PermissionValues: [] }),
    refused('PutMailboxPermissions', 'InvalidParameterException', 'FULL_ACCESS for a group', {
      GranteeId: s.team.id,
    }),
    refused('PutMailboxPermissions', 'InvalidParameterException', 'a resource', { GranteeId: s.room.id }),
    refused('ListMailboxPermissions', 'EntityNotFoundException', 'nobody', { EntityId: nobody }),
    refused('DeleteMailboxPermissions', 'EntityNotFoundException', 'nobody', { GranteeId: nobody }),
    refused('DeleteMailboxPermissions', 'EntityStateException', 'a deleted user', { GranteeId: s.gone }),
  ];
}

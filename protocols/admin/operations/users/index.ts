import type { Directory } from '#directory/directory';
import type { UserFilter } from '#directory/entity-filter';
import type { EntityState, PersonalDetails, User } from '#directory/user';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError, answeringAs } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { oneFilter } from '../list-filter.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';
import { createAlias, deleteAlias, listAliases, updatePrimaryEmailAddress } from './aliases.ts';

/** Each under the API's name. */
const detailMembers: readonly (readonly [keyof PersonalDetails, string])[] = [
  ['initials', 'Initials'],
  ['telephone', 'Telephone'],
  ['street', 'Street'],
  ['jobTitle', 'JobTitle'],
  ['city', 'City'],
  ['company', 'Company'],
  ['zipCode', 'ZipCode'],
  ['department', 'Department'],
  ['country', 'Country'],
  ['office', 'Office'],
];

/** userOperations are the operations on users, their registration and their aliases. */
export function userOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateUser': (input) => createUser(directory, input),
    'WorkMailService.DescribeUser': (input) => describeUser(directory, input),
    'WorkMailService.UpdateUser': (input) => updateUser(directory, input),
    'WorkMailService.ListUsers': (input) => listUsers(directory, input),
    'WorkMailService.DeleteUser': (input) => deleteUser(directory, input),
    'WorkMailService.DescribeEntity': (input) => describeEntity(directory, input),
    'WorkMailService.ResetPassword': (input) => resetPassword(directory, input),
    'WorkMailService.RegisterToWorkMail': (input) => registerToWorkMail(directory, input),
    'WorkMailService.DeregisterFromWorkMail': (input) => deregisterFromWorkMail(directory, input),
    'WorkMailService.UpdatePrimaryEmailAddress': (input) => updatePrimaryEmailAddress(directory, input),
    'WorkMailService.CreateAlias': (input) => createAlias(directory, input),
    'WorkMailService.DeleteAlias': (input) => deleteAlias(directory, input),
    'WorkMailService.ListAliases': (input) => listAliases(directory, input),
  };
}

async function createUser(directory: Directory, input: AdminInput): Promise<object> {
  const isRemote = isRemoteRole(input) ?? false;
  if (isRemote && input['Password'] !== undefined) {
    throw new AdminError('InvalidParameterException', 'A REMOTE_USER has no password: leave Password out.');
  }
  const id = await directory.createUser(organizationOf(input), {
    name: requiredText(input, 'Name'),
    displayName: requiredText(input, 'DisplayName'),
    password: textOf(input, 'Password'),
    firstName: textOf(input, 'FirstName'),
    lastName: textOf(input, 'LastName'),
    hiddenFromGlobalAddressList: flagOf(input, 'HiddenFromGlobalAddressList'),
    isRemote: isRemote || undefined,
    identityProviderUserId: textOf(input, 'IdentityProviderUserId'),
  });
  return { UserId: id };
}

/** Undefined if no role is given. */
function isRemoteRole(input: AdminInput): boolean | undefined {
  const role = textOf(input, 'Role');
  if (role === undefined) return undefined;
  if (role === 'USER' || role === 'REMOTE_USER') return role === 'REMOTE_USER';
  throw new AdminError('InvalidParameterException', `A user cannot have the role ${role}.`);
}

async function describeUser(directory: Directory, input: AdminInput): Promise<object> {
  const user = await directory.describeUser(organizationOf(input), requiredText(input, 'UserId'));
  return {
    UserId: user.id,
    ...summaryOf(user),
    MailboxProvisionedDate: timestamp(user.mailboxProvisionedMs),
    MailboxDeprovisionedDate: timestamp(user.mailboxDeprovisionedMs),
    FirstName: user.firstName,
    LastName: user.lastName,
    HiddenFromGlobalAddressList: user.hiddenFromGlobalAddressList,
    ...Object.fromEntries(detailMembers.map(([name, member]) => [member, user.details?.[name]])),
  };
}

async function updateUser(directory: Directory, input: AdminInput): Promise<object> {
  const isRemote = isRemoteRole(input);
  const text = (name: string, member: string) => {
    const given = textOf(input, member);
    return given === undefined ? {} : { [name]: given };
  };
  const hidden = input['HiddenFromGlobalAddressList'];
  await directory.people.update(organizationOf(input), requiredText(input, 'UserId'), {
    ...text('displayName', 'DisplayName'),
    ...text('firstName', 'FirstName'),
    ...text('lastName', 'LastName'),
    // An empty one unlinks.
    ...text('identityProviderUserId', 'IdentityProviderUserId'),
    ...(isRemote !== undefined && { isRemote }),
    ...(typeof hidden === 'boolean' && { hiddenFromGlobalAddressList: hidden }),
    details: Object.assign({}, ...detailMembers.map(([name, member]) => text(name, member))),
  });
  return {};
}

async function listUsers(directory: Directory, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const filters = oneFilter(input);
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'users', organization, filters);
  const page = await directory.listUsers(organization, filterOf(filters), after, limit);
  return {
    Users: page.rows.map((user) => ({ Id: user.id, ...summaryOf(user) })),
    NextToken: nextToken(page.next, 'users', organization, filters),
  };
}

function filterOf(filters: AdminInput): UserFilter {
  return {
    namePrefix: textOf(filters, 'UsernamePrefix'),
    displayNamePrefix: textOf(filters, 'DisplayNamePrefix'),
    addressPrefix: textOf(filters, 'PrimaryEmailPrefix'),
    identityProviderPrefix: textOf(filters, 'IdentityProviderUserIdPrefix'),
    state: textOf(filters, 'State') as EntityState | undefined,
  };
}

function summaryOf(user: User): object {
  return {
    // Addresses are an enabled user's.
    Email: user.state === 'ENABLED' ? user.addresses[0] : undefined,
    Name: user.name,
    DisplayName: user.displayName,
    State: user.state,
    UserRole: user.isRemote === true ? 'REMOTE_USER' : 'USER',
    IdentityProviderUserId: user.identityProviderUserId,
    EnabledDate: timestamp(user.enabledMs),
    DisabledDate: timestamp(user.disabledMs),
  };
}

async function deleteUser({ users }: Directory, input: AdminInput): Promise<object> {
  await users.delete(organizationOf(input), requiredText(input, 'UserId'));
  return {};
}

async function describeEntity(directory: Directory, input: AdminInput): Promise<object> {
  const { id, name, kind } = await directory.entityAt(organizationOf(input), requiredText(input, 'Email'));
  return { EntityId: id, Name: name, Type: kind.toUpperCase() };
}

async function resetPassword(directory: Directory, input: AdminInput): Promise<object> {
  const password = requiredText(input, 'Password');
  await directory.resetPassword(organizationOf(input), requiredText(input, 'UserId'), password);
  return {};
}

async function registerToWorkMail(directory: Directory, input: AdminInput): Promise<object> {
  const email = requiredText(input, 'Email');
  const entity = requiredText(input, 'EntityId');
  const registered = directory.registerToWorkMail(organizationOf(input), entity, email);
  await answeringAs({ 'limit/exceeded': 'InvalidParameterException' }, registered);
  return {};
}

async function deregisterFromWorkMail(directory: Directory, input: AdminInput): Promise<object> {
  await directory.deregisterFromWorkMail(organizationOf(input), requiredText(input, 'EntityId'));
  return {};
}

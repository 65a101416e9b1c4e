import type { Directory } from '#directory/directory';
import type { Group } from '#directory/group';
import type { EntityState } from '#directory/user';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, structureOf, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';
import { memberOperations } from './members.ts';

/** groupOperations are the operations on groups and their members. */
export function groupOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateGroup': (input) => createGroup(directory, input),
    'WorkMailService.DescribeGroup': (input) => describeGroup(directory, input),
    'WorkMailService.UpdateGroup': (input) => updateGroup(directory, input),
    'WorkMailService.DeleteGroup': (input) => deleteGroup(directory, input),
    'WorkMailService.ListGroups': (input) => listGroups(directory, input),
    ...memberOperations(directory),
  };
}

async function createGroup({ groups }: Directory, input: AdminInput): Promise<object> {
  const id = await groups.create(organizationOf(input), {
    name: requiredText(input, 'Name'),
    hiddenFromGlobalAddressList: flagOf(input, 'HiddenFromGlobalAddressList'),
  });
  return { GroupId: id };
}

async function describeGroup({ groups }: Directory, input: AdminInput): Promise<object> {
  const group = await groups.describe(organizationOf(input), requiredText(input, 'GroupId'));
  return {
    GroupId: group.id,
    ...summaryOf(group),
    HiddenFromGlobalAddressList: group.hiddenFromGlobalAddressList,
  };
}

async function updateGroup({ groups }: Directory, input: AdminInput): Promise<object> {
  const hidden = input['HiddenFromGlobalAddressList'];
  const changes = typeof hidden === 'boolean' ? { hiddenFromGlobalAddressList: hidden } : {};
  await groups.update(organizationOf(input), requiredText(input, 'GroupId'), changes);
  return {};
}

async function deleteGroup({ groups }: Directory, input: AdminInput): Promise<object> {
  await groups.delete(organizationOf(input), requiredText(input, 'GroupId'));
  return {};
}

async function listGroups({ groups }: Directory, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const filters = structureOf(input, 'Filters');
  if (Object.keys(filters).length > 1) {
    throw new AdminError('InvalidParameterException', 'Only one filter can be used in a request.');
  }
  const { after, limit } = pageAsked(input, 'groups', organization, filters);
  const filter = {
    namePrefix: textOf(filters, 'NamePrefix'),
    addressPrefix: textOf(filters, 'PrimaryEmailPrefix'),
    state: textOf(filters, 'State') as EntityState | undefined,
  };
  const page = await groups.list(organization, filter, after as EntityId | undefined, limit);
  return {
    Groups: page.rows.map((group) => ({ Id: group.id, ...summaryOf(group) })),
    NextToken: nextToken(page.next, 'groups', organization, filters),
  };
}

function summaryOf(group: Group): object {
  return {
    // Addresses are an enabled group's.
    Email: group.state === 'ENABLED' ? group.addresses[0] : undefined,
    Name: group.name,
    State: group.state,
    EnabledDate: timestamp(group.enabledMs),
    DisabledDate: timestamp(group.disabledMs),
  };
}

import type { Directory } from '#directory/directory';
import type { Group } from '#directory/group';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, timestamp } from '../input.ts';
import { entityFilter, oneFilter } from '../list-filter.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';
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
  const filters = oneFilter(input);
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'groups', organization, filters);
  const page = await groups.list(organization, entityFilter(filters), after, limit);
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

import type { Directory } from '#directory/directory';
import type { Entity } from '#directory/user';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, structureOf, textOf, timestamp } from '../input.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';

/** memberOperations are the operations on who is in which group. */
export function memberOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.AssociateMemberToGroup': (input) => associateMember(directory, input),
    'WorkMailService.DisassociateMemberFromGroup': (input) => disassociateMember(directory, input),
    'WorkMailService.ListGroupMembers': (input) => listGroupMembers(directory, input),
    'WorkMailService.ListGroupsForEntity': (input) => listGroupsForEntity(directory, input),
  };
}

async function associateMember({ groups }: Directory, input: AdminInput): Promise<object> {
  const member = requiredText(input, 'MemberId');
  await groups.associateMember(organizationOf(input), requiredText(input, 'GroupId'), member);
  return {};
}

async function disassociateMember({ groups }: Directory, input: AdminInput): Promise<object> {
  const member = requiredText(input, 'MemberId');
  await groups.disassociateMember(organizationOf(input), requiredText(input, 'GroupId'), member);
  return {};
}

async function listGroupMembers({ groups }: Directory, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const group = requiredText(input, 'GroupId');
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'members', organization, group);
  const page = await groups.listMembers(organization, group, after, limit);
  return {
    Members: page.rows.map(memberOf),
    NextToken: nextToken(page.next, 'members', organization, group),
  };
}

function memberOf({ id, name, kind, state, enabledMs, disabledMs }: Entity): object {
  return {
    Id: id,
    Name: name,
    Type: kind === 'group' ? 'GROUP' : 'USER',
    State: state,
    EnabledDate: timestamp(enabledMs),
    DisabledDate: timestamp(disabledMs),
  };
}

async function listGroupsForEntity({ groups }: Directory, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const entity = requiredText(input, 'EntityId');
  const filters = structureOf(input, 'Filters');
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'groups for', organization, entity, filters);
  const prefix = textOf(filters, 'GroupNamePrefix');
  const page = await groups.listFor(organization, entity, prefix, after, limit);
  return {
    Groups: page.rows.map(({ id, name }) => ({ GroupId: id, GroupName: name })),
    NextToken: nextToken(page.next, 'groups for', organization, entity, filters),
  };
}

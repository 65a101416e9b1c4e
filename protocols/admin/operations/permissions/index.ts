import type { Directory } from '#directory/directory';
import { mailboxPermissions } from '#directory/mailbox-permission';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textsOf } from '../input.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';

/** permissionOperations are the operations on who may do what with whose mailbox. */
export function permissionOperations({
  permissions,
}: Pick<Directory, 'permissions'>): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.PutMailboxPermissions': (input) => putPermissions(permissions, input),
    'WorkMailService.DeleteMailboxPermissions': (input) => deletePermissions(permissions, input),
    'WorkMailService.ListMailboxPermissions': (input) => listPermissions(permissions, input),
  };
}

type Permissions = Directory['permissions'];

async function putPermissions(permissions: Permissions, input: AdminInput): Promise<object> {
  const values = textsOf(input, 'PermissionValues') ?? [];
  await permissions.put(
    organizationOf(input),
    requiredText(input, 'EntityId'),
    requiredText(input, 'GranteeId'),
    mailboxPermissions.filter((one) => values.includes(one)),
  );
  return {};
}

async function deletePermissions(permissions: Permissions, input: AdminInput): Promise<object> {
  const grantee = requiredText(input, 'GranteeId');
  await permissions.delete(organizationOf(input), requiredText(input, 'EntityId'), grantee);
  return {};
}

async function listPermissions(permissions: Permissions, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const entity = requiredText(input, 'EntityId');
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'permissions', organization, entity);
  const page = await permissions.list(organization, entity, after, limit);
  return {
    Permissions: page.rows.map((grant) => ({
      GranteeId: grant.grantee,
      GranteeType: grant.granteeKind === 'group' ? 'GROUP' : 'USER',
      PermissionValues: grant.permissions,
    })),
    NextToken: nextToken(page.next, 'permissions', organization, entity),
  };
}

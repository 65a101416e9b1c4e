import type { Command } from 'commander';
import { ApiError } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

const entityArgument = ['<entity>', 'user, group or resource: address, name or id'] as const;
const granteeArgument = ['<grantee>', 'user or group: address, name or id'] as const;

interface GrantOptions {
  readonly fullAccess?: boolean;
  readonly sendAs?: boolean;
  readonly sendOnBehalf?: boolean;
}

/** addUserPermissions adds `user permissions list|grant|revoke`. */
export function addUserPermissions(user: Command, terminal: Terminal): void {
  const permissions = user
    .command('permissions')
    .description("who may do what with another's mailbox and address");
  withOrganization(permissions.command('list'))
    .description('list what others may do')
    .argument(...entityArgument)
    .action(async (EntityId: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const list = await session.client.list('WorkMailService.ListMailboxPermissions', 'Permissions', {
        OrganizationId,
        EntityId,
      });
      const rows = recordsOf(list['Permissions']);
      const names = await granteeNames(session, OrganizationId, rows);
      session.show(list, () =>
        rows.length === 0
          ? `Nobody else may do anything with ${EntityId}.\n`
          : formatTable(
              ['GRANTEE', 'TYPE', 'PERMISSIONS', 'ID'],
              rows.map(({ GranteeId, GranteeType, PermissionValues }) => [
                names.get(GranteeId),
                GranteeType,
                Array.isArray(PermissionValues) ? PermissionValues.join(', ') : '',
                GranteeId,
              ]),
            ),
      );
    });
  withOrganization(permissions.command('grant'))
    .description('let somebody do this and nothing else: what was granted before is replaced')
    .argument(...entityArgument)
    .argument(...granteeArgument)
    .option('--full-access', 'open the mailbox; not for groups')
    .option('--send-as', 'send mail that comes from its address')
    .option('--send-on-behalf', 'send mail from its address that tells who sent it')
    .action(async (EntityId: string, GranteeId: string, options: GrantOptions, command: Command) => {
      const PermissionValues = valuesOf(options);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId, EntityId, GranteeId, PermissionValues };
      const output = await session.client.call('WorkMailService.PutMailboxPermissions', input);
      session.show(output, () => `${GranteeId} has ${PermissionValues.join(', ')} on ${EntityId}.\n`);
    });
  withOrganization(permissions.command('revoke'))
    .description('take away all that somebody may do')
    .argument(...entityArgument)
    .argument(...granteeArgument)
    .action(async (EntityId: string, GranteeId: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { OrganizationId: await session.organizationId(), EntityId, GranteeId };
      const output = await session.client.call('WorkMailService.DeleteMailboxPermissions', input);
      session.show(output, () => `${GranteeId} may do nothing with ${EntityId} any more.\n`);
    });
}

function valuesOf({ fullAccess, sendAs, sendOnBehalf }: GrantOptions): readonly string[] {
  const values = [
    ...(fullAccess ? ['FULL_ACCESS'] : []),
    ...(sendAs ? ['SEND_AS'] : []),
    ...(sendOnBehalf ? ['SEND_ON_BEHALF'] : []),
  ];
  if (values.length > 0) return values;
  throw new UsageError('Give --full-access, --send-as or --send-on-behalf, or several of them.');
}

/** Users and groups by their addresses, or the names of those that are disabled. */
async function granteeNames(
  session: Session,
  OrganizationId: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<ReadonlyMap<unknown, unknown>> {
  const idsOf = (type: string) =>
    rows.filter(({ GranteeType }) => GranteeType === type).map(({ GranteeId }) => String(GranteeId));
  const names = new Map(await session.userNames(OrganizationId, idsOf('USER')));
  for (const GroupId of idsOf('GROUP')) {
    const group = await session.group(OrganizationId, GroupId).catch((error: unknown) => {
      if (error instanceof ApiError && error.type === 'EntityNotFoundException') return undefined;
      throw error;
    });
    names.set(GroupId, group?.['Email'] ?? group?.['Name']);
  }
  return names;
}
